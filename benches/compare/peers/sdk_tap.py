"""A tap on the Meltano SDK: `sdk_tap.py URL`."""

import csv
import io
import sys

import requests
from singer_sdk import Stream, Tap
from singer_sdk import typing as th


class UserReport(Stream):
    name = "user_report"
    primary_keys = ["_row_number"]

    def __init__(self, tap):
        text = requests.get(tap.config["url"]).json()["report"]
        self.rows = csv.reader(io.StringIO(text, newline=""))
        self.names = [title.lower().replace(" ", "_") for title in next(self.rows)]
        columns = [th.Property(name, th.StringType) for name in self.names]
        super().__init__(tap, schema=th.PropertiesList(*columns, th.Property("_row_number", th.IntegerType)).to_dict())

    def get_records(self, context):
        for number, row in enumerate(self.rows, 1):
            record = {name: cell or None for name, cell in zip(self.names, row)}
            record["_row_number"] = number
            yield record


class ReportTap(Tap):
    name = "tap-report"
    config_jsonschema = th.PropertiesList(th.Property("url", th.StringType, required=True)).to_dict()

    def discover_streams(self):
        return [UserReport(self)]


ReportTap(config={"url": sys.argv[1]}).sync_all()
