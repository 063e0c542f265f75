-- grain: one row per customer and moment at which a transaction became known
-- key: customer_id
-- purpose: underwriting
-- local to: customer
-- Money is summed exactly and divided at the end, so that the order of adding can't be seen. A window's sum
-- is what was summed until now less what was summed until it began. Windows end with the last transaction
-- known; months are of 30 days and count back from it; the night is 22:00 to 06:00 UTC.
WITH moments AS (
    SELECT
        customer_id,
        available_at,
        count(*) AS n,
        coalesce(sum(amount) FILTER (direction = 'in'), 0) AS inflow,
        coalesce(sum(amount) FILTER (direction = 'out'), 0) AS outflow,
        coalesce(sum(amount) FILTER (category = 'salary'), 0) AS salary,
        coalesce(sum(amount) FILTER (category = 'cash'), 0) AS cash,
        coalesce(sum(amount) FILTER (category = 'gambling'), 0) AS gambling,
        count(*) FILTER (category = 'salary') AS salaries,
        count(*) FILTER (hour(event_at) >= 22 OR hour(event_at) < 6) AS night,
        max(event_at) FILTER (category = 'salary') AS paid_at
    FROM transactions
    GROUP BY customer_id, available_at
),
paydays AS (
    SELECT *, date_diff('day', max(paid_at) OVER earlier, paid_at) AS gap
    FROM moments
    WINDOW earlier AS (
        PARTITION BY customer_id ORDER BY available_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
running AS (
    SELECT
        customer_id,
        available_at,
        min(available_at) OVER past AS first_at,
        {
            n: (sum(n) OVER past)::BIGINT,
            inflow: (sum(inflow) OVER past)::DECIMAL(38, 2),
            outflow: (sum(outflow) OVER past)::DECIMAL(38, 2),
            salary: (sum(salary) OVER past)::DECIMAL(38, 2),
            cash: (sum(cash) OVER past)::DECIMAL(38, 2),
            gambling: (sum(gambling) OVER past)::DECIMAL(38, 2),
            salaries: (sum(salaries) OVER past)::BIGINT,
            night: (sum(night) OVER past)::BIGINT,
            gaps: (count(gap) OVER past)::BIGINT,
            gap: coalesce(sum(gap) OVER past, 0)::BIGINT,
            gap2: coalesce(sum(gap * gap) OVER past, 0)::BIGINT
        } AS til
    FROM paydays
    WINDOW past AS (PARTITION BY customer_id ORDER BY available_at ROWS UNBOUNDED PRECEDING)
),
windows AS (
    SELECT
        customer_id,
        available_at,
        til,
        least(greatest(ceil((epoch_us(available_at) - epoch_us(first_at)) / (30 * 86400e6)), 1), 6)::INTEGER
            AS months,
        last_value(til) OVER until_30 AS til_30,
        last_value(til) OVER until_60 AS til_60,
        last_value(til) OVER until_90 AS til_90,
        last_value(til) OVER until_120 AS til_120,
        last_value(til) OVER until_150 AS til_150,
        last_value(til) OVER until_180 AS til_180,
        last_value(til) OVER until_365 AS til_365
    FROM running
    WINDOW
        until_30 AS (
            PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN UNBOUNDED PRECEDING AND
            INTERVAL '30 days 1 microsecond' PRECEDING
        ),
        until_60 AS (
            PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN UNBOUNDED PRECEDING AND
            INTERVAL '60 days 1 microsecond' PRECEDING
        ),
        until_90 AS (
            PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN UNBOUNDED PRECEDING AND
            INTERVAL '90 days 1 microsecond' PRECEDING
        ),
        until_120 AS (
            PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN UNBOUNDED PRECEDING AND
            INTERVAL '120 days 1 microsecond' PRECEDING
        ),
        until_150 AS (
            PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN UNBOUNDED PRECEDING AND
            INTERVAL '150 days 1 microsecond' PRECEDING
        ),
        until_180 AS (
            PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN UNBOUNDED PRECEDING AND
            INTERVAL '180 days 1 microsecond' PRECEDING
        ),
        until_365 AS (
            PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN UNBOUNDED PRECEDING AND
            INTERVAL '365 days 1 microsecond' PRECEDING
        )
),
sums AS (
    SELECT
        customer_id,
        available_at,
        months,
        til.n - coalesce(til_30.n, 0) AS n_30,
        til.inflow - coalesce(til_30.inflow, 0) AS inflow_30,
        til.outflow - coalesce(til_30.outflow, 0) AS outflow_30,
        til.n - coalesce(til_90.n, 0) AS n_90,
        til.inflow - coalesce(til_90.inflow, 0) AS inflow_90,
        til.outflow - coalesce(til_90.outflow, 0) AS outflow_90,
        til.n - coalesce(til_365.n, 0) AS n_365,
        til.inflow - coalesce(til_365.inflow, 0) AS inflow_365,
        til.outflow - coalesce(til_365.outflow, 0) AS outflow_365,
        til.salary - coalesce(til_90.salary, 0) AS salary_90,
        til.cash - coalesce(til_90.cash, 0) AS cash_90,
        til.gambling - coalesce(til_90.gambling, 0) AS gambling_90,
        til.salaries - coalesce(til_90.salaries, 0) AS salaries_90,
        til.night - coalesce(til_90.night, 0) AS night_90,
        til.salary - coalesce(til_365.salary, 0) AS salary_365,
        til.gambling - coalesce(til_365.gambling, 0) AS gambling_365,
        til.gaps - coalesce(til_365.gaps, 0) AS gaps,
        til.gap - coalesce(til_365.gap, 0) AS gap,
        til.gap2 - coalesce(til_365.gap2, 0) AS gap2,
        coalesce(til_90.inflow, 0) - coalesce(til_180.inflow, 0) AS inflow_before,
        coalesce(til_90.outflow, 0) - coalesce(til_180.outflow, 0) AS outflow_before,
        [
            (til.inflow - til.outflow - coalesce(til_30.inflow - til_30.outflow, 0))::DOUBLE,
            (coalesce(til_30.inflow - til_30.outflow, 0) - coalesce(til_60.inflow - til_60.outflow, 0))::DOUBLE,
            (coalesce(til_60.inflow - til_60.outflow, 0) - coalesce(til_90.inflow - til_90.outflow, 0))::DOUBLE,
            (coalesce(til_90.inflow - til_90.outflow, 0) - coalesce(til_120.inflow - til_120.outflow, 0))::DOUBLE,
            (coalesce(til_120.inflow - til_120.outflow, 0) - coalesce(til_150.inflow - til_150.outflow, 0))::DOUBLE,
            (coalesce(til_150.inflow - til_150.outflow, 0) - coalesce(til_180.inflow - til_180.outflow, 0))::DOUBLE
        ][:months] AS nets,
        (til.salaries > coalesce(til_30.salaries, 0))::INTEGER
            + (coalesce(til_30.salaries, 0) > coalesce(til_60.salaries, 0))::INTEGER
            + (coalesce(til_60.salaries, 0) > coalesce(til_90.salaries, 0))::INTEGER
            + (coalesce(til_90.salaries, 0) > coalesce(til_120.salaries, 0))::INTEGER
            + (coalesce(til_120.salaries, 0) > coalesce(til_150.salaries, 0))::INTEGER
            + (coalesce(til_150.salaries, 0) > coalesce(til_180.salaries, 0))::INTEGER AS months_paid
    FROM windows
)
SELECT
    customer_id,
    available_at,
    n_30::DOUBLE AS transactions_30d,
    n_90::DOUBLE AS transactions_90d,
    n_365::DOUBLE AS transactions_365d,
    inflow_30::DOUBLE AS inflow_30d,
    inflow_90::DOUBLE AS inflow_90d,
    inflow_365::DOUBLE AS inflow_365d,
    outflow_30::DOUBLE AS outflow_30d,
    outflow_90::DOUBLE AS outflow_90d,
    outflow_365::DOUBLE AS outflow_365d,
    salary_90::DOUBLE AS salary_90d,
    salary_365::DOUBLE AS salary_365d,
    salaries_90::DOUBLE AS salaries_90d,
    salary_90::DOUBLE / nullif(salaries_90, 0) AS salary_payment_90d,
    cash_90::DOUBLE / nullif(outflow_90, 0)::DOUBLE AS cash_share_90d,
    gambling_90::DOUBLE / nullif(outflow_90, 0)::DOUBLE AS gambling_share_90d,
    gambling_365::DOUBLE / nullif(outflow_365, 0)::DOUBLE AS gambling_share_365d,
    outflow_90::DOUBLE / nullif(inflow_90, 0)::DOUBLE AS spend_ratio_90d,
    outflow_365::DOUBLE / nullif(inflow_365, 0)::DOUBLE AS spend_ratio_365d,
    night_90::DOUBLE / n_90 AS night_share_90d,
    3 * inflow_30::DOUBLE / nullif(inflow_90, 0)::DOUBLE AS inflow_trend_30d,
    3 * outflow_30::DOUBLE / nullif(outflow_90, 0)::DOUBLE AS outflow_trend_30d,
    inflow_90::DOUBLE / nullif(inflow_before, 0)::DOUBLE AS inflow_trend_90d,
    outflow_90::DOUBLE / nullif(outflow_before, 0)::DOUBLE AS outflow_trend_90d,
    CASE WHEN months > 1 THEN list_stddev_pop(nets) END AS net_flow_sd_6m,
    CASE WHEN months > 1 THEN months_paid / months END AS salary_month_share_6m,
    CASE
        WHEN gaps > 1 THEN sqrt((gaps::HUGEINT * gap2 - gap::HUGEINT * gap)::DOUBLE) / gaps
    END AS salary_gap_sd_365d
FROM sums
