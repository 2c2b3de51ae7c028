{#
  The rows of the last report: all rows of a report bear one `_sdc_extracted_at`, so an older one marks a row that
  is gone. A target that removes such rows itself loses nothing by this; one that only marks them deletes by it.
#}
{% macro latest(table) %}
    select *
    from {{ source('together', table) }}
    where _sdc_extracted_at = (select max(_sdc_extracted_at) from {{ source('together', table) }})
      and _sdc_deleted_at is null
{% endmacro %}
