-- grain: one row per loan: only what was lent is in the file
-- Some were lent though the credit policy said no: their decision is what the policy said, so that they
-- show what happens to those who are declined.
SELECT
    'lc-' || _row AS application_id,
    -- the month of issue; an application precedes it
    issue_d AS event_at,
    issue_d AS available_at,
    'lc-' || _row AS customer_id,
    'consumer' AS product,
    loan_amnt AS amount,
    term AS term_months,
    purpose,
    annual_inc AS declared_income,
    -- the ratio is in percent and leaves out a mortgage and this loan
    round(annual_inc / 12 * dti / 100, 2) AS declared_debt_payments,
    verification_status <> 'Not Verified' AS income_verified,
    CASE
        WHEN emp_length LIKE '<%' THEN 0
        WHEN emp_length <> 'n/a' THEN 12 * TRY_CAST(regexp_extract(emp_length, '[0-9]+') AS INTEGER)
    END AS employment_months,
    lower(home_ownership) AS housing,
    nullif(
        concat_ws(chr(10), nullif(trim(title), ''), nullif(trim("desc"), ''), nullif(trim(emp_title), '')), ''
    ) AS free_text,
    CASE WHEN loan_status LIKE 'Does not meet the credit policy%' THEN 'declined' ELSE 'approved' END AS decision,
    _file,
    _row,
    _broken
FROM raw.loans
