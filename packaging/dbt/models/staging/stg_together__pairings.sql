with report as ({{ latest('pairing_report') }})

select
    pairing_id,
    program_name,
    match_type,
    mentor_email,
    mentee_email,
    status,
    match_health,
    mentor_pairing_fit,
    mentee_pairing_fit,
    cast(sessions_completed as integer) as sessions_completed,
    cast(sessions_upcoming as integer) as sessions_upcoming,
    cast(start_date as timestamptz) as started_at,
    cast(end_date as timestamptz) as ended_at,
    cast(last_session_date as timestamptz) as last_session_at,
    _sdc_extracted_at as extracted_at
from report
