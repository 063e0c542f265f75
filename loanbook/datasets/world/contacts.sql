SELECT
    contact_id,
    event_at,
    available_at,
    customer_id,
    offer,
    channel,
    limit_amount,
    rate,
    randomised,
    response,
    _file,
    _row,
    _broken
FROM raw.contacts
