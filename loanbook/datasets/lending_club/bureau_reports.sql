-- grain: one row per loan
SELECT
    'lc-' || _row AS report_id,
    issue_d AS event_at,
    issue_d AS available_at,
    'lc-' || _row AS customer_id,
    open_acc AS open_accounts,
    -- of revolving accounts alone: the file has no other
    revol_bal AS total_balance,
    delinq_amnt AS overdue_balance,
    delinq_2yrs AS delinquencies_24m,
    inq_last_6mths AS inquiries_6m,
    datediff('month', earliest_cr_line, issue_d) AS oldest_account_months,
    revol_util AS utilisation,
    pub_rec AS public_records,
    _file,
    _row,
    _broken
FROM raw.loans
