-- grain: one row per loan that was scored by a bureau; the others name no kind of score
SELECT
    parse_filename(_file, true) || '-' || assetNumber AS report_id,
    try_strptime(originationDate, '%m/%Y') AS event_at,
    try_strptime(originationDate, '%m/%Y') AS available_at,
    parse_filename(_file, true) || '-' || assetNumber AS customer_id,
    obligorCreditScore AS score,
    _file,
    _row,
    _broken
FROM raw.pools
WHERE obligorCreditScoreType IS NOT NULL OR obligorCreditScore IS NOT NULL
