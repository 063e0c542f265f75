-- grain: one row per loan, month and kind: what was written off, sold after repossession, or collected
-- The ledger writes the costs of a repossession as proceeds below zero.
WITH loan AS (
    SELECT
        parse_filename(_file, true) || '-' || assetNumber AS loan_id,
        try_strptime(reportingPeriodBeginningDate, '%m-%d-%Y') AS entry,
        *
    FROM raw.pools
),
cell AS (
    UNPIVOT (
        SELECT
            loan_id,
            entry,
            reportingPeriodActualEndBalanceAmount AS balance_before,
            _file,
            _row,
            _broken,
            COLUMNS('^(BAL|PRC|REC|REP)[0-9]+$')::VARCHAR
        FROM loan
    )
    ON COLUMNS('^(BAL|PRC|REC|REP)[0-9]+$') INTO NAME name VALUE value
),
ledger AS (
    SELECT
        loan_id,
        entry,
        _file,
        _row,
        _broken,
        substr(name, 4)::INTEGER AS month,
        max(TRY_CAST(value AS DECIMAL(18,2))) FILTER (name LIKE 'BAL%') AS balance,
        max(TRY_CAST(value AS DECIMAL(18,2))) FILTER (name LIKE 'PRC%') AS principal_paid,
        max(value) FILTER (name LIKE 'REC%') AS collected,
        max(value) FILTER (name LIKE 'REP%') AS proceeds,
        any_value(balance_before) AS balance_before
    FROM cell
    GROUP BY loan_id, entry, _file, _row, _broken, month
),
opened AS (
    SELECT
        *,
        coalesce(
            lag(balance) OVER (PARTITION BY _file, _row ORDER BY month), CASE month WHEN 1 THEN balance_before END
        ) AS opening
    FROM ledger
),
event AS (
    SELECT *, 'charge_off' AS kind, (opening - principal_paid)::VARCHAR AS amount, NULL AS cost
    FROM opened
    WHERE balance = 0 AND opening - principal_paid > 1
    UNION ALL
    SELECT
        *,
        CASE WHEN TRY_CAST(proceeds AS DECIMAL(18,2)) < 0 THEN 'repossession' ELSE 'sale' END,
        CASE WHEN TRY_CAST(proceeds AS DECIMAL(18,2)) < 0 THEN '0' ELSE proceeds END,
        CASE WHEN TRY_CAST(proceeds AS DECIMAL(18,2)) < 0 THEN ltrim(proceeds, '-') END
    FROM opened
    WHERE TRY_CAST(proceeds AS DECIMAL(18,2)) IS DISTINCT FROM 0 AND proceeds IS NOT NULL
    UNION ALL
    SELECT
        *,
        'payment',
        CASE WHEN TRY_CAST(collected AS DECIMAL(18,2)) < 0 THEN '0' ELSE collected END,
        CASE WHEN TRY_CAST(collected AS DECIMAL(18,2)) < 0 THEN ltrim(collected, '-') END
    FROM opened
    WHERE TRY_CAST(collected AS DECIMAL(18,2)) IS DISTINCT FROM 0 AND collected IS NOT NULL
)
SELECT
    loan_id || '-' || month || '-' || kind AS recovery_id,
    last_day(entry + to_months(month)) AS event_at,
    last_day(entry + to_months(month)) + INTERVAL 15 DAYS AS available_at,
    loan_id,
    kind,
    amount,
    cost,
    _file,
    _row,
    _broken
FROM event
