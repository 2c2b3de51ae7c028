"""RECORD lines by Polars: `polars_tap.py URL`."""

import datetime
import sys

import orjson
import polars
import requests

text = orjson.loads(requests.get(sys.argv[1]).content)["report"]
extracted = datetime.datetime.now(datetime.timezone.utc).isoformat()
report = polars.read_csv(text.encode(), infer_schema=False)
report = report.rename(lambda title: title.lower().replace(" ", "_")).with_row_index("_row_number", 1)
report.select(
    polars.lit("RECORD").alias("type"),
    polars.lit("user_report").alias("stream"),
    polars.struct(polars.exclude("_row_number"), "_row_number").alias("record"),
    polars.lit(extracted).alias("time_extracted"),
).write_ndjson(sys.stdout.buffer)
