"""One sync of one organisation: tap | target, with the state for the next run in one folder.

As a program: `together_sync.py FOLDER TARGET [ARGUMENT]...`, with the tap's settings in the environment. The folder
must be permanent and the only one for its key. It contains `state.json`, the last state that the target printed, and
`ledger`, with which the tap keeps the API's rate limit. The exit code is the target's if the target failed, else the
tap's, as with `pipefail`. docs/orchestrators.md describes the orchestrators that run this.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

# Exit codes after which a retry has the same result: invalid usage, an unusable report, a defect, refused credentials.
HOPELESS = {2, 65, 70, 77}
PREFIX = "TAP_TOGETHER_"


def sync(folder, target, environment, log=None):
    """Runs the pipe to its end and returns its exit code. An exception terminates both programs.

    Both programs write their logs to the file `log`, or to the caller's stderr.
    """
    folder = Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    tap = ["tap-together", "--config", "ENV", *(["--state", state] if state.exists() else [])]
    ours = {PREFIX + "STATE_DIR": str(folder / "ledger"), **environment}
    theirs = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    # Start the target first: if it is missing, the tap sends no request. Both stay in the caller's process group.
    with (
        subprocess.Popen(target, env=theirs, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as target,
        subprocess.Popen(tap, env=ours, stdin=subprocess.DEVNULL, stdout=target.stdin, stderr=log) as tap,
    ):
        # The tap must be the only process with this end of the pipe open; otherwise the target never reads end-of-file.
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
    """Saves each state that the target prints. The target has loaded the records before it, even if the run fails later."""
    for line in filter(bytes.strip, states):
        fresh = file.with_suffix(".new")
        fresh.write_bytes(line)
        fresh.replace(file)


def shell_code(process):
    """The exit code as in a shell: 128 plus the number of a signal."""
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


if __name__ == "__main__":
    # In a container this can be PID 1, for which the kernel ignores a signal without a handler.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(sync(sys.argv[1], sys.argv[2:], os.environ))
