-- grain: one row per loan
SELECT
    'lc-' || _row AS loan_id,
    issue_d AS event_at,
    issue_d AS available_at,
    'lc-' || _row AS application_id,
    'lc-' || _row AS customer_id,
    'consumer' AS product,
    funded_amnt AS principal,
    int_rate AS rate,
    term AS term_months,
    installment AS instalment,
    _file,
    _row,
    _broken
FROM raw.loans
