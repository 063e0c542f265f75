-- grain: one row per customer and moment at which something of a repayment became known
-- key: customer_id
-- purpose: underwriting
-- local to: customer
WITH known AS (
    SELECT
        l.customer_id,
        greatest(r.available_at, l.available_at) AS available_at,
        r.loan_id,
        r.event_at,
        r.instalment_no,
        r.repayment_id,
        r.days_past_due,
        r.due_amount,
        r.paid_amount,
        (r.balance <= 0)::INTEGER AS closed,
        (row_number() OVER (PARTITION BY r.loan_id ORDER BY r.available_at, r.instalment_no, r.repayment_id) = 1)::INTEGER AS first_of_loan
    FROM repayments AS r
    JOIN loans AS l USING (loan_id)
),
moments AS (
    SELECT
        customer_id,
        available_at,
        count(*) AS instalments,
        count(*) FILTER (days_past_due > 0) AS late,
        sum(days_past_due) AS days_late,
        max(days_past_due) AS worst,
        arg_max(days_past_due, (event_at, loan_id, instalment_no, repayment_id)) AS latest,
        sum(due_amount) AS due,
        sum(paid_amount) AS paid,
        sum(first_of_loan) AS loans,
        sum(closed) AS closed
    FROM known
    GROUP BY customer_id, available_at
)
SELECT
    customer_id,
    available_at,
    sum(loans) OVER ever::DOUBLE AS history_loans,
    sum(closed) OVER ever::DOUBLE AS history_closed,
    sum(instalments) OVER ever::DOUBLE AS history_instalments,
    sum(late) OVER ever / sum(instalments) OVER ever AS history_late_share,
    sum(days_late) OVER ever / sum(instalments) OVER ever AS history_mean_dpd,
    max(worst) OVER ever::DOUBLE AS history_worst_dpd,
    max(worst) OVER year::DOUBLE AS history_worst_dpd_12m,
    latest::DOUBLE AS history_latest_dpd,
    (sum(paid) OVER ever)::DOUBLE / nullif(sum(due) OVER ever, 0)::DOUBLE AS history_paid_share
FROM moments
WINDOW
    ever AS (PARTITION BY customer_id ORDER BY available_at),
    year AS (PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN INTERVAL 365 DAYS PRECEDING AND CURRENT ROW)
