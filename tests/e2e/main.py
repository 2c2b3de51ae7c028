"""Runs every case on every target and prints the outcomes. Fails if one differs from docs/targets.md."""

import itertools
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import masked
import second_snapshot
from cases import CASES, Tap, large
from targets import ALL

CASES += second_snapshot.CASES + masked.CASES
DOCS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/targets.md")
HEAD = """# Real targets

`tests/e2e/run BINARY --write` writes the two tables of this section, and `.ci/consumers` compares them with a new run.
For each cell, the real program loaded the tap's output on Python 3.11, and the test compared the loaded rows cell by
cell with the CSV that the sandbox served.

"""
# The sections from here on are written by hand.
BY_HAND = "\n## "


def table(outcomes, targets):
    lines = ["| case | " + " | ".join(target.name for target in targets) + " |", "|---" * (len(targets) + 1) + "|"]
    for case in CASES:
        cells = [outcomes[target.name, case.__name__] for target in targets]
        lines.append(f"| {case.__doc__} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def listed(settings):
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}
    return ", ".join(f"`{name}: {value}`" for name, value in values.items())


def settings(targets):
    lines = ["", "", "| target | settings, without the destination | note |", "|---|---|---|"]
    for target in targets:
        wanted = ", the tap's ".join(filter(None, map(listed, (target.settings, target.tap_settings))))
        with open(os.path.join(os.path.dirname(DOCS), "../tests/e2e/requirements", target.name + ".txt")) as file:
            package = " ".join(file.read().split())
        lines.append(f"| {target.name} ({package}) | {wanted or 'none'} | {target.note or 'none'} |")
    return "\n".join(lines) + "\n"


def run(case, tap, target, folder):
    """The outcome of a case, which must be the known failure if the target has one."""
    words = target.fails.get(case.__name__)
    try:
        outcome = case(tap, target, folder)
    except AssertionError as problem:
        if words and words in str(problem):
            return f"fails: {words}"
        raise
    assert not words, f"the target has no longer the known failure: {words}"
    return outcome


def main():
    binary, venvs, work, *options = sys.argv[1:]
    targets = [target for target in ALL if target.name in options] or ALL
    cases = [case for case in CASES if case.__name__ in options] or CASES
    outcomes, failed = {}, []

    def test(target, case):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"{case.__name__}_{target.name}_", dir=work) as folder:
            try:
                outcome = run(case, Tap(binary, folder), target(venvs, work), folder)
            except Exception as problem:  # run the remaining cases after a failure
                outcome = "FAILED"
                failed.append(f"{target.name}, {case.__name__}: {problem}")
        outcomes[target.name, case.__name__] = outcome
        print(f"{target.name}, {case.__name__}: {outcome} ({time.monotonic() - began:.1f} s)", flush=True)

    # The longest cases first, so that no worker is left with one of them at the end.
    tests = sorted(itertools.product(targets, cases), key=lambda test: test[1] is not large)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        list(workers.map(test, *zip(*tests)))
    everything = targets == ALL and cases == CASES
    if everything:
        with open(DOCS) as file:
            page = file.read()
        _, heading, by_hand = page.partition(BY_HAND)
        renewed = HEAD + table(outcomes, targets) + settings(targets) + heading + by_hand
        if "--write" in options:
            with open(DOCS, "w") as file:
                file.write(renewed)
        elif page != renewed:
            failed.append("docs/targets.md differs from this run; hint: renew it with --write")
    print("\n".join(failed) or "all outcomes are as documented")
    sys.exit(bool(failed))


main()
