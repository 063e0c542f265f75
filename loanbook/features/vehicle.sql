-- grain: one row per vehicle and moment at which it was seen
-- key: vehicle_id
-- purpose: underwriting
-- local to: vehicle
SELECT
    vehicle_id,
    available_at,
    coalesce(appraised_value, list_price)::DOUBLE AS vehicle_value,
    year(event_at)::DOUBLE - model_year AS vehicle_age,
    (condition = 'new')::INTEGER::DOUBLE AS vehicle_new,
    mileage_km AS vehicle_mileage_km,
    mileage_km / nullif(greatest(year(event_at) - model_year, 0), 0) AS vehicle_km_a_year,
    list_price::DOUBLE / nullif(appraised_value, 0)::DOUBLE AS vehicle_price_to_value,
    lower(make) AS vehicle_make
FROM vehicles
QUALIFY row_number() OVER (
    PARTITION BY vehicle_id, available_at
    ORDER BY event_at DESC, appraised_value, list_price, model_year, mileage_km, make, condition
) = 1
