-- grain: one row per loan: how it ended, for the file tells no month before
-- What is charged off was 150 days past due, six months after the month whose instalment was last paid.
WITH ended AS (
    SELECT *, CASE
        WHEN loan_status LIKE '%Charged Off' THEN coalesce(last_pymnt_d, issue_d) + INTERVAL 6 MONTHS
        ELSE coalesce(last_pymnt_d, issue_d)
    END AS ended_at
    FROM raw.loans
)
SELECT
    'lc-' || _row AS repayment_id,
    ended_at AS event_at,
    last_day(ended_at)::TIMESTAMP AS available_at,
    'lc-' || _row AS loan_id,
    greatest(datediff('month', issue_d, ended_at), 1) AS instalment_no,
    installment AS due_amount,
    CASE
        WHEN loan_status LIKE '%Fully Paid' THEN '0'
        WHEN loan_status LIKE '%Charged Off' THEN greatest(funded_amnt - total_rec_prncp, 0)::VARCHAR
    END AS balance,
    -- any other status is passed on, and held
    CASE
        WHEN loan_status LIKE '%Fully Paid' THEN '0'
        WHEN loan_status LIKE '%Charged Off' THEN '150'
        ELSE loan_status
    END AS days_past_due,
    _file,
    _row,
    _broken
FROM ended
