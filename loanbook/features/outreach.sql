-- grain: one row per customer and moment at which something of their dealings became known
-- key: customer_id
-- purpose: marketing
-- local to: customer
-- Of whoever agreed to offers alone. An offer is known with its answer; what was sent by judgement tells the
-- sender's opinion of the customer, what was sent by lot tells nobody's.
WITH happened AS (
    SELECT
        customer_id, available_at, 1 AS contacts, response::INTEGER AS answer, 0 AS applications, 0 AS autos, 0 AS loans,
        CASE WHEN NOT randomised THEN {id: contact_id, offer: lower(offer), most: limit_amount::DOUBLE, price: rate} END AS sent
    FROM contacts
    UNION ALL BY NAME
    SELECT customer_id, available_at, 0 AS contacts, 1 AS applications, (product = 'auto')::INTEGER AS autos, 0 AS loans
    FROM applications
    UNION ALL BY NAME
    SELECT customer_id, available_at, 0 AS contacts, 0 AS applications, 0 AS autos, 1 AS loans
    FROM loans
),
moments AS (
    SELECT
        customer_id,
        available_at,
        sum(contacts) AS contacts,
        count(answer) AS answered,
        coalesce(sum(answer), 0) AS answers,
        sum(applications) AS applications,
        coalesce(sum(autos), 0) AS autos,
        sum(loans) AS loans,
        arg_max(sent, sent.id) AS sent
    FROM happened
    GROUP BY customer_id, available_at
),
running AS (
    SELECT
        customer_id,
        available_at,
        sum(contacts) OVER past AS contacts,
        sum(answered) OVER past AS answered,
        sum(answers) OVER past AS answers,
        sum(applications) OVER past AS applications,
        sum(autos) OVER past AS autos,
        sum(loans) OVER past AS loans,
        last_value(sent IGNORE NULLS) OVER past AS sent
    FROM moments
    WINDOW past AS (PARTITION BY customer_id ORDER BY available_at ROWS UNBOUNDED PRECEDING)
)
SELECT
    customer_id,
    available_at,
    contacts::DOUBLE AS outreach_contacts,
    answers::DOUBLE / nullif(answered, 0)::DOUBLE AS outreach_answer_share,
    sent.offer AS outreach_last_offer,
    sent.most AS outreach_last_limit,
    sent.price AS outreach_last_rate,
    applications::DOUBLE AS outreach_applications,
    autos::DOUBLE / nullif(applications, 0)::DOUBLE AS outreach_auto_share,
    loans::DOUBLE AS outreach_loans,
    loans::DOUBLE / nullif(applications, 0)::DOUBLE AS outreach_lent_share
FROM running
