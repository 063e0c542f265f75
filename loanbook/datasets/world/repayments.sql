SELECT
    repayment_id,
    event_at,
    available_at,
    loan_id,
    instalment_no,
    due_amount,
    paid_amount,
    balance,
    days_past_due,
    _file,
    _row,
    _broken
FROM raw.repayments
