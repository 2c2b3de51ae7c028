"""together_sync.py: a missing target, a failing target, a signal, the environment of the target"""

from stage import KEY, PACKAGING, Background

SYNC = ["python3", PACKAGING / "together_sync.py"]


def run(stage):
    stage.environment |= {
        "TAP_TOGETHER_ORGANIZATION_ID": "sandbox-organization",
        "TAP_TOGETHER_CLIENT_ID": "sandbox-client",
        "TAP_TOGETHER_API_KEY": KEY,
        "TAP_TOGETHER_BASE_URL": stage.sandbox(),
        "TAP_TOGETHER_REQUEST_INTERVAL_SECONDS": "0.5",
    }
    stage.run(*SYNC, stage.folder / "none", "no-such-target", code=1)
    assert not (stage.folder / "none/ledger").exists(), "the tap was started without a target"

    # With this interval the first run waits an hour, unless the end of the target or a signal stops it.
    hour = {"TAP_TOGETHER_REQUEST_INTERVAL_SECONDS": "3600", "TAP_TOGETHER_MAX_WAIT_SECONDS": "7200"}
    stage.run(*SYNC, stage.folder / "failing", "sh", "-c", "exit 3", code=3, **hour)
    with Background(stage, [*SYNC, stage.folder / "stopped", "cat"], "stopped", **hour) as stopped:
        stopped.says("before the next request")
        stopped.process.terminate()
        assert stopped.process.wait(timeout=60) == 143
        stopped.says("CRITICAL stopped by SIGTERM")

    # A state that the target printed is kept, even if the target fails afterwards.
    target = "env >seen.env; cat >/dev/null; echo 1; echo; echo 2; exit 4"
    stage.run(*SYNC, stage.folder / "seen", "sh", "-c", target, code=4)
    assert (stage.folder / "seen/state.json").read_text() == "2\n"
    assert "TAP_TOGETHER_" not in (stage.folder / "seen.env").read_text()
