-- grain: one row per vehicle, at the moment when it was first seen
-- key: vehicle_id
-- purpose: underwriting
-- local to: everything
-- The market is every other vehicle's first sighting in the two years before, never one at the same moment.
-- With fewer than five of a kind it says nothing.
WITH seen AS (
    SELECT
        vehicle_id,
        available_at,
        lower(make) AS make,
        lower(model) AS model,
        CASE WHEN model_year IS NOT NULL THEN greatest(year(event_at) - model_year, 0) END AS age,
        list_price,
        coalesce(appraised_value, list_price) AS value
    FROM vehicles
    QUALIFY row_number() OVER (
        PARTITION BY vehicle_id
        ORDER BY available_at, event_at DESC, appraised_value, list_price, model_year, make, model
    ) = 1
),
months AS (
    SELECT available_at, arg_max(used_vehicle_index, (event_at, month)) AS used_vehicle_index
    FROM market
    GROUP BY available_at
),
indexed AS (
    SELECT
        available_at,
        used_vehicle_index,
        last_value(used_vehicle_index) OVER (
            ORDER BY available_at
            RANGE BETWEEN INTERVAL 450 DAYS PRECEDING AND INTERVAL 330 DAYS PRECEDING
        ) AS a_year_ago
    FROM months
),
priced AS (
    SELECT
        *,
        CASE WHEN count(value) OVER alike >= 5 THEN (median(value::DOUBLE) OVER alike) END AS market_value,
        CASE
            WHEN count(list_price) OVER alike >= 5 THEN (median(list_price::DOUBLE) OVER alike)
        END AS market_price
    FROM seen
    WHERE make IS NOT NULL AND model IS NOT NULL AND age IS NOT NULL
    WINDOW alike AS (
        PARTITION BY make, model, age ORDER BY available_at
        RANGE BETWEEN INTERVAL 730 DAYS PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    )
),
young AS (
    SELECT make, model, available_at, max(market_value) AS new_value
    FROM priced
    WHERE age = 0
    GROUP BY make, model, available_at
),
beside AS (
    SELECT p.*, y.new_value
    FROM priced AS p
    ASOF LEFT JOIN young AS y
        ON p.make = y.make AND p.model = y.model AND p.available_at >= y.available_at
)
SELECT
    b.vehicle_id,
    b.available_at,
    b.market_value AS vehicle_market_value,
    b.value::DOUBLE / nullif(b.market_value, 0) AS vehicle_value_to_market,
    b.list_price::DOUBLE / nullif(b.market_price, 0) AS vehicle_price_to_market,
    b.market_value / nullif(b.new_value, 0) AS vehicle_residual_share,
    CASE
        WHEN b.age > 0 AND b.market_value > 0 AND b.new_value > 0
            THEN 1 - exp(ln(b.market_value / b.new_value) / b.age)
    END AS vehicle_yearly_depreciation,
    i.used_vehicle_index,
    i.used_vehicle_index / nullif(i.a_year_ago, 0) AS used_vehicle_index_change_12m
FROM beside AS b
ASOF LEFT JOIN indexed AS i ON b.available_at >= i.available_at
