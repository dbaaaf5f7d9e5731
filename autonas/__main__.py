"""The command line: ``python -m autonas benchmark ...``."""

# ruff: noqa: PLC0415  each command imports what it needs: help is there at once

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["main"]

_Commands = Any
"""What ``add_subparsers`` returns; its type has no public name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The process's exit code: 0, 2 for a wrong argument or missing data, 130 if stopped by the keyboard.
    """
    options = _parser().parse_args(arguments)
    try:
        print(options.command(options))
    except (ValueError, FileNotFoundError, ImportError) as error:
        print(f"autonas: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("autonas", description="Neural architecture search and tuning.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    benchmark = commands.add_parser(
        "benchmark",
        help="repeat the measurements of docs/benchmarks.md",
        description="Repeat the measurements of docs/benchmarks.md: the defaults are those behind its tables. "
        "Results are kept run by run in a file. The same command goes on where it was stopped, and prints the "
        "tables.",
    )
    kinds = benchmark.add_subparsers(required=True, metavar="MEASUREMENT")
    for add in (_add_optimizers, _add_overhead, _add_time_limit, _add_fidelity, _add_accuracy):
        add(kinds)
    return parser


def _add_optimizers(kinds: _Commands) -> None:
    parser = _add(kinds, "optimizers", "optimizers on tables with known answers, at equal spent fidelity")
    parser.add_argument(
        "--optimizers",
        nargs="+",
        metavar="NAME",
        help="as in bohb, or sampler+schedule as in tpe+asha; random is always in (bohb smac tpe hyperband)",
    )
    parser.add_argument("--benchmarks", nargs="+", metavar="NAME", help="as in lcbench:126026 (eight of four families)")
    _add_seeds(parser, "10")
    parser.add_argument("--budget", type=float, default=40, help="full trainings that a run may spend (%(default)s)")
    parser.add_argument(
        "--noisy", action="store_true", help="show one measured training, not the mean of the table's seeds"
    )
    _add_jobs(parser)
    parser.set_defaults(command=_optimizers)


def _optimizers(options: argparse.Namespace) -> str:
    from autonas.benchmarks.comparison import markdown
    from autonas.benchmarks.optimizers import DEFAULT_OPTIMIZERS, compare_optimizers
    from autonas.benchmarks.tables import DEFAULT_BENCHMARKS

    return markdown(
        compare_optimizers(
            options.out,
            optimizers=options.optimizers or DEFAULT_OPTIMIZERS,
            benchmarks=options.benchmarks or DEFAULT_BENCHMARKS,
            seeds=options.seeds,
            budget=options.budget,
            noisy=options.noisy,
            jobs=options.jobs,
            data_dir=options.data_dir,
            only_read=options.summary,
            say=_say,
        )
    )


def _add_overhead(kinds: _Commands) -> None:
    about = "the time of an ask and a tell for each sampler, and of writing the history"
    parser: argparse.ArgumentParser = kinds.add_parser("overhead", help=about, description=_sentence(about))
    parser.add_argument("--samplers", nargs="+", metavar="NAME", help="as in kde (all)")
    parser.add_argument("--trials", type=int, default=200, help="trials of each search (%(default)s)")
    parser.add_argument("--out", type=Path, help="also append the figures to this file, one JSON line a sampler")
    parser.set_defaults(command=_overhead)


def _overhead(options: argparse.Namespace) -> str:
    from autonas._names import unknown_name
    from autonas.benchmarks._markdown import frame_table
    from autonas.benchmarks._runs import append_result
    from autonas.benchmarks.overhead import measure_history, measure_overhead
    from autonas.optimization import SAMPLERS

    samplers = options.samplers or tuple(SAMPLERS)
    for name in samplers:
        if name not in SAMPLERS:
            raise unknown_name("sampler", name, SAMPLERS)
    asks, writes = measure_overhead(samplers, options.trials), measure_history(options.trials)
    if options.out:
        for row in [*asks.to_dict("records"), *writes.to_dict("records")]:
            append_result(options.out, {"trials": options.trials} | {str(name): value for name, value in row.items()})
    return f"{frame_table(asks)}\n\n{frame_table(writes)}"


def _add_time_limit(kinds: _Commands) -> None:
    parser = _add(kinds, "time-limit", "whether time_limit is kept, and where the time goes")
    _add_datasets(parser, "adult credit_g cnae_9 california_housing")
    parser.add_argument("--limits", type=float, nargs="+", default=[10, 30, 60], metavar="SECONDS", help="(10 30 60)")
    _add_seeds(parser, "1")
    parser.add_argument("--optimizer", default="bohb", metavar="NAME", help="(%(default)s)")
    parser.set_defaults(command=_time_limit)


def _time_limit(options: argparse.Namespace) -> str:
    from autonas.benchmarks.time_limit import DEFAULT_DATASETS, markdown, measure_time_limit

    return markdown(
        measure_time_limit(
            options.out,
            datasets=options.datasets or DEFAULT_DATASETS,
            limits=options.limits,
            seeds=options.seeds,
            optimizer=options.optimizer,
            data_dir=options.data_dir,
            only_read=options.summary,
            say=_say,
        )
    )


def _add_fidelity(kinds: _Commands) -> None:
    parser = _add(kinds, "fidelity", "whether a ninth of the epochs ranks configurations as all epochs do")
    _add_datasets(parser, "credit_g satimage phoneme california_housing")
    parser.add_argument("--configurations", type=int, default=60, help="random ones, of each set (%(default)s)")
    _add_seeds(parser, "1")
    parser.add_argument("--max-epochs", type=int, help="all epochs (by the data's size, as in fit)")
    parser.add_argument("--validation", default="auto", help="auto, as in fit, or holdout: faster (%(default)s)")
    _add_jobs(parser)
    parser.set_defaults(command=_fidelity)


def _fidelity(options: argparse.Namespace) -> str:
    from autonas.benchmarks.fidelity import DEFAULT_DATASETS, markdown, measure_fidelity

    return markdown(
        measure_fidelity(
            options.out,
            datasets=options.datasets or DEFAULT_DATASETS,
            configurations=options.configurations,
            seeds=options.seeds,
            max_epochs=options.max_epochs,
            validation=options.validation,
            jobs=options.jobs,
            data_dir=options.data_dir,
            only_read=options.summary,
            say=_say,
        )
    )


def _add_accuracy(kinds: _Commands) -> None:
    parser = _add(kinds, "accuracy", "AutoNAS against scikit-learn's network and boosted trees with their defaults")
    _add_datasets(parser, "ten, from auto_mpg to adult")
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="(autonas mlp hist_gradient_boosting)")
    parser.add_argument("--seconds", type=float, default=60, help="time limit of AutoNAS (%(default)s)")
    _add_seeds(parser, "3")
    parser.set_defaults(command=_accuracy)


def _accuracy(options: argparse.Namespace) -> str:
    from autonas.benchmarks.accuracy import DEFAULT_DATASETS, SYSTEMS, compare_accuracy, markdown

    return markdown(
        compare_accuracy(
            options.out,
            datasets=options.datasets or DEFAULT_DATASETS,
            systems=options.systems or tuple(SYSTEMS),
            seconds=options.seconds,
            seeds=options.seeds,
            data_dir=options.data_dir,
            only_read=options.summary,
            say=_say,
        )
    )


# ---------------------------------------------------------------------------- arguments that several share


def _add(kinds: _Commands, name: str, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(
        name, help=about, description=f"{_sentence(about)} Defaults are in parentheses."
    )
    default = Path("results", f"{name}.jsonl")
    parser.add_argument("--out", type=Path, default=default, help="file of results, a JSON line a run (%(default)s)")
    parser.add_argument("--data-dir", type=Path, help="folder of the data ($AUTONAS_DATA)")
    parser.add_argument("--summary", action="store_true", help="run nothing, print the tables of what is in --out")
    return parser


def _add_datasets(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help=f"as in index.json of the data ({default})")


def _add_seeds(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--seeds", type=_seeds, default=default, help="how many, from 0 on, or FIRST-LAST (%(default)s)"
    )


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=_positive, default=1, help="processes (%(default)s)")


def _seeds(text: str) -> range:
    first, dash, last = text.partition("-")
    try:
        found = range(int(first), int(last) + 1) if dash else range(int(first))
    except ValueError:
        found = range(0)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seeds, as in 10, and no range, as in 20-29")
    return found


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number >= 1")
    return int(text)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
