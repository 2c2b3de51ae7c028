with report as ({{ latest('session_report') }})

select
    session_id,
    pairing_id,
    program_name,
    cast(session_number as integer) as session_number,
    status,
    {{ date_time('scheduled_at') }} as scheduled_at,
    cast(duration_minutes as integer) as duration_minutes,
    time_zone,
    mentor_email,
    mentee_email,
    cast(mentee_session_rating_out_of_4 as integer) as mentee_rating,
    cast(mentor_session_rating_out_of_4 as integer) as mentor_rating,
    {{ date_time('completed_at') }} as completed_at,
    _sdc_extracted_at as extracted_at
from report
