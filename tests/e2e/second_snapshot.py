"""The cases of later snapshots: what becomes of columns, names and types in a table that the first snapshot made.

Each target loads one history of three snapshots, and each case compares its columns with Python's reading of the CSV."""

import csv
import io
import json
import threading

import typed

FIRST = "User ID,user_id,n,mail,pay,rating\n1,a,7,ann@example.com,secret1,\n2,b,8,bob@example.com,secret2,\n"
# Headers swap their places, `n` has decimals and text, `mail` is gone, `pay` is deselected, `rating` has its first values.
SECOND = "user_id,User ID,n,pay,rating\nc,3,7.5,secret3,4\nd,4,many,secret4,4.5\n"
# `mail` is back, and STATE is lost.
THIRD = "rating,mail,user_id,pay,n,User ID\n5,eve@example.com,e,secret5,9,5\n,joe@example.com,f,secret6,?,6\n"
SNAPSHOTS = [FIRST, SECOND, THIRD]


def without(served, title):
    """The CSV without a column."""
    header, *rows = csv.reader(io.StringIO(served))
    index, text = header.index(title), io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row[:index] + row[index + 1:] for row in (header, *rows))
    return text.getvalue()


def filled(rows):
    """The rows without nulls: a later column makes earlier rows longer."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


class History:
    """The schemas, the CSV and the rows after each of the three runs of one target."""

    def __init__(self, tap, target, folder, snapshots):
        deselected = [{"breadcrumb": ["properties", "pay"], "metadata": {"selected": False}}]
        catalog = {"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": deselected}]}
        self.target, self.runs, state, loaded = target, [], None, []
        for served in snapshots:
            later = {"catalog": catalog, "state": state if len(self.runs) == 1 else None} if self.runs else {}
            messages = tap.run(served, settings={**target.tap_settings, "types": "infer"}, **later)
            with open(messages) as file:
                text = file.read()
            assert not later or "secret" not in text, "a deselected column leaves the tap"
            state = target.load(messages, folder)
            assert "bookmarks" in state, f"the target printed no state: {state[:200]}"
            rows = target.rows("user_report", folder)
            if rows is not None and target.second == "appended":
                rows = [row for row in rows if filled([row])[0] not in loaded]
                loaded += filled(rows)
            self.runs.append((json.loads(text.partition("\n")[0])["schema"], served, rows))

    def compare(self, number, titles):
        """Compares the columns with these headers after a run; a deselected one must be null."""
        schema, served, rows = self.runs[number - 1]
        if rows is None:
            return "accepted"
        if self.target.second == "inserted" and number > 1:
            assert filled(rows) == filled(self.runs[0][2]), f"run {number} changed rows"
            return "no row changes"
        header, cells = typed.read(served)
        assert len(rows) == len(cells), f"run {number}: {len(rows)} rows, not {len(cells)}"
        if number > 1:
            served = without(served, "pay")
        problems = typed.differences(schema, served, rows, as_loaded=self.target.as_loaded, titles=titles)
        assert not problems, f"run {number}: {problems[:5]}"
        return "appended" if self.target.second == "appended" else "equal"


HISTORIES = {}
LOCK = threading.Lock()


def compare(tap, target, folder, numbers, titles):
    """Compares columns after these runs of the history, which each target loads once. A target that fails with the
    first values of a column loads one more, without that column."""
    whole = "undecided_type" not in target.fails or titles == ["rating"]
    with LOCK:
        lock = HISTORIES.setdefault((target.name, whole), [threading.Lock(), None])
    with lock[0]:
        snapshots = SNAPSHOTS if whole else [without(served, "rating") for served in SNAPSHOTS]
        lock[1] = lock[1] or History(tap, target, folder, snapshots)
    return [lock[1].compare(number, titles) for number in numbers][-1]


def changed_type(tap, target, folder):
    """cells that change their type: numbers, then also text (in `n__text`)"""
    return compare(tap, target, folder, [1, 2, 3], ["n"])


def gone_column(tap, target, folder):
    """a column that goes (null in all rows) and comes back"""
    return compare(tap, target, folder, [1, 2, 3], ["mail"])


def deselected_later(tap, target, folder):
    """a column that is deselected after it was loaded (null in all rows)"""
    return compare(tap, target, folder, [1, 2, 3], ["pay"])


def swapped_headers(tap, target, folder):
    """two headers with the same snake-case form that swap their places"""
    return compare(tap, target, folder, [1, 2, 3], ["User ID", "user_id"])


def undecided_type(tap, target, folder):
    """a column without values that gets its first ones: numbers"""
    return compare(tap, target, folder, [1, 2, 3], ["rating"])


def lost_state(tap, target, folder):
    """a lost STATE: names and types hold, with the state folder"""
    return compare(tap, target, folder, [3], None)


CASES = [changed_type, gone_column, deselected_later, swapped_headers, undecided_type, lost_state]
