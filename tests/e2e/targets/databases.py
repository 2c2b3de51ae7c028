"""Targets that load a database server."""

import json
import os
import subprocess

from .target import Target

PORT = os.environ["PORT"]


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
