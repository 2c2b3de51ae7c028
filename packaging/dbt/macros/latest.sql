{#
  The rows of the last report. All rows of a report have the same `_sdc_extracted_at`, so a row with an older one was
  removed from the report. Has no effect if the target removes such rows; filters them if it only marks or keeps them.
#}
{% macro latest(table) %}
    select *
    from {{ source('together', table) }}
    where _sdc_extracted_at = (select max(_sdc_extracted_at) from {{ source('together', table) }})
      and _sdc_deleted_at is null
{% endmacro %}
