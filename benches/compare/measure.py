"""Measures a command: CPU seconds (user and system) and the peak of resident memory.

A process inherits the peak of the process that forked it, so a direct child of this program would look large. Instead
a small shell starts the command and exits; the command is then reparented to this process, which waits for it.
"""

import contextlib
import ctypes
import functools
import operator
import os
import signal
import statistics
import subprocess
import tempfile
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    cpu: float
    peak: int

    def __add__(self, other):
        """The cost of two processes that run one after the other."""
        return Cost(self.cpu + other.cpu, max(self.peak, other.peak))


def measure(command, stdout, stderr):
    """Runs a command to its end; raises with the last lines of the file `stderr` if it fails."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.NamedTemporaryFile("r") as pid:
        shell = ["sh", "-c", 'file=$1; shift; "$@" & echo $! >"$file"', "sh", pid.name]
        subprocess.run([*shell, *map(str, command)], stdout=stdout, stderr=stderr, check=True)
        child = int(pid.read())
    try:
        _, status, usage = os.wait4(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    if status:
        stderr.seek(0)
        raise RuntimeError(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}: {stderr.read()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def medians(works, runs):
    """The median CPU time and the highest peak of each list of commands, run in rounds to spread the machine's noise."""
    rounds = [[all_of(commands) for commands in works] for _ in range(runs)]
    return [
        Cost(statistics.median(cost.cpu for cost in costs), max(cost.peak for cost in costs)) for costs in zip(*rounds)
    ]


def all_of(commands):
    return functools.reduce(operator.add, map(piped, commands))


def piped(command):
    """The cost of a command that writes into a pipe, as a tap does, without the reader's cost."""
    with drain() as pipe, tempfile.TemporaryFile("w+") as stderr:
        return measure(command, pipe, stderr)


def into(path, command):
    """Writes the command's output to a file."""
    with open(path, "wb") as file, tempfile.TemporaryFile("w+") as stderr:
        return measure(command, file, stderr)


@contextlib.contextmanager
def drain():
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield reader.stdin
    finally:
        reader.stdin.close()
        reader.wait()
