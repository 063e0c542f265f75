SELECT
    limit_id,
    event_at,
    available_at,
    customer_id,
    limit_amount,
    rate,
    randomised,
    _file,
    _row,
    _broken
FROM raw.limits
