-- grain: one row per vehicle and moment at which it was seen
-- key: vehicle_id
-- purpose: underwriting
SELECT
    vehicle_id,
    available_at,
    coalesce(appraised_value, list_price)::DOUBLE AS vehicle_value,
    year(event_at)::DOUBLE - model_year AS vehicle_age,
    (condition = 'new')::INTEGER::DOUBLE AS vehicle_new,
    mileage_km AS vehicle_mileage_km,
    lower(make) AS vehicle_make
FROM vehicles
QUALIFY row_number() OVER (PARTITION BY vehicle_id, available_at ORDER BY event_at DESC) = 1
