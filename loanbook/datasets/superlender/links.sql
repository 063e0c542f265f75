-- grain: one row per customer and referral: the one who was referred, and the one who referred
WITH loan AS (
    SELECT customerid, referredby, creationdate, _broken FROM raw.current
    UNION ALL
    SELECT customerid, referredby, creationdate, _broken FROM raw.previous
),
seen AS (
    SELECT customerid, referredby, creationdate, _broken
    FROM loan
    WHERE referredby IS NOT NULL
    UNION ALL
    -- most referrers are no customers of these files
    SELECT referredby, referredby, creationdate, _broken
    FROM loan
    WHERE referredby IN (SELECT customerid FROM loan)
)
SELECT
    referredby || '-' || customerid AS link_id,
    min(creationdate) AS event_at,
    min(creationdate) AS available_at,
    customerid AS customer_id,
    'referrer' AS kind,
    referredby AS shared_key,
    max(_broken) AS _broken
FROM seen
GROUP BY customerid, referredby
