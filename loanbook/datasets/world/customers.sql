-- internal_flag is left out: it is filled in after the outcome. birth_date is text, and some of it no date.
SELECT
    customer_id,
    event_at,
    available_at,
    birth_date,
    region,
    name,
    id_number,
    phone,
    address,
    bank_account,
    bank_name,
    bank_account_type,
    education,
    sex,
    marital_status,
    ethnicity,
    consent_bureau,
    consent_marketing,
    _file,
    _row,
    _broken
FROM raw.customers
