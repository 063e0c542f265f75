-- grain: one row per customer and moment at which a transaction became known
-- key: customer_id
-- purpose: underwriting
-- Money is summed exactly and divided at the end, so that the order of adding can't be seen.
WITH moments AS (
    SELECT
        customer_id,
        available_at,
        count(*) AS n,
        sum(amount) FILTER (direction = 'in') AS inflow,
        sum(amount) FILTER (direction = 'out') AS outflow,
        sum(amount) FILTER (category = 'salary') AS salary,
        sum(amount) FILTER (category = 'cash') AS cash,
        sum(amount) FILTER (category = 'gambling') AS gambling,
        count(*) FILTER (category = 'salary') AS salaries
    FROM transactions
    GROUP BY customer_id, available_at
)
SELECT
    customer_id,
    available_at,
    sum(n) OVER quarter::DOUBLE AS transactions_90d,
    coalesce(sum(inflow) OVER quarter, 0)::DOUBLE AS inflow_90d,
    coalesce(sum(outflow) OVER quarter, 0)::DOUBLE AS outflow_90d,
    coalesce(sum(salary) OVER quarter, 0)::DOUBLE AS salary_90d,
    sum(salaries) OVER quarter::DOUBLE AS salaries_90d,
    coalesce(sum(cash) OVER quarter, 0)::DOUBLE / nullif(sum(outflow) OVER quarter, 0)::DOUBLE AS cash_share_90d,
    coalesce(sum(gambling) OVER quarter, 0)::DOUBLE / nullif(sum(outflow) OVER quarter, 0)::DOUBLE AS gambling_share_90d,
    coalesce(sum(outflow) OVER quarter, 0)::DOUBLE / nullif(sum(inflow) OVER quarter, 0)::DOUBLE AS spend_ratio_90d,
    sum(n) OVER month::DOUBLE AS transactions_30d
FROM moments
WINDOW
    quarter AS (PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN INTERVAL 90 DAYS PRECEDING AND CURRENT ROW),
    month AS (PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND CURRENT ROW)
