"""Arguments that several measurements share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

__all__ = [
    "Commands",
    "add_datasets",
    "add_group",
    "add_jobs",
    "add_measurement",
    "add_seeds",
    "asked_for",
    "positive",
    "say",
    "sentence",
]

Commands = Any
"""What ``add_subparsers`` returns; its type has no public name."""


def add_measurement(kinds: Commands, name: str, about: str, *, data: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(
        name, help=about, description=f"{sentence(about)} Defaults are in parentheses."
    )
    default = Path("results", f"{name}.jsonl")
    parser.add_argument("--out", type=Path, default=default, help="file of results, a JSON line a run (%(default)s)")
    if data:
        parser.add_argument("--data-dir", type=Path, help="folder of the data ($AUTONAS_DATA)")
    parser.add_argument(
        "--summary", dest="only_read", action="store_true", help="run nothing, print the tables of what is in --out"
    )
    return parser


def add_group(kinds: Commands, name: str, about: str) -> Commands:
    """Add a measurement of several actions, and give what these are added to."""
    group = kinds.add_parser(name, help=about, description=sentence(about))
    return group.add_subparsers(required=True, metavar="ACTION")


def asked_for(options: argparse.Namespace) -> dict[str, Any]:
    """Name what was asked for as the functions name it; what was not has their defaults."""
    asked = {name: value for name, value in vars(options).items() if value is not None and name != "command"}
    return {**asked, "say": say}


def add_datasets(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help=f"as in index.json of the data ({default})")


def add_seeds(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--seeds", type=_seeds, default=default, help="how many, from 0 on, or FIRST-LAST (%(default)s)"
    )


def add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=positive, default=1, help="processes (%(default)s)")


def _seeds(text: str) -> range:
    first, dash, last = text.partition("-")
    try:
        found = range(int(first), int(last) + 1) if dash else range(int(first))
    except ValueError:
        found = range(0)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seeds, as in 10, and no range, as in 20-29")
    return found


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number >= 1")
    return int(text)


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
