-- grain: one row per charged-off loan and kind
-- What was collected afterwards is a sum to date without a date: it is known at the reading.
WITH charged_off AS (
    SELECT *, coalesce(last_pymnt_d, issue_d) + INTERVAL 6 MONTHS AS ended_at
    FROM raw.loans
    WHERE loan_status LIKE '%Charged Off'
)
SELECT
    'lc-' || _row || '-charge_off' AS recovery_id,
    ended_at AS event_at,
    last_day(ended_at)::TIMESTAMP AS available_at,
    'lc-' || _row AS loan_id,
    'charge_off' AS kind,
    greatest(funded_amnt - total_rec_prncp, 0) AS amount,
    NULL AS cost,
    _file,
    _row,
    _broken
FROM charged_off
UNION ALL
SELECT
    'lc-' || _row || '-payment',
    TIMESTAMP '2017-12-01',
    TIMESTAMP '2017-12-01',
    'lc-' || _row,
    'payment',
    recoveries,
    collection_recovery_fee,
    _file,
    _row,
    _broken
FROM charged_off
WHERE recoveries > 0
