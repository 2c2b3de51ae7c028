"""The command line of `run` and `shapes`."""

import argparse
from pathlib import Path

from programs import ROOT


def parser(says, names):
    """`names` are the values that `--only` accepts."""

    def chosen(text):
        wanted = [name for name in text.split(",") if name]
        for name in wanted:
            if name not in names:
                raise argparse.ArgumentTypeError(f"`{name}` is not one of {', '.join(names)}")
        return wanted

    options = argparse.ArgumentParser(description=says, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("megabytes", nargs="?", type=int, default=100, help="of CSV")
    options.add_argument("--only", metavar="NAMES", type=chosen, default=list(names), help=", ".join(names))
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--tap", type=Path, default=ROOT / "target/release/tap-together", help="a release build")
    options.add_argument("--write", action="store_true", help="write the figures into the documents")
    return options
