"""Airflow: one DAG for each organisation, which loads its reports once a day.

Copy this file into the DAG folder, name the organisations below, and create for each one

- a pool of one slot: `airflow pools set together_north 1 'one sync at a time with this key'`
- a connection `together_north`, best in a secrets backend: the client ID is its login, the API key its password;
  its extra is JSON with `organization_id` and any other setting of the tap.

The key goes from the connection into the tap's environment only: not to the target, nor into a command line, an XCom or a log.
"""

import json
import os
import shlex
import subprocess
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import DAG, Connection, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

ORGANISATIONS = ["north", "south"]
# On a disk that all workers with these tasks share; each organisation has its own folder there.
ROOT = Path(os.environ.get("TOGETHER_ROOT", "/var/lib/together"))
# Exit codes after which a retry has the same result: invalid usage, an unusable report, a defect, refused credentials.
HOPELESS = {2, 65, 70, 77}
TARGET = os.environ.get("TOGETHER_TARGET", "target-postgres --config {folder}/target.json")


def environment(organisation, folder):
    """The worker's environment without Airflow's secrets, plus the tap's settings, which the target does not get."""
    connection = Connection.get(f"together_{organisation}")
    settings = {**connection.extra_dejson, "client_id": connection.login, "api_key": connection.password}
    # A longer wait, such as after a `Retry-After`, frees the worker: exit code 75, and Airflow retries later.
    settings.setdefault("max_wait_seconds", 300)
    settings.setdefault("state_dir", str(folder / "ledger"))
    settings["run_report"] = str(folder / "report.json")
    result = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    for name, value in settings.items():
        if value is not None:
            result["TAP_TOGETHER_" + name.upper()] = value if isinstance(value, str) else json.dumps(value)
    return result


def load(organisation):
    """The task: succeeds only if every report was loaded. Its XCom is the run report, which has no cell."""
    folder = ROOT / organisation
    folder.mkdir(parents=True, exist_ok=True)
    target = shlex.split(TARGET.format(folder=folder))
    command = ["tap-together", "run", "--config", "ENV", "--state", folder / "state.json", "--", *target]
    # Log to stdout, because Airflow shows every line of stderr as an error.
    with subprocess.Popen(command, env=environment(organisation, folder), stdin=subprocess.DEVNULL, stderr=1) as run:
        try:
            code = run.wait()
        except BaseException:
            # The task is stopped or timed out: `run` passes SIGTERM on to the target and keeps the last state.
            run.terminate()
            raise
    if code:
        failure = AirflowFailException if code in HOPELESS else AirflowException
        raise failure(f"exit code {code}; the last CRITICAL line above says what to do")
    return json.loads((folder / "report.json").read_text())


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
