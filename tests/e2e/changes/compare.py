"""Compares a table and the messages of a run with the report, as Python's csv module reads it."""

import csv
import io
import json

from reports import COLUMNS, TYPES
from typed import moment

DELETED = "_sdc_deleted_at"


def rows_of(text, as_loaded=lambda cell: cell):
    """The rows of a CSV by the column names of the table; None for an empty cell. The first column is the key."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    names = [COLUMNS[title] for title in header]
    found = {}
    for row in rows:
        cells = [value(name, as_loaded(cell) if name not in TYPES else cell) if cell else None for name, cell in zip(names, row, strict=True)]
        assert cells[0] not in found, "the generated report repeats a key"
        found[cells[0]] = dict(zip(names, cells))
    return found


def value(name, loaded):
    """A value of the table or of a RECORD in a form that can be compared."""
    if loaded is None:
        return None
    return {"integer": int, "date-time": moment}.get(TYPES.get(name), str)(loaded)


def compare_table(target, folder, text, excused):
    """The differences between the live rows and the report, and the keys of live rows that only the table has. The keys of
    `excused` may be among them. With hard deletion every row is live."""
    wanted = rows_of(text, target.as_loaded)
    problems, found = [], {}
    for row in target.rows("user_report", folder):
        if row[DELETED] is not None:
            problems += [f"row {row['user_id']!r} is flagged, not deleted"] if target.hard else []
            continue
        if row["user_id"] in found:
            problems.append(f"row {row['user_id']!r} is twice in the table")
        found[row["user_id"]] = {name: value(name, row.get(name)) for name in COLUMNS.values()}
    stale = found.keys() - wanted.keys()
    problems += [f"row {key!r} is in the table, not in the report" for key in stale - excused]
    for key, row in wanted.items():
        if key not in found:
            problems.append(f"row {key!r} is not in the table")
        elif found[key] != row:
            problems += [f"row {key!r}, {name}: {found[key][name]!r:.60} is not {row[name]!r:.60}" for name in row if found[key][name] != row[name]]
    return problems, stale


def live_keys(target, folder):
    """The keys of the rows that a reader of the table sees; none without a table."""
    try:
        return {row["user_id"] for row in target.rows("user_report", folder) if row[DELETED] is None}
    except Exception as problem:
        assert "does not exist" in str(problem), problem
        return set()


class Messages:
    """The messages of one run: RECORDs by key, those of rows that are gone apart from the others."""

    def __init__(self, lines):
        self.all = [json.loads(line) for line in lines]
        self.of = {kind: [m for m in self.all if m["type"] == kind] for kind in ("SCHEMA", "RECORD", "ACTIVATE_VERSION", "STATE")}
        self.sent, self.gone, self.repeated = {}, {}, 0
        for message in self.of["RECORD"]:
            record = message["record"]
            place = self.sent if record[DELETED] is None else self.gone
            self.repeated += record["user_id"] in self.sent or record["user_id"] in self.gone
            place[record["user_id"]] = message

    @staticmethod
    def bookmark(state):
        return ((state or {}).get("bookmarks") or {}).get("user_report") or {}

    @property
    def version(self):
        return self.of["ACTIVATE_VERSION"][0]["version"]

    def problems(self, text, state):
        """The rules that hold in every run of a stream with `changes`, whatever happened before."""
        report, found = rows_of(text), []
        rule = lambda holds, words: None if holds else found.append(words)
        rule(len(self.of["SCHEMA"]) == 1 and self.all[0]["type"] == "SCHEMA", "SCHEMA is not the first message")
        properties = list(self.of["SCHEMA"][0]["schema"]["properties"])
        rule(properties[-1] == DELETED, f"the last property is {properties[-1]}")
        rule(len(self.of["ACTIVATE_VERSION"]) == 1, f"{len(self.of['ACTIVATE_VERSION'])} ACTIVATE_VERSION")
        rule(self.all[-1]["type"] == "STATE", "the last message is not STATE")
        kinds = [m["type"] for m in self.all if m["type"] != "STATE"]
        rule(kinds == sorted(kinds, key=["SCHEMA", "RECORD", "ACTIVATE_VERSION"].index), "RECORD after ACTIVATE_VERSION")
        rule(not self.repeated, f"{self.repeated} keys are repeated")
        moved = [m for m in self.of["STATE"][:-1] if self.bookmark(m["value"]) != self.bookmark(state)]
        rule(not moved, "the bookmark moves before the last STATE")
        rule(all(m["version"] == self.version for m in self.sent.values()), "a row has another version than ACTIVATE_VERSION")
        rule(all(m["version"] == self.version - 1 for m in self.gone.values()), "a row that is gone has not the version before")
        rule(not self.gone.keys() & report.keys(), "a row of the report is sent as gone")
        for key, message in self.sent.items():
            record = {name: value(name, message["record"].get(name)) for name in COLUMNS.values()}
            rule(record == report.get(key), f"RECORD {key!r} differs from the report")
        return found

    def exact(self, before, text):
        """The difference to a run that sends the rows that changed since `before` (None: all rows), and no other."""
        report, found = rows_of(text), []
        before = {} if before is None else rows_of(before)
        wanted = {key for key, row in report.items() if before.get(key) != row}
        for words, sent, right in (("sent", self.sent.keys(), wanted), ("sent as gone", self.gone.keys(), before.keys() - report.keys())):
            found += [f"row {key!r} is {words}, but did not change" for key in sent - right]
            found += [f"row {key!r} is not {words}" for key in right - sent]
        for key in before.keys() & self.gone.keys():
            record = {name: value(name, self.gone[key]["record"].get(name)) for name in COLUMNS.values()}
            found += [] if record == before[key] else [f"row {key!r} is sent as gone with other cells than its last"]
        return found
