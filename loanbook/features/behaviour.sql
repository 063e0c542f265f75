-- grain: one row per loan and first of a month, from its first instalment told of to three months after the last
-- key: loan_id
-- purpose: servicing
-- local to: customer
-- What a month's first shows is the ledger as it was known then: the rows are counted in the order in which
-- they came. A ledger that falls silent is shown for three months, and a repaid loan once.
WITH known AS (
    SELECT
        l.loan_id,
        greatest(r.available_at, l.available_at) AS known_at,
        date_trunc('month', known_at - INTERVAL 1 MICROSECOND) + INTERVAL 1 MONTH AS month,
        l.event_at AS lent_at,
        l.term_months,
        l.rate,
        l.principal::DOUBLE AS principal,
        l.instalment::DOUBLE AS instalment,
        r.event_at,
        r.balance::DOUBLE AS balance,
        r.days_past_due,
        r.due_amount::DOUBLE AS due,
        r.paid_amount::DOUBLE AS paid,
        coalesce(paid <= 0 AND due > 0, false)::INTEGER AS missed,
        row_number() OVER (
            PARTITION BY r.loan_id ORDER BY known_at, r.event_at, r.instalment_no, r.repayment_id
        ) AS place
    FROM repayments AS r
    JOIN loans AS l USING (loan_id)
),
counted AS (
    SELECT
        *,
        lead(month) OVER arrivals AS next_month,
        max(days_past_due) OVER last_3 AS worst_3,
        max(days_past_due) OVER last_6 AS worst_6,
        max(days_past_due) OVER last_12 AS worst_12,
        max(days_past_due) OVER til_now AS worst,
        avg(days_past_due) OVER last_6 AS mean_6,
        avg((days_past_due > 0)::INTEGER) OVER last_6 AS late_6,
        avg((days_past_due > 0)::INTEGER) OVER til_now AS late_ever,
        days_past_due - lag(days_past_due, 3) OVER arrivals AS dpd_change_3,
        coalesce(days_past_due < 30 AND lag(days_past_due) OVER arrivals >= 30, false)::INTEGER AS cured,
        sum(missed) OVER last_12 AS missed_12,
        max(CASE WHEN missed = 1 THEN place END) OVER til_now AS last_missed,
        max(CASE WHEN missed = 0 THEN place ELSE 0 END) OVER til_now AS last_met,
        sum(due) OVER last_3 AS due_3,
        sum(paid) OVER last_3 AS paid_3,
        sum(due) OVER last_6 AS due_6,
        sum(paid) OVER last_6 AS paid_6,
        sum(due) OVER til_now AS due_ever,
        sum(paid) OVER til_now AS paid_ever,
        avg((paid > 0 AND paid < 0.95 * due)::INTEGER) OVER last_6 AS partial_6,
        avg((paid > 1.05 * due)::INTEGER) OVER last_6 AS over_6,
        max(CASE WHEN paid > 0 THEN event_at END) OVER til_now AS last_paid_at
    FROM known
    WINDOW
        arrivals AS (PARTITION BY loan_id ORDER BY place),
        til_now AS (PARTITION BY loan_id ORDER BY place ROWS UNBOUNDED PRECEDING),
        last_3 AS (PARTITION BY loan_id ORDER BY place ROWS 2 PRECEDING),
        last_6 AS (PARTITION BY loan_id ORDER BY place ROWS 5 PRECEDING),
        last_12 AS (PARTITION BY loan_id ORDER BY place ROWS 11 PRECEDING)
),
shown AS (
    SELECT
        *,
        sum(cured) OVER (PARTITION BY loan_id ORDER BY place ROWS UNBOUNDED PRECEDING) AS cures,
        1 + greatest(coalesce(rate, 0), 1e-6) / 12 AS growth,
        unnest(range(
            month,
            least(
                coalesce(next_month, TIMESTAMP '9999-01-01'),
                month + CASE WHEN balance <= 0 THEN INTERVAL 1 MONTH ELSE INTERVAL 3 MONTHS END
            ),
            INTERVAL 1 MONTH
        )) AS available_at
    FROM counted
)
SELECT
    loan_id,
    available_at,
    date_diff('day', lent_at, available_at) / 30.4375 AS loan_age_months,
    term_months - date_diff('day', lent_at, available_at) / 30.4375 AS loan_months_left,
    rate AS loan_rate,
    instalment AS loan_instalment,
    place::DOUBLE AS loan_instalments_told,
    balance AS loan_balance,
    balance / nullif(principal, 0) AS loan_balance_share,
    -- against what an annuity would leave by now
    balance / nullif(
        principal * (growth ** term_months - growth ** least(date_diff('day', lent_at, event_at) / 30.4375, term_months))
        / nullif(growth ** term_months - 1, 0), 0
    ) AS loan_balance_to_plan,
    days_past_due::DOUBLE AS loan_dpd,
    worst_3::DOUBLE AS loan_worst_dpd_3m,
    worst_6::DOUBLE AS loan_worst_dpd_6m,
    worst_12::DOUBLE AS loan_worst_dpd_12m,
    worst::DOUBLE AS loan_worst_dpd,
    mean_6 AS loan_mean_dpd_6m,
    late_6 AS loan_late_share_6m,
    late_ever AS loan_late_share,
    dpd_change_3::DOUBLE AS loan_dpd_change_3m,
    cures::DOUBLE AS loan_cures,
    (place - last_met)::DOUBLE AS loan_misses_in_a_row,
    missed_12::DOUBLE AS loan_misses_12m,
    (place - last_missed)::DOUBLE AS loan_instalments_since_miss,
    paid / nullif(due, 0) AS loan_last_paid_share,
    paid_3 / nullif(due_3, 0) AS loan_paid_share_3m,
    paid_6 / nullif(due_6, 0) AS loan_paid_share_6m,
    paid_ever / nullif(due_ever, 0) AS loan_paid_share,
    paid_3 / nullif(due_3, 0) - (paid_6 - paid_3) / nullif(due_6 - due_3, 0) AS loan_paid_change_3m,
    (due_ever - paid_ever) / nullif(instalment, 0) AS loan_arrears,
    partial_6 AS loan_partial_share_6m,
    over_6 AS loan_over_share_6m,
    date_diff('day', coalesce(last_paid_at, lent_at), available_at)::DOUBLE AS loan_days_since_payment,
    date_diff('day', event_at, available_at)::DOUBLE AS loan_days_since_told
FROM shown
