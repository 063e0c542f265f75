SELECT
    report_id,
    event_at,
    available_at,
    customer_id,
    score,
    open_accounts,
    total_balance,
    overdue_balance,
    delinquencies_24m,
    inquiries_6m,
    oldest_account_months,
    utilisation,
    public_records,
    _file,
    _row,
    _broken
FROM raw.bureau_reports
