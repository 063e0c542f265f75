-- grain: one row per loan: only what was lent is in the pools
-- The filings give the month of origination. An application precedes it, so it is set to the month's
-- first moment: whatever became known within that month is then never taken for known beforehand.
SELECT
    parse_filename(_file, true) || '-' || assetNumber AS application_id,
    try_strptime(originationDate, '%m/%Y') AS event_at,
    try_strptime(originationDate, '%m/%Y') AS available_at,
    parse_filename(_file, true) || '-' || assetNumber AS customer_id,
    'auto' AS product,
    originalLoanAmount AS amount,
    originalLoanTerm AS term_months,
    'vehicle' AS purpose,
    parse_filename(_file, true) || '-' || assetNumber AS vehicle_id,
    -- the ratio is of the contract's level payment to monthly income
    round(
        12 * originalLoanAmount * (originalInterestRatePercentage / 12)
        / (1 - (1 + originalInterestRatePercentage / 12) ** (-originalLoanTerm))
        / nullif(greatest(paymentToIncomePercentage, 0), 0),
        2
    ) AS declared_income,
    -- the regulator's codes 1 and 2 mean not stated, and stated but not verified
    obligorIncomeVerificationLevelCode >= 3 AS income_verified,
    'approved' AS decision,
    _file,
    _row,
    _broken
FROM raw.pools
