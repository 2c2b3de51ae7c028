"""The three targets with the settings that the change feed needs, and how to wait for a session that outlives a killed target."""

import os
import subprocess
import time

from targets import Duckdb, Pipelinewise, Postgres
from targets.databases import PORT

HARD = not os.environ.get("SOFT")


def psql(query):
    command = ["psql", "-h", "127.0.0.1", "-p", PORT, "-U", "postgres", "-At", "-c", query, "postgres"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Sessions:
    """A PostgreSQL target with its own role, so that its sessions can be told from those of others."""

    hard = HARD

    def role(self, folder):
        return "role_" + self.schema(folder)

    def prepare(self, folder):
        psql(f"create role {self.role(folder)} superuser login")

    def config(self, folder):
        self.last_role = self.role(folder)
        return {**super().config(folder), "user": self.last_role}

    def settle(self):
        """A killed target's session ends what it had begun, and must not write beside the next run."""
        while psql(f"select count(*) from pg_stat_activity where usename = '{self.last_role}'") != "0":
            time.sleep(0.02)


class HardPostgres(Sessions, Postgres):
    settings = {"hard_delete": HARD, "add_record_metadata": True}
    # Obeys ACTIVATE_VERSION.
    ignores_versions = False
    avoids = ()


class HardPipelinewise(Sessions, Pipelinewise):
    settings = {"hard_delete": HARD, "add_metadata_columns": True}
    ignores_versions = True
    avoids = ()


class HardDuckdb(Duckdb):
    hard, ignores_versions = HARD, True
    settings = {**Duckdb.settings, "hard_delete": HARD, "add_metadata_columns": True}
    # duckdb 1.1.3 guesses the quote of the target's CSV file: a few rows with such a cell fail, see docs/targets.md.
    avoids = ("'",)

    def prepare(self, folder):
        pass

    def settle(self):
        pass

    def rows(self, stream, folder):
        try:
            return super().rows(stream, folder)
        except subprocess.CalledProcessError as problem:
            raise AssertionError(problem.stderr) from problem


ALL = [HardPostgres, HardPipelinewise, HardDuckdb]
