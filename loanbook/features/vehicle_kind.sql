-- grain: one row per vehicle and moment at which it was seen
-- key: vehicle_id
-- purpose: valuation
-- local to: vehicle
SELECT
    vehicle_id,
    available_at,
    date_diff('day', make_date(model_year, 1, 1), event_at::DATE) / 365.25 AS vehicle_age_years,
    lower(make) || ' ' || lower(model) AS vehicle_model,
    lower(fuel) AS vehicle_fuel,
    lower(transmission) AS vehicle_transmission,
    engine_litres AS vehicle_engine_litres,
    litres_100km AS vehicle_litres_100km,
    yearly_tax::DOUBLE AS vehicle_yearly_tax
FROM vehicles
QUALIFY row_number() OVER (
    PARTITION BY vehicle_id, available_at
    ORDER BY event_at DESC, model_year, mileage_km, make, model, fuel, transmission, engine_litres,
        litres_100km, yearly_tax
) = 1
