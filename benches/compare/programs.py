"""The programs that are compared: how each is installed and run, and what it gives."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from workload import HERE

ROOT = HERE.parent.parent
VENVS = ROOT / ".venv"
TOOLS = ROOT / ".cache" / "tools"


@dataclass(frozen=True)
class Program:
    name: str
    says: str
    #: `messages` of Singer, bare `records`, the `csv`, or only `bytes`.
    gives: str
    #: From a workload to command lines; each writes to a pipe, and their costs are added.
    commands: Callable
    install: Callable = lambda: None


def ours(binary):
    return Program("ours", "tap-together", "messages", lambda work: [work.tap(binary)])


def floor():
    """What it costs to receive the body and to pass on the bytes that our tap gives, which lie in `output`."""

    def commands(work):
        copy = work.folder / "copy"
        return [["curl", "-s", "-o", copy, work.url], ["cat", copy], ["cat", work.folder / "output"]]

    def install():
        if not shutil.which("curl"):
            run(ROOT / ".ci/debian", "curl")

    return Program("floor", "floor: `curl -o file`, `cat file \\|`, `cat output \\|`", "bytes", commands, install)


def python(name, says):
    """A tap in `peers/NAME_tap.py` with a virtual environment of its own; its first requirement is what it shows."""
    script = HERE / "peers" / f"{name}_tap.py"
    wanted = script.with_suffix(".txt")
    version = wanted.read_text().split()[0].split("==")[1]
    venv = VENVS / f"{name}_tap"

    def install():
        # The stamp says which requirements it was made from.
        stamp = venv / "stamp"
        if not stamp.exists() or stamp.read_text() != wanted.read_text():
            run(sys.executable, "-m", "venv", "--clear", venv)
            run(venv / "bin/pip", "install", "--quiet", "-r", wanted)
            shutil.copy(wanted, stamp)

    command = [venv / "bin/python", script]
    return Program(name, says.format(version), "messages", lambda work: [[*command, work.url]], install)


def naive():
    project, target = HERE / "peers/naive_tap", ROOT / "target" / "compare"

    def install():
        manifest = ("--manifest-path", project / "Cargo.toml", "--target-dir", target)
        run("cargo", "build", "--release", "--locked", "--quiet", *manifest)

    says = "naive Rust: `reqwest` `json`, csv `StringRecord`, `serde_json::Map`, `println!`"
    return Program("naive", says, "messages", lambda work: [[target / "release/naive_tap", work.url]], install)


def crate(name, version, says, gives, arguments):
    program = TOOLS / "bin" / name

    def install():
        if not program.exists() or version not in subprocess.check_output([program, "--version"], text=True):
            run("cargo", "install", "--locked", "--quiet", "--root", TOOLS, f"{name}@{version}")

    return Program(name, says.format(version), gives, lambda work: [[program, *arguments(work)]], install)


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
