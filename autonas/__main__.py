"""The command line: ``python -m autonas benchmark ...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The process's exit code: 0 if all went well, 1 if a run failed, 2 for a wrong argument.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (ValueError, FileNotFoundError, ImportError) as error:
        print(f"autonas: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("autonas", description="Neural architecture search and tuning.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    benchmark = commands.add_parser(
        "benchmark",
        help="repeat the measurements of docs/benchmarks.md",
        description="Repeat the measurements of docs/benchmarks.md; the defaults are those behind its tables. Each "
        "appends to a file as it goes, and the same command goes on where it was stopped.",
    )
    kinds = benchmark.add_subparsers(required=True, metavar="MEASUREMENT")
    _add_optimizers(kinds)
    return parser


def _add(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(
        name,
        help=help_,
        description=f"{help_[0].upper()}{help_[1:]}.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results") / f"{name}.jsonl",
        help="file of results, one JSON line a run",
    )
    parser.add_argument("--data-dir", type=Path, help="folder of the data; by default $AUTONAS_DATA")
    parser.add_argument(
        "--summary", action="store_true", help="run nothing: print the tables of what --out holds"
    )
    return parser


def _add_optimizers(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(
        kinds, "optimizers", "compare optimizers on tables with known answers, at equal spent fidelity"
    )
    parser.add_argument(
        "--optimizers",
        nargs="+",
        metavar="NAME",
        default=["bohb", "smac", "tpe", "hyperband", "random"],
        help="names, or sampler+schedule as in tpe+asha; random is always in",
    )
    parser.add_argument(
        "--benchmarks",
        nargs="+",
        metavar="NAME",
        help="as in lcbench:126026 or nasbench201:cifar10; by default eight",
    )
    parser.add_argument("--seeds", type=seeds, default="10", help="how many, or FIRST-LAST")
    parser.add_argument("--budget", type=float, default=40, help="full trainings that a run may spend")
    parser.add_argument(
        "--noisy",
        action="store_true",
        help="the optimizers see one measured training, not the mean of several",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.set_defaults(command=_optimizers)


def _optimizers(options: argparse.Namespace) -> int:
    from autonas.benchmarks.comparison import markdown
    from autonas.benchmarks.optimizers import DEFAULT_BENCHMARKS, compare_optimizers

    runs = compare_optimizers(
        options.out,
        optimizers=options.optimizers,
        benchmarks=options.benchmarks or DEFAULT_BENCHMARKS,
        seeds=options.seeds,
        budget=options.budget,
        noisy=options.noisy,
        jobs=options.jobs,
        data_dir=options.data_dir,
        only_read=options.summary,
    )
    print(markdown(runs))
    return 0


def seeds(text: str) -> range:
    """Read a number of seeds (``"10"``: 0 to 9) or a range (``"20-29"``)."""
    first, dash, last = text.partition("-")
    try:
        found = range(int(first), int(last) + 1) if dash else range(int(first))
    except ValueError:
        found = range(0)
    if not found or found.start < 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number of seeds, as in 10, nor a range, as in 20-29"
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
