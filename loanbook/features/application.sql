-- grain: one row per application, known when it is filed
-- key: application_id
-- purpose: underwriting
-- local to: customer
WITH ended AS (
    SELECT DISTINCT l.customer_id, greatest(r.available_at, l.available_at) AS ended_at
    FROM repayments AS r
    JOIN loans AS l USING (loan_id)
    WHERE r.balance <= 0
),
filed AS (
    SELECT
        *,
        max((available_at, application_id)) FILTER (lat IS NOT NULL AND lon IS NOT NULL) OVER before
            AS last_placed
    FROM applications
    WINDOW before AS (
        PARTITION BY customer_id ORDER BY available_at
        RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    )
)
SELECT
    a.application_id,
    a.available_at,
    a.amount::DOUBLE AS amount,
    a.term_months,
    a.declared_income::DOUBLE AS declared_income,
    a.declared_debt_payments::DOUBLE AS declared_debt_payments,
    a.income_verified::INTEGER::DOUBLE AS income_verified,
    lower(a.employment_status) AS employment_status,
    a.employment_months,
    lower(a.housing) AS housing,
    lower(a.channel) AS channel,
    lower(a.purpose) AS loan_purpose,
    a.repeat_customer::INTEGER::DOUBLE AS repeat_customer,
    (count(*) OVER earlier)::DOUBLE AS applications_12m,
    date_diff('day', max(a.available_at) OVER before, a.available_at)::DOUBLE AS days_since_last_application,
    date_diff('day', e.ended_at, a.available_at)::DOUBLE AS days_since_last_loan_ended,
    -- haversine, on a sphere of 6,371 km
    CASE
        WHEN a.lat IS NOT NULL AND a.lon IS NOT NULL AND p.lat IS NOT NULL
            THEN 12742 * asin(least(1, sqrt(
                sin(radians(a.lat - p.lat) / 2) ** 2
                + cos(radians(a.lat)) * cos(radians(p.lat)) * sin(radians(a.lon - p.lon) / 2) ** 2
            )))
    END AS distance_to_last_km
FROM filed AS a
LEFT JOIN applications AS p ON p.application_id = a.last_placed[2]
ASOF LEFT JOIN ended AS e ON a.customer_id = e.customer_id AND a.available_at >= e.ended_at
WINDOW
    earlier AS (
        PARTITION BY a.customer_id ORDER BY a.available_at
        RANGE BETWEEN INTERVAL 365 DAYS PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    ),
    before AS (
        PARTITION BY a.customer_id ORDER BY a.available_at
        RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    )
