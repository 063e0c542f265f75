-- grain: one row per application, known when it is filed
-- key: application_id
-- purpose: underwriting
-- local to: everything
-- An area is a cell of a quarter degree. It is never told itself: a place can tell who lives there. Its bad
-- share counts loans 90 days past due by then, drawn towards everybody's as if 50 more loans stood there. A
-- year's filings are those until now less those until it began: time is gone through once, not once a row.
WITH filed AS (
    SELECT
        application_id,
        available_at,
        CASE
            WHEN lat IS NOT NULL AND lon IS NOT NULL
                THEN floor(lat * 4)::INTEGER * 10000 + floor(lon * 4)::INTEGER
        END AS cell
    FROM applications
),
went_bad AS (
    SELECT loan_id, min(available_at) AS bad_at
    FROM repayments
    WHERE days_past_due >= 90
    GROUP BY loan_id
),
lent AS (
    SELECT
        f.cell,
        greatest(l.available_at, f.available_at) AS lent_at,
        CASE WHEN b.bad_at IS NOT NULL THEN greatest(b.bad_at, l.available_at, f.available_at) END AS bad_at
    FROM loans AS l
    JOIN filed AS f USING (application_id)
    LEFT JOIN went_bad AS b USING (loan_id)
    WHERE f.cell IS NOT NULL
),
moments AS (
    SELECT cell, available_at AS known_at, count(*) AS filed, 0 AS loans, 0 AS bads
    FROM filed
    WHERE cell IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT cell, lent_at, 0, count(*), 0 FROM lent GROUP BY ALL
    UNION ALL
    SELECT cell, bad_at, 0, 0, count(*) FROM lent WHERE bad_at IS NOT NULL GROUP BY ALL
),
merged AS (
    SELECT cell, known_at, sum(filed) AS filed, sum(loans) AS loans, sum(bads) AS bads
    FROM moments
    GROUP BY cell, known_at
),
running AS (
    SELECT
        cell,
        known_at,
        sum(filed) OVER til_now AS filed,
        sum(filed) OVER til_now - filed AS filed_before,
        sum(loans) OVER til_now AS loans,
        sum(bads) OVER til_now AS bads
    FROM merged
    WINDOW til_now AS (PARTITION BY cell ORDER BY known_at ROWS UNBOUNDED PRECEDING)
),
areas AS (
    SELECT r.cell, r.known_at, r.filed_before - coalesce(p.filed, 0) AS filed, r.loans, r.bads
    FROM running AS r
    ASOF LEFT JOIN running AS p ON r.cell = p.cell AND r.known_at - INTERVAL 365 DAYS > p.known_at
),
running_everywhere AS (
    SELECT
        known_at,
        sum(sum(filed)) OVER til_now AS filed,
        sum(sum(filed)) OVER til_now - sum(filed) AS filed_before,
        sum(sum(loans)) OVER til_now AS loans,
        sum(sum(bads)) OVER til_now AS bads
    FROM merged
    GROUP BY known_at
    WINDOW til_now AS (ORDER BY known_at ROWS UNBOUNDED PRECEDING)
),
everywhere AS (
    SELECT r.known_at, r.filed_before - coalesce(p.filed, 0) AS filed, r.loans, r.bads
    FROM running_everywhere AS r
    ASOF LEFT JOIN running_everywhere AS p ON r.known_at - INTERVAL 365 DAYS > p.known_at
)
SELECT
    f.application_id,
    f.available_at,
    coalesce(a.filed, 0)::DOUBLE / nullif(e.filed, 0)::DOUBLE AS area_application_share_12m,
    CASE
        WHEN a.loans >= 30
            THEN (a.bads::DOUBLE + 50 * e.bads::DOUBLE / e.loans::DOUBLE) / (a.loans::DOUBLE + 50)
    END AS area_bad_share
FROM filed AS f
LEFT JOIN areas AS a ON f.cell = a.cell AND f.available_at = a.known_at
LEFT JOIN everywhere AS e ON f.cell IS NOT NULL AND f.available_at = e.known_at
