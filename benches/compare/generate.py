"""Generates the workload: a report of invented people from a fixed seed, as CSV and as the API's JSON body.

Repeats one block of rows with other user ids until the size is reached, so that a gigabyte takes seconds. A block is
larger than a processor's cache and a compressor's window.
"""

import csv
import io
import itertools
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

SEED = 7
MEGABYTE = 1_000_000
BLOCK = 4 * MEGABYTE
#: Placeholder for the block's number; has no character that is escaped.
MARK = "######"
#: Chunk size of a server that sends while it generates the report.
CHUNK = 16 * 1024

HEADER = [
    "User ID", "Employee ID", "First Name", "Last Name", "Preferred Name", "Email", "Status", "Title", "Department",
    "Office", "Supervisor ID", "Last Hire Date", "Termination Date", "Program Name", "Program Role", "Registration",
    "Registered At", "Capacity", "Matching", "Sessions", "Skills Wanted", "Skills Offered", "Success Means",
    "Job Level", "Anything Else",
]  # fmt: skip
FIRST = ["Amélie", "Tobias", "小明", "Priya", "Sofía", "Dana", "Łukasz", "Noor"]
LAST = ["Grünwald", "Raman", "Castaño", "Kim", 'Moss "Ace"', "Yıldız, MSc", "O'Brien-Núñez, PhD", "李"]
TITLES = ["Analyst", "VP, Engineering", "Head of People", "Software Engineer", "Account Manager", "Associate"]
DEPARTMENTS = ["Engineering", "Private Equity", "People & Culture", "Sales, EMEA", "Finance"]
SKILLS = ["Public speaking", "Negotiation, pricing", "Leading teams", '"Managing up"', "Coaching", "Time management"]
TOPICS = ["goals", "skill", "pairs", "leads", "plans"]
TEXTS = [
    "Being asked to lead the client call, and to be at ease with it; so far I have left that to others",
    'He said "yes" 🙌 and then we planned the next session together, which went better than I had thought. '
    'We call it "the walk" now, since we never sit down for it.',
    "Line one\nline two, with a comma\n\n- a bullet, a bit longer than the first line was\n- and a second one 🎯",
    "Pasted from an editor\r\nthat ends its lines so, and the path of a document: C:\\people\\mentors.docx",
    "It’s fine. I would like to develop my skills in giving feedback to peers and managers alike, and in hearing it, "
    "which is the harder part of the two if I am honest about the last years 😊 That is what I hope for.",
    "To find out where I want to go in the next two or three years, and who has gone there before me.",
]


@dataclass(frozen=True)
class Shape:
    """A form of the report and its transport."""

    says: str
    cells: str = "people"
    line_end: str = "\n"
    #: JSON: non-ASCII characters as escapes such as `\u00e9`.
    ascii: bool = False
    #: JSON: further replacements, as pairs of bytes.
    spelled: tuple = ()
    transport: str = "plain"
    settings: dict = field(default_factory=dict)
    #: Converts a cell to the value that is expected in the record.
    arrives: Callable = str


#: The escapes of .NET's JSON serializer with default options.
DOTNET = ((rb"\"", rb"\u0022"), (b"'", rb"\u0027"), (b"&", rb"\u0026"), (b"+", rb"\u002B"))
SHAPES = {
    "plain": Shape("25 columns, strings"),
    "chunked": Shape("chunked", transport="chunked"),
    "gzip": Shape("gzip", transport="gzip"),
    "crlf": Shape("CRLF after each row", line_end="\r\n"),
    "ascii": Shape("ASCII-escaped (`\\u00e9`)", ascii=True),
    "quotes": Shape("quotes as `\\u0022`", spelled=DOTNET[:1]),
    "dotnet": Shape("as .NET writes: both, and `\\u0027`, `\\u0026`", ascii=True, spelled=DOTNET),
    "narrow": Shape("1 column", cells="narrow"),
    "wide": Shape("2,000 columns", cells="wide"),
    "typed": Shape("types inferred", settings={"types": "infer"}, arrives=lambda cell: typed(cell)),
}


def typed(cell):
    """An integer if the cell is a count, else the cell."""
    return int(cell) if len(cell) < 3 and cell.isdigit() else cell


def write(shape, size, csv_path, body_path):
    """Writes a report of at least `size` bytes of CSV, at most one row more: as CSV, and as the body of a response."""
    with open(csv_path, "wb") as bare, open(body_path, "wb") as file:
        body = Body(file, shape.transport)
        body.write(b'{"report":"')
        for text in pieces(shape, size):
            bare.write(text.encode())
            body.write(escaped(text, shape))
        body.write(b'"}')
        body.close()


def pieces(shape, size):
    header, rows = CELLS[shape.cells](random.Random(SEED))
    head = line(header, shape.line_end)
    yield head
    block = enough((line(cells, shape.line_end) for cells in rows), BLOCK)
    left = size - len(head.encode())
    for number in itertools.count():
        if left <= 0:
            return
        text = "".join(enough(block, left)).replace(MARK, f"{number:0{len(MARK)}}")
        left -= len(text.encode())
        yield text


def enough(lines, size):
    """The first lines that reach `size` bytes together, or all lines."""
    taken = []
    for text in lines:
        taken.append(text)
        size -= len(text.encode())
        if size <= 0:
            break
    return taken


def line(cells, line_end):
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerow(cells)
    return text.getvalue()


def escaped(text, shape):
    body = json.dumps(text, ensure_ascii=shape.ascii)[1:-1].encode()
    for plain, spelled in shape.spelled:
        body = body.replace(plain, spelled)
    return body


class Body:
    """A file with the bytes of a body, encoded for its transport."""

    def __init__(self, file, transport):
        self.file, self.transport = file, transport
        self.gzip = zlib.compressobj(6, wbits=31)

    def write(self, data):
        if self.transport == "chunked":
            data = b"".join(chunk(data[at : at + CHUNK]) for at in range(0, len(data), CHUNK))
        elif self.transport == "gzip":
            data = self.gzip.compress(data)
        self.file.write(data)

    def close(self):
        if self.transport == "chunked":
            self.file.write(chunk(b""))
        elif self.transport == "gzip":
            self.file.write(self.gzip.flush())


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def people(dice):
    return HEADER, (person(dice, number) for number in itertools.count(1))


def person(dice, number):
    def some(chance, cell):
        return cell if dice.random() < chance else ""

    first, last = dice.choice(FIRST), dice.choice(LAST)
    date = f"20{dice.randrange(10, 25)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}T"
    matched = dice.random() < 0.6
    return [
        f"usr_{MARK}{number:05}",
        f"{dice.getrandbits(64):016x}",
        first,
        last,
        some(0.1, first),
        f"person.{dice.randrange(10**6)}@example.com",
        dice.choice("AATL"),
        dice.choice(TITLES),
        dice.choice(DEPARTMENTS),
        some(0.8, f"BER-{dice.randrange(20)}"),
        some(0.7, f"{dice.getrandbits(64):016x}"),
        date + "00:00:00.000Z",
        some(0.1, date + "00:00:00.000Z"),
        "Evergreen Mentorship 2025",
        dice.choice(["Mentor", "Mentee", "Mentor, Mentee"]),
        "Registered",
        date + f"{dice.randrange(24):02}:05:09.000Z",
        some(0.4, str(dice.randrange(1, 5))),
        "Matched" if matched else "Unmatched",
        str(dice.randrange(12)) if matched else "",
        some(0.5, "; ".join(dice.sample(SKILLS, 3))),
        some(0.3, dice.choice(SKILLS)),
        some(0.65, dice.choice(TEXTS)),
        some(0.5, f"L{dice.randrange(9)}"),
        some(0.65, dice.choice(TEXTS)),
    ]


def narrow(dice):
    """Ten bytes for each row, including the line break."""
    return ["Answer"], ([f"{dice.choice(TOPICS)}{dice.randrange(10**4):04}"] for _ in itertools.count())


def wide(dice):
    """Ten kilobytes for each row; one cell in five is empty."""
    cells = ["", *(topic[:5] for topic in TOPICS[:4])]
    return [f"Question {number}" for number in range(1, 2001)], (dice.choices(cells, k=2000) for _ in itertools.count())


CELLS = {"people": people, "narrow": narrow, "wide": wide}
