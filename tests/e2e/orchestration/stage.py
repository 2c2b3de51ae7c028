"""The stage of a part: its own folder with the programs on the path, and its sandboxes."""

import csv
import io
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

PACKAGING = Path(__file__).resolve().parents[3] / "packaging"
KEY = "sandbox-key"
# Exit codes after which no example retries: invalid usage, an unusable report, a defect, refused credentials.
HOPELESS = {2, 65, 70, 77}
STREAMS = ["user_report", "pairing_report", "session_report"]
INTERVAL = "0.5"


class Stage:
    """Runs programs for a part, and stops its sandboxes at the end."""

    def __init__(self, binary, venvs, folder):
        self.venvs, self.folder, self.servers = Path(venvs), Path(folder), []
        self.bin = self.folder / "bin"
        self.bin.mkdir(parents=True)
        (self.bin / "tap-together").symlink_to(binary)
        (self.bin / "target-jsonl").symlink_to(self.venvs / "jsonl/bin/target-jsonl")
        self.environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.folder), "LANG": "C.UTF-8"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.kill()
            server.wait()

    def sandbox(self, *faults, options=()):
        """Starts a sandbox with these options and returns its address."""
        steps = [word for fault in faults for word in ("--fault", fault)]
        command = [self.bin / "tap-together", "sandbox", "--interval", INTERVAL, *options, *steps]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.servers.append(server)
        line = server.stderr.readline()
        return json.loads(line[line.index("{"):])["base_url"]

    def example(self, *names):
        """Copies these files of `packaging` to one folder, as a user would."""
        folder = self.folder / "example"
        folder.mkdir(exist_ok=True)
        for name in names:
            shutil.copy(PACKAGING / name, folder)
        return folder

    def run(self, *command, code=0, **more):
        """Runs a program and returns its output; fails if its exit code is not `code`."""
        environment = self.environment | more
        done = subprocess.run(
            command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=600,
        )
        assert done.returncode == code, f"{command} exited with {done.returncode}, not {code}:\n{done.stdout[-4000:]}"
        return done.stdout

    def holds_no_key(self):
        """Fails if a file that is left, such as a log or a database, contains the key."""
        for path in self.folder.rglob("*"):
            ours = path.is_file() and not path.is_symlink()
            assert not ours or KEY.encode() not in path.read_bytes(), f"the key is in {path}"


class Organisation:
    """One organisation: its sandbox, its folder, and rows that no other organisation has."""

    def __init__(self, stage, name, *faults):
        self.folder = stage.folder / "root" / name
        (self.folder / "out").mkdir(parents=True)
        self.state = self.folder / "state.json"
        self.served = f'id,name,note\n{name}-1,"two\nlines, and ""quotes""",\n{name}-2,😀,007\n'
        file = stage.folder / f"{name}.csv"
        file.write_text(self.served)
        self.settings = {
            "organization_id": "sandbox-organization",
            "base_url": stage.sandbox(f"csv-file={file}", *faults),
            "request_interval_seconds": float(INTERVAL),
        }
        target = {"destination_path": str(self.folder / "out"), "do_timestamp_file": False}
        (self.folder / "target.json").write_text(json.dumps(target))

    def holds(self, runs):
        """Checks that each stream was loaded completely `runs` times; returns the versions in the state."""
        _, *rows = csv.reader(io.StringIO(self.served, newline=""))
        wanted = [[*(cell or None for cell in row), number] for number, row in enumerate(rows, 1)] * runs
        for stream in STREAMS:
            lines = (self.folder / "out" / f"{stream}.jsonl").read_text().splitlines()
            found = [list(json.loads(line).values()) for line in lines]
            assert found == wanted, f"{stream}: {found}"
        bookmarks = json.loads(self.state.read_text())["bookmarks"]
        return [bookmarks[stream]["version"] for stream in STREAMS]

    def report(self):
        """The run report of the last run, which succeeded."""
        report = json.loads((self.folder / "report.json").read_text())
        assert (report["exit_code"], report["error"], len(report["streams"])) == (0, None, len(STREAMS)), report
        return report


class Background:
    """A program that runs in the background and whose log is read while it runs."""

    def __init__(self, stage, command, name, **more):
        self.log = stage.folder / f"log-{name}"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, env=stage.environment | more, cwd=stage.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def says(self, words):
        """Waits until the log contains these words; fails if the program ends before."""
        while words not in self.log.read_text():
            assert self.process.poll() is None, f"the program ended without “{words}” in its log:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.1)
