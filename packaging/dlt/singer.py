"""A dlt source that reads a Singer tap. Copy it into a project:

    pipeline = dlt.pipeline("together", destination="duckdb", dataset_name="together")
    pipeline.run(singer(["tap-together", "--config", "config.json"]))

SCHEMA sets the table's columns and key, RECORDs are its rows, ACTIVATE_VERSION makes them replace the table. STATE is
kept in dlt's state and passed to the next run. dlt loads only a complete extraction: a failed run changes neither
tables nor state.
"""

import json
import os
import subprocess
import tempfile

import dlt

TYPES = {"integer": "bigint", "number": "double", "boolean": "bool", "array": "json", "object": "json"}
FORMATS = {"date": "date", "date-time": "timestamp"}
ROWS_AT_ONCE = 5_000


@dlt.source
def singer(command):
    return dlt.resource(messages, name="messages")(command)


def messages(command):
    state = dlt.current.source_state()
    with tempfile.TemporaryDirectory() as folder:
        if "singer" in state:
            path = os.path.join(folder, "state.json")
            with open(path, "w") as file:
                json.dump(state["singer"], file)
            command = [*command, "--state", path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as tap:
            rows, table = [], None
            for line in tap.stdout:
                message = json.loads(line)
                if rows and (message["type"] != "RECORD" or message["stream"] != table or len(rows) == ROWS_AT_ONCE):
                    yield dlt.mark.with_table_name(rows, table)
                    rows = []
                if message["type"] == "RECORD":
                    table = message["stream"]
                    rows.append(message["record"])
                elif message["type"] == "SCHEMA":
                    keys = message["key_properties"]
                    yield hints(message["stream"], "merge" if keys else "append", columns(message["schema"]), keys)
                elif message["type"] == "ACTIVATE_VERSION":
                    yield hints(message["stream"], "replace")
                elif message["type"] == "STATE":
                    state["singer"] = message["value"]
    if tap.returncode:
        raise RuntimeError(f"the tap failed with exit code {tap.returncode}; hint: read the last line of its log")


def hints(table, disposition, columns=None, keys=None):
    made = dlt.mark.make_hints(table_name=table, write_disposition=disposition, columns=columns, primary_key=keys)
    # Also create a table without rows.
    return dlt.mark.with_hints(dlt.mark.materialize_table_schema(), made, create_table_variant=True)


def columns(schema):
    return {name: {"data_type": kind(field), "nullable": True} for name, field in schema["properties"].items()}


def kind(field):
    if field.get("format") in FORMATS:
        return FORMATS[field["format"]]
    return next(TYPES.get(name, "text") for name in field["type"] if name != "null")
