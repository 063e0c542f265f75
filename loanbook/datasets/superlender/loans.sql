-- grain: one row per loan, previous and current
-- approveddate is Lagos time, an hour ahead of UTC.
WITH loan AS (
    SELECT customerid, systemloanid, approveddate, loanamount, totaldue, termdays, _file, _row, _broken
    FROM raw.current
    UNION ALL
    SELECT customerid, systemloanid, approveddate, loanamount, totaldue, termdays, _file, _row, _broken
    FROM raw.previous
)
SELECT
    systemloanid AS loan_id,
    approveddate - INTERVAL 1 HOUR AS event_at,
    approveddate - INTERVAL 1 HOUR AS available_at,
    systemloanid AS application_id,
    customerid AS customer_id,
    'consumer' AS product,
    loanamount AS principal,
    -- a flat fee, as a simple yearly rate
    (totaldue / loanamount - 1) * 365 / termdays AS rate,
    termdays / 30 AS term_months,
    round(totaldue / greatest(termdays // 30, 1), 2) AS instalment,
    _file,
    _row,
    _broken
FROM loan
