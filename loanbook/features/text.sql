-- grain: one row per application, known when it is filed
-- key: application_id
-- purpose: underwriting
-- local to: customer
-- beside: text
SELECT
    a.application_id,
    a.available_at,
    length(a.free_text)::DOUBLE AS text_length,
    length(regexp_replace((a.free_text), '[^0-9０-９一二三四五六七八九十百千万]', '', 'g'))::DOUBLE
        / nullif(length(a.free_text), 0) AS text_digit_share,
    t.topic_1 AS text_topic_1,
    t.topic_2 AS text_topic_2,
    t.topic_3 AS text_topic_3,
    t.topic_4 AS text_topic_4,
    t.topic_5 AS text_topic_5,
    t.topic_6 AS text_topic_6,
    t.topic_7 AS text_topic_7,
    t.topic_8 AS text_topic_8
FROM applications AS a
LEFT JOIN text_topics AS t USING (free_text)
