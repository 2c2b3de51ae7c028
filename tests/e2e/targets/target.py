"""The targets: how to configure each one, run it, and read back what it loaded."""

import csv
import json
import os
import subprocess

PORT = os.environ["PORT"]
HERE = os.path.dirname(os.path.realpath(__file__))


class Target:
    """A program that reads Singer messages. `rows` reads back the rows that it loaded."""

    name = program = note = ""
    settings = {}
    # True if the target takes the first row of a batch for a header when every column is text.
    loses_first_text_row = False
    # The rows after a second snapshot: "equal" to it, it and "stale" rows, or "appended" to the first.
    second = "equal"

    def __init__(self, venvs, work):
        self.bin = os.path.join(venvs, self.name, "bin")
        self.work = work

    def config(self, folder):
        return dict(self.settings)

    def load(self, messages, folder, whole=True):
        """Loads the messages; returns the last state that the target printed. A partial run may fail and prints no state."""
        path = os.path.join(folder, "target.json")
        with open(path, "w") as file:
            json.dump(self.config(folder), file)
        with open(messages) as source:
            done = subprocess.run(
                self.command(path, messages, whole), stdin=source, capture_output=True, text=True, cwd=folder, timeout=600
            )
        printed = done.stdout.strip()
        if not whole:
            assert not printed, f"the target printed a state for a partial run: {printed[:200]}"
        elif done.returncode:
            raise AssertionError(f"the target failed: {done.stderr[-1500:]}")
        return printed.splitlines()[-1] if printed else ""

    def command(self, config, messages, whole):
        return [os.path.join(self.bin, self.program), "--config", config]

    def as_loaded(self, cell):
        """The cell as the target stores it; differs from the cell only by a defect of the target."""
        return cell

    def rows(self, stream, folder):
        raise NotImplementedError


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
    note = "each run overwrites the file; an empty cell and a null look the same in it"

    def config(self, folder):
        return {"output_path": folder, "file_naming_scheme": "{stream_name}.csv"}

    def rows(self, stream, folder):
        path = os.path.join(folder, stream + ".csv")
        if not os.path.exists(path):
            return []
        with open(path, newline="") as file:
            return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(file)]


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
        return [json.loads(line) for line in done.stdout.splitlines()]


class Postgres(Target):
    name, program = "postgres", "target-postgres"
    settings = {"hard_delete": True, "add_record_metadata": True}

    def schema(self, folder):
        return os.path.basename(folder).replace("-", "_").lower()

    def config(self, folder):
        return {**self.settings, "host": "127.0.0.1", "port": int(PORT), "user": "postgres", "password": "none", "database": "postgres", "default_target_schema": self.schema(folder)}

    def rows(self, stream, folder):
        query = f'select row_to_json(t) from "{self.schema(folder)}"."{stream}" t'
        done = subprocess.run(
            ["psql", "-h", "127.0.0.1", "-p", PORT, "-U", "postgres", "-At", "-c", query, "postgres"], capture_output=True, text=True
        )
        if done.returncode:
            raise AssertionError(done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]


class Pipelinewise(Postgres):
    name, second = "pipelinewise", "stale"
    note = "upserts by key and ignores ACTIVATE_VERSION, so removed rows stay; writes JSON escapes into its CSV file, where `\\n` stays two characters"
    settings = {}

    def as_loaded(self, cell):
        return json.dumps(cell, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("\\\\", "\\")

    def config(self, folder):
        return {**self.settings, "host": "127.0.0.1", "port": int(PORT), "user": "postgres", "password": "none", "dbname": "postgres", "default_target_schema": self.schema(folder)}


class Stitch(Target):
    name, program = "stitch", "target-stitch"
    note = "dry run: reads and validates every message, loads nothing"

    def config(self, folder):
        return {"client_id": 1, "token": "none", "small_batch_url": "https://example.com", "big_batch_url": "https://example.com", "batch_size_preferences": {}}

    def command(self, config, messages, whole):
        return [*super().command(config, messages, whole), "-n"]

    def rows(self, stream, folder):
        return None


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


ALL = [Postgres, Pipelinewise, Duckdb, Jsonl, Csv, Stitch, Dlt]
