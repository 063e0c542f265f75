-- grain: one row per application that a dealer sent, known when it is filed
-- key: application_id
-- purpose: underwriting
-- local to: everything
-- The dealer's other applications, those filed before or at the same moment. Its bad share counts loans 90
-- days past due by then, drawn towards that of all dealers as if 50 more loans stood there. A window's sum is
-- what was summed until now less what was summed until it began: time is gone through once, not once a row.
WITH filed AS (
    SELECT a.application_id, a.available_at, a.dealer_id, v.list_price, v.appraised_value
    FROM applications AS a
    LEFT JOIN vehicles AS v
        ON a.vehicle_id = v.vehicle_id AND v.available_at <= a.available_at
    WHERE a.dealer_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY a.application_id
        ORDER BY v.available_at DESC, v.event_at DESC, v.list_price, v.appraised_value
    ) = 1
),
went_bad AS (
    SELECT loan_id, min(available_at) AS bad_at
    FROM repayments
    WHERE days_past_due >= 90
    GROUP BY loan_id
),
lent AS (
    SELECT
        f.dealer_id,
        greatest(l.available_at, f.available_at) AS lent_at,
        CASE WHEN b.bad_at IS NOT NULL THEN greatest(b.bad_at, l.available_at, f.available_at) END AS bad_at
    FROM loans AS l
    JOIN filed AS f USING (application_id)
    LEFT JOIN went_bad AS b USING (loan_id)
),
moments AS (
    SELECT
        dealer_id,
        available_at AS known_at,
        count(*) AS filed,
        0 AS asked,
        0 AS appraised,
        0 AS loans,
        0 AS bads
    FROM filed
    GROUP BY ALL
    UNION ALL
    SELECT dealer_id, available_at, 0, sum(list_price), sum(appraised_value), 0, 0
    FROM filed
    WHERE list_price > 0 AND appraised_value > 0
    GROUP BY ALL
    UNION ALL
    SELECT dealer_id, lent_at, 0, 0, 0, count(*), 0 FROM lent GROUP BY ALL
    UNION ALL
    SELECT dealer_id, bad_at, 0, 0, 0, 0, count(*) FROM lent WHERE bad_at IS NOT NULL GROUP BY ALL
),
merged AS (
    SELECT
        dealer_id,
        known_at,
        sum(filed) AS filed,
        sum(asked) AS asked,
        sum(appraised) AS appraised,
        sum(loans) AS loans,
        sum(bads) AS bads
    FROM moments
    GROUP BY dealer_id, known_at
),
running AS (
    SELECT
        dealer_id,
        known_at,
        sum(filed) OVER til_now AS filed,
        sum(asked) OVER til_now AS asked,
        sum(appraised) OVER til_now AS appraised,
        sum(loans) OVER til_now AS loans,
        sum(bads) OVER til_now AS bads
    FROM merged
    WINDOW til_now AS (PARTITION BY dealer_id ORDER BY known_at ROWS UNBOUNDED PRECEDING)
),
dealers AS (
    SELECT
        r.dealer_id,
        r.known_at,
        r.filed - coalesce(m.filed, 0) AS filed_30d,
        r.filed - coalesce(q.filed, 0) AS filed_90d,
        (r.asked - coalesce(q.asked, 0))::DOUBLE
            / nullif(r.appraised - coalesce(q.appraised, 0), 0)::DOUBLE AS price_to_value,
        r.loans,
        r.bads
    FROM running AS r
    ASOF LEFT JOIN running AS m ON r.dealer_id = m.dealer_id AND r.known_at - INTERVAL 30 DAYS > m.known_at
    ASOF LEFT JOIN running AS q ON r.dealer_id = q.dealer_id AND r.known_at - INTERVAL 90 DAYS > q.known_at
),
running_everybody AS (
    SELECT
        known_at,
        sum(sum(filed)) OVER til_now AS filed,
        sum(sum(loans)) OVER til_now AS loans,
        sum(sum(bads)) OVER til_now AS bads
    FROM merged
    GROUP BY known_at
    WINDOW til_now AS (ORDER BY known_at ROWS UNBOUNDED PRECEDING)
),
everybody AS (
    SELECT r.known_at, r.filed - coalesce(q.filed, 0) AS filed_90d, r.loans, r.bads
    FROM running_everybody AS r
    ASOF LEFT JOIN running_everybody AS q ON r.known_at - INTERVAL 90 DAYS > q.known_at
)
SELECT
    f.application_id,
    f.available_at,
    d.filed_90d::DOUBLE AS dealer_applications_90d,
    d.filed_90d::DOUBLE / e.filed_90d::DOUBLE AS dealer_share_90d,
    3 * d.filed_30d::DOUBLE / d.filed_90d::DOUBLE AS dealer_growth_30d,
    d.price_to_value AS dealer_price_to_value_90d,
    CASE
        WHEN d.loans >= 10
            THEN (d.bads::DOUBLE + 50 * e.bads::DOUBLE / e.loans::DOUBLE) / (d.loans::DOUBLE + 50)
    END AS dealer_bad_share
FROM filed AS f
JOIN dealers AS d ON f.dealer_id = d.dealer_id AND f.available_at = d.known_at
JOIN everybody AS e ON f.available_at = e.known_at
