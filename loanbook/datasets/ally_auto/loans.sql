-- grain: one row per loan
SELECT
    parse_filename(_file, true) || '-' || assetNumber AS loan_id,
    try_strptime(originationDate, '%m/%Y') AS event_at,
    last_day(try_strptime(originationDate, '%m/%Y')) AS available_at,
    parse_filename(_file, true) || '-' || assetNumber AS application_id,
    parse_filename(_file, true) || '-' || assetNumber AS customer_id,
    'auto' AS product,
    originalLoanAmount AS principal,
    originalInterestRatePercentage AS rate,
    originalLoanTerm AS term_months,
    reportingPeriodScheduledPaymentAmount AS instalment,
    -- a loan enters its pool at up to 18 months of age; what it did before is unknown
    try_strptime(reportingPeriodBeginningDate, '%m-%d-%Y') AS observed_from,
    _file,
    _row,
    _broken
FROM raw.pools
