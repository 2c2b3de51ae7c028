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
        return [json.loads(line) for line in done.stdout.split("\n") if line]

    def dump(self, stream, folder):
        """All tables, also those that the target forgot to drop."""
        command = ["pg_dump", "-h", "127.0.0.1", "-p", PORT, "-U", "postgres", "-n", self.schema(folder), "postgres"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Pipelinewise(Postgres):
    name, second = "pipelinewise", "stale"
    note = "upserts by key and ignores ACTIVATE_VERSION, so removed rows stay; writes JSON escapes into its CSV file, where `\\n` stays two characters"
    settings = {}

    def as_loaded(self, cell):
        return json.dumps(cell, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("\\\\", "\\")

    def config(self, folder):
        return {**self.settings, "host": "127.0.0.1", "port": int(PORT), "user": "postgres", "password": "none", "dbname": "postgres", "default_target_schema": self.schema(folder)}


class Mysql(Target):
    name, program, second = "mysql", "target-mysql", "inserted"
    note = "inserts rows with a new key and never changes or removes a row: load each report into an empty table, or append each run (below)"
    settings = {"allow_column_alter": True}
    tap_settings = {"row_number_column": "row_no", "max_length": "measured", "rename": {"user_report": {"select": "selected"}}}
    fails = {"long_cells": "'>=' not supported between instances of 'int' and 'NoneType'"}

    def environment(self, folder):
        """By default the target logs all rows of the batch again with each row."""
        quiet = {"version": 1, "handlers": {"stderr": {"class": "logging.StreamHandler", "level": "INFO"}}, "root": {"handlers": ["stderr"]}}
        path = os.path.join(folder, "logging.json")
        with open(path, "w") as file:
            json.dump(quiet, file)
        return {"SINGER_SDK_LOG_CONFIG": path}

    def database(self, folder):
        return os.path.basename(folder).replace("-", "_").lower()

    def config(self, folder):
        self.python("connection.cursor().execute(f'create database if not exists {sys.argv[2]}')", self.database(folder))
        return {**self.settings, "host": "127.0.0.1", "port": os.environ["MYSQL_PORT"], "user": "root", "password": "", "database": self.database(folder)}

    def rows(self, stream, folder):
        script = "cursor = connection.cursor(MySQLdb.cursors.DictCursor); cursor.execute(f'select * from {sys.argv[2]}'); print(json.dumps(cursor.fetchall()))"
        return json.loads(self.python(script, f"{self.database(folder)}.{stream}"))

    def python(self, script, argument):
        connect = "import json, sys, MySQLdb.cursors; connection = MySQLdb.connect(host='127.0.0.1', port=int(sys.argv[1]), user='root', charset='utf8mb4'); "
        command = [os.path.join(self.bin, "python"), "-c", connect + script, os.environ["MYSQL_PORT"], argument]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
