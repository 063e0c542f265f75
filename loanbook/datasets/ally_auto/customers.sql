-- grain: one row per loan, for the pools name no person
SELECT
    parse_filename(_file, true) || '-' || assetNumber AS customer_id,
    try_strptime(originationDate, '%m/%Y') AS event_at,
    try_strptime(originationDate, '%m/%Y') AS available_at,
    obligorGeographicLocation AS region,
    _file,
    _row,
    _broken
FROM raw.pools
