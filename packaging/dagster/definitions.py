"""Dagster: one asset, job and schedule for each organisation, which load its reports once a day.

Copy `together_sync.py` beside this file and name the organisations below. For each organisation, set the tap's settings
in the code location's environment, in variables that begin with its name: `TOGETHER_NORTH_ORGANIZATION_ID`, `TOGETHER_NORTH_CLIENT_ID`,
`TOGETHER_NORTH_API_KEY` and so on. The key goes into the tap's environment only.

Each asset has a pool; `dagster.yaml` gives every pool one slot.
"""

import os
import shlex
from pathlib import Path

import dagster as dg
from together_sync import HOPELESS, PREFIX, sync

ORGANISATIONS = ["north", "south"]
# On a disk that all machines with these runs share; each organisation has its own folder there.
ROOT = Path(os.environ.get("TOGETHER_ROOT", "/var/lib/together"))
TARGET = os.environ.get("TOGETHER_TARGET", "target-postgres --config {folder}/target.json")
RETRY = dg.RetryPolicy(max_retries=5, delay=int(os.environ.get("TOGETHER_RETRY_SECONDS", "300")))


def environment(organisation):
    """The code location's environment without the organisations' settings, plus this organisation's, as the tap names them."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TOGETHER_")}
    mine = f"TOGETHER_{organisation.upper()}_"
    settings = {name.removeprefix(mine): value for name, value in os.environ.items() if name.startswith(mine)}
    # A longer wait, such as after a `Retry-After`, frees the slot: exit code 75, and Dagster retries the step later.
    settings.setdefault("MAX_WAIT_SECONDS", "300")
    return own | {PREFIX + name: value for name, value in settings.items()}


def asset(organisation):
    """The organisation's tables in the warehouse."""

    @dg.asset(name=f"together_{organisation}", pool=f"together_{organisation}", retry_policy=RETRY)
    def load() -> None:
        folder = ROOT / organisation
        code = sync(folder, shlex.split(TARGET.format(folder=folder)), environment(organisation))
        if code:
            words = f"exit code {code}; the last CRITICAL line of stderr says what to do"
            raise dg.Failure(words, allow_retries=code not in HOPELESS)

    return load


ASSETS = [asset(organisation) for organisation in ORGANISATIONS]
JOBS = [dg.define_asset_job(asset.key.to_user_string(), selection=[asset]) for asset in ASSETS]
defs = dg.Definitions(
    assets=ASSETS, jobs=JOBS, schedules=[dg.ScheduleDefinition(job=job, cron_schedule="@daily") for job in JOBS]
)
