SELECT
    month,
    event_at,
    available_at,
    used_vehicle_index,
    policy_rate,
    unemployment,
    _file,
    _row,
    _broken
FROM raw.market
