SELECT
    recovery_id,
    event_at,
    available_at,
    loan_id,
    kind,
    amount,
    cost,
    _file,
    _row,
    _broken
FROM raw.recoveries
