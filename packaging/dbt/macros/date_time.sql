{#
  A date or date-time as the same moment in every session time zone: a value without an offset is read as UTC. Works on
  text and on typed columns, with DuckDB and PostgreSQL, where `~` matches the whole text or a part of it.
#}
{% macro date_time(column) %}
    {%- set text = 'cast(' ~ column ~ ' as varchar)' -%}
    case
        when {{ text }} ~ '.*:.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$' then cast({{ column }} as timestamptz)
        when {{ text }} ~ '.*:.*' then cast({{ text }} || '+00' as timestamptz)
        else cast({{ text }} || ' 00:00:00+00' as timestamptz)
    end
{%- endmacro %}
