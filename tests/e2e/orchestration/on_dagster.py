"""Dagster: two organisations, two runs with state, a temporary failure, a refused key, a pool of one slot"""

import shutil

from stage import KEY, PACKAGING, Background, Organisation


def variables(name, organisation):
    settings = {**organisation.settings, "client_id": "sandbox-client", "api_key": KEY}
    return {f"TOGETHER_{name}_{setting.upper()}": str(value) for setting, value in settings.items()}


def run(stage):
    north, south = Organisation(stage, "north"), Organisation(stage, "south", "1:503")
    example = stage.example("dagster/definitions.py")
    home = stage.folder / "home"
    home.mkdir()
    shutil.copy(PACKAGING / "dagster/dagster.yaml", home)
    stage.environment |= {
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "TOGETHER_ROOT": str(stage.folder / "root"),
        "TOGETHER_TARGET": "target-jsonl --config {folder}/target.json",
        "TOGETHER_RETRY_SECONDS": "1",
        "TOGETHER_SOUTH_MAX_ATTEMPTS": "1",
        **variables("NORTH", north),
        **variables("SOUTH", south),
    }

    def command(name):
        program = stage.venvs / "dagster/bin/dagster"
        return [program, "job", "execute", "-f", example / "definitions.py", "-d", example, "-j", f"together_{name}"]

    stage.run(*command("north"))
    first = north.holds(1)
    assert [stream["rows"] for stream in north.report()["streams"]], north.report()
    log = stage.run(*command("south"))
    assert "exit code 75" in log and "STEP_UP_FOR_RETRY" in log, log[-4000:]
    south.holds(1)
    log = stage.run(*command("south"), code=1, TOGETHER_SOUTH_API_KEY="no-key")
    assert "exit code 77" in log and "STEP_UP_FOR_RETRY" not in log, log[-4000:]
    south.holds(1)
    blocked(stage, command("north"))
    assert north.holds(2) > first


def blocked(stage, command):
    """While one run waits for the rate limit, the pool blocks another, which continues when the first is stopped."""
    slow = {"TOGETHER_NORTH_REQUEST_INTERVAL_SECONDS": "3600", "TOGETHER_NORTH_MAX_WAIT_SECONDS": "7200"}
    with Background(stage, command, "first", **slow) as first:
        first.says("before the next request")
        with Background(stage, command, "second") as second:
            second.says("Step blocked by limit for pool together_north")
            first.process.terminate()
            first.process.wait(timeout=120)
            assert "CRITICAL stopped by SIGTERM" in first.log.read_text(), first.log.read_text()[-4000:]
            assert second.process.wait(timeout=240) == 0, second.log.read_text()[-4000:]
