"""Compares a program's output with the report, as Python's csv module reads it."""

import csv
import itertools
import json

from workload import STREAM

csv.field_size_limit(2**30)


def agree(gives, output, report, arrives=str):
    """Compares names and cells one by one and returns the number of rows; raises at the first difference.

    `arrives` converts a cell to the expected value.
    """
    theirs = {"messages": messages, "records": records, "csv": rows}[gives](output)
    ours = rows(report)
    names = next(ours)
    if gives == "csv":
        assert next(theirs) == names
    if gives == "messages":
        names = [title.lower().replace(" ", "_") for title in names]
    count = 0
    for count, (row, other) in enumerate(itertools.zip_longest(ours, theirs), 1):
        assert row is not None and other is not None, f"one output ends before row {count}"
        if gives != "csv":
            row = [(name, arrives(cell) if cell else None) for name, cell in zip(names, row, strict=True)]
            row += [("_row_number", count)] if gives == "messages" else []
            other = list(other.items())
        if row != other:
            raise AssertionError(f"row {count}: {[pair for pair in zip(row, other) if pair[0] != pair[1]]}")
    return count


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        # `jaq -r` adds a line break after the last line.
        yield from filter(None, csv.reader(file))


def records(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            yield json.loads(line)


def messages(path):
    for message in records(path):
        if message["type"] == "RECORD":
            assert message["stream"] == STREAM, message["stream"]
            yield message["record"]
