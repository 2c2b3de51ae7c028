"""Airflow: one DAG for each organisation, which loads its reports once a day.

Copy this file and `together_sync.py` into the DAG folder, name the organisations below, and create for each one

- a pool of one slot: `airflow pools set together_north 1 'one sync at a time with this key'`
- a connection `together_north`, best in a secrets backend: the client ID is its login, the API key its password;
  its extra is JSON with `organization_id` and any other setting of the tap.

The key goes from the connection into the tap's environment only, never into a command line, an XCom or a log.
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
# On a disk that all workers with these tasks share; each organisation has its own folder there.
ROOT = Path(os.environ.get("TOGETHER_ROOT", "/var/lib/together"))
TARGET = os.environ.get("TOGETHER_TARGET", "target-postgres --config {folder}/target.json")


def environment(organisation):
    """The worker's environment without Airflow's secrets, plus the tap's settings."""
    connection = Connection.get(f"together_{organisation}")
    settings = {**connection.extra_dejson, "client_id": connection.login, "api_key": connection.password}
    # A longer wait, such as after a `Retry-After`, frees the worker: exit code 75, and Airflow retries later.
    settings.setdefault("max_wait_seconds", 300)
    result = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    for name, value in settings.items():
        if value is not None:
            result[PREFIX + name.upper()] = value if isinstance(value, str) else json.dumps(value)
    return result


def load(organisation):
    """The task: succeeds only if every report was loaded."""
    folder = ROOT / organisation
    target = shlex.split(TARGET.format(folder=folder))
    # Log to stdout, because Airflow shows every line of stderr as an error.
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
        # Airflow's default delay is five minutes; the tap's backoff may add to it.
        task(load, pool=f"together_{organisation}", retries=5, execution_timeout=timedelta(hours=3))(organisation)
