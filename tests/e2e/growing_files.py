"""Real files that grow: each in four snapshots, with a quarter, half, three quarters and all of its rows.

The tap decides the type of a column once: no decided type changes in a later SCHEMA. Twenty of the files are loaded into
PostgreSQL at each step and compared with Python's reading of the CSV. `FILES` is the number of files (400).
Usage: growing_files.py BINARY VENVS WORK; the files are those of the package pydataset in VENVS."""

import csv
import glob
import io
import json
import os
import subprocess
import sys
import tarfile
from collections import Counter

import typed
from targets import Postgres

FILES = int(os.environ.get("FILES", "400"))
LOADED = 20
STEPS = 4
LARGEST = 200_000
FEWEST_ROWS = 8
NULLS = ["NA"]


def real_files(venvs):
    """The rows of the first files that are rectangular, with the header first; sorted by name."""
    (path,) = glob.glob(os.path.join(venvs, "pydataset/lib/python*/site-packages/pydataset/resources.tar.gz"))
    with tarfile.open(path) as archive:
        members = [m for m in archive if m.name.endswith(".csv") and not os.path.basename(m.name).startswith("._")]
        for member in sorted(members, key=lambda member: member.name):
            if member.size > LARGEST:
                continue
            try:
                text = archive.extractfile(member).read().decode()
            except UnicodeDecodeError:
                continue
            rows = list(csv.reader(io.StringIO(text, newline="")))
            if len(rows) > FEWEST_ROWS and all(len(row) == len(rows[0]) for row in rows):
                yield rows


def start(rows, step):
    """The CSV with the first rows of a file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows[: 1 + len(rows[1:]) * step // STEPS])
    return text.getvalue()


class Tap:
    """The tap with a report for each file; one sandbox for all runs."""

    def __init__(self, binary, folder, count):
        self.binary, self.folder = binary, folder
        self.reports = [f"file{number}Report" for number in range(count)]
        os.makedirs(folder)
        faults = []
        for report in self.reports:
            faults += ["--fault", f"{report}:200", "--fault", f"{report}:csv-file={self.path(report)}"]
        self.server = subprocess.Popen([binary, "sandbox", "--interval", "0", *faults], stderr=subprocess.PIPE, text=True)
        line = self.server.stderr.readline()
        self.config = json.loads(line[line.index("{"):])
        self.config.update(
            extra_reports=self.reports, types="infer", null_values=NULLS, request_interval_seconds=0.001,
            request_timeout_seconds=60, state_dir=self.path("state"),
        )
        streams = [{"tap_stream_id": self.stream(number), "schema": {}, "metadata": []} for number in range(count)]
        self.write("catalog.json", json.dumps({"streams": streams}))
        self.write("config.json", json.dumps(self.config))
        self.write("state.json", "{}")

    @staticmethod
    def stream(number):
        return f"file{number}_report"

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", newline="", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)

    def run(self, texts):
        """Syncs one CSV for each report; returns the path of the messages, and SCHEMA by stream."""
        for report, text in zip(self.reports, texts, strict=True):
            self.write(report, text)
        messages = self.path("messages")
        arguments = [part for name in ("config", "catalog", "state") for part in (f"--{name}", self.path(f"{name}.json"))]
        with open(messages, "wb") as out, open(self.path("log"), "wb") as log:
            done = subprocess.run([self.binary, *arguments, "--assume-idle"], stdout=out, stderr=log)
        assert done.returncode == 0, open(self.path("log")).read()[-1500:]
        with open(messages) as lines:
            schemas = {}
            for line in lines:
                if line.startswith('{"type":"SCHEMA"'):
                    message = json.loads(line)
                    schemas[message["stream"]] = message["schema"]
        self.write("state.json", json.dumps(json.loads(line)["value"]))
        return messages, schemas

    def close(self):
        self.server.kill()
        self.server.wait()


def type_changes(before, after, csv_text):
    """Columns that had a type and have another one, and the number of those whose first value is in this step."""
    header, rows = typed.read(csv_text, NULLS)
    changed, decided = [], 0
    for index, name, _ in typed.columns(before, header):
        old, new = typed.kind(before["properties"][name]), typed.kind(after["properties"][name])
        if old != new:
            if old == "string" and all(row[index] is None for row in rows):
                decided += 1
            else:
                changed.append(f"{name}: {old}, then {new}")
    return changed, decided


def grow(tap, files):
    """All steps; returns the changes of decided types, figures, and the files ordered by how much their cells vary."""
    changed, figures, schemas = [], Counter(), {}
    for step in range(1, STEPS + 1):
        before = schemas
        _, schemas = tap.run([start(rows, step) for rows in files])
        for number, rows in enumerate(files if before else []):
            stream = tap.stream(number)
            found, decided = type_changes(before[stream], schemas[stream], start(rows, step - 1))
            changed += [f"{stream}: {change}" for change in found]
            figures["decided later"] += decided
    kinds = [Counter(typed.kind(schema) for schema in schemas[tap.stream(n)]["properties"].values()) for n in range(len(files))]
    variants = [
        sum(schema["title"].startswith("Text of the cells") for schema in schemas[tap.stream(n)]["properties"].values())
        for n in range(len(files))
    ]
    figures.update(columns=sum(len(rows[0]) for rows in files), variants=sum(variants))
    figures.update(sum(kinds, Counter()))
    order = sorted(range(len(files)), key=lambda n: (-min(variants[n], 1), -len(kinds[n]), n))
    return changed, figures, order


def load(tap, files, target):
    """Loads all files at each step; returns the differences."""
    problems = []
    for step in range(1, STEPS + 1):
        texts = [start(rows, step) for rows in files]
        messages, schemas = tap.run(texts)
        target.load(messages, tap.folder)
        for number, text in enumerate(texts):
            stream = tap.stream(number)
            found = target.rows(stream, tap.folder)
            missing = len(typed.read(text)[1]) - len(found)
            problems += [f"step {step}, {stream}: {missing} rows missing"] * bool(missing)
            problems += [f"step {step}, {stream}, {p}" for p in typed.differences(schemas[stream], text, found, NULLS)]
    return problems


def main():
    binary, venvs, work = sys.argv[1:]
    files = [rows for rows, _ in zip(real_files(venvs), range(FILES))]
    assert len(files) == FILES, f"only {len(files)} files"
    taps = []
    try:
        taps.append(Tap(binary, os.path.join(work, "growing_files"), len(files)))
        changed, figures, order = grow(taps[0], files)
        print(f"{len(files)} files, {STEPS} steps: {len(changed)} changes of a decided type; {dict(figures)}", flush=True)
        chosen = [files[number] for number in order[:LOADED]]
        taps.append(Tap(binary, os.path.join(work, "growing_files_loaded"), len(chosen)))
        problems = load(taps[1], chosen, Postgres(venvs, work))
        print(f"{len(chosen)} files loaded into PostgreSQL at each step: {len(problems)} differences")
    finally:
        for tap in taps:
            tap.close()
    print("\n".join((changed + problems)[:20]))
    sys.exit(bool(changed or problems))


if __name__ == "__main__":
    main()
