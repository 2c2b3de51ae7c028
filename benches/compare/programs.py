"""The compared programs: how to install and run each one, and the form of its output."""

import functools
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workload import HERE

ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Program:
    name: str
    says: str
    #: Form of the output: Singer `messages`, bare `records`, `csv`, or `bytes` that are not compared.
    gives: str
    #: Returns the command lines for a workload. Each writes to a pipe; their costs are added.
    commands: Callable
    install: Callable = lambda: None


def ours(binary):
    return Program("ours", "tap-together", "messages", lambda work: [work.tap(binary)])


def floor():
    """The lower bound: receive the body, and copy the bytes of our tap's output, read from the file `output`."""

    def commands(work):
        copy = work.folder / "copy"
        return [["curl", "-s", "-o", copy, work.url], ["cat", copy], ["cat", work.folder / "output"]]

    def install():
        if not shutil.which("curl"):
            run(ROOT / ".ci/debian", "curl")

    return Program("floor", "floor: `curl -o file`, `cat file \\|`, `cat output \\|`", "bytes", commands, install)


@functools.cache
def cached(*words):
    """The folder of a Python environment or a program in the cache of `.ci/cached`, which builds it if it is missing."""
    return Path(subprocess.check_output([ROOT / ".ci/cached", *words], text=True).strip())


def python(name, says):
    """A tap in `peers/NAME_tap.py` with its own Python environment; its first requirement is the version in `says`."""
    script = HERE / "peers" / f"{name}_tap.py"
    requirements = script.with_suffix(".txt")
    version = requirements.read_text().split()[0].split("==")[1]

    def environment():
        return cached("env", f"{name}_tap", str(requirements))

    def commands(work):
        return [[environment() / "bin/python", script, work.url]]

    return Program(name, says.format(version), "messages", commands, environment)


def naive():
    project, target = HERE / "peers/naive_tap", ROOT / "target" / "compare"

    def install():
        manifest = ("--manifest-path", project / "Cargo.toml", "--target-dir", target)
        run("cargo", "build", "--release", "--locked", "--quiet", *manifest)

    says = "naive Rust: `reqwest` `json`, csv `StringRecord`, `serde_json::Map`, `println!`"
    return Program("naive", says, "messages", lambda work: [[target / "release/naive_tap", work.url]], install)


def crate(name, version, says, gives, arguments):
    def folder():
        return cached("tool", name, version)

    def commands(work):
        return [[folder() / "bin" / name, *arguments(work)]]

    return Program(name, says.format(version), gives, commands, folder)


PROGRAMS = [
    python("sdk", "tap on the Meltano SDK {}"),
    python("singer", "tap on singer-python {}"),
    naive(),
    python("orjson", "Python by hand, orjson {}"),
    python("duckdb", "DuckDB {} `read_csv` → JSON"),
    python("polars", "Polars {} → ndjson"),
    crate(
        "jaq",
        "3.1.2",
        "jaq {}: `jaq -r .report` (unescapes only)",
        "csv",
        lambda work: ["-r", ".report", work.body],
    ),
    crate(
        "xan",
        "0.61.0",
        "xan {}: `xan to ndjson` on the bare CSV file",
        "records",
        lambda work: ["to", "ndjson", "--nulls", "--strings", "*", work.csv],
    ),
]
PEERS = {program.name: program for program in PROGRAMS}


def run(*command):
    subprocess.run([str(word) for word in command], check=True)
