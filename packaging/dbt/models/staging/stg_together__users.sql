with report as ({{ latest('user_report') }})

select
    user_id,
    employee_id,
    email,
    first_name,
    last_name,
    employee_status as employee_status_code,
    department_name,
    program_name,
    role as roles,
    matching_status,
    cast(capacity as integer) as capacity,
    cast(sessions_completed as integer) as sessions_completed,
    {{ date_time('registered_at') }} as registered_at,
    cast(substr(last_hire_date, 1, 10) as date) as hired_on,
    cast(substr(date_of_termination, 1, 10) as date) as terminated_on,
    _sdc_extracted_at as extracted_at
from report
