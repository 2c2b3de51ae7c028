"""RECORD lines by DuckDB: `duckdb_tap.py URL`."""

import sys
import tempfile

import duckdb
import orjson
import requests

text = orjson.loads(requests.get(sys.argv[1]).content)["report"]
with tempfile.NamedTemporaryFile() as file:
    file.write(text.encode())
    file.flush()
    duckdb.read_csv(file.name, header=True, all_varchar=True, normalize_names=True).create_view("report")
    duckdb.sql("""
        COPY (
            SELECT 'RECORD' AS type, 'user_report' AS stream, record, now() AS time_extracted
            FROM (SELECT *, row_number() OVER () AS _row_number FROM report) AS record
        ) TO '/dev/stdout' (FORMAT json)
    """)
