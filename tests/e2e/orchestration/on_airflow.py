"""Airflow: two organisations, two runs with state, a temporary failure, a refused key"""

import json
import sqlite3

from stage import KEY, Organisation


def connection(organisation, key=KEY, **more):
    extra = {**organisation.settings, **more}
    return json.dumps({"conn_type": "generic", "login": "sandbox-client", "password": key, "extra": extra})


def run(stage):
    airflow = stage.venvs / "airflow/bin/airflow"
    north, south = Organisation(stage, "north"), Organisation(stage, "south", "1:503")
    stage.environment |= {
        "AIRFLOW_HOME": str(stage.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(stage.example("airflow/together.py")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW_CONN_TOGETHER_NORTH": connection(north),
        # One attempt a run, so that a single 503 ends it with 75.
        "AIRFLOW_CONN_TOGETHER_SOUTH": connection(south, max_attempts=1),
        "TOGETHER_ROOT": str(stage.folder / "root"),
        "TOGETHER_TARGET": "target-jsonl --config {folder}/target.json",
    }
    stage.run(airflow, "db", "migrate")
    stage.run(airflow, "pools", "set", "together_north", "1", "one sync at a time with this key")

    def test(name, **more):
        log = stage.run(airflow, "dags", "test", f"together_{name}", **more)
        (stage.folder / f"log-{name}").write_text(log)
        return log

    test("north")
    first = north.holds(1)
    test("north")
    assert north.holds(2) > first
    # `dags test` ignores pools, but records the pool that a scheduler would use.
    with sqlite3.connect(stage.folder / "airflow/airflow.db") as database:
        pools = database.execute("select distinct pool, slots from task_instance join slot_pool using (pool)").fetchall()
        (xcom,) = database.execute("select value from xcom where key = 'return_value' order by timestamp desc limit 1").fetchone()
    assert pools == [("together_north", 1)], pools
    assert north.report()["streams"] and north.report()["run_id"] in xcom, xcom
    log = test("south")
    assert "exit code 75" in log and "new_state=up_for_retry" in log, log[-4000:]
    south.holds(1)
    log = test("south", code=1, AIRFLOW_CONN_TOGETHER_SOUTH=connection(south, key="no-key", max_attempts=1))
    assert "exit code 77" in log and "up_for_retry" not in log, log[-4000:]
    south.holds(1)
