-- grain: one row per loan, previous and current: only what was lent is in the files
-- creationdate is UTC; every other time is Lagos, an hour ahead.
WITH loan AS (
    SELECT customerid, systemloanid, loannumber, creationdate, loanamount, termdays, _file, _row, _broken
    FROM raw.current
    UNION ALL
    SELECT customerid, systemloanid, loannumber, creationdate, loanamount, termdays, _file, _row, _broken
    FROM raw.previous
),
person AS (
    SELECT
        customerid,
        any_value(employment_status_clients) AS employment,
        any_value(latitude_gps) AS lat,
        any_value(longitude_gps) AS lon,
        max(_broken) AS person_broken
    FROM raw.people
    GROUP BY customerid
)
SELECT
    systemloanid AS application_id,
    creationdate AS event_at,
    creationdate AS available_at,
    customerid AS customer_id,
    'consumer' AS product,
    loanamount AS amount,
    termdays / 30 AS term_months,
    employment AS employment_status,
    loannumber > 1 AS repeat_customer,
    lat,
    lon,
    'approved' AS decision,
    _file,
    _row,
    coalesce(_broken, person_broken) AS _broken
FROM loan
LEFT JOIN person USING (customerid)
