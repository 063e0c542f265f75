-- grain: one row per month
-- The files hold values and no dates. The first is of 2017-12 in one and of 2020-05 in the other: so
-- the collapse of April 2020 (a record low, then a record high in July) and 22 months of equal values
-- fall together. Where the two disagreed, a month would stand twice and both rows be held.
WITH series AS (
    SELECT DATE '2017-12-01' + to_months((_row - 1)::INTEGER) AS month, mhm_2017 AS value, _broken
    FROM raw.manheim_2017
    UNION
    SELECT DATE '2020-05-01' + to_months((_row - 1)::INTEGER), mhm_2019, _broken
    FROM raw.manheim_2019
)
SELECT
    strftime(month, '%Y-%m') AS month,
    last_day(month)::TIMESTAMP AS event_at,
    -- published on the fifth business day of the next month
    last_day(month)::TIMESTAMP + INTERVAL 8 DAYS AS available_at,
    100 * value / first_value(value) OVER (ORDER BY month) AS used_vehicle_index,
    _broken
FROM series
