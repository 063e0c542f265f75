-- priced_by_lot is left out: no canonical table holds it yet.
SELECT
    loan_id,
    event_at,
    available_at,
    application_id,
    customer_id,
    product,
    principal,
    rate,
    term_months,
    instalment,
    _file,
    _row,
    _broken
FROM raw.loans
