-- grain: one row per application, known when it is filed
-- key: application_id
-- purpose: underwriting
SELECT
    application_id,
    available_at,
    amount::DOUBLE AS amount,
    term_months,
    declared_income::DOUBLE AS declared_income,
    declared_debt_payments::DOUBLE AS declared_debt_payments,
    income_verified::INTEGER::DOUBLE AS income_verified,
    lower(employment_status) AS employment_status,
    employment_months,
    lower(housing) AS housing,
    lower(channel) AS channel,
    lower(purpose) AS loan_purpose,
    repeat_customer::INTEGER::DOUBLE AS repeat_customer,
    length(free_text)::DOUBLE AS text_length,
    (count(*) OVER earlier)::DOUBLE AS applications_12m
FROM applications
WINDOW
    earlier AS (
        PARTITION BY customer_id ORDER BY available_at
        RANGE BETWEEN INTERVAL 365 DAYS PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    )
