-- grain: one row per application that a dealer sent and moment: its filing, and 2 and 30 days after
-- key: application_id
-- purpose: fraud
-- local to: everything
-- How the dealer who sent it carries on, by all its applications of the last 90 days: how long it is known, how
-- many of its customers nobody saw before, how many of its vehicles are priced a fifth over their value.
WITH filed AS (
    SELECT
        a.application_id,
        a.customer_id,
        a.available_at,
        a.dealer_id,
        (v.list_price > 1.2 * v.appraised_value)::INTEGER AS dear,
        (v.list_price > 0 AND v.appraised_value > 0)::INTEGER AS priced
    FROM applications AS a
    LEFT JOIN vehicles AS v ON a.vehicle_id = v.vehicle_id AND v.available_at <= a.available_at
    WHERE a.dealer_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY a.application_id
        ORDER BY v.available_at DESC, v.event_at DESC, v.list_price, v.appraised_value
    ) = 1
),
firsts AS (
    SELECT customer_id, min(available_at) AS first_at FROM applications GROUP BY customer_id
),
moments AS (
    SELECT
        f.dealer_id,
        f.available_at AS known_at,
        count(*) AS filed,
        sum((f.available_at = n.first_at)::INTEGER) AS fresh,
        sum(CASE WHEN f.priced = 1 THEN f.dear END) AS dear,
        sum(f.priced) AS priced
    FROM filed AS f
    JOIN firsts AS n USING (customer_id)
    GROUP BY f.dealer_id, f.available_at
),
running AS (
    SELECT
        dealer_id,
        known_at,
        min(known_at) OVER til_now AS first_at,
        sum(filed) OVER til_now AS filed,
        sum(fresh) OVER til_now AS fresh,
        coalesce(sum(dear) OVER til_now, 0) AS dear,
        coalesce(sum(priced) OVER til_now, 0) AS priced
    FROM moments
    WINDOW til_now AS (PARTITION BY dealer_id ORDER BY known_at ROWS UNBOUNDED PRECEDING)
),
asked AS (
    SELECT f.application_id, f.dealer_id, f.available_at + to_days(w.days) AS available_at
    FROM filed AS f
    CROSS JOIN (VALUES (0), (2), (30)) AS w(days)
),
windows AS (
    SELECT
        a.application_id,
        a.available_at,
        date_diff('second', r.first_at, a.available_at) / 86400.0 AS known_days,
        r.filed - coalesce(q.filed, 0) AS filed,
        r.fresh - coalesce(q.fresh, 0) AS fresh,
        r.dear - coalesce(q.dear, 0) AS dear,
        r.priced - coalesce(q.priced, 0) AS priced
    FROM asked AS a
    ASOF JOIN running AS r ON a.dealer_id = r.dealer_id AND a.available_at >= r.known_at
    ASOF LEFT JOIN running AS q ON a.dealer_id = q.dealer_id AND a.available_at - INTERVAL 90 DAYS > q.known_at
)
SELECT
    application_id,
    available_at,
    known_days AS dealer_known_days,
    fresh::DOUBLE / nullif(filed, 0)::DOUBLE AS dealer_newcomer_share_90d,
    dear::DOUBLE / nullif(priced, 0)::DOUBLE AS dealer_dear_share_90d,
    dear::DOUBLE AS dealer_dear_90d
FROM windows
