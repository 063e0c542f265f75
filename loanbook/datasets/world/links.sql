SELECT
    link_id,
    event_at,
    available_at,
    customer_id,
    kind,
    shared_key,
    _file,
    _row,
    _broken
FROM raw.links
