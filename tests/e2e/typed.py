"""Compares loaded rows with the CSV: Python's own reading of the cells, by value where the column has a type."""

import csv
import io
from datetime import datetime, timezone

VARIANT = "Text of the cells of `{}` that do not fit its type"


def row_number(names):
    """The column with the position of the row, by its default name or that of the targets that need another one."""
    return next((name for name in ("_row_number", "row_no") if name in names), None)


def read(csv_text, null_values=()):
    """The header, and the rows with None for a null."""
    header, *rows = csv.reader(io.StringIO(csv_text, newline=""))
    return header, [[None if cell in ("", *null_values) else cell for cell in row] for row in rows]


def columns(schema, header):
    """For each column of the report: its index, the property and the variant (or None), by the titles in SCHEMA."""
    properties = schema["properties"]
    variants = {schema["title"]: name for name, schema in properties.items()}
    taken, found = set(), []
    for index, title in enumerate(header):
        names = [name for name, schema in properties.items() if schema["title"] == title and name not in taken]
        if names:
            taken.add(names[0])
            found.append((index, names[0], variants.get(VARIANT.format(names[0]))))
    return found


def kind(schema):
    """The type of a property: its format if it has one."""
    return schema.get("format") or next(name for name in schema["type"] if name != "null")


def moment(value):
    """The moment of a date-time; one without an offset is in UTC."""
    parsed = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def is_equal(schema, cell, loaded):
    """Whether the loaded value is that of the cell."""
    if cell is None or loaded is None:
        return cell is loaded
    match kind(schema):
        case "number" | "integer":
            return float(cell) == float(loaded)
        case "boolean":
            return (cell.lower() == "true") == (str(loaded).lower() == "true")
        case "date":
            return cell == str(loaded)[:10]
        case "date-time":
            return moment(cell) == moment(loaded)
        case _:
            return cell == str(loaded)


def differences(schema, csv_text, found, null_values=(), as_loaded=lambda cell: cell, titles=None):
    """The differences between the report and the rows that a target holds, by the row's position. Rows that only the target has
    are not compared. A property without a column in the report must be null. `titles` are the headers to compare."""
    header, rows = read(csv_text, null_values)
    known = columns(schema, header)
    position = row_number(schema["properties"])
    by_number = {str(row[position]): row for row in found}
    null = set(schema["properties"]) - {position} - {name for _, *names in known for name in names}
    if titles:
        known = [column for column in known if header[column[0]] in titles]
        null = [name for name in null if schema["properties"][name]["title"] in titles]
    problems = []
    for number, row in enumerate(rows, 1):
        loaded = by_number.get(str(number))
        if loaded is None:
            problems.append(f"row {number} is not loaded")
            continue
        for index, name, variant in known:
            cell, value = row[index], loaded.get(name)
            property_schema = schema["properties"][name]
            if value is None and variant and cell is not None:
                property_schema, value = {"type": ["null", "string"]}, loaded.get(variant)
            elif variant and loaded.get(variant) is not None:
                problems.append(f"row {number}: {name} and {variant} both have a value")
            if kind(property_schema) == "string" and cell is not None:
                cell = as_loaded(cell)
            if not is_equal(property_schema, cell, value):
                problems.append(f"row {number}, {name}: {value!r} is not {cell!r}")
        problems += [f"row {number}: {name} is not null" for name in null if loaded.get(name) is not None]
    return problems
