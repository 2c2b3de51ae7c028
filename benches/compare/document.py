"""Writes the figures as a Markdown table between two marks in README.md or docs/performance.md, and as an SVG plot."""

import html
import math
import platform
import re
import subprocess

from generate import MEGABYTE
from programs import ROOT

DOCS = ROOT / "docs"
MIB = 2**20


def comparison(rows, csv, output, runs):
    """A table of programs and costs. The first two rows are our tap and the lower bound."""
    sizes = [path.stat().st_size // MEGABYTE for path in (csv, output)]
    (_, ours), (_, floor), *_ = rows
    lines = [
        f"{sizes[0]:,} MB of CSV, {records(output):,} rows, {sizes[1]:,} MB of RECORD lines; {conditions(runs)}.",
        "",
        "| program | CPU s | × ours | × floor | peak MiB |",
        "|---|--:|--:|--:|--:|",
    ]
    for program, cost in ordered(rows):
        ratios = f"{cost.cpu / ours.cpu:.2f} | {cost.cpu / floor.cpu:.2f}"
        lines.append(f"| {program.says} | {cost.cpu:.2f} | {ratios} | {cost.peak / MIB:,.1f} |")
    return "\n".join(lines)


def shapes(names, written, costs, runs):
    """A table of shapes: the size of the output and the cost for each byte of it. The first shape is plain."""
    a_byte = [cost.cpu / size for cost, (_, size) in zip(costs, written)]
    lines = [
        f"With {conditions(runs)}.",
        "",
        "| report | rows | MB written | CPU s | × plain, for each byte written | peak MiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, (count, size), cost, price in zip(names, written, costs, a_byte):
        figures = f"{count:,} | {size // MEGABYTE:,} | {cost.cpu:.2f} | {price / a_byte[0]:.2f} | {cost.peak / MIB:.1f}"
        lines.append(f"| {name} | {figures} |")
    return "\n".join(lines)


def records(path):
    """The number of RECORD lines in a file."""
    return int(subprocess.check_output(["grep", "-c", '^{"type":"RECORD"', path]))


def conditions(runs):
    with open("/proc/cpuinfo") as file:
        models = re.findall(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    return f"medians of {runs}, {models[0]}, {len(models)} cores, Linux {platform.release().split('-')[0]}"


def ordered(rows):
    return sorted(rows, key=lambda row: row[1].cpu, reverse=True)


def put(mark, text):
    """Replaces the text between `<!-- MARK -->` and `<!-- /MARK -->` in the document that has this mark."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    [path] = [path for path in (ROOT / "README.md", DOCS / "performance.md") if begin in path.read_text()]
    old = path.read_text()
    head, rest = old.split(begin)
    path.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}")


STYLE = """
text { font: 13px system-ui, sans-serif; fill: #57606a }
.name { text-anchor: end }
.head, .ours { font-weight: 600 }
rect { fill: #8c959f } rect.ours { fill: #1f883d }
line { stroke: #8c959f; stroke-opacity: .35 }
@media (prefers-color-scheme: dark) { text { fill: #b1bac4 } rect { fill: #6e7681 } rect.ours { fill: #3fb950 } }
"""
NAMES, PANEL, GAP, HEIGHT, TOP = 250, 250, 60, 26, 56


def plot(rows):
    """Bars on logarithmic scales: CPU seconds, and peak memory."""
    rows = ordered(rows)[::-1]
    height = TOP + HEIGHT * len(rows) + 8
    width = NAMES + 2 * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{STYLE}</style>",
    ]
    for index, (program, _) in enumerate(rows):
        # The part before a colon is short enough for the plot.
        name = program.says.split(":")[0].replace("`", "")
        parts.append(text(NAMES - 10, baseline(index), name, f"name {program.name}"))
    panels = [
        ("CPU seconds", [cost.cpu for _, cost in rows], "{:.2f}"),
        ("peak memory, MiB", [cost.peak / MIB for _, cost in rows], "{:,.0f}"),
    ]
    for number, (title, values, form) in enumerate(panels):
        parts += panel(NAMES + number * (PANEL + GAP), title, values, form, [program.name for program, _ in rows])
    (DOCS / "comparison.svg").write_text("\n".join([*parts, "</svg>"]) + "\n")


def panel(left, title, values, form, names):
    first = math.floor(math.log10(min(values)))
    unit = PANEL / (math.log10(max(values)) - first)
    bottom = TOP + HEIGHT * len(values)
    yield text(left, 18, title, "head")
    for decade in range(math.floor(PANEL / unit) + 1):
        x = left + unit * decade
        yield f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{TOP - 8}" y2="{bottom}"/>'
        yield text(x, TOP - 14, f"{10.0 ** (first + decade):,g}", "tick")
    for index, (value, name) in enumerate(zip(values, names)):
        length = unit * (math.log10(value) - first)
        y = TOP + HEIGHT * index + 3
        yield f'<rect class="{name}" x="{left}" y="{y}" width="{length:.1f}" height="{HEIGHT - 6}" rx="2"/>'
        yield text(left + length + 6, baseline(index), form.format(value), name)


def baseline(index):
    return TOP + HEIGHT * index + 18


def text(x, y, words, kind):
    return f'<text class="{kind}" x="{x:.1f}" y="{y}">{html.escape(words)}</text>'
