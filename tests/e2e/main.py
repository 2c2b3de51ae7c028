"""Runs every case on every target and prints the outcomes. Fails if one differs from docs/targets.md."""

import os
import sys
import tempfile
import time

import second_snapshot
from cases import CASES, Tap
from targets import ALL

CASES += second_snapshot.CASES
DOCS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/targets.md")
HEAD = """# Real targets

`tests/e2e/run BINARY --write` writes this page, and `.ci/consumers` compares it with a new run. For each cell, the real
program loaded the tap's output, and the test compared the loaded rows cell by cell with the CSV that the sandbox served.

"""


def table(outcomes, targets):
    lines = ["| case | " + " | ".join(target.name for target in targets) + " |", "|---" * (len(targets) + 1) + "|"]
    for case in CASES:
        cells = [outcomes[target.name, case.__name__] for target in targets]
        lines.append(f"| {case.__doc__} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def settings(targets):
    lines = ["", "", "| target | settings, without the destination | note |", "|---|---|---|"]
    for target in targets:
        wanted = ", ".join(f"`{name}: {str(value).lower()}`" for name, value in target.settings.items())
        with open(os.path.join(os.path.dirname(DOCS), "../tests/e2e/requirements", target.name + ".txt")) as file:
            package = " ".join(file.read().split())
        lines.append(f"| {target.name} ({package}) | {wanted or 'none'} | {target.note or 'none'} |")
    return "\n".join(lines) + "\n"


def main():
    binary, venvs, work, *options = sys.argv[1:]
    targets = [target for target in ALL if target.name in options] or ALL
    outcomes, failed = {}, []
    for target in targets:
        for case in CASES:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix=f"{case.__name__}_{target.name}_", dir=work) as folder:
                try:
                    outcome = case(Tap(binary, folder), target(venvs, work), folder)
                except Exception as problem:  # run the remaining cases after a failure
                    outcome = "FAILED"
                    failed.append(f"{target.name}, {case.__name__}: {problem}")
            outcomes[target.name, case.__name__] = outcome
            print(f"{target.name}, {case.__name__}: {outcome} ({time.monotonic() - began:.1f} s)", flush=True)
    text = HEAD + table(outcomes, targets) + settings(targets)
    if "--write" in options:
        with open(DOCS, "w") as file:
            file.write(text)
    elif targets == ALL:
        with open(DOCS) as file:
            if file.read() != text:
                failed.append("docs/targets.md differs from this run; hint: renew it with --write")
    print("\n".join(failed) or "all outcomes are as documented")
    sys.exit(bool(failed))


main()
