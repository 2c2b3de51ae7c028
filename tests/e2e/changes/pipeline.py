"""Runs `tap | target` and kills either of them at a point of a plan. Keeps what the tap wrote and what the target printed."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field

# Less than the output of a full load, so that the tap waits for its reader when it is killed.
SOCKET_BUFFER = 4096
LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Kill:
    """Who is killed and when. The tap: "transfer" (half of the report has arrived), "archive" or "journal" (a new file is
    in the state folder), "lines" (the target has read so many; the next one is cut). The target: "lines", or "seconds"
    after its start."""

    who: str
    when: str
    count: float = 0

    def __str__(self):
        return f"{self.who} killed, {self.when} {self.count:.3g}"


@dataclass
class Outcome:
    tap_code: int = None
    target_code: int = None
    # The lines that the target got: without the last one if a planned kill came after all others.
    messages: list = field(default_factory=list)
    # The last STATE that the target printed, or None.
    printed: dict = None
    log: str = ""
    target_log: str = ""

    @property
    def complete(self):
        return self.tap_code == 0 and self.target_code == 0


class Pipeline:
    """One destination: the tap with its config and state folder, and the target with its table."""

    def __init__(self, binary, api, organization, target, folder, settings):
        self.binary, self.api, self.organization, self.target, self.folder = binary, api, organization, target, folder
        self.state_dir = os.path.join(folder, "state")
        self.config = {
            "organization_id": organization, "client_id": "c", "api_key": f"key-of-{organization}", "base_url": api.url,
            "request_interval_seconds": 0.001, "request_timeout_seconds": 60, "state_dir": self.state_dir, **settings,
        }
        os.makedirs(folder)
        self.file("catalog.json", {"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": []}]})

    def file(self, name, value):
        path = os.path.join(self.folder, name)
        with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(value, file)
        return path

    def tap_command(self, state, settings):
        command = [self.binary, "--config", self.file("config.json", {**self.config, **settings}), "--assume-idle"]
        command += ["--catalog", os.path.join(self.folder, "catalog.json")]
        return command if state is None else [*command, "--state", self.file("state.json", state)]

    def run(self, report, state, kill=None, settings=None):
        """One run with the report; `state` is None for none."""
        self.api.reports[self.organization] = report
        held = self.api.hold(self.organization) if kill and kill.when == "transfer" else None
        before = self.stored()
        command = self.tap_command(state, settings or {})
        target_command = self.target.command(self.file("target.json", self.target.config(self.folder)), None, True)
        outcome, open_file = Outcome(), lambda name: open(os.path.join(self.folder, name), "wb")
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        with open_file("log") as log, open_file("target.log") as target_log, open_file("printed") as printed:
            tap = subprocess.Popen(command, stdout=theirs, stderr=log)
            theirs.close()
            target = subprocess.Popen(
                target_command, stdin=subprocess.PIPE, stdout=printed, stderr=target_log, cwd=self.folder,
                env={**os.environ, "PGTZ": "UTC", **self.target.environment(self.folder)},
            )
            began = time.monotonic()
            try:
                if kill and kill.who == "tap" and kill.when != "lines":
                    self.kill_when(tap, held, before, kill.when)
                with ours, ours.makefile("rb") as lines:
                    self.pump(lines, tap, target, kill, outcome)
                if kill == Kill("target", "seconds", getattr(kill, "count", 0)):
                    time.sleep(max(0, kill.count - (time.monotonic() - began)))
                    target.kill()
                outcome.target_code = target.wait(LIMIT_SECONDS)
                outcome.tap_code = tap.wait(LIMIT_SECONDS)
            finally:
                for process in (tap, target):
                    process.kill()
                    process.wait()
                self.target.settle()
                self.forget_requests()
        read = lambda name: open(os.path.join(self.folder, name), errors="replace").read()
        outcome.log, outcome.target_log = read("log"), read("target.log")
        states = [json.loads(line) for line in read("printed").splitlines() if line.startswith("{") and line.endswith("}")]
        states = [value for value in states if "bookmarks" in value]
        outcome.printed = states[-1] if states else None
        return outcome

    def pump(self, lines, tap, target, kill, outcome):
        """Passes lines on. A planned kill by lines holds back the last line, so that it always comes before the end."""
        held_back = None
        limit = kill.count if kill and kill.when == "lines" else None
        try:
            for line in lines:
                if held_back is not None:
                    outcome.messages.append(held_back)
                    target.stdin.write(held_back)
                held_back = line
                if limit is not None and len(outcome.messages) >= limit:
                    break
            if limit is not None and kill.who == "tap":
                tap.send_signal(signal.SIGKILL)
                cut = held_back or b""
                target.stdin.write(cut[: len(cut) // 2] if limit % 2 else b"")
            elif limit is not None:
                target.stdin.flush()
                # Let it read some of what was written.
                time.sleep(kill.count % 7 / 4)
                target.kill()
            elif held_back is not None:
                # The tap was killed by another plan if the line is not whole.
                outcome.messages.append(held_back)
                target.stdin.write(held_back)
            target.stdin.close()
        except BrokenPipeError:
            # The target has ended, which its exit code says. Closing flushes again.
            try:
                target.stdin.close()
            except BrokenPipeError:
                pass

    def forget_requests(self):
        """Removes the ledger of the last request: after a killed one the next would wait for 61 seconds."""
        for name in self.stored():
            if re.fullmatch("[0-9a-f]{16}[.]json", name):
                os.remove(os.path.join(self.state_dir, name))

    def stored(self):
        """The files of the state folder by name, with what changes when one is replaced."""
        if not os.path.isdir(self.state_dir):
            return {}
        found = {}
        for entry in os.scandir(self.state_dir):
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            found[entry.name] = (status.st_ino, status.st_mtime_ns)
        return found

    def kill_when(self, tap, held, before, when):
        ending = {"archive": ".archive", "journal": ".journal.json"}.get(when)
        while tap.poll() is None:
            if held and held.is_set():
                break
            if ending and any(name.endswith(ending) and before.get(name) != now for name, now in self.stored().items()):
                break
            time.sleep(0.0005)
        tap.send_signal(signal.SIGKILL)
