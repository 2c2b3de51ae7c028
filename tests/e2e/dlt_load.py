"""Loads a tap into DuckDB with the source of `packaging/dlt` and prints the state that dlt keeps.

Usage: dlt_load.py CONFIG COMMAND… Fails if the command did not get the state of the earlier run (in its file `given.json`).
"""

import json
import os
import sys

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../packaging/dlt"))
import dlt
from singer import REPLACE_IN_ONE_TRANSACTION, singer

with open(sys.argv[1]) as file:
    config = json.load(file)
pipeline = dlt.pipeline(
    "tap_together", destination=dlt.destinations.duckdb(config["filepath"], **REPLACE_IN_ONE_TRANSACTION), dataset_name="together", pipelines_dir=os.path.abspath("pipelines")
)
earlier = pipeline.state.get("sources", {})
pipeline.run(singer(sys.argv[2:])).raise_on_failed_jobs()
if earlier:
    with open("given.json") as file:
        assert json.load(file) == earlier["singer"]["singer"], "the tap did not get the state of the earlier run"
print(json.dumps(pipeline.state["sources"]["singer"]["singer"]))
