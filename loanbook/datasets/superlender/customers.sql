-- grain: one row per customer; a person delivered twice stands twice here, and is held
-- Whoever has no loan with a date belongs to the half that is left out.
WITH loan AS (
    SELECT customerid, creationdate, _file, _row, _broken FROM raw.current
    UNION ALL
    SELECT customerid, creationdate, _file, _row, _broken FROM raw.previous
),
met AS (
    SELECT
        customerid,
        min(creationdate) AS met_at,
        arg_min(_file, creationdate) AS loan_file,
        arg_min(_row, creationdate) AS loan_row,
        max(_broken) AS loan_broken
    FROM loan
    GROUP BY customerid
)
SELECT
    met.customerid AS customer_id,
    met.met_at AS event_at,
    met.met_at AS available_at,
    people.birthdate::DATE AS birth_date,
    people.bank_name_clients AS bank_name,
    people.bank_account_type,
    people.level_of_education_clients AS education,
    coalesce(people._file, met.loan_file) AS _file,
    coalesce(people._row, met.loan_row) AS _row,
    coalesce(people._broken, met.loan_broken) AS _broken
FROM met
LEFT JOIN raw.people AS people USING (customerid)
