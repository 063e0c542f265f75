-- grain: one row per instalment whose payment the files tell
-- A previous loan of 15 or 30 days has one instalment, settled when the loan was closed. One of 60 or 90
-- days has two that are told: the first, and the last, when it was closed.
-- A current loan has only the lender's flag, good or bad without days. It can be read when the loan is
-- 30 days past its end, so it stands there, and bad as 30 days.
-- Times but creationdate are Lagos, an hour ahead of UTC. A repayment at midnight sharp is a date
-- without a time: it is known when that day is over.
WITH previous AS (
    SELECT
        systemloanid AS loan_id,
        greatest(termdays // 30, 1) AS instalments,
        totaldue,
        firstduedate,
        firstduedate + to_days(greatest(termdays - 30, 0)) AS lastduedate,
        firstrepaiddate,
        CASE
            WHEN firstrepaiddate = date_trunc('day', firstrepaiddate) THEN firstrepaiddate + INTERVAL 1 DAY
            ELSE firstrepaiddate
        END AS firstknown,
        closeddate,
        _file,
        _row,
        _broken
    FROM raw.previous
),
current AS (
    SELECT
        systemloanid AS loan_id,
        greatest(termdays // 30, 1) AS instalments,
        approveddate - INTERVAL 1 HOUR + to_days(termdays + 30) AS ripe,
        totaldue,
        good_bad_flag,
        _file,
        _row,
        _broken
    FROM raw.current
)
SELECT
    loan_id || '-first' AS repayment_id,
    firstrepaiddate - INTERVAL 1 HOUR AS event_at,
    firstknown - INTERVAL 1 HOUR AS available_at,
    loan_id,
    1 AS instalment_no,
    round(totaldue / instalments, 2)::VARCHAR AS due_amount,
    NULL AS paid_amount,
    NULL AS balance,
    greatest(datediff('day', firstduedate, firstrepaiddate), 0)::VARCHAR AS days_past_due,
    _file,
    _row,
    _broken
FROM previous
WHERE instalments > 1
UNION ALL
SELECT
    loan_id || '-last',
    closeddate - INTERVAL 1 HOUR,
    closeddate - INTERVAL 1 HOUR,
    loan_id,
    instalments,
    round(totaldue / instalments, 2)::VARCHAR,
    round(totaldue / instalments, 2)::VARCHAR,
    '0',
    greatest(datediff('day', lastduedate, closeddate), 0)::VARCHAR,
    _file,
    _row,
    _broken
FROM previous
UNION ALL
SELECT
    loan_id || '-last',
    ripe,
    ripe,
    loan_id,
    instalments,
    round(totaldue / instalments, 2)::VARCHAR,
    CASE good_bad_flag WHEN 'Good' THEN round(totaldue / instalments, 2)::VARCHAR END,
    CASE good_bad_flag WHEN 'Good' THEN '0' END,
    -- any other word is passed on, and held
    CASE good_bad_flag WHEN 'Good' THEN '0' WHEN 'Bad' THEN '30' ELSE good_bad_flag END,
    _file,
    _row,
    _broken
FROM current
