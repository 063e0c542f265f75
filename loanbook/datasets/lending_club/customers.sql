-- grain: one row per loan, for the file names no person
SELECT
    'lc-' || _row AS customer_id,
    issue_d AS event_at,
    issue_d AS available_at,
    addr_state AS region,
    zip_code AS address,
    _file,
    _row,
    _broken
FROM raw.loans
