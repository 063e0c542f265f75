-- grain: one row per customer and moment at which a loan, or something of its repayment, became known
-- key: customer_id
-- purpose: underwriting
-- local to: customer
-- Each row that tells more of a loan than was known brings the difference to what the loan said before, so
-- that sums over time are what all loans of a customer say at that moment.
WITH lent AS (
    SELECT
        loan_id,
        available_at,
        customer_id,
        event_at,
        coalesce(principal, 0) AS principal,
        coalesce(instalment, 0) AS instalment
    FROM loans
),
known AS (
    SELECT
        l.customer_id,
        r.loan_id,
        greatest(r.available_at, l.available_at) AS available_at,
        l.principal,
        l.instalment,
        r.event_at,
        r.instalment_no,
        r.repayment_id,
        r.balance,
        coalesce(r.days_past_due, 0) AS days_past_due,
        r.due_amount - r.paid_amount AS short
    FROM repayments AS r
    JOIN lent AS l USING (loan_id)
),
told AS (
    SELECT
        *,
        event_at >= coalesce(max(event_at) OVER earlier, event_at) AS latest,
        greatest(coalesce(sum(short) OVER til_now, 0), 0)::DECIMAL(38, 2) AS overdue
    FROM known
    WINDOW
        til_now AS (
            PARTITION BY loan_id ORDER BY available_at, event_at, instalment_no, repayment_id
            ROWS UNBOUNDED PRECEDING
        ),
        earlier AS (
            PARTITION BY loan_id ORDER BY available_at, event_at, instalment_no, repayment_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),
states AS (
    SELECT
        customer_id,
        loan_id,
        available_at,
        event_at,
        1 AS place,
        instalment_no,
        repayment_id,
        CASE WHEN latest AND balance IS NOT NULL THEN greatest(balance, 0) END AS balance,
        principal,
        instalment,
        overdue,
        CASE WHEN latest THEN (days_past_due > 0)::INTEGER END AS late
    FROM told
    UNION ALL
    SELECT customer_id, loan_id, available_at, event_at, 0, 0, NULL, principal, principal, instalment, 0, 0
    FROM lent
),
carried AS (
    SELECT
        customer_id,
        loan_id,
        available_at,
        place,
        event_at,
        instalment_no,
        repayment_id,
        principal,
        instalment,
        overdue,
        last_value(balance IGNORE NULLS) OVER til_now AS balance,
        last_value(late IGNORE NULLS) OVER til_now AS late
    FROM states
    WINDOW til_now AS (
        PARTITION BY loan_id ORDER BY available_at, place, event_at, instalment_no, repayment_id
        ROWS UNBOUNDED PRECEDING
    )
),
said AS (
    SELECT
        *,
        (balance > 0)::INTEGER AS runs,
        coalesce(lag(balance) OVER arrivals, 0) AS balance_before,
        coalesce((lag(balance) OVER arrivals > 0)::INTEGER, 0) AS ran,
        coalesce(lag(overdue) OVER arrivals, 0) AS overdue_before,
        coalesce(lag(late) OVER arrivals, 0) AS late_before
    FROM carried
    WINDOW arrivals AS (
        PARTITION BY loan_id ORDER BY available_at, place, event_at, instalment_no, repayment_id
    )
),
moments AS (
    SELECT
        customer_id,
        available_at,
        sum(runs - ran) AS loans,
        sum(balance - balance_before) AS balance,
        sum(principal * (runs - ran)) AS principal,
        sum(instalment * (runs - ran)) AS instalments,
        sum(overdue - overdue_before) AS overdue,
        sum(late - late_before) AS late,
        count(*) FILTER (place = 0) AS lent
    FROM said
    GROUP BY customer_id, available_at
)
SELECT
    customer_id,
    available_at,
    (sum(loans) OVER til_now)::DOUBLE AS open_loans,
    (sum(balance) OVER til_now)::DOUBLE AS open_balance,
    (sum(balance) OVER til_now)::DOUBLE / nullif(sum(principal) OVER til_now, 0)::DOUBLE AS open_used,
    (sum(instalments) OVER til_now)::DOUBLE AS open_instalments,
    (sum(overdue) OVER til_now)::DOUBLE AS overdue_amount,
    (sum(late) OVER til_now)::DOUBLE AS overdue_loans,
    (sum(lent) OVER til_now)::DOUBLE AS loans_lent,
    (sum(lent) OVER year)::DOUBLE AS loans_lent_12m
FROM moments
WINDOW
    til_now AS (PARTITION BY customer_id ORDER BY available_at),
    year AS (PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN INTERVAL 365 DAYS PRECEDING AND CURRENT ROW)
