-- grain: one row per application, known when it is filed
-- key: application_id
-- purpose: underwriting
WITH ended AS (
    SELECT l.customer_id, greatest(r.available_at, l.available_at) AS ended_at
    FROM repayments AS r
    JOIN loans AS l USING (loan_id)
    WHERE r.balance <= 0
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
    length(a.free_text)::DOUBLE AS text_length,
    (count(*) OVER earlier)::DOUBLE AS applications_12m,
    date_diff('day', max(a.available_at) OVER before, a.available_at)::DOUBLE AS days_since_last_application,
    date_diff('day', e.ended_at, a.available_at)::DOUBLE AS days_since_last_loan_ended
FROM applications AS a
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
