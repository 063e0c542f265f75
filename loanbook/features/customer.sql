-- grain: one row per customer, known when first met
-- key: customer_id
-- purpose: underwriting
-- local to: customer
SELECT
    customer_id,
    available_at,
    lower(education) AS education,
    lower(bank_name) AS bank_name,
    lower(bank_account_type) AS bank_account_type
FROM customers
