SELECT
    link_id,
    event_at,
    available_at,
    customer_id,
    kind,
    shared_key,
    -- a referrer and a guarantor are named by their number: so a customer's own is told, once per application
    CASE WHEN kind = 'device' THEN customer_id END AS own_key,
    _file,
    _row,
    _broken
FROM raw.links
