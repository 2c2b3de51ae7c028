"""The cases: the CSV that the sandbox serves, the options of the tap, and the rows that the target must hold."""

import csv
import io
import json
import os
import signal
import subprocess

from typed import row_number

LONG = "x" * 10_000
NASTY = (
    'User ID,name,name, padded ,"comma, ""quoted""",😀,名前,' + "very long header " * 9 + ",_sdc_x,select\n"
    '007,"two\nlines",=SUM(1+1),  spaces  ,"say ""hi""",🙌,小明,NaN,1e5,-0\n'
    "30000000000000000000000000001,\\backslash\\n,\ttab,null,None,true,’,{},[],'; drop table x; --\n"
    ",,,,,,,,,\n"
)


class Tap:
    """The tap with its own sandbox, at one address: the state folder belongs to the address."""

    port = "0"

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", newline="", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
        return path

    def run(self, csv_text, settings=None, state=None, catalog=None, killed=False):
        """Syncs user_report with this CSV; returns the path of the messages. With `killed`, kills the tap after its first line."""
        fault = "userReport:csv-file=" + self.file("served.csv", csv_text)
        arguments = ["sandbox", "--port", self.port, "--interval", "0.05", "--fault", fault]
        server = subprocess.Popen([self.binary, *arguments], stderr=subprocess.PIPE, text=True)
        try:
            line = server.stderr.readline()
            config = json.loads(line[line.index("{"):])
            self.port = config["base_url"].rsplit(":", 1)[1]
            # On a busy machine the sandbox is slower than the default for loopback allows.
            config.update(settings or {}, state_dir=os.path.join(self.folder, "state"), request_timeout_seconds=60)
            catalog = catalog or {"streams": [{"tap_stream_id": "user_report", "schema": {}, "metadata": []}]}
            arguments = ["--config", self.file("config.json", json.dumps(config)), "--assume-idle"]
            arguments += ["--catalog", self.file("catalog.json", json.dumps(catalog))]
            if state:
                arguments += ["--state", self.file("state.json", state)]
            path, log = os.path.join(self.folder, "messages"), os.path.join(self.folder, "log")
            with open(path, "wb") as messages, open(log, "w") as stderr:
                tap = subprocess.Popen([self.binary, *arguments], stdout=subprocess.PIPE if killed else messages, stderr=stderr)
                if killed:
                    messages.write(tap.stdout.readline())
                    tap.kill()
                    messages.write(tap.stdout.read())
            assert tap.wait() == (-signal.SIGKILL if killed else 0), open(log).read()
            if not killed:
                with open(path, "rb") as messages:
                    checked = subprocess.run([self.binary, "check"], stdin=messages, capture_output=True, text=True)
                assert checked.returncode == 0, checked.stdout[-1500:]
            return path
        finally:
            server.kill()
            server.wait()


def expected(csv_text, messages):
    """The expected rows: Python's reading of the served CSV, with the column names of the SCHEMA."""
    with open(messages) as file:
        properties = json.loads(file.readline())["schema"]["properties"]
    header, *rows = csv.reader(io.StringIO(csv_text, newline=""))
    places, number_column = {}, row_number(properties)
    for name, schema in properties.items():
        if name != number_column:
            # Columns with the same header keep their order.
            taken = [place for place, title in enumerate(header) if title == schema["title"] and place not in places.values()]
            # A column that is gone is null.
            places[name] = taken[0] if taken else None
    result = []
    for number, row in enumerate(rows, 1):
        record = {name: place if place is None else row[place] or None for name, place in places.items()}
        if number_column:
            record[number_column] = str(number)
        result.append(record)
    return result


def compare(target, folder, wanted, others=0):
    """Compares the rows cell by cell. The table must hold `wanted` and as many `others`, which may have the same keys."""
    found = target.rows("user_report", folder)
    if found is None:
        return "accepted"
    assert len(found) == len(wanted) + others, f"{len(found)} rows, not {len(wanted) + others}"
    by_key = {}
    for loaded in found if wanted else []:
        by_key.setdefault(text(loaded[key_of(wanted[0])]), []).append(loaded)
    changed = False
    for row in wanted:
        as_loaded = {name: row[name] and target.as_loaded(row[name]) for name in row}
        changed |= as_loaded != row
        key = row[key_of(row)]
        differ = [
            [name for name in row if name not in loaded or text(loaded[name]) != as_loaded[name]] for loaded in by_key.get(key, [])
        ]
        assert [] in differ, f"row {key}: columns {differ} differ"
    return "equal" + (", but line breaks and tabs arrive as escapes" if changed else "")


def compare_second(target, folder, before, wanted):
    """Compares the rows after a second snapshot with what this kind of target makes of it."""
    known, kept = ({row[key_of(row)] for row in rows} for rows in (before, wanted))
    if target.second == "appended":
        compare(target, folder, wanted, others=len(before))
        return "appended" if wanted else "nothing appended"
    if target.second == "inserted":
        added = [row for row in wanted if row[key_of(row)] not in known]
        compare(target, folder, before + added)
        return "added rows are inserted, no row changes" if added else "no row changes"
    if target.second == "stale" and known - kept:
        return compare(target, folder, wanted, others=len(known - kept)) + ", and removed rows stay"
    return compare(target, folder, wanted)


def key_of(row):
    return row_number(row) or "id"


def text(value):
    return None if value is None else str(value)


def load(tap, target, folder, served, settings=None, **options):
    """Runs the tap into the target; returns the expected rows and the state that the target printed."""
    messages = tap.run(served, **options, settings={**target.tap_settings, **(settings or {})})
    state = target.load(messages, folder)
    assert "bookmarks" in state, f"the target printed no state: {state[:200]}"
    return expected(served, messages), state


def nasty(tap, target, folder):
    """nasty headers and cells"""
    wanted, _ = load(tap, target, folder, NASTY)
    return compare(target, folder, wanted)


def empty(tap, target, folder):
    """a header and no rows"""
    load(tap, target, folder, "a,b\n")
    return compare(target, folder, [])


def large(tap, target, folder):
    """100,000 rows"""
    rows = "".join(f'{n},"name {n}, of many","line\nbreak ""{n}""",\n' for n in range(1, 100_001))
    wanted, _ = load(tap, target, folder, "id,name,note,empty\n" + rows)
    return compare(target, folder, wanted)


def long_cells(tap, target, folder):
    """cells of 10,000 characters"""
    wanted, _ = load(tap, target, folder, f"a,b\n{LONG},1\n2,{LONG}\n")
    return compare(target, folder, wanted)


def second_snapshot(tap, target, folder):
    """a second run with STATE: rows edited, added and removed"""
    first = "id,name\n" + "".join(f"{n},old\n" for n in range(1, 10))
    then = "id,name\n1,new\n2,old\n77,added\n"
    before, state = load(tap, target, folder, first)
    wanted, _ = load(tap, target, folder, then, state=state)
    return compare_second(target, folder, before, wanted)


def no_rows_any_more(tap, target, folder):
    """a second run with STATE: no rows"""
    before, state = load(tap, target, folder, "id,name\n1,a\n2,b\n")
    load(tap, target, folder, "id,name\n", state=state)
    if target.keeps_rows_without_new_ones:
        compare(target, folder, before)
        return "the rows of the first run stay"
    return compare_second(target, folder, before, [])


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
    """one column added, one removed"""
    before, state = load(tap, target, folder, "id,gone\n1,a\n2,b\n")
    wanted, _ = load(tap, target, folder, "id,fresh\n1,c\n2,d\n", state=state)
    return compare_second(target, folder, before, wanted)


def natural_key(tap, target, folder):
    """a natural key"""
    settings = {"key_properties": {"user_report": ["id"]}}
    wanted, _ = load(tap, target, folder, "id,name\nb,2\na,1\n", settings=settings)
    if target.loses_first_text_row:
        assert len(target.rows("user_report", folder)) == len(wanted) - 1
        return "the target loses the first row"
    return compare(target, folder, wanted)


def killed(tap, target, folder):
    """a killed tap, then a complete run"""
    # More than the pipe holds, so that the tap is still writing when it is killed.
    served = "id,name\n" + "".join(f"{n},{'name' * 200}\n" for n in range(1, 5_001))
    target.load(tap.run(served, target.tap_settings, killed=True), folder, whole=False)
    partial = target.rows("user_report", folder) if target.second == "appended" else []
    wanted, _ = load(tap, target, folder, served)
    outcome = compare(target, folder, wanted, others=len(partial))
    return outcome + (", after any rows of the killed run" if target.second == "appended" else "")


CASES = [nasty, empty, large, long_cells, second_snapshot, no_rows_any_more, deselected, other_columns, natural_key, killed]
