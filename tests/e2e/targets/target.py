"""What the tests need of each target: its settings, how to run it, and how to read back what it loaded."""

import json
import os
import subprocess

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


class Target:
    """A program that reads Singer messages. `rows` reads back the rows that it loaded."""

    name = program = note = ""
    settings = {}
    # The settings of the tap that the target needs.
    tap_settings = {}
    # True if the target takes the first row of a batch for a header when every column is text.
    loses_first_text_row = False
    # The rows after a second snapshot: "equal" to it, it and "stale" rows, "appended" to the first, or the first
    # and those whose key is new ("inserted").
    second = "equal"
    # True if a run without rows changes nothing, although a run with rows replaces them.
    keeps_rows_without_new_ones = False
    # The cases that fail in the target, each with words of its error message.
    fails = {}

    def __init__(self, venvs, work):
        self.bin = os.path.join(venvs, self.name, "bin")
        self.work = work

    def config(self, folder):
        return dict(self.settings)

    def load(self, messages, folder, whole=True):
        """Loads the messages; returns the last state that the target printed. A partial run may fail and prints no state."""
        path = os.path.join(folder, "target.json")
        with open(path, "w") as file:
            json.dump(self.config(folder), file)
        log = os.path.join(folder, "target.log")
        with open(messages) as source, open(log, "w") as stderr:
            done = subprocess.run(
                self.command(path, messages, whole), stdin=source, stdout=subprocess.PIPE, stderr=stderr, text=True,
                cwd=folder, timeout=600, env={**os.environ, **self.environment(folder)},
            )
        printed = done.stdout.strip()
        if not whole:
            assert printed in ("", "{}"), f"the target printed a state for a partial run: {printed[:200]}"
        elif done.returncode:
            with open(log) as file:
                raise AssertionError(f"the target failed: {file.read()[-3000:]}")
        return printed.splitlines()[-1] if printed else ""

    def environment(self, folder):
        return {}

    def command(self, config, messages, whole):
        return [os.path.join(self.bin, self.program), "--config", config]

    def as_loaded(self, cell):
        """The cell as the target stores it; differs from the cell only by a defect of the target."""
        return cell

    def rows(self, stream, folder):
        raise NotImplementedError

    def dump(self, stream, folder):
        """Everything that the target stored of the stream, as text."""
        return json.dumps(self.rows(stream, folder), ensure_ascii=False, default=str)
