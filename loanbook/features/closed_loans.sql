-- grain: one row per customer and moment at which a loan's end became known
-- key: customer_id
-- purpose: underwriting
-- local to: customer
WITH ended AS (
    -- by the rows that first told of it: a later one would move what was known before
    SELECT
        loan_id,
        available_at,
        max(event_at) AS ended_at
    FROM repayments
    WHERE balance <= 0
    GROUP BY loan_id, available_at
    QUALIFY row_number() OVER (PARTITION BY loan_id ORDER BY available_at) = 1
),
loans_ended AS (
    SELECT
        l.customer_id,
        greatest(e.available_at, l.available_at) AS available_at,
        l.loan_id,
        l.event_at AS lent_at,
        l.principal,
        max(r.days_past_due) AS worst,
        date_diff('day', l.event_at + to_days(round(l.term_months * 30.4375)::INTEGER), e.ended_at) AS against_end
    FROM ended AS e
    JOIN loans AS l USING (loan_id)
    JOIN repayments AS r ON r.loan_id = e.loan_id AND r.available_at <= e.available_at
    GROUP BY ALL
)
SELECT
    customer_id,
    available_at,
    (count(*) OVER ever)::DOUBLE AS closed_loans,
    (count(*) FILTER (worst > 0) OVER ever)::DOUBLE / count(*) OVER ever AS closed_late_share,
    (sum(worst) OVER ever)::DOUBLE / count(*) OVER ever AS closed_mean_dpd,
    (max(worst) OVER ever)::DOUBLE AS closed_worst_dpd,
    worst::DOUBLE AS closed_last_dpd,
    (sum(worst) OVER three)::DOUBLE / count(*) OVER three AS closed_last3_dpd,
    (sum(against_end) OVER ever)::DOUBLE / count(*) OVER ever AS closed_mean_days_against_end,
    against_end::DOUBLE AS closed_last_days_against_end,
    (sum(against_end) OVER three)::DOUBLE / count(*) OVER three AS closed_last3_days_against_end,
    (max(principal) OVER ever)::DOUBLE AS closed_largest_principal,
    date_diff('day', min(lent_at) OVER ever, available_at)::DOUBLE AS closed_tenure_days
FROM loans_ended
WINDOW
    ever AS (PARTITION BY customer_id ORDER BY available_at, loan_id ROWS UNBOUNDED PRECEDING),
    three AS (PARTITION BY customer_id ORDER BY available_at, loan_id ROWS 2 PRECEDING)
QUALIFY row_number() OVER (PARTITION BY customer_id, available_at ORDER BY loan_id DESC) = 1
