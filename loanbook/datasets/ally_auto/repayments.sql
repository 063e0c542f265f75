-- grain: one row per loan and month of its ledger
-- Month 0 is the pool's first reporting period, months 1 to 46 are the wide columns.
--
-- The ledger tells payments and not arrears. Days past due are 30 for each missed payment in a row:
-- three in a row are 90. A payment of nothing is missed when something was due, and nothing is due
--   when the loan is repaid or written off,
--   when it is ahead: what is owed is no more than the contract's own schedule leaves after this
--   instalment (of loans an instalment or more ahead, 13 to 23 % pay nothing in the first period, in
--   which the pools do tell arrears, and 1 % are late),
--   when payments could be put off: from April to July 2020 any borrower could for 120 days, and twice
--   to three times as many paid nothing in each pool. Such a month neither adds to a row nor ends it.
-- A balance that falls to zero unpaid was written off: that is at least the 120 days at which lenders must.
WITH loan AS (
    SELECT
        parse_filename(_file, true) || '-' || assetNumber AS loan_id,
        try_strptime(reportingPeriodBeginningDate, '%m-%d-%Y') AS entry,
        try_strptime(originalFirstPaymentDate, '%m/%Y') AS first_payment,
        originalLoanAmount::DOUBLE AS lent,
        1 + greatest(originalInterestRatePercentage, 1e-6) / 12 AS growth,
        *
    FROM raw.pools
),
cell AS (
    UNPIVOT (SELECT _file, _row, COLUMNS('^(BAL|PRC|PMT)[0-9]+$')::VARCHAR FROM loan)
    ON COLUMNS('^(BAL|PRC|PMT)[0-9]+$') INTO NAME name VALUE value
),
ledger AS (
    SELECT
        _file,
        _row,
        substr(name, 4)::INTEGER AS month,
        max(value) FILTER (name LIKE 'BAL%') AS balance,
        max(value) FILTER (name LIKE 'PRC%') AS principal_paid,
        max(value) FILTER (name LIKE 'PMT%') AS paid
    FROM cell
    GROUP BY _file, _row, month
    UNION ALL
    SELECT
        _file,
        _row,
        0,
        reportingPeriodActualEndBalanceAmount::VARCHAR,
        actualPrincipalCollectedAmount::VARCHAR,
        totalActualAmountPaid::VARCHAR
    FROM loan
),
opened AS (
    SELECT
        *,
        last_day(entry + to_months(month)) AS month_end,
        1 + datediff('month', first_payment, entry + to_months(month)) AS instalment_no,
        TRY_CAST(balance AS DECIMAL(18,2)) AS closing,
        coalesce(
            lag(closing) OVER (PARTITION BY _file, _row ORDER BY month),
            CASE month WHEN 0 THEN reportingPeriodBeginningLoanBalanceAmount END
        ) AS opening,
        lent * (growth ** originalLoanTerm - growth ** instalment_no) / (growth ** originalLoanTerm - 1)
            AS scheduled
    FROM ledger
    JOIN loan USING (_file, _row)
),
judged AS (
    SELECT
        *,
        coalesce(TRY_CAST(paid AS DECIMAL(18,2)) = 0 AND opening > greatest(scheduled, 0), false) AS unpaid,
        unpaid AND month_end BETWEEN DATE '2020-04-30' AND DATE '2020-07-31' AS put_off,
        coalesce(
            closing = 0 AND opening - TRY_CAST(principal_paid AS DECIMAL(18,2)) > 1, false
        ) AS written_off
    FROM opened
),
counted AS (
    SELECT
        *,
        count(*) FILTER (NOT unpaid) OVER (PARTITION BY _file, _row ORDER BY month) AS stretch
    FROM judged
)
SELECT
    loan_id || '-' || month AS repayment_id,
    month_end AS event_at,
    -- the servicer reports a month in the middle of the next
    month_end + INTERVAL 15 DAYS AS available_at,
    loan_id,
    instalment_no,
    CASE WHEN opening > 0 THEN reportingPeriodScheduledPaymentAmount END AS due_amount,
    paid AS paid_amount,
    balance,
    CASE
        WHEN closing IS NOT NULL
            THEN greatest(
                30 * count(*) FILTER (unpaid AND NOT put_off)
                    OVER (PARTITION BY _file, _row, stretch ORDER BY month),
                CASE WHEN written_off THEN 120 ELSE 0 END
            )
    END AS days_past_due,
    _file,
    _row,
    _broken
FROM counted
