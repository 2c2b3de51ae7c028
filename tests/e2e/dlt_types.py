"""Changes the type of a column between runs of `packaging/dlt`. Usage: dlt_types.py, in an empty folder"""

import json
import os
import sys

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../packaging/dlt"))
import dlt
import duckdb
from singer import REPLACE_IN_ONE_TRANSACTION, singer

FILE = "types.duckdb"
pipeline = dlt.pipeline("types", destination=dlt.destinations.duckdb(FILE, **REPLACE_IN_ONE_TRANSACTION), dataset_name="together", pipelines_dir=os.path.abspath("pipelines"))


def run(version, kind, value, **options):
    """Loads one row; returns the error message."""
    schema = {"type": "object", "properties": {"n": {"type": ["null", kind]}, "_row_number": {"type": ["integer"]}}}
    messages = [
        {"type": "SCHEMA", "stream": "user_report", "schema": schema, "key_properties": ["_row_number"]},
        {"type": "RECORD", "stream": "user_report", "record": {"n": value, "_row_number": 1}, "version": version},
        {"type": "ACTIVATE_VERSION", "stream": "user_report", "version": version},
        {"type": "STATE", "value": {"bookmarks": {"user_report": {"version": version}}}},
    ]
    with open("messages", "w") as file:
        file.writelines(json.dumps(message) + "\n" for message in messages)
    try:
        # `cat` would read the state file as well.
        pipeline.run(singer(["sh", "-c", "cat messages"]), **options).raise_on_failed_jobs()
    except Exception as error:
        return str(error)
    return ""


def sql(query):
    with duckdb.connect(FILE) as connection:
        return connection.execute(query).fetchall()


def check(message, version, value):
    """The table has one row with this value, and dlt has the state of this run."""
    found = sql("select n from together.user_report")
    assert found == [(value,)], (message, found)
    state = pipeline.state["sources"]["singer"]["singer"]["bookmarks"]["user_report"]["version"]
    assert state == version, (message, state)


assert not run(1, "integer", 7)
check("first run", 1, 7)
for number, (kind, value) in enumerate([("number", 2.5), ("string", "two")], 2):
    error = run(number, kind, value)
    assert "cannot load `user_report.n`: its type changed from bigint to " in error, error
    check(f"changed to {kind}", 1, 7)
assert not run(4, "integer", 8)
check("the old type again", 4, 8)

# The destination refuses the rows: the table is as before.
sql("alter table together.user_report rename n to m")
assert run(5, "integer", 9)
sql("alter table together.user_report rename m to n")
assert sql("select n from together.user_report") == [(8,)], "a failed load changed the table"
assert not run(6, "integer", 10)
check("dlt repeats the load that failed", 5, 9)

assert not run(7, "number", 2.5, refresh="drop_sources")
check("the new type, with new tables", 7, 2.5)
assert not run(8, "string", None, refresh="drop_sources")
assert not run(9, "number", 2.5)
check("a type is known after a run with empty cells", 9, "2.5")
print("dlt: all changes of a type passed")
