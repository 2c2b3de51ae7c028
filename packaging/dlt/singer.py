"""A dlt source that reads a Singer tap. Copy it into a project:

    destination = dlt.destinations.duckdb("together.duckdb", **REPLACE_IN_ONE_TRANSACTION)
    pipeline = dlt.pipeline("together", destination=destination, dataset_name="together")
    pipeline.run(singer(["tap-together", "--config", "config.json"]))

SCHEMA sets the table's columns and key, RECORDs are its rows, ACTIVATE_VERSION makes them replace the table. STATE is
kept in dlt's state and passed to the next run. A failed run changes no table: dlt loads only a complete extraction, first
into staging tables, and the next run repeats a load that failed.

A column whose type changed fails the run, because the destination would round or refuse its values; a text column takes
every value. `pipeline.run(…, refresh="drop_sources")` drops tables and state and takes the new type.
"""

import json
import os
import subprocess
import tempfile

import dlt

# Options of the destination. By default dlt empties the table before it loads the rows, and a load that fails in between
# leaves the table empty.
REPLACE_IN_ONE_TRANSACTION = {"replace_strategy": "insert-from-staging", "supports_transactions": True}
TYPES = {"integer": "bigint", "number": "double", "boolean": "bool", "array": "json", "object": "json"}
FORMATS = {"date": "date", "date-time": "timestamp"}
ROWS_AT_ONCE = 5_000


@dlt.source
def singer(command):
    return dlt.resource(messages, name="messages")(command)


def messages(command):
    destination = dlt.current.pipeline().destination
    if not REPLACE_IN_ONE_TRANSACTION.items() <= (destination.config_params | destination.caps_params).items():
        raise ValueError("cannot replace tables safely; hint: pass `**REPLACE_IN_ONE_TRANSACTION` to the destination")
    state = dlt.current.source_state()
    with tempfile.TemporaryDirectory() as folder:
        if "singer" in state:
            path = os.path.join(folder, "state.json")
            with open(path, "w") as file:
                json.dump(state["singer"], file)
            command = [*command, "--state", path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as tap:
            rows, table, texts = [], None, set()
            for line in tap.stdout:
                message = json.loads(line)
                if rows and (message["type"] != "RECORD" or message["stream"] != table or len(rows) == ROWS_AT_ONCE):
                    yield dlt.mark.with_table_name(rows, table)
                    rows = []
                if message["type"] == "RECORD":
                    table = message["stream"]
                    rows.append({name: as_text(value) if name in texts else value for name, value in message["record"].items()})
                elif message["type"] == "SCHEMA":
                    keys = message["key_properties"]
                    fields = columns(message["stream"], message["schema"])
                    texts = {name for name, field in fields.items() if field["data_type"] == "text"}
                    yield hints(message["stream"], "merge" if keys else "append", fields, keys)
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


def columns(table, schema):
    """The columns of SCHEMA. A column that is text in the table stays text; no other type may change."""
    stored = dlt.current.source_schema()
    before = stored.tables.get(stored.naming.normalize_table_identifier(table), {}).get("columns", {})
    found = {}
    for name, field in schema["properties"].items():
        old, new = before.get(stored.naming.normalize_identifier(name), {}).get("data_type"), kind(field)
        if old not in (None, "text", new):
            raise TypeError(
                f"cannot load `{table}.{name}`: its type changed from {old} to {new}; "
                'hint: run once with `refresh="drop_sources"`'
            )
        found[name] = {"data_type": old or new, "nullable": True}
    return found


def as_text(value):
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def kind(field):
    if field.get("format") in FORMATS:
        return FORMATS[field["format"]]
    return next(TYPES.get(name, "text") for name in field["type"] if name != "null")
