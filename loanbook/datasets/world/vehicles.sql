SELECT
    vehicle_id,
    event_at,
    available_at,
    make,
    model,
    model_year,
    condition,
    list_price,
    appraised_value,
    mileage_km,
    fuel,
    _file,
    _row,
    _broken
FROM raw.vehicles
