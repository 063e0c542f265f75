SELECT
    statement_id,
    event_at,
    available_at,
    limit_id,
    customer_id,
    balance,
    days_past_due,
    _file,
    _row,
    _broken
FROM raw.statements
