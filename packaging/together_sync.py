"""One sync of one organisation: tap | target, with what the next run needs kept in one folder.

As a program: `together_sync.py FOLDER TARGET [ARGUMENT]...`, with the tap's settings in the environment. The folder
must outlive the run and be the only one for its key: it holds `state.json`, the last state that the target printed,
and `ledger`, by which the tap keeps the API's limit. The exit code is the target's if it failed, else the tap's, as
with `pipefail`. docs/orchestrators.md says who runs this.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

# Usage, an unusable report, a defect, refused credentials: another try changes nothing.
HOPELESS = {2, 65, 70, 77}
PREFIX = "TAP_TOGETHER_"


def sync(folder, target, environment, log=None):
    """Runs the pipe to its end and returns its exit code; whatever is raised meanwhile ends both programs.

    Both write their logs to the file `log`, or where the caller's stderr goes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    tap = ["tap-together", "--config", "ENV", *(["--state", state] if state.exists() else [])]
    ours = {PREFIX + "STATE_DIR": str(folder / "ledger"), **environment}
    theirs = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    # The target first: without one nothing is asked. Both stay in the caller's process group, to be ended with it.
    with (
        subprocess.Popen(target, env=theirs, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as target,
        subprocess.Popen(tap, env=ours, stdin=subprocess.DEVNULL, stdout=target.stdin, stderr=log) as tap,
    ):
        # The tap's alone, or the target would never see the end.
        target.stdin.close()
        try:
            keep(target.stdout, state)
            if target.wait():
                tap.terminate()
        except BaseException:
            tap.terminate()
            target.terminate()
            raise
    return shell_code(target) or shell_code(tap)


def keep(states, file):
    """Each state that a target prints is safe: what it speaks of is loaded, whatever comes after."""
    for line in filter(bytes.strip, states):
        fresh = file.with_suffix(".new")
        fresh.write_bytes(line)
        fresh.replace(file)


def shell_code(process):
    """The exit code as a shell has it: 128 and its number after a signal."""
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


if __name__ == "__main__":
    # The first process of a container is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(sync(sys.argv[1], sys.argv[2:], os.environ))
