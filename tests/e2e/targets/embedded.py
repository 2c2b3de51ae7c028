"""Targets that load a database or tables in a folder."""

import json
import os
import subprocess

from .target import HERE, Target


class Duckdb(Target):
    name, program, second, schema = "duckdb", "target-duckdb", "stale", "main"
    note = "upserts by key and ignores ACTIVATE_VERSION, so removed rows stay; with the key `_row_number` no row is lost"
    loses_first_text_row = True
    settings = {"default_target_schema": "main"}

    def config(self, folder):
        return {**self.settings, "filepath": os.path.join(folder, "data.duckdb")}

    def rows(self, stream, folder):
        script = (
            "import duckdb, json, sys; c = duckdb.connect(sys.argv[1]).execute(f'select * from {sys.argv[2]}')\n"
            "names = [d[0] for d in c.description]\n"
            "for row in c.fetchall(): print(json.dumps(dict(zip(names, row)), default=str))"
        )
        path = os.path.join(folder, "data.duckdb")
        done = subprocess.run([os.path.join(self.bin, "python"), "-c", script, path, f'{self.schema}."{stream}"'], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.split("\n") if line]


class Iceberg(Target):
    """target-s3tables, started by `iceberg.py`: its catalog is in SQLite and its tables in a folder, in place of AWS."""

    name, second = "iceberg", "appended"
    note = "tested with PyIceberg's catalog in SQLite in place of AWS; appends each run (below); `write_mode: overwrite` keeps only the last batch"
    settings = {"sanitize_names": False}
    fails = {"undecided_type": "Cannot change column type"}

    def config(self, folder):
        return {**self.settings, "region": "us-east-1", "account_id": "000000000000", "table_bucket_name": "together", "namespace": "together"}

    def iceberg(self, folder, *arguments):
        return [os.path.join(self.bin, "python"), os.path.join(HERE, "iceberg.py"), folder, *arguments]

    def command(self, config, messages, whole):
        return self.iceberg(os.path.dirname(config), "--config", config)

    def rows(self, stream, folder):
        done = subprocess.run(self.iceberg(folder, "--rows", stream), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


class Dlt(Duckdb):
    """The dlt source of `packaging/dlt` in place of a target. It starts the tap itself."""

    name, second, schema = "dlt", "equal", "together"
    note = "by `packaging/dlt/singer.py`: each run replaces the tables, a failed run changes nothing; dlt keeps the state"
    loses_first_text_row = False
    settings = {}

    def command(self, config, messages, whole):
        # Replaces the tap: prints the messages, copies the state file that it gets, and exits with the tap's code.
        tap = ["sh", "-c", 'cat "$0"; [ $# -lt 3 ] || cp "$3" given.json; exit $1', messages, "0" if whole else "137"]
        return [os.path.join(self.bin, "python"), os.path.join(HERE, "dlt_load.py"), config, *tap]
