-- grain: one row per customer and moment at which a pull became known
-- key: customer_id
-- purpose: underwriting
-- local to: customer
-- A year ago means the last pull known between nine and eighteen months before.
WITH pulls AS (
    SELECT * FROM bureau_reports
    QUALIFY row_number() OVER (PARTITION BY customer_id, available_at ORDER BY event_at DESC, report_id DESC) = 1
)
SELECT
    customer_id,
    available_at,
    score AS bureau_score,
    open_accounts::DOUBLE AS bureau_open_accounts,
    total_balance::DOUBLE AS bureau_total_balance,
    overdue_balance::DOUBLE AS bureau_overdue_balance,
    overdue_balance::DOUBLE / nullif(total_balance, 0)::DOUBLE AS bureau_overdue_share,
    delinquencies_24m::DOUBLE AS bureau_delinquencies_24m,
    inquiries_6m::DOUBLE AS bureau_inquiries_6m,
    oldest_account_months AS bureau_oldest_account_months,
    utilisation AS bureau_utilisation,
    public_records::DOUBLE AS bureau_public_records,
    (score IS NULL OR coalesce(open_accounts, 1) = 0)::INTEGER::DOUBLE AS bureau_thin,
    score - lag(score) OVER arrivals AS bureau_score_change,
    (total_balance - lag(total_balance) OVER arrivals)::DOUBLE AS bureau_balance_change,
    (overdue_balance - lag(overdue_balance) OVER arrivals)::DOUBLE AS bureau_overdue_change,
    (inquiries_6m - lag(inquiries_6m) OVER arrivals)::DOUBLE AS bureau_inquiries_change,
    date_diff('day', lag(available_at) OVER arrivals, available_at)::DOUBLE AS bureau_days_since_pull,
    score - last_value(score) OVER year_ago AS bureau_score_change_12m,
    (total_balance - last_value(total_balance) OVER year_ago)::DOUBLE AS bureau_balance_change_12m,
    (overdue_balance - last_value(overdue_balance) OVER year_ago)::DOUBLE AS bureau_overdue_change_12m,
    (count(*) OVER year)::DOUBLE AS bureau_pulls_12m
FROM pulls
WINDOW
    arrivals AS (PARTITION BY customer_id ORDER BY available_at),
    year AS (PARTITION BY customer_id ORDER BY available_at RANGE BETWEEN INTERVAL 365 DAYS PRECEDING AND CURRENT ROW),
    year_ago AS (
        PARTITION BY customer_id ORDER BY available_at
        RANGE BETWEEN INTERVAL 548 DAYS PRECEDING AND INTERVAL 274 DAYS PRECEDING
    )
