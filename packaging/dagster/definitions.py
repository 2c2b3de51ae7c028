"""Dagster: one asset, job and schedule for each organisation, which load its reports once a day.

Name the organisations below. For each organisation, set the tap's settings in the code location's environment, in
variables that begin with its name: `TOGETHER_NORTH_ORGANIZATION_ID`, `TOGETHER_NORTH_CLIENT_ID`, `TOGETHER_NORTH_API_KEY`
and so on. The target does not get them.

Each asset has a pool; `dagster.yaml` gives every pool one slot.
"""

import json
import os
import shlex
import subprocess
from pathlib import Path

import dagster as dg

ORGANISATIONS = ["north", "south"]
# On a disk that all machines with these runs share; each organisation has its own folder there.
ROOT = Path(os.environ.get("TOGETHER_ROOT", "/var/lib/together"))
# Exit codes after which a retry has the same result: invalid usage, an unusable report, a defect, refused credentials.
HOPELESS = {2, 65, 70, 77}
TARGET = os.environ.get("TOGETHER_TARGET", "target-postgres --config {folder}/target.json")
RETRY = dg.RetryPolicy(max_retries=5, delay=int(os.environ.get("TOGETHER_RETRY_SECONDS", "300")))


def environment(organisation, folder):
    """The code location's environment without the organisations' settings, plus this organisation's, as the tap names them."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TOGETHER_")}
    mine = f"TOGETHER_{organisation.upper()}_"
    settings = {name.removeprefix(mine): value for name, value in os.environ.items() if name.startswith(mine)}
    # A longer wait, such as after a `Retry-After`, frees the slot: exit code 75, and Dagster retries the step later.
    settings.setdefault("MAX_WAIT_SECONDS", "300")
    settings.setdefault("STATE_DIR", str(folder / "ledger"))
    settings["RUN_REPORT"] = str(folder / "report.json")
    return own | {"TAP_TOGETHER_" + name: value for name, value in settings.items()}


def sync(folder, environment):
    """Runs the tap and the target to their end and returns the exit code. An exception ends both."""
    folder.mkdir(parents=True, exist_ok=True)
    target = shlex.split(TARGET.format(folder=folder))
    command = ["tap-together", "run", "--config", "ENV", "--state", folder / "state.json", "--", *target]
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as run:
        try:
            return run.wait()
        except BaseException:
            run.terminate()
            raise


def asset(organisation):
    """The organisation's tables in the warehouse."""

    @dg.asset(name=f"together_{organisation}", pool=f"together_{organisation}", retry_policy=RETRY)
    def load() -> dg.MaterializeResult:
        folder = ROOT / organisation
        code = sync(folder, environment(organisation, folder))
        if code:
            words = f"exit code {code}; the last CRITICAL line of stderr says what to do"
            raise dg.Failure(words, allow_retries=code not in HOPELESS)
        streams = json.loads((folder / "report.json").read_text())["streams"]
        rows = {stream["stream"]: stream["rows"] for stream in streams}
        return dg.MaterializeResult(metadata={"dagster/row_count": sum(rows.values()), **rows})

    return load


ASSETS = [asset(organisation) for organisation in ORGANISATIONS]
JOBS = [dg.define_asset_job(asset.key.to_user_string(), selection=[asset]) for asset in ASSETS]
defs = dg.Definitions(
    assets=ASSETS, jobs=JOBS, schedules=[dg.ScheduleDefinition(job=job, cron_schedule="@daily") for job in JOBS]
)
