-- grain: one row per customer and moment: each sighting, and 2 and 30 days after each application
-- key: customer_id
-- purpose: fraud
-- local to: everything
-- Who shares a key, less those with an honest reason to: who uses a device and works for the same employer or
-- lives at the same address; who shares a phone or an account and lives at the same address. Of two reasons
-- the one of more people counts. A key's crowd grows after somebody was seen with it, so a customer is looked
-- at again before the decision, and a month later. A pair of keys has a line of time of its own: customers
-- are never paired.
WITH seen AS (
    SELECT customer_id, available_at, kind, max(shared_key) AS shared_key
    FROM links
    WHERE shared_key IS NOT NULL AND kind IN ('device', 'phone', 'address', 'bank_account', 'employer')
    GROUP BY customer_id, available_at, kind
    UNION ALL BY NAME
    SELECT 'id_number' AS kind, customer_id, available_at, id_number AS shared_key
    FROM customers
    WHERE id_number IS NOT NULL
),
moments AS (
    SELECT customer_id, available_at FROM links
    UNION
    SELECT a.customer_id, a.available_at + to_days(w.days)
    FROM applications AS a
    CROSS JOIN (VALUES (2), (30)) AS w(days)
),
firsts AS (
    SELECT customer_id, kind, shared_key, min(available_at) AS known_at
    FROM seen
    GROUP BY customer_id, kind, shared_key
),
kept AS (
    SELECT kind, shared_key
    FROM firsts
    WHERE kind IN ('device', 'phone', 'bank_account', 'id_number')
    GROUP BY kind, shared_key
    HAVING count(*) > 1
),
reasons AS (
    FROM (
        VALUES ('device', 'employer'), ('device', 'address'), ('phone', 'address'), ('bank_account', 'address')
    ) AS r(kind, also)
),
pairs AS (
    SELECT '' AS with_key, f.customer_id, f.kind, f.shared_key, f.known_at
    FROM firsts AS f
    SEMI JOIN kept AS k USING (kind, shared_key)
    UNION ALL BY NAME
    SELECT
        r.also || g.shared_key AS with_key,
        f.customer_id,
        f.kind,
        f.shared_key,
        greatest(f.known_at, g.known_at) AS known_at
    FROM firsts AS f
    SEMI JOIN kept AS k USING (kind, shared_key)
    JOIN reasons AS r USING (kind)
    JOIN firsts AS g ON f.customer_id = g.customer_id AND r.also = g.kind
),
found AS (
    SELECT customer_id, application_id, min(available_at) AS confirmed_at
    FROM cases
    WHERE outcome = 'confirmed'
    GROUP BY customer_id, application_id
),
confirmed AS (
    SELECT customer_id, min(confirmed_at) AS confirmed_at FROM found GROUP BY customer_id
),
joined AS (
    SELECT kind, shared_key, with_key, known_at, count(*) AS customers, 0 AS confirmed
    FROM pairs
    GROUP BY ALL
    UNION ALL
    SELECT p.kind, p.shared_key, p.with_key, greatest(p.known_at, c.confirmed_at), 0, count(*)
    FROM pairs AS p
    JOIN confirmed AS c USING (customer_id)
    GROUP BY ALL
),
-- whoever never shared a key has nothing to be asked
concerned AS (
    SELECT DISTINCT customer_id FROM pairs
),
kinds AS (
    SELECT DISTINCT s.customer_id, s.kind FROM seen AS s SEMI JOIN concerned AS c USING (customer_id)
),
held AS (
    SELECT m.customer_id, m.available_at, s.kind, s.shared_key
    FROM moments AS m
    JOIN kinds AS k USING (customer_id)
    ASOF JOIN seen AS s
        ON k.customer_id = s.customer_id AND k.kind = s.kind AND m.available_at >= s.available_at
),
held_pairs AS (
    SELECT '' AS with_key, customer_id, available_at, kind, shared_key FROM held
    UNION ALL BY NAME
    SELECT r.also || g.shared_key AS with_key, h.customer_id, h.available_at, h.kind, h.shared_key
    FROM held AS h
    JOIN reasons AS r USING (kind)
    JOIN held AS g
        ON h.customer_id = g.customer_id AND h.available_at = g.available_at AND r.also = g.kind
),
asked AS (
    SELECT
        h.kind,
        h.shared_key,
        h.with_key,
        h.available_at AS known_at,
        h.customer_id,
        (c.confirmed_at <= h.available_at)::INTEGER AS own_confirmed,
        (p.known_at >= h.available_at - INTERVAL 30 DAYS)::INTEGER AS own_30d
    FROM held_pairs AS h
    JOIN pairs AS p USING (kind, shared_key, with_key, customer_id)
    LEFT JOIN confirmed AS c USING (customer_id)
),
told AS (
    SELECT
        customer_id,
        known_at,
        kind,
        with_key <> '' AS with_reason,
        coalesce(sum(customers) OVER til_now, 0) - 1 AS others,
        coalesce(sum(customers) OVER month, 0) - own_30d AS new_30d,
        coalesce(sum(confirmed) OVER til_now, 0) - coalesce(own_confirmed, 0) AS confirmed
    FROM (FROM joined UNION ALL BY NAME FROM asked)
    WINDOW
        til_now AS (PARTITION BY kind, shared_key, with_key ORDER BY known_at),
        month AS (
            PARTITION BY kind, shared_key, with_key ORDER BY known_at
            RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND CURRENT ROW
        )
),
counted AS (
    SELECT
        customer_id,
        known_at,
        kind,
        max(others) FILTER (NOT with_reason) AS others,
        coalesce(max(others) FILTER (with_reason), 0) AS with_reason,
        greatest(
            max(new_30d) FILTER (NOT with_reason) - coalesce(max(new_30d) FILTER (with_reason), 0), 0
        ) AS strangers_30d,
        max(confirmed) FILTER (NOT with_reason) AS confirmed
    FROM told
    WHERE customer_id IS NOT NULL
    GROUP BY customer_id, known_at, kind
),
spread AS (
    SELECT
        customer_id,
        known_at,
        max(others - with_reason) FILTER (kind = 'device') AS device,
        max(with_reason) FILTER (kind = 'device') AS acquainted,
        max(others - with_reason) FILTER (kind = 'phone') AS phone,
        max(with_reason) FILTER (kind = 'phone') AS household,
        max(others - with_reason) FILTER (kind = 'bank_account') AS account,
        max(others) FILTER (kind = 'id_number') AS identity,
        max(strangers_30d) AS strangers_30d,
        max(confirmed) AS confirmed
    FROM counted
    GROUP BY customer_id, known_at
)
SELECT
    m.customer_id,
    m.available_at,
    coalesce(s.device, 0)::DOUBLE AS device_strangers,
    coalesce(s.phone, 0)::DOUBLE AS phone_strangers,
    coalesce(s.account, 0)::DOUBLE AS account_strangers,
    coalesce(s.identity, 0)::DOUBLE AS identity_others,
    coalesce(s.acquainted, 0)::DOUBLE AS device_acquainted,
    coalesce(s.household, 0)::DOUBLE AS phone_household,
    coalesce(s.strangers_30d, 0)::DOUBLE AS strangers_30d,
    coalesce(s.confirmed, 0)::DOUBLE AS sharers_confirmed
FROM moments AS m
LEFT JOIN spread AS s ON m.customer_id = s.customer_id AND m.available_at = s.known_at
