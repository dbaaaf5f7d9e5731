"""Run the examples and keep what they print and draw, for the gallery: ``python docs/make_outputs.py [NUMBER ...]``.

Without numbers it runs those whose code has changed since. Each takes about half a minute of one core: the clock of an
example counts the time of its processor, so that its time limit means the same whatever else the machine does.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
OUTPUTS = ROOT / "docs" / "outputs"
#: The work is done by other processes, whose time this clock would not see.
BY_THE_WALL = ("11",)


def fingerprint(example: Path) -> str:
    """Give what changes whenever an example's code does, for the first line of its output."""
    return f"of {example.name}, sha256 {hashlib.sha256(example.read_bytes()).hexdigest()}"


def output_of(example: Path) -> Path:
    """Say where an example's output is kept."""
    return OUTPUTS / f"{example.stem}.txt"


def is_current(example: Path) -> bool:
    """Say whether the output that is kept was printed by the example as it is."""
    kept = output_of(example)
    return kept.exists() and kept.read_text(encoding="utf-8").partition("\n")[0] == fingerprint(example)


def run(example: Path) -> None:
    """Run an example in an empty folder, and keep what it prints and the pictures that it leaves there."""
    with tempfile.TemporaryDirectory() as folder:
        by_the_wall = example.name[:2] in BY_THE_WALL
        printed = subprocess.run(  # noqa: S603 - our own examples
            [sys.executable, *([] if by_the_wall else [__file__, "--only"]), str(example)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "110", "OMP_NUM_THREADS": "1"},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        for picture in sorted(Path(folder).glob("*.png")):
            shutil.copy(picture, OUTPUTS / f"{example.stem}_{picture.name}")
    output_of(example).write_text(f"{fingerprint(example)}\n{printed}", encoding="utf-8")


def run_here(example: str) -> None:
    """Run an example in this process, by a clock that counts the processor's time."""
    time.monotonic = time.process_time
    sys.argv = [example]
    runpy.run_path(example, run_name="__main__")


def main() -> None:
    """Run those that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("numbers", nargs="*", help="such as 01 08; default: all whose code has changed")
    parser.add_argument("--only", metavar="FILE", help="run this one here, and print")
    options = parser.parse_args()
    if options.only:
        run_here(options.only)
        return
    numbers = options.numbers
    OUTPUTS.mkdir(exist_ok=True)
    for example in sorted(EXAMPLES.glob("[0-9]*.py")):
        if example.name[:2] in numbers or (not numbers and not is_current(example)):
            print(example.name, flush=True)
            run(example)


if __name__ == "__main__":
    main()
