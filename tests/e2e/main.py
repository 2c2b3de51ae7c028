"""Every case on every target; the table of outcomes, and an exit code that says whether it is as documented."""

import os
import sys
import tempfile
import time

from cases import CASES, Tap
from targets import ALL

DOCS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/targets.md")
HEAD = """# Real targets

Made by `tests/e2e/run BINARY --write`, and compared with a fresh run by `.ci/run`: each cell is a load by the real
program, read back and compared cell by cell with what the sandbox served.

"""


def table(outcomes, targets):
    lines = ["| case | " + " | ".join(target.name for target in targets) + " |", "|---" * (len(targets) + 1) + "|"]
    for case in CASES:
        cells = [outcomes[target.name, case.__name__] for target in targets]
        lines.append(f"| {case.__doc__} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def settings(targets):
    lines = ["", "", "| target | its settings here, besides where it loads | note |", "|---|---|---|"]
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
                except Exception as problem:  # every cell is to be seen, whatever went wrong
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
                failed.append("docs/targets.md says something else; renew it with --write")
    print("\n".join(failed) or "every cell is as it should be")
    sys.exit(bool(failed))


main()
