"""A report of invented people that changes from day to day, with cells that are hard to tell apart or to carry.

Each day has a kind (see `KINDS`). `Day.rows` is what the report says, by key; `Day.text` is its CSV in one of several
dialects. Nothing here reads the tap's output."""

import csv
import io

KEY = "User ID"
# The columns of the table, by the header; written by hand, so that the comparison does not depend on SCHEMA.
COLUMNS = {
    KEY: "user_id", "Full Name": "full_name", "Team, of \"many\"": "team_of_many", "Notes 🎯": "notes_dart", "Left": "left",
    "Right": "right", "Capacity": "capacity", "Joined": "joined",
}
# The types of columns that are not text.
TYPES = {"capacity": "integer", "joined": "date-time"}
KINDS = ["mixed", "unchanged", "reordered", "rewritten", "removed", "returned", "added", "changed", "pairs"]

NAMES = ["Amélie", "小明", "O'Brien-Núñez, PhD", 'Moss "Ace"', "İpek", "Zoë", "Zoe\u0308", "ﬁ", "שלום", " Kim", "Kim ", "kim", "Kim"]
TEAMS = ["", "NA", "null", "NULL", "None", "-", "\\N", "\\", "\\\\n", "0", "00", "true", "{}", "[]", '""', "'", "=SUM(1+1)", "; drop table x; --"]
NOTES = [
    "", "two\nlines", "two\r\nlines", "two lines", "tab\there", "a,b", 'say "hi"', '"', '""', ",", "\n", " ", "  ", "😀", "👩‍👩‍👧", "\u2028", "\u200b",
    "x" * 5000, "x" * 5001, "’", "'", "\u00a0", "e\u0301", "é", "NaN", "1e5", "-0", "\x01", "\x7f",
]
# Pairs of cells that a digest without lengths or without nulls could confuse.
PAIRS = [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("a,b", "c"), ("a", "b,c"), ("", "x"), ("x", ""), ("", ""), ("\x1f", ""), ("", "\x1f")]


class Day:
    """The report of one day. `rows` maps a key to its cells by header; the order of the rows is that of the dictionary."""

    def __init__(self, kind, rows, text):
        self.kind, self.rows, self.text = kind, rows, text


class People:
    """Makes one day after the other. At most a few in a hundred rows go in a day, so that no guard refuses the report. Half of the
    changes are to rows that changed in one of the last days, and often undo what changed: a row that only a killed run sent."""

    def __init__(self, rng, rows, avoids=()):
        """`avoids` are cells that the target cannot load."""
        self.rng, self.rows, self.gone, self.number, self.before = rng, {}, {}, 0, []
        self.teams, self.notes = ([cell for cell in cells if cell not in avoids] for cells in (TEAMS, NOTES))
        self.add(rows)

    def days(self, count):
        """Every kind of day, in random order, after the first; with more days, mostly mixed ones."""
        kinds = self.rng.sample(KINDS, len(KINDS))
        kinds += self.rng.choices(KINDS, [20] + [1] * (len(KINDS) - 1), k=max(0, count - 1 - len(kinds)))
        day = Day("first", dict(self.rows), self.text())
        yield day
        for kind in kinds[: count - 1]:
            day = self.next(kind, day)
            yield day

    def next(self, kind, before):
        if kind == "unchanged":
            return Day(kind, before.rows, before.text)
        self.before = [*self.before[-2:], dict(self.rows)]
        few = lambda: self.rng.randint(1, max(1, len(self.rows) // 40))
        if kind in ("mixed", "added"):
            self.add(few())
        if kind in ("mixed", "removed"):
            self.remove(few())
        if kind in ("mixed", "returned"):
            self.bring_back(few())
        if kind in ("mixed", "changed"):
            self.change(few())
        if kind in ("mixed", "pairs"):
            self.swap(few())
        if kind == "reordered" or kind == "mixed" and self.rng.random() < 0.5:
            keys = self.rng.sample(list(self.rows), len(self.rows))
            self.rows = {key: self.rows[key] for key in keys}
        return Day(kind, dict(self.rows), self.text())

    def text(self):
        """The CSV; cells are quoted and lines end as the day has it."""
        quoting = self.rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator=self.rng.choice(["\n", "\r\n"]), quoting=quoting)
        writer.writerow(COLUMNS)
        writer.writerows(row.values() for row in self.rows.values())
        return out.getvalue()

    def add(self, count):
        for _ in range(count):
            self.number += 1
            # Keys that differ in case, in white space, in quotes or in their spelling only.
            key = self.rng.choice(["u{}", "U{}", "0{}", "{} ", "ü{}", "u\u0308{}", '"{}"', "a,{}", "😀{}", "two\nlines {}"]).format(self.number // 2)
            if key not in self.rows and key not in self.gone:
                self.rows[key] = self.row(key)

    def row(self, key):
        pick, (left, right) = self.rng.choice, self.rng.choice(PAIRS)
        capacity = pick(["", "0", "7", str(self.rng.randint(0, 10**12))])
        joined = pick(["", f"20{self.rng.randint(10, 30)}-0{self.rng.randint(1, 9)}-1{self.rng.randint(0, 9)}T08:09:10.123Z"])
        return dict(zip(COLUMNS, [key, pick(NAMES), pick(self.teams), pick(self.notes), left, right, capacity, joined], strict=True))

    def some(self, count, among=None):
        among = self.rows if among is None else among
        recent = [key for key in among if any(day.get(key) != self.rows.get(key) for day in self.before)]
        chosen = self.rng.sample(recent, min(count // 2, len(recent)))
        rest = [key for key in among if key not in chosen]
        return chosen + self.rng.sample(rest, min(count - len(chosen), len(rest)))

    def remove(self, count):
        for key in self.some(count):
            self.gone[key] = self.rows.pop(key)

    def bring_back(self, count):
        """Rows come back as they were or with other cells."""
        for key in self.some(count, self.gone):
            before = self.gone.pop(key)
            self.rows[key] = self.rng.choice([before, self.row(key)])

    def change(self, count):
        """Cells change, or the whole row is again as it was in one of the last days."""
        for key in self.some(count):
            earlier = [day[key] for day in self.before if key in day and day[key] != self.rows[key]]
            if earlier and self.rng.random() < 0.7:
                self.rows[key] = self.rng.choice(earlier)
                continue
            fresh, row = self.row(key), dict(self.rows[key])
            for header in self.rng.sample(list(COLUMNS)[1:], self.rng.randint(1, 3)):
                row[header] = fresh[header]
            self.rows[key] = row

    def swap(self, count):
        """Text moves from one cell to the next, and empty cells change places."""
        for key in self.some(count):
            left, right = self.rng.choice(PAIRS)
            self.rows[key] = {**self.rows[key], "Left": left, "Right": right}
