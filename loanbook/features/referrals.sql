-- grain: one row per customer and moment: each sighting, and 2 and 30 days after each application
-- key: customer_id
-- purpose: fraud
-- local to: everything
-- Who sent whom. A referrer's key is a token; it is the token of the referrer's own number, as every customer is
-- seen with it when filing. A referral is quick when the referrer had first filed within the 60 days before it:
-- a chain counts quick referrals that lead to the customer, and stands as it was known at the referral. A
-- chain of more than 10 is counted as 10.
WITH own AS (
    SELECT own_key, customer_id, min(available_at) AS filed_at
    FROM links
    WHERE own_key IS NOT NULL
    GROUP BY own_key, customer_id
    QUALIFY row_number() OVER (PARTITION BY own_key ORDER BY min(available_at), customer_id) = 1
),
referred AS (
    SELECT
        customer_id,
        min(available_at) AS referred_at,
        arg_min(shared_key, (available_at, shared_key)) AS referrer_key
    FROM links
    WHERE kind = 'referrer' AND shared_key IS NOT NULL
    GROUP BY customer_id
),
sent AS (
    SELECT
        r.customer_id,
        r.referred_at,
        o.customer_id AS referrer_id,
        date_diff('second', o.filed_at, r.referred_at) / 86400.0 AS days
    FROM referred AS r
    JOIN own AS o ON r.referrer_key = o.own_key AND r.customer_id <> o.customer_id
    WHERE o.filed_at <= r.referred_at
),
chains AS (
    WITH RECURSIVE chain AS (
        SELECT customer_id, referred_at, referrer_id, 1 AS length
        FROM sent
        WHERE days <= 60
        UNION ALL
        SELECT c.customer_id, c.referred_at, s.referrer_id, c.length + 1
        FROM chain AS c
        JOIN sent AS s ON c.referrer_id = s.customer_id AND s.referred_at <= c.referred_at
        WHERE s.days <= 60 AND c.length < 10
    )
    SELECT customer_id, max(length) AS length FROM chain GROUP BY customer_id
),
moments AS (
    SELECT customer_id, available_at FROM links
    UNION
    SELECT a.customer_id, a.available_at + to_days(w.days)
    FROM applications AS a
    CROSS JOIN (VALUES (2), (30)) AS w(days)
),
made AS (
    SELECT
        referrer_id AS customer_id,
        referred_at AS known_at,
        sum(count(*)) OVER til_now AS made,
        sum(count(*) FILTER (days <= 60)) OVER til_now AS quick
    FROM sent
    GROUP BY referrer_id, referred_at
    WINDOW til_now AS (PARTITION BY referrer_id ORDER BY referred_at)
)
SELECT
    m.customer_id,
    m.available_at,
    (s.referred_at IS NOT NULL)::INTEGER::DOUBLE AS referred,
    s.days AS referrer_days,
    CASE WHEN s.referred_at IS NULL THEN 0 ELSE coalesce(c.length, 0) END::DOUBLE AS referral_chain,
    coalesce(n.made, 0)::DOUBLE AS referrals_made,
    coalesce(n.quick, 0)::DOUBLE AS referrals_made_quick
FROM moments AS m
LEFT JOIN sent AS s ON m.customer_id = s.customer_id AND m.available_at >= s.referred_at
LEFT JOIN chains AS c ON m.customer_id = c.customer_id
ASOF LEFT JOIN made AS n ON m.customer_id = n.customer_id AND m.available_at >= n.known_at
