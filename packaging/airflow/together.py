"""Airflow: a DAG for each organisation, which loads its reports once a day.

Copy this file and `together_sync.py` into the DAG folder, name the organisations below, and for each of them make

- a pool of one slot: `airflow pools set together_north 1 'one sync at a time with this key'`
- a connection `together_north`, best in a secrets backend: the client ID is its login, the API key its password;
  its extra is JSON with `organization_id` and any other setting of the tap.

The key goes from the connection into the environment of the tap alone: not into a command line, an XCom or a log.
"""

import json
import os
import shlex
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import DAG, Connection, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from together_sync import HOPELESS, PREFIX, sync

ORGANISATIONS = ["north", "south"]
# On a disk that every worker with these tasks shares; each organisation has a folder of its own there.
ROOT = Path(os.environ.get("TOGETHER_ROOT", "/var/lib/together"))
TARGET = os.environ.get("TOGETHER_TARGET", "target-postgres --config {folder}/target.json")


def environment(organisation):
    """The worker's own without Airflow's secrets, and the tap's settings."""
    connection = Connection.get(f"together_{organisation}")
    settings = {**connection.extra_dejson, "client_id": connection.login, "api_key": connection.password}
    # A longer wait, as after a `Retry-After`, gives the worker back: exit code 75, and Airflow tries again later.
    settings.setdefault("max_wait_seconds", 300)
    result = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    for name, value in settings.items():
        if value is not None:
            result[PREFIX + name.upper()] = value if isinstance(value, str) else json.dumps(value)
    return result


def load(organisation):
    """The task: ends well only if every report was loaded."""
    folder = ROOT / organisation
    target = shlex.split(TARGET.format(folder=folder))
    # Into stdout, for Airflow takes every line of stderr for an error.
    code = sync(folder, target, environment(organisation), log=1)
    if code:
        failure = AirflowFailException if code in HOPELESS else AirflowException
        raise failure(f"exit code {code}; the last CRITICAL line above says what to do")


for organisation in ORGANISATIONS:
    with DAG(
        f"together_{organisation}",
        schedule="@daily",
        start_date=pendulum.datetime(2025, 1, 1),
        catchup=False,
        max_active_runs=1,
    ):
        # Five minutes apart, by Airflow's default; what the tap remembers of a failure may make it wait longer.
        task(load, pool=f"together_{organisation}", retries=5, execution_timeout=timedelta(hours=3))(organisation)
