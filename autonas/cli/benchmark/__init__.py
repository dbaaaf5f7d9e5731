"""The command ``benchmark``: one function a measurement, which names its arguments and what prints its tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from autonas.cli.benchmark import architectures, estimators, searches

__all__ = ["benchmark", "make_parser"]

MEASUREMENTS = (
    searches.add_optimizers,
    searches.add_simulate,
    searches.add_workers,
    searches.add_overhead,
    estimators.add_time_limit,
    estimators.add_fidelity,
    estimators.add_accuracy,
    estimators.add_estimators,
    estimators.add_portfolio,
    estimators.add_profile,
    estimators.add_stacking,
    architectures.add_one_shot,
    architectures.add_stages,
    architectures.add_pareto,
    searches.add_own_table,
)


def benchmark(arguments: Sequence[str]) -> int:
    """Run the measurement that the arguments name.

    Parameters
    ----------
    arguments : sequence of str
        Those that follow the word ``benchmark``.

    Returns
    -------
    int
        The process's exit code, as :func:`autonas.cli.main` has them.
    """
    options = make_parser().parse_args(arguments)
    try:
        print(options.command(options))
    except (ValueError, FileNotFoundError, ImportError) as error:
        print(f"autonas: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Put the measurements together."""
    parser = argparse.ArgumentParser(
        "autonas benchmark",
        description="Repeat the measurements of docs/benchmarks.md: the defaults are those behind its tables. "
        "Results are kept run by run in a file. The same command goes on where it was stopped, and prints the "
        "tables.",
    )
    kinds = parser.add_subparsers(required=True, metavar="MEASUREMENT")
    for add in MEASUREMENTS:
        add(kinds)
    return parser
