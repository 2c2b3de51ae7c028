"""dbt: the staging models on tables with removed rows, after snapshots and changes, and on large reports in two time zones"""

import json
from datetime import datetime, timezone

from stage import INTERVAL, KEY, PACKAGING

# The same header; of the sample's three users the second was edited, the third went, and the first stays in the second variant.
SECOND = """import csv, sys
header, first, second, _ = csv.reader(open(sys.argv[1], newline=""))
second[header.index("Employee Status")] = "T"
csv.writer(sys.stdout).writerows([header, second] if sys.argv[2] == "one" else [header, first, second])
"""
CHANGES = {
    "TAP_TOGETHER_REPLICATION": '{"user_report": "changes"}',
    "TAP_TOGETHER_ARCHIVE": "on",
    "TAP_TOGETHER_KEY_PROPERTIES": '{"user_report": ["user_id"]}',
    # One of three users goes.
    "TAP_TOGETHER_FAIL_ON_SHRINK": "false",
}
LOOK = """import duckdb, json, sys
c = duckdb.connect(sys.argv[1], read_only=True)
print(json.dumps(c.execute(sys.argv[2]).fetchall(), default=str))
"""
# Date-times of the models with the columns that they are made from.
DATE_TIMES = [
    ("users", "user", "registered_at", "registered_at"),
    ("pairings", "pairing", "started_at", "start_date"),
    ("pairings", "pairing", "ended_at", "end_date"),
    ("sessions", "session", "scheduled_at", "scheduled_at"),
]


class Database:
    """A DuckDB file that target-duckdb and dbt load."""

    def __init__(self, stage, name, settings=None):
        self.stage, self.path, self.settings = stage, stage.folder / f"{name}.duckdb", settings or {}
        self.target = stage.folder / f"{name}.json"
        self.target.write_text(json.dumps({"filepath": str(self.path), "default_target_schema": "together", "add_metadata_columns": True}))

    def load(self, url):
        settings = {
            "TAP_TOGETHER_ORGANIZATION_ID": "sandbox-organization",
            "TAP_TOGETHER_CLIENT_ID": "sandbox-client",
            "TAP_TOGETHER_API_KEY": KEY,
            "TAP_TOGETHER_BASE_URL": url,
            "TAP_TOGETHER_REQUEST_INTERVAL_SECONDS": INTERVAL,
            "TAP_TOGETHER_STATE_DIR": str(self.stage.folder / "ledger"),
            **self.settings,
        }
        target = [self.stage.venvs / "duckdb/bin/target-duckdb", "--config", self.target]
        state = self.path.with_suffix(".state")
        self.stage.run("tap-together", "run", "--config", "ENV", "--state", state, "--", *target, **settings)

    def build(self, zone, changes=()):
        """Runs dbt in a session with this time zone. `changes` are the tables of the variable `together_changes`."""
        made = self.stage.folder / "dbt"
        made.mkdir(exist_ok=True)
        output = {"type": "duckdb", "path": str(self.path), "schema": "staging", "settings": {"TimeZone": zone}}
        (made / "profiles.yml").write_text(json.dumps({"together": {"target": "test", "outputs": {"test": output}}}))
        where = ["--project-dir", PACKAGING / "dbt", "--profiles-dir", made, "--target-path", made, "--log-path", made]
        variables = ["--vars", json.dumps({"together_changes": list(changes)})] if changes else []
        self.stage.run(self.stage.venvs / "dbt/bin/dbt", "build", *where, *variables, DO_NOT_TRACK="1")

    def look(self, query):
        return json.loads(self.stage.run(self.stage.venvs / "duckdb/bin/python", "-c", LOOK, self.path, query))


def run(stage):
    removed_rows(stage)
    changes(stage)
    large_reports(stage)


def removed_rows(stage):
    sample = PACKAGING.parent / "src/sandbox/samples/userReport.csv"
    second = stage.folder / "second.csv"
    second.write_text(stage.run("python3", "-c", SECOND, sample, "one"))
    database = Database(stage, "removed")
    url = stage.sandbox(f"userReport:2:csv-file={second}")
    for _ in range(2):
        database.load(url)
    database.build("UTC")
    assert database.look("select count(*) from together.user_report") == [[3]], "the target removes rows now"
    users = database.look("select user_id, employee_status_code, hired_on, capacity from staging.stg_together__users")
    assert users == [["usr_0002", "T", "2008-09-15", 2]], users
    sessions = database.look("select session_id, epoch(scheduled_at)::bigint from staging.stg_together__sessions order by 1")
    # The date-time of the last row has an offset of ten hours.
    assert sessions == [["ses_70001", 1739890800], ["ses_70002", 1741705200], ["ses_70003", 1748818800]], sessions


def changes(stage):
    """A table that has a row that did not change, one that did, and one that is gone."""
    second = stage.folder / "changed.csv"
    second.write_text(stage.run("python3", "-c", SECOND, PACKAGING.parent / "src/sandbox/samples/userReport.csv", "two"))
    database = Database(stage, "changes", CHANGES)
    url = stage.sandbox(f"userReport:2:csv-file={second}")
    for _ in range(2):
        database.load(url)
    loaded = database.look("select count(distinct _sdc_extracted_at), count(_sdc_deleted_at) from together.user_report")
    assert loaded == [[2, 1]], loaded
    database.build("UTC", ["user_report"])
    users = database.look("select user_id, employee_status_code from staging.stg_together__users order by 1")
    assert users == [["usr_0001", "A"], ["usr_0002", "T"]], users


def large_reports(stage):
    database = Database(stage, "large")
    database.load(stage.sandbox(options=["--rows", "3000"]))
    for zone in ["UTC", "America/Chicago"]:
        database.build(zone)
        for model, report, column, source in DATE_TIMES:
            tables = f"staging.stg_together__{model} model join together.{report}_report report using ({report}_id)"
            rows = database.look(f"select {report}_id, epoch_ms(model.{column}), report.{source} from {tables}")
            assert len(rows) == 3000, len(rows)
            for key, moment, text in rows:
                assert moment == (text and milliseconds(text)), f"{zone}, {model}, {key}: {column} is {moment}, from {text}"


def milliseconds(text):
    """Python's reading of a date-time; without an offset it is in UTC."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() * 1000)
