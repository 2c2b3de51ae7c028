{#
  The rows of the last report. All rows that a run loads have the same `_sdc_extracted_at`. In a snapshot that is every row, so
  a row with an older one was removed from the report; this has no effect if the target removes such rows. With the tap's
  `replication: changes` (the variable `together_changes`) a row that did not change keeps an older one, and the tap marks
  rows that are gone.
#}
{% macro latest(table) %}
    select *
    from {{ source('together', table) }}
    where _sdc_deleted_at is null
    {%- if table not in var('together_changes') %}
      and _sdc_extracted_at = (select max(_sdc_extracted_at) from {{ source('together', table) }})
    {%- endif %}
{% endmacro %}
