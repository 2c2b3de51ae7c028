"""Runs all parts, or the named ones. A part is a module whose function `run` takes a stage and raises if it fails."""

import importlib
import os
import sys
import time

from stage import Stage

PARTS = ["on_one_machine", "on_airflow", "on_dagster", "on_kubernetes", "with_secrets", "with_dbt"]


def main():
    binary, venvs, work, *names = sys.argv[1:]
    for name in names or PARTS:
        part = importlib.import_module(name)
        began = time.monotonic()
        folder = os.path.join(work, name)
        with Stage(binary, venvs, folder) as stage:
            part.run(stage)
            stage.holds_no_key()
        print(f"{part.__doc__.splitlines()[0]} ({time.monotonic() - began:.0f} s)", flush=True)


main()
