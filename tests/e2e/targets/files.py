"""Targets that write files, here or in a bucket."""

import csv
import io
import json
import os
import urllib.error
import urllib.request

from .target import Target


class Jsonl(Target):
    name, program, second = "jsonl", "target-jsonl", "appended"
    note = "appends each run to its files, unless `do_timestamp_file` is true"

    def config(self, folder):
        return {"destination_path": folder, "do_timestamp_file": False}

    def rows(self, stream, folder):
        path = os.path.join(folder, stream + ".jsonl")
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return [json.loads(line) for line in file]


class Csv(Target):
    name, program = "csv", "target-csv"
    note = "each run overwrites the file, so not with `skip_unchanged` or `replication: changes`; an empty cell and a null look the same in it"

    def config(self, folder):
        return {"output_path": folder, "file_naming_scheme": "{stream_name}.csv"}

    def text(self, stream, folder):
        """The text of the stream's file, or `None` if there is no such file."""
        path = os.path.join(folder, stream + ".csv")
        if not os.path.exists(path):
            return None
        with open(path, newline="") as file:
            return file.read()

    def rows(self, stream, folder):
        source = io.StringIO(self.text(stream, folder) or "", newline="")
        return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(source)]


class UniversalFile(Csv):
    name, program = "universal-file", "target-universal-file"
    note = (
        "CSV and JSON Lines; each run with rows overwrites the file, a run without rows leaves it; "
        "`parquet` fails on SCHEMA's type lists, `xlsx` writes the first row over the header"
    )
    settings = {"protocol": "local", "file_type": "csv"}
    keeps_rows_without_new_ones = True

    def config(self, folder):
        return {**self.settings, "path": folder}


class S3Csv(Csv):
    """Writes to the S3 server of moto at the address `S3`; each test has its own bucket."""

    name, program = "s3-csv", "target-s3-csv"
    note = "with these settings each run with rows overwrites the object, a run without rows leaves it; by default each run writes new objects"
    settings = {"naming_convention": "{stream}.csv"}
    keeps_rows_without_new_ones = True

    def bucket(self, folder):
        return os.environ["S3"] + "/" + os.path.basename(folder).replace("_", "-").lower()

    def config(self, folder):
        endpoint, bucket = self.bucket(folder).rsplit("/", 1)
        urllib.request.urlopen(urllib.request.Request(self.bucket(folder), method="PUT"))
        # The temporary file has the same name in runs that begin in the same second.
        own = {"s3_bucket": bucket, "aws_endpoint_url": endpoint, "aws_access_key_id": "none", "aws_secret_access_key": "none", "temp_dir": folder}
        return {**self.settings, **own}

    def text(self, stream, folder):
        # Moto checks no signature, but refuses a large object to a request without one.
        request = urllib.request.Request(f"{self.bucket(folder)}/{stream}.csv", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=none/20200101/us-east-1/s3/aws4_request"})
        try:
            with urllib.request.urlopen(request) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
