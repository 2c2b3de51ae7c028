"""Loads days of a changing report with `replication: "changes"` into each target, and compares the table after each day.

A calm history has no disturbance: each run sends exactly the rows that changed. A disturbed one loses STATE, archive and
journal, and kills the tap and the target at random points: after each run whose STATE was kept, the table is the report.
Usage: main.py BINARY VENVS WORK [TARGET]…"""

import json
import math
import os
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import faults
from api import Api
from destinations import ALL
from compare import Messages, compare_table, live_keys, rows_of
from pipeline import Kill, Pipeline
from reports import KEY, TYPES, People

DAYS = int(os.environ.get("DAYS", "10"))
ROWS = int(os.environ.get("ROWS", "300"))
SEED = os.environ.get("SEED") or str(random.randrange(10**6))
SETTINGS = {
    "replication": "changes", "archive": "on", "key_properties": {"user_report": [KEY.lower().replace(" ", "_")]},
    "schema_overrides": {"user_report": TYPES},
}
# Of the runs of a disturbed history.
SHARE_KILLED = 0.45
# More than a run of a target takes.
LONGEST_RUN = 4


class History:
    """The days of one target; `say` collects what went wrong."""

    def __init__(self, binary, venvs, work, api, target, name, settings=None):
        self.name = f"{target.name}_{name}"
        self.rng = random.Random(f"{SEED} {self.name}")
        self.binary, self.venvs, self.target = binary, venvs, target(venvs, work)
        self.folder = os.path.join(work, "changes_" + self.name)
        settings = {**SETTINGS, "run_report": os.path.join(self.folder, "report.json"), **(settings or {})}
        self.pipeline = Pipeline(binary, api, self.name, self.target, self.folder, settings)
        self.target.prepare(self.folder)
        self.people = People(self.rng, ROWS, self.target.avoids)
        self.state, self.states, self.excused, self.disturbed = None, [], set(), False
        self.problems, self.figures, self.lines = [], Counter(), []

    def add_problems(self, day, problems):
        self.problems += [f"{self.name}, day {day}: {problem}" for problem in problems]
        if problems and len(self.problems) <= len(problems):
            print(f"{self.name}: the first problem is of day {day}: {problems[0][:200]}", flush=True)

    def check_with_programs(self, lines, singer=False):
        """`tap-together check`, and on demand singer-check-tap, read the messages of a complete run."""
        done = subprocess.run([self.binary, "check"], input=b"".join(lines), capture_output=True)
        problems = [] if done.returncode == 0 else [f"check: {done.stdout.decode()[-600:]}"]
        if singer:
            program = os.path.join(self.venvs, "singer-tools/bin/singer-check-tap")
            done = subprocess.run([program], input=b"".join(lines), capture_output=True, cwd=self.folder)
            problems += [] if done.returncode == 0 else [f"singer-check-tap: {done.stderr.decode()[-600:]}"]
        return problems

    def keep(self, state):
        if state is not None:
            self.state = state
            self.states += [state] if state not in self.states else []

    def compare(self, day, text):
        problems, stale = compare_table(self.target, self.folder, text, self.excused)
        self.add_problems(day, problems)
        self.figures["tables compared"] += 1
        self.figures["rows compared"] += len(rows_of(text))
        self.figures["stale rows that are expected"] += len(stale & self.excused)
        self.excused &= stale

    def complete_run(self, day, text, outcome, state):
        """A run that must succeed; returns its messages, or None if it failed."""
        if not outcome.complete:
            logs = f"{outcome.log[-1200:]}\n{outcome.target_log[-9000:]}"
            self.add_problems(day, [f"the tap ended with {outcome.tap_code}, the target with {outcome.target_code}\n{logs}"])
            return None
        messages = Messages(outcome.messages)
        self.add_problems(day, messages.problems(text, state))
        self.add_problems(day, self.check_with_programs(outcome.messages))
        self.figures["complete runs"] += 1
        self.figures["records"] += len(messages.of["RECORD"])
        self.keep(outcome.printed)
        return messages


class Calm(History):
    def run(self):
        before, version, lines, is_kept = None, None, [], False
        for number, day in enumerate(self.people.days(DAYS)):
            state = self.state
            outcome = self.pipeline.run(day.text, state)
            messages = self.complete_run(number, day.text, outcome, state)
            if messages is None:
                return
            self.add_problems(number, messages.exact(before, day.text))
            if version not in (None, messages.version):
                self.add_problems(number, [f"the version changes without a reason ({day.kind})"])
            last = messages.all[-1]["value"]
            if day.kind == "unchanged" and is_kept and last != state:
                self.add_problems(number, ["an unchanged report moves STATE"])
            self.compare(number, day.text)
            # pipelinewise and target-duckdb print the first STATE of a run without RECORDs.
            before, version, is_kept = day.text, messages.version, self.state == last
            lines += outcome.messages
        self.add_problems(DAYS, self.check_with_programs(lines, singer=True)[1:])
        self.shrink(before)

    def check_run_report(self, before, text):
        """The differences between the run report and the rows that changed."""
        with open(self.pipeline.config["run_report"]) as file:
            (stream,) = json.load(file)["streams"]
        counts = [stream[name] for name in ("inserted", "updated", "deleted")]
        if before is None:
            return [] if counts == [None] * 3 and stream["full_load_reason"] else [f"the run report of a full load has {counts}"]
        old, new = rows_of(before), rows_of(text)
        wanted = [len(new.keys() - old.keys()), sum(old[key] != new[key] for key in new.keys() & old.keys()), len(old.keys() - new.keys())]
        is_right = wanted == [0] * 3 if stream["unchanged"] else counts == wanted
        return [] if is_right else [f"the run report has {counts}, not {wanted}"]

    def shrink(self, before):
        """By default a report that lost over a fifth of its rows is refused before anything is emitted."""
        rows = list(self.people.rows.items())
        self.people.rows = dict(rows[: len(rows) * 3 // 4])
        outcome = self.pipeline.run(self.people.text(), self.state)
        if outcome.tap_code != 65 or any(b'"RECORD"' in line for line in outcome.messages):
            self.add_problems("shrink", [f"the tap accepts a report that shrank: exit code {outcome.tap_code}"])
        self.compare("shrink", before)


class Disturbed(History):
    def run(self):
        before, clean = None, False
        for number, day in enumerate(self.people.days(DAYS)):
            state = self.disturb(number) if number else None
            clean &= state == self.state and not self.disturbed
            kill = self.plan() if self.rng.random() < SHARE_KILLED else None
            if kill:
                self.killed_run(number, day, state, kill)
                clean = False
                # The orchestrator repeats the run on the same day, or waits for the next.
                if self.rng.random() < 0.3:
                    continue
                state = self.state
            messages = self.complete_run(number, day.text, self.pipeline.run(day.text, state), state)
            if messages is None:
                return
            if clean:
                self.add_problems(number, messages.exact(before, day.text))
                self.figures["runs that sent exactly the changes"] += 1
            else:
                self.figures["changes after a disturbance" if self.continues(messages, state) else "full loads"] += 1
            self.compare(number, day.text)
            before, clean = day.text, self.state == messages.all[-1]["value"]
        # The last day may have ended with a killed run.
        outcome = self.pipeline.run(day.text, self.state)
        if self.complete_run("last", day.text, outcome, self.state):
            self.compare("last", day.text)

    @staticmethod
    def continues(messages, state):
        """Whether the run has the version of STATE, so is no full load."""
        return Messages.bookmark(state).get("version") == messages.version

    def disturb(self, number):
        name = self.rng.choices(list(faults.WEIGHTS), faults.WEIGHTS.values())[0]
        self.disturbed = name != "nothing"
        self.lines.append(f"day {number}: {name}")
        if name in faults.LOSES_ROWS and self.target.ignores_versions:
            # docs/changes.md: rows that go while the tap has forgotten them stay in such a table.
            self.excused |= live_keys(self.target, self.folder)
        if name in ("state folder lost", "all lost"):
            # The versions ran ahead of the clock if full loads were less than a second apart.
            time.sleep(2)
        self.figures[name] += int(self.disturbed)
        return faults.apply(name, self.pipeline.state_dir, self.states, self.state, self.rng)

    def plan(self):
        points = {("tap", "transfer"): 1, ("tap", "archive"): 1, ("tap", "journal"): 1, ("tap", "lines"): 4, ("target", "lines"): 2, ("target", "seconds"): 2}
        who, when = self.rng.choices(list(points), points.values())[0]
        lines = int(math.exp(self.rng.uniform(0, math.log(ROWS + 4))))
        return Kill(who, when, {"lines": lines, "seconds": self.rng.uniform(0, LONGEST_RUN)}.get(when, 0))

    def killed_run(self, number, day, state, kill):
        outcome = self.pipeline.run(day.text, state, kill)
        self.figures[f"{kill.who} killed, {kill.when}"] += 1
        self.lines.append(f"day {number}: {kill}: the tap ended with {outcome.tap_code}, the target with {outcome.target_code}")
        moved = outcome.printed is not None and Messages.bookmark(outcome.printed) != Messages.bookmark(state)
        if moved:
            # The target was killed after its work: whoever has this STATE has the table.
            self.figures["killed after the last STATE"] += 1
            self.compare(number, day.text)
        # The orchestrator keeps the STATE, or it is lost on the way.
        self.keep(outcome.printed if self.rng.random() < 0.7 else None)


def main():
    binary, venvs, work, *names = sys.argv[1:]
    api = Api()
    print(f"SEED={SEED} DAYS={DAYS} ROWS={ROWS}", flush=True)
    targets = [target for target in ALL if target.name in names] or ALL
    histories = []
    for target in targets:
        histories.append(Disturbed(binary, venvs, work, api, target, "disturbed", {"archive_keep": random.Random(SEED).choice([0, 1, 3])}))
        histories.append(Calm(binary, venvs, work, api, target, "calm"))

    def test(history):
        began = time.monotonic()
        try:
            history.run()
        except Exception as problem:  # the other histories still run
            history.add_problems("?", [repr(problem)])
        figures = ", ".join(f"{count} {name}" for name, count in sorted(history.figures.items()) if count)
        print(f"{history.name}: {figures} ({time.monotonic() - began:.0f} s)", flush=True)

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        list(workers.map(test, histories))
    problems = [problem for history in histories for problem in history.problems]
    for history in histories:
        if history.problems and history.lines:
            print("\n".join([f"the disturbances of {history.name}:", *history.lines]))
    print("\n".join(problems[:30]) or "every table is the report, and every calm run sent exactly the rows that changed")
    sys.exit(bool(problems))


main()
