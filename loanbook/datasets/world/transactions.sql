SELECT
    transaction_id,
    event_at,
    available_at,
    customer_id,
    amount,
    direction,
    category,
    merchant,
    channel,
    _file,
    _row,
    _broken
FROM raw.transactions
