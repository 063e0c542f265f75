-- grain: one row per listing
-- A price is what a dealer asks, so it is a list price and no appraised value. Distances are in miles, and
-- consumption in miles to the imperial gallon.
SELECT
    parse_filename(_file, true) || '-' || _row AS vehicle_id,
    TIMESTAMP '2020-07-01' AS event_at,
    TIMESTAMP '2020-07-01' AS available_at,
    CASE parse_filename(_file, true)
        WHEN 'hyundi' THEN 'HYUNDAI'
        WHEN 'merc' THEN 'MERCEDES-BENZ'
        WHEN 'vw' THEN 'VOLKSWAGEN'
        ELSE upper(parse_filename(_file, true))
    END AS make,
    upper(trim(model)) AS model,
    year AS model_year,
    'used' AS condition,
    price AS list_price,
    round(mileage * 1.609344, 1) AS mileage_km,
    lower(trim(fuelType)) AS fuel,
    lower(trim(transmission)) AS transmission,
    -- an engine of nothing is one that wasn't stated, but where there is none
    CASE WHEN engineSize > 0 OR fuelType = 'Electric' THEN engineSize END AS engine_litres,
    CASE WHEN mpg > 0 THEN round(282.480936 / mpg, 2) END AS litres_100km,
    tax AS yearly_tax,
    _file,
    _row,
    _broken
FROM raw.listings
