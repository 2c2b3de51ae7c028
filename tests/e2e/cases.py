"""The cases: what the sandbox serves, what the tap is asked for, and what the target's table must hold then."""

import csv
import io
import json
import os
import subprocess

LONG = "x" * 10_000
NASTY = (
    'User ID,name,name, padded ,"comma, ""quoted""",😀,名前,' + "very long header " * 9 + ",_sdc_x,select\n"
    '007,"two\nlines",=SUM(1+1),  spaces  ,"say ""hi""",🙌,小明,NaN,1e5,-0\n'
    "30000000000000000000000000001,\\backslash\\n,\ttab,null,None,true,’,{},[],'; drop table x; --\n"
    ",,,,,,,,,\n"
)


class Tap:
    """The tap on a sandbox of its own."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", newline="", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
        return path

    def run(self, csv_text, settings=None, state=None, catalog=None):
        """Syncs user_report with this CSV; returns the path of the messages."""
        fault = "userReport:csv-file=" + self.file("served.csv", csv_text)
        server = subprocess.Popen([self.binary, "sandbox", "--interval", "0.05", "--fault", fault], stderr=subprocess.PIPE, text=True)
        try:
            line = server.stderr.readline()
            config = json.loads(line[line.index("{"):])
            config.update(settings or {}, state_dir=os.path.join(self.folder, "state"))
            catalog = catalog or {"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": []}]}
            arguments = ["--config", self.file("config.json", json.dumps(config)), "--assume-idle"]
            arguments += ["--catalog", self.file("catalog.json", json.dumps(catalog))]
            if state:
                arguments += ["--state", self.file("state.json", state)]
            path = os.path.join(self.folder, "messages")
            with open(path, "w") as messages:
                done = subprocess.run([self.binary, *arguments], stdout=messages, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 0, done.stderr
            return path
        finally:
            server.kill()
            server.wait()


def expected(csv_text, messages):
    """What the rows must be, by an independent reader of what was served and the titles of the SCHEMA."""
    with open(messages) as file:
        properties = json.loads(file.readline())["schema"]["properties"]
    header, *rows = csv.reader(io.StringIO(csv_text, newline=""))
    places = {}
    for name, schema in properties.items():
        if name != "_row_number":
            # Headers that stand twice come in their order.
            taken = [place for place, title in enumerate(header) if title == schema["title"] and place not in places.values()]
            places[name] = taken[0]
    result = []
    for number, row in enumerate(rows, 1):
        record = {name: row[place] or None for name, place in places.items()}
        if "_row_number" in properties:
            record["_row_number"] = str(number)
        result.append(record)
    return result


def compare(target, folder, wanted, stale=0):
    """All wanted rows, cell by cell, and no others but so many stale ones."""
    found = target.rows("user_report", folder)
    if found is None:
        return "accepted"
    names = list(wanted[0]) if wanted else []
    key = "_row_number" if "_row_number" in names else (names[0] if names else None)
    text = lambda value: None if value is None else str(value)
    by_key = {text(row[key]): row for row in found} if key else {}
    assert len(found) == len(wanted) + stale, f"{len(found)} rows, not {len(wanted) + stale}"
    changed = False
    for row in wanted:
        loaded = by_key[row[key]]
        for name in names:
            cell = row[name] and target.as_loaded(row[name])
            changed |= cell != row[name]
            assert text(loaded[name]) == cell, f"row {row[key]}, column {name}"
    return "equal, but line breaks and tabs are spelled out" if changed else "equal"


def load(tap, target, folder, text, **options):
    messages = tap.run(text, **options)
    state = target.load(messages, folder)
    assert "bookmarks" in state, f"no state came back: {state[:200]}"
    return expected(text, messages), state


def nasty(tap, target, folder):
    """nasty headers and cells"""
    wanted, _ = load(tap, target, folder, NASTY)
    return compare(target, folder, wanted)


def empty(tap, target, folder):
    """a header and no rows"""
    load(tap, target, folder, "a,b\n")
    return compare(target, folder, [])


def large(tap, target, folder):
    """20,000 rows"""
    rows = "".join(f'{n},"name {n}, of many","line\nbreak ""{n}""",\n' for n in range(20_000))
    wanted, _ = load(tap, target, folder, "id,name,note,empty\n" + rows)
    return compare(target, folder, wanted)


def long_cells(tap, target, folder):
    """cells of 10,000 characters"""
    wanted, _ = load(tap, target, folder, f"a,b\n{LONG},1\n2,{LONG}\n")
    return compare(target, folder, wanted)


def second_snapshot(tap, target, folder):
    """a second run with STATE: rows edited, added and removed"""
    first = "id,name\n" + "".join(f"{n},old\n" for n in range(9))
    then = "id,name\n1,new\n2,old\n77,added\n"
    before, state = load(tap, target, folder, first)
    wanted, _ = load(tap, target, folder, then, state=state)
    if target.second == "appended":
        found = target.rows("user_report", folder)
        assert len(found) == len(before) + len(wanted)
        return "appended"
    stale = 6 if target.second == "stale" else 0
    outcome = compare(target, folder, wanted, stale)
    return "equal, and rows that are gone" if stale and outcome == "equal" else outcome


def deselected(tap, target, folder):
    """a deselected column"""
    metadata = [{"breadcrumb": ["properties", "secret"], "metadata": {"selected": False}}]
    catalog = {"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": metadata}]}
    wanted, _ = load(tap, target, folder, "id,secret\n1,hidden\n", catalog=catalog)
    assert "secret" not in wanted[0]
    found = target.rows("user_report", folder)
    assert found is None or "secret" not in found[0]
    return compare(target, folder, wanted)


def other_columns(tap, target, folder):
    """a column that is new, one that is gone"""
    _, state = load(tap, target, folder, "id,gone\n1,a\n2,b\n")
    if target.second == "appended":
        # Files have one header for ever; a new run writes a new file.
        return "a new file"
    wanted, _ = load(tap, target, folder, "id,fresh\n1,c\n2,d\n", state=state)
    return compare(target, folder, wanted)


def natural_key(tap, target, folder):
    """a natural key"""
    settings = {"key_properties": {"user_report": ["id"]}}
    wanted, _ = load(tap, target, folder, "id,name\nb,2\na,1\n", settings=settings)
    if target.loses_first_text_row:
        assert len(target.rows("user_report", folder)) == len(wanted) - 1
        return "the target loses the first row"
    return compare(target, folder, wanted)


def broken_off(tap, target, folder):
    """a run that was killed half-way, and its repetition"""
    text = "id,name\n" + "".join(f"{n},name\n" for n in range(5_000))
    messages = tap.run(text)
    with open(messages) as file:
        half = file.readlines()[:2_500]
    with open(messages, "w") as file:
        file.writelines(half)
    target.load(messages, folder)
    if target.second == "appended":
        for name in os.listdir(folder):
            if name.startswith("user_report."):
                os.remove(os.path.join(folder, name))
    wanted, _ = load(tap, target, folder, text)
    outcome = compare(target, folder, wanted)
    return "equal, in a new file" if target.second == "appended" else outcome


CASES = [nasty, empty, large, long_cells, second_snapshot, deselected, other_columns, natural_key, broken_off]
