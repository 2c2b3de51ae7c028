"""A tap on singer-python: `singer_tap.py URL`."""

import csv
import io
import sys

import requests
import singer

text = requests.get(sys.argv[1]).json()["report"]
extracted = singer.utils.now()
rows = csv.reader(io.StringIO(text, newline=""))
names = [title.lower().replace(" ", "_") for title in next(rows)]

properties = {name: {"type": ["null", "string"]} for name in names} | {"_row_number": {"type": "integer"}}
singer.write_schema("user_report", {"type": "object", "properties": properties}, ["_row_number"])
for number, row in enumerate(rows, 1):
    record = {name: cell or None for name, cell in zip(names, row)}
    record["_row_number"] = number
    singer.write_record("user_report", record, time_extracted=extracted)
singer.write_state({"bookmarks": {"user_report": {"row_count": number}}})
