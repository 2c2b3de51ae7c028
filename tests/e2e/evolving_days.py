"""Ten days of the sandbox's organisation, with all its changes of rows, columns and types, through three targets.

After each day every row of the reports is in the table with its values, as Python's csv module reads them, and the rows
left over are those that went (none where the target removes them). Usage: evolving_days.py BINARY VENVS WORK."""

import json
import os
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import typed
from targets import Duckdb, Pipelinewise, Postgres

DAYS = 10
ROWS = 60
REPORTS = {"user_report": "userReport", "pairing_report": "pairingReport", "session_report": "sessionReport"}


class Day:
    """The sandbox of one day."""

    def __init__(self, binary, day):
        arguments = ["sandbox", "--interval", "0", "--rows", str(ROWS), "--data", "realistic", "--evolve", str(day)]
        self.server = subprocess.Popen([binary, *arguments], stderr=subprocess.PIPE, text=True)
        line = self.server.stderr.readline()
        self.config = json.loads(line[line.index("{"):])

    def csv(self, report):
        """The CSV of a report, fetched without the tap."""
        config = self.config
        url = f"{config['base_url']}/public/{config['organization_id']}/reports/export/{report}"
        headers = {name.replace("_", "-"): config[name] for name in ("organization_id", "client_id", "api_key")}
        request = urllib.request.Request(url, headers={**headers, "content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["report"]

    def close(self):
        self.server.kill()
        self.server.wait()


def sync(binary, day, folder, state):
    """Runs the tap on a day; returns the messages, SCHEMA by stream, and the state."""
    paths = {name: os.path.join(folder, name) for name in ("config.json", "state.json", "messages", "log")}
    config = {**day.config, "types": "infer", "state_dir": os.path.join(folder, "state"), "request_interval_seconds": 0.001}
    for name, value in (("config.json", config), ("state.json", state)):
        with open(paths[name], "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(value, file)
    arguments = ["--config", paths["config.json"], "--state", paths["state.json"], "--assume-idle"]
    with open(paths["messages"], "wb") as out, open(paths["log"], "wb") as log:
        done = subprocess.run([binary, *arguments], stdout=out, stderr=log)
    assert done.returncode == 0, open(paths["log"]).read()[-1500:]
    with open(paths["messages"]) as lines:
        messages = [json.loads(line) for line in lines]
    schemas = {message["stream"]: message["schema"] for message in messages if message["type"] == "SCHEMA"}
    return paths["messages"], schemas, messages[-1]["value"]


def check(target, folder, reports, schemas, seen):
    """The differences of one target after a day. `seen` has the row numbers of each stream so far."""
    problems = []
    for stream, text in reports.items():
        found = target.rows(stream, folder)
        rows = len(typed.read(text)[1])
        wanted = max(seen[stream], rows) if target.second == "stale" else rows
        if len(found) != wanted:
            problems.append(f"{stream}: {len(found)} rows, not {wanted}")
        problems += [f"{stream}: {p}" for p in typed.differences(schemas[stream], text, found, as_loaded=target.as_loaded)]
    return [f"{target.name}, {problem}" for problem in problems]


def main():
    binary, venvs, work = sys.argv[1:]
    targets = [(kind(venvs, work), os.path.join(work, f"evolving_{kind.name}")) for kind in (Postgres, Duckdb, Pipelinewise)]
    for _, folder in targets:
        os.makedirs(folder)
    tap_folder = os.path.join(work, "evolving_tap")
    os.makedirs(tap_folder)
    state, seen, problems, values = {}, dict.fromkeys(REPORTS, 0), [], 0
    with ThreadPoolExecutor(2) as pool:
        for number in range(DAYS):
            day = Day(binary, number)
            try:
                reports = {stream: day.csv(report) for stream, report in REPORTS.items()}
                messages, schemas, state = sync(binary, day, tap_folder, state)
            finally:
                day.close()
            list(pool.map(lambda pair: pair[0].load(messages, pair[1]), targets))
            for target, folder in targets:
                problems += [f"day {number}, {problem}" for problem in check(target, folder, reports, schemas, seen)]
            for stream, text in reports.items():
                rows = typed.read(text)[1]
                seen[stream] = max(seen[stream], len(rows))
                values += sum(len(row) for row in rows) * len(targets)
    print(f"{DAYS} days in {len(targets)} targets: {values} cells compared, {len(problems)} differences")
    print("\n".join(problems[:20]))
    sys.exit(bool(problems))


main()
