"""A tap by hand, with orjson: `orjson_tap.py URL`."""

import csv
import datetime
import io
import sys

import orjson
import requests

text = orjson.loads(requests.get(sys.argv[1]).content)["report"]
extracted = datetime.datetime.now(datetime.timezone.utc)
rows = csv.reader(io.StringIO(text, newline=""))
names = [title.lower().replace(" ", "_") for title in next(rows)]
out = sys.stdout.buffer


def write(message):
    out.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))


properties = {name: {"type": ["null", "string"]} for name in names} | {"_row_number": {"type": "integer"}}
schema = {"type": "object", "properties": properties}
write({"type": "SCHEMA", "stream": "user_report", "schema": schema, "key_properties": ["_row_number"]})
for number, row in enumerate(rows, 1):
    record = {name: cell or None for name, cell in zip(names, row)}
    record["_row_number"] = number
    write({"type": "RECORD", "stream": "user_report", "record": record, "time_extracted": extracted})
write({"type": "STATE", "value": {"bookmarks": {"user_report": {"row_count": number}}}})
