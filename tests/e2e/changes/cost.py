"""The figures of docs/changes.md: CPU seconds and peak memory of a run with changes against a snapshot run.

`load`: tap and target-postgres together, into tables that the run before loaded. `tap`: the tap alone. `memory`: the peak of
the tap with a large report. Usage: cost.py BINARY VENVS WORK [PART]…"""

import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile

import generate
from destinations import HardPostgres
from measure import measure

ROWS = int(os.environ.get("ROWS", "60000"))
LARGE = int(os.environ.get("LARGE", "1000000"))
RUNS = int(os.environ.get("RUNS", "5"))
# A hundredth of the rows differs between the two reports: 8 in 1,000 have another cell, 1 is only in each of them.
TITLE = generate.HEADER.index("Title")
LIMITS = {"load": 0.1, "tap": 2.5, "memory": 64}


def pair(rows, folder):
    """Writes the bodies of two reports with so many rows; returns their paths."""
    whole = os.path.join(folder, "whole.csv")
    generate.write(generate.SHAPES["plain"], rows * 470, whole, os.devnull)
    paths = [os.path.join(folder, f"{name}.json") for name in "ab"]
    for report, path in enumerate(paths):
        with open(whole, newline="") as source, open(path, "w") as body:
            body.write('{"report":"')
            for number, row in enumerate(csv.reader(source)):
                if number > rows:
                    break
                if number % 1000 == 500 * (report + 1) % 1000 and number:
                    continue
                if report and number % 100 == 50 and number % 1000 > 200:
                    row[TITLE] = "Promoted"
                text = io.StringIO(newline="")
                csv.writer(text, lineterminator="\n").writerow(row)
                body.write(json.dumps(text.getvalue(), ensure_ascii=False)[1:-1])
            body.write('"}')
    os.remove(whole)
    return paths


class Tap:
    """The tap with its own state folder; serves the two reports in turn."""

    def __init__(self, binary, folder, bodies, settings):
        self.binary, self.folder, self.bodies, self.runs = binary, folder, bodies, 0
        os.makedirs(folder)
        self.served = os.path.join(folder, "served.json")
        serve = os.path.join(os.path.dirname(generate.__file__), "serve.py")
        os.symlink(bodies[0], self.served)
        self.server = subprocess.Popen([sys.executable, serve, self.served, "plain"], stdout=subprocess.PIPE)
        config = {
            "organization_id": "o", "client_id": "c", "api_key": "benchmark-key-0000", "base_url": f"http://127.0.0.1:{int(self.server.stdout.readline())}",
            "request_interval_seconds": 0.1, "request_timeout_seconds": 120, "state_dir": os.path.join(folder, "state"),
            "key_properties": {"user_report": ["user_id"]}, **settings,
        }
        catalog = {"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": []}]}
        for name, value in (("config.json", config), ("catalog.json", catalog), ("state.json", {})):
            self.write(name, json.dumps(value))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)

    def command(self):
        files = [part for name in ("config", "catalog", "state") for part in (f"--{name}", self.path(f"{name}.json"))]
        return [self.binary, *files, "--assume-idle"]

    def run(self, messages=None):
        """The cost of a run with the other report. The messages go to a file, or through a pipe to a program that drops them."""
        os.remove(self.served)
        os.symlink(self.bodies[self.runs % 2], self.served)
        self.runs += 1
        with open(self.path("last"), "wb") as last, open(self.path("log"), "w+") as log:
            if messages:
                with open(messages, "wb") as file:
                    cost = measure(self.command(), file, log)
                subprocess.run(["tail", "-n", "1", messages], stdout=last, check=True)
            else:
                reader = subprocess.Popen(["tail", "-n", "1"], stdin=subprocess.PIPE, stdout=last)
                try:
                    cost = measure(self.command(), reader.stdin, log)
                finally:
                    reader.stdin.close()
                    reader.wait()
        with open(self.path("last")) as file:
            self.write("state.json", json.dumps(json.load(file)["value"]))
        return cost

    def log(self):
        with open(self.path("log")) as file:
            return [line.strip() for line in file if "`user_report`" in line]

    def close(self):
        self.server.kill()
        self.server.wait()


CHANGES = {"replication": "changes", "archive": "on"}


def load(binary, target, work, bodies):
    """CPU seconds of tap and target-postgres together, for each run."""
    costs = {}
    for name, settings in (("snapshot", {}), ("changes", CHANGES)):
        folder = os.path.join(work, f"load_{name}")
        tap = Tap(binary, folder, bodies, settings)
        target.prepare(folder)
        tap.write("target.json", json.dumps(target.config(folder)))
        try:
            costs[name] = []
            for number in range(1 + (3 if name == "snapshot" else RUNS)):
                messages = tap.path("messages")
                with open(os.devnull, "w") as out, tempfile.TemporaryFile("w+") as log:
                    ours = tap.run(messages)
                    command = ["sh", "-c", 'exec "$@" <"$0"', messages, *target.command(tap.path("target.json"), None, True)]
                    theirs = measure(command, out, log)
                costs[name].append(ours.cpu + theirs.cpu)
                print(f"load, {name}, run {number + 1}: tap {ours.cpu:.2f} s, target {theirs.cpu:.2f} s; {tap.log()}", flush=True)
            count = len(target.rows("user_report", folder))
            assert count == ROWS - ROWS // 1000, f"the table has {count} rows"
        finally:
            tap.close()
    full, later = statistics.median(costs["snapshot"][1:]), statistics.median(costs["changes"][1:])
    print(f"load of {ROWS:,} rows: {full:.2f} s as a snapshot, {later:.2f} s with changes: {later / full:.3f} (first loads: {costs['snapshot'][0]:.2f}, {costs['changes'][0]:.2f})")
    return later / min(full, costs["snapshot"][0])


def alone(binary, work, bodies):
    """CPU seconds of the tap alone, in rounds, so that noise affects every mode."""
    modes = {"snapshot": {}, "snapshot, archive": {"archive": "on", "archive_keep": 1}, "changes": CHANGES}
    taps = {name: Tap(binary, os.path.join(work, f"tap_{number}"), bodies, settings) for number, (name, settings) in enumerate(modes.items())}
    costs = {name: [] for name in taps}
    try:
        for _ in range(1 + RUNS):
            for name, tap in taps.items():
                costs[name].append(tap.run().cpu)
        print(taps["changes"].log())
    finally:
        for tap in taps.values():
            tap.close()
    medians = {name: statistics.median(seconds[1:]) for name, seconds in costs.items()}
    text = ", ".join(f"{name}: {seconds:.3f} s" for name, seconds in medians.items())
    ratio = medians["changes"] / medians["snapshot"]
    print(f"tap alone, {ROWS:,} rows: {text}; {ratio:.2f} times a snapshot run (first run with changes: {costs['changes'][0]:.3f} s)", flush=True)
    return ratio


def memory(binary, work, bodies):
    """Bytes of memory a row that a run with changes takes beyond a snapshot run."""
    peaks = {}
    for name, settings in (("snapshot", {}), ("changes", CHANGES)):
        tap = Tap(binary, os.path.join(work, f"memory_{name}"), bodies, settings)
        try:
            costs = [tap.run() for _ in range(3)]
            peaks[name] = max(cost.peak for cost in costs)
            print(f"memory, {name}: {[cost.peak // 2**20 for cost in costs]} MiB, {[round(cost.cpu, 2) for cost in costs]} s; {tap.log()}", flush=True)
        finally:
            tap.close()
    return (peaks["changes"] - peaks["snapshot"]) / LARGE


def main():
    binary, venvs, work, *parts = sys.argv[1:]
    parts = parts or list(LIMITS)
    figures = {}
    if "load" in parts or "tap" in parts:
        bodies = pair(ROWS, work)
        if "tap" in parts:
            figures["tap"] = alone(binary, work, bodies)
        if "load" in parts:
            figures["load"] = load(binary, HardPostgres(venvs, work), work, bodies)
    if "memory" in parts:
        figures["memory"] = memory(binary, work, pair(LARGE, work))
        print(f"memory, {LARGE:,} rows: {figures['memory']:.1f} bytes a row more than a snapshot run")
    exceeded = [f"{name}: {figure:.3f} exceeds {LIMITS[name]}" for name, figure in figures.items() if figure > LIMITS[name]]
    print("\n".join(exceeded) or "no limit is exceeded")
    sys.exit(bool(exceeded))


main()
