"""dbt: the staging models on a table that still has removed rows"""

import json

from stage import INTERVAL, KEY, PACKAGING

# The same header; of the sample's three users only one remains, and it was edited.
SECOND = """import csv, sys
header, _, second, _ = csv.reader(open(sys.argv[1], newline=""))
second[header.index("Employee Status")] = "T"
csv.writer(sys.stdout).writerows([header, second])
"""
LOOK = """import duckdb, json, sys
c = duckdb.connect(sys.argv[1], read_only=True)
print(json.dumps(c.execute(sys.argv[2]).fetchall(), default=str))
"""


def run(stage):
    sample = PACKAGING.parent / "src/sandbox/samples/userReport.csv"
    second = stage.folder / "second.csv"
    second.write_text(stage.run("python3", "-c", SECOND, sample))
    database = stage.folder / "data.duckdb"
    target = {"filepath": str(database), "default_target_schema": "together", "add_metadata_columns": True}
    config = stage.folder / "target.json"
    config.write_text(json.dumps(target))
    settings = {
        "TAP_TOGETHER_ORGANIZATION_ID": "sandbox-organization",
        "TAP_TOGETHER_CLIENT_ID": "sandbox-client",
        "TAP_TOGETHER_API_KEY": KEY,
        "TAP_TOGETHER_BASE_URL": stage.sandbox(f"userReport:2:csv-file={second}"),
        "TAP_TOGETHER_REQUEST_INTERVAL_SECONDS": INTERVAL,
        "TAP_TOGETHER_STATE_DIR": str(stage.folder / "ledger"),
    }
    for _ in range(2):
        load = [stage.venvs / "duckdb/bin/target-duckdb", "--config", config]
        state = stage.folder / "state.json"
        stage.run("tap-together", "run", "--config", "ENV", "--state", state, "--", *load, **settings)

    def look(query):
        python = stage.venvs / "duckdb/bin/python"
        return json.loads(stage.run(python, "-c", LOOK, database, query))

    project, dbt = PACKAGING / "dbt", stage.venvs / "dbt/bin/dbt"
    made = stage.folder / "dbt"
    where = ["--project-dir", project, "--profiles-dir", project, "--target-path", made, "--log-path", made]
    stage.run(dbt, "build", *where, TOGETHER_DUCKDB=str(database), DO_NOT_TRACK="1")
    assert look("select count(*) from together.user_report") == [[3]], "the target removes rows now"
    users = look("select user_id, employee_status_code, hired_on, capacity from staging.stg_together__users")
    assert users == [["usr_0002", "T", "2008-09-15", 2]], users
    sessions = look("select session_id, epoch(scheduled_at)::bigint from staging.stg_together__sessions order by 1")
    # The date-time of the last row has an offset of ten hours.
    assert sessions == [["ses_70001", 1739890800], ["ses_70002", 1741705200], ["ses_70003", 1748818800]], sessions
