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
    {{ date_time('start_date') }} as started_at,
    {{ date_time('end_date') }} as ended_at,
    {{ date_time('last_session_date') }} as last_session_at,
    _sdc_extracted_at as extracted_at
from report
