-- grain: one row per customer and moment at which the customer was seen with a key
-- key: customer_id
-- purpose: fraud
-- local to: everything
-- beside: network
-- Counts of who else was seen by then with the key that the customer was last seen with, kind by kind. Keys
-- are never spread into pairs of customers: a key's own line of time is added up. Neighbours share a device,
-- a phone, an address or a bank account, and are counted once for each; a bad one was 90 days past due.
-- A key of one customer alone is left out, and who comes to it later must not show: every count is of others.
WITH seen AS (
    SELECT customer_id, available_at, kind, max(shared_key) AS shared_key
    FROM links
    WHERE shared_key IS NOT NULL
        AND kind IN ('device', 'phone', 'address', 'bank_account', 'employer', 'guarantor', 'referrer')
    GROUP BY ALL
),
moments AS (
    SELECT DISTINCT customer_id, available_at FROM links
),
bad AS (
    SELECT l.customer_id, min(greatest(r.available_at, l.available_at)) AS bad_at
    FROM repayments AS r
    JOIN loans AS l USING (loan_id)
    WHERE r.days_past_due >= 90
    GROUP BY l.customer_id
),
shared AS (
    SELECT kind, shared_key
    FROM seen
    GROUP BY ALL
    HAVING min(customer_id) < max(customer_id)
),
pairs AS (
    SELECT s.kind, s.shared_key, s.customer_id, min(s.available_at) AS known_at
    FROM seen AS s
    JOIN shared USING (kind, shared_key)
    GROUP BY ALL
),
joined AS (
    SELECT kind, shared_key, known_at, count(*) AS customers, 0 AS bads
    FROM pairs
    GROUP BY ALL
    UNION ALL
    SELECT p.kind, p.shared_key, greatest(p.known_at, b.bad_at), 0, count(*)
    FROM pairs AS p
    JOIN bad AS b USING (customer_id)
    GROUP BY ALL
),
kinds AS (
    SELECT DISTINCT customer_id, kind FROM seen
),
held AS (
    SELECT m.customer_id, m.available_at, s.kind, s.shared_key
    FROM moments AS m
    JOIN kinds AS k USING (customer_id)
    ASOF JOIN seen AS s
        ON k.customer_id = s.customer_id AND k.kind = s.kind AND m.available_at >= s.available_at
),
asked AS (
    SELECT
        h.kind,
        h.shared_key,
        h.available_at AS known_at,
        h.customer_id,
        (b.bad_at <= h.available_at)::INTEGER AS own_bad,
        (p.known_at >= h.available_at - INTERVAL 7 DAYS)::INTEGER AS own_7d,
        (p.known_at >= h.available_at - INTERVAL 30 DAYS)::INTEGER AS own_30d
    FROM held AS h
    JOIN pairs AS p USING (kind, shared_key, customer_id)
    LEFT JOIN bad AS b USING (customer_id)
),
told AS (
    SELECT
        customer_id,
        known_at,
        kind,
        kind IN ('device', 'phone', 'address', 'bank_account') AS near,
        coalesce(sum(customers) OVER til_now, 0) - 1 AS others,
        coalesce(sum(bads) OVER til_now, 0) - coalesce(own_bad, 0) AS bads,
        sum(customers) OVER week - own_7d AS new_7d,
        sum(customers) OVER month - own_30d AS new_30d
    FROM (FROM joined UNION ALL BY NAME FROM asked)
    WINDOW
        til_now AS (PARTITION BY kind, shared_key ORDER BY known_at),
        week AS (
            PARTITION BY kind, shared_key ORDER BY known_at
            RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW
        ),
        month AS (
            PARTITION BY kind, shared_key ORDER BY known_at
            RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND CURRENT ROW
        )
),
counted AS (
    SELECT
        customer_id,
        known_at,
        max(others) FILTER (kind = 'device') AS device,
        max(others) FILTER (kind = 'phone') AS phone,
        max(others) FILTER (kind = 'address') AS address,
        max(others) FILTER (kind = 'bank_account') AS account,
        max(others) FILTER (kind = 'employer') AS employer,
        max(others) FILTER (kind = 'guarantor') AS guarantor,
        max(others) FILTER (kind = 'referrer') AS referrer,
        count(*) FILTER (near AND others > 0) AS keys,
        sum(others) FILTER (near) AS neighbours,
        sum(bads) FILTER (near) AS bads,
        max(bads) FILTER (kind = 'referrer') AS referrer_bads,
        max(new_7d) FILTER (near) AS new_7d,
        max(new_30d) FILTER (near) AS new_30d
    FROM told
    WHERE customer_id IS NOT NULL
    GROUP BY customer_id, known_at
)
SELECT
    m.customer_id,
    m.available_at,
    coalesce(n.size, 1)::DOUBLE AS component_size,
    n.bads::DOUBLE / nullif(n.size - 1, 0) AS component_bad_share,
    coalesce(c.keys, 0)::DOUBLE AS keys_shared,
    coalesce(c.device, 0)::DOUBLE AS device_others,
    coalesce(c.phone, 0)::DOUBLE AS phone_others,
    coalesce(c.address, 0)::DOUBLE AS address_others,
    coalesce(c.account, 0)::DOUBLE AS bank_account_others,
    coalesce(c.employer, 0)::DOUBLE AS employer_others,
    coalesce(c.guarantor, 0)::DOUBLE AS guarantor_others,
    coalesce(c.referrer, 0)::DOUBLE AS referrer_others,
    c.bads::DOUBLE / nullif(c.neighbours, 0)::DOUBLE AS neighbour_bad_share,
    c.referrer_bads::DOUBLE / nullif(c.referrer, 0)::DOUBLE AS referred_bad_share,
    coalesce(c.new_7d, 0)::DOUBLE AS key_new_7d,
    coalesce(c.new_30d, 0)::DOUBLE AS key_new_30d
FROM moments AS m
LEFT JOIN counted AS c ON m.customer_id = c.customer_id AND m.available_at = c.known_at
LEFT JOIN components AS n ON m.customer_id = n.customer_id AND m.available_at = n.available_at
