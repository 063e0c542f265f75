SELECT
    case_id,
    event_at,
    available_at,
    application_id,
    customer_id,
    kind,
    outcome,
    _file,
    _row,
    _broken
FROM raw.cases
