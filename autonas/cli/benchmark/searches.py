"""The measurements of what optimizers do on tables, and what they cost."""

# ruff: noqa: PLC0415  each measurement imports what it needs: help is there at once

from __future__ import annotations

import argparse
from pathlib import Path

from autonas.cli.benchmark.arguments import (
    Commands,
    add_jobs,
    add_measurement,
    add_seeds,
    asked_for,
    positive,
    say,
    sentence,
)

__all__ = ["add_optimizers", "add_overhead", "add_own_table", "add_simulate", "add_workers"]


def add_optimizers(kinds: Commands) -> None:
    parser = add_measurement(kinds, "optimizers", "optimizers on tables with known answers, at equal spent fidelity")
    parser.add_argument(
        "--optimizers",
        nargs="+",
        metavar="NAME",
        help="as in bohb, sampler+schedule as in tpe+asha, or another project's own as in ref:smac; random is always "
        "in (bohb smac tpe hyperband)",
    )
    parser.add_argument(
        "--compare-pairs",
        nargs="*",
        metavar="OURS=REFERENCE",
        help="run these too, and compare the two of each; without a name: each preset with its reference",
    )
    parser.add_argument("--benchmarks", nargs="+", metavar="NAME", help="as in lcbench:126026 (eight of four families)")
    add_seeds(parser, "10")
    parser.add_argument("--budget", type=float, default=40, help="full trainings that a run may spend (%(default)s)")
    parser.add_argument(
        "--noisy", action="store_true", help="show one measured training, not the mean of the table's seeds"
    )
    add_jobs(parser)
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="also write tables and drawings into this folder")
    parser.add_argument("--tables", choices=("csv", "parquet"), default="csv", help="of the report (%(default)s)")
    parser.set_defaults(command=_optimizers)


def _optimizers(options: argparse.Namespace) -> str:
    from autonas.benchmarks import pairs
    from autonas.benchmarks.comparison import markdown
    from autonas.benchmarks.optimizers import compare_optimizers

    asked = asked_for(options)
    folder, kind, named = asked.pop("report", None), asked.pop("tables"), asked.pop("compare_pairs", None)
    compared = [pairs.parse_pair(text) for text in named or ()] or pairs.DEFAULT_PAIRS
    if named is not None:
        members = [name for pair in compared for name in (pair.ours, pair.reference)]
        asked["optimizers"] = list(dict.fromkeys([*asked.get("optimizers", ()), *members]))
    runs = compare_optimizers(**asked)
    if folder and runs:
        from autonas.benchmarks.plots import write_report

        for path in write_report(runs, folder, kind):
            say(f"{path} is written.")
    return markdown(runs) if named is None else f"{pairs.markdown(runs, compared)}\n\n{markdown(runs)}"


def add_simulate(kinds: Commands) -> None:
    parser = add_measurement(kinds, "simulate", "searches on 1 to 1,000 workers, in simulated time")
    parser.add_argument("--optimizers", nargs="+", metavar="NAME", help="(random, kde, tpe, smac; asha and hyperband)")
    parser.add_argument("--benchmarks", nargs="+", metavar="NAME", help="(nasbench201:cifar10 lcbench:126026)")
    parser.add_argument("--workers", type=positive, nargs="+", help="numbers of workers (1 10 100 1000)")
    parser.add_argument(
        "--trainings", type=float, default=1, help="simulated time, in mean durations of a full training (%(default)s)"
    )
    add_seeds(parser, "3")
    add_jobs(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw regret over simulated time into this file")
    parser.set_defaults(command=_simulate)


def _simulate(options: argparse.Namespace) -> str:
    from autonas.benchmarks.simulator import markdown, simulate

    asked = asked_for(options)
    file = asked.pop("plot", None)
    runs = simulate(**asked)
    if file and runs:
        from autonas.benchmarks.plots import plot_workers

        plot_workers(runs).savefig(file, dpi=120)
        say(f"{file} is written.")
    return markdown(runs)


def add_workers(kinds: Commands) -> None:
    parser = add_measurement(
        kinds, "workers", "how many more trials several worker processes finish than one", data=False
    )
    parser.add_argument("--workers", type=positive, nargs="+", help="numbers of processes (1 2)")
    parser.add_argument("--trials", type=positive, default=40, help="of each search (%(default)s)")
    parser.add_argument("--millions", type=positive, default=20, help="of additions in a trial (%(default)s)")
    parser.add_argument("--repeats", type=positive, default=3, help="(%(default)s)")
    parser.set_defaults(command=_workers)


def _workers(options: argparse.Namespace) -> str:
    from autonas.benchmarks.parallel import markdown, measure_workers

    return markdown(measure_workers(**asked_for(options)))


def add_overhead(kinds: Commands) -> None:
    about = "the time of an ask and a tell for each sampler, and of writing the history"
    parser: argparse.ArgumentParser = kinds.add_parser("overhead", help=about, description=sentence(about))
    parser.add_argument("--samplers", nargs="+", metavar="NAME", help="as in kde (all)")
    parser.add_argument("--trials", type=int, default=200, help="trials of each search (%(default)s)")
    parser.add_argument("--out", type=Path, help="also append the figures to this file, one JSON line a sampler")
    parser.set_defaults(command=_overhead)


def _overhead(options: argparse.Namespace) -> str:
    from autonas._names import check_names
    from autonas.benchmarks._markdown import frame_table
    from autonas.benchmarks._runs import append_result
    from autonas.benchmarks.overhead import measure_history, measure_overhead
    from autonas.optimization import SAMPLERS

    samplers = options.samplers or tuple(SAMPLERS)
    check_names("sampler", samplers, SAMPLERS)
    asks, writes = measure_overhead(samplers, options.trials), measure_history(options.trials)
    if options.out:
        for row in [*asks.to_dict("records"), *writes.to_dict("records")]:
            append_result(options.out, {"trials": options.trials} | {str(name): value for name, value in row.items()})
    return f"{frame_table(asks)}\n\n{frame_table(writes)}"


def add_own_table(kinds: Commands) -> None:
    parser = add_measurement(
        kinds, "own-table", "train the table of autonas_mlp:digits, all of it, and describe it", data=False
    )
    parser.set_defaults(out=Path("results", "mlp_digits.jsonl"), command=_own_table)
    parser.add_argument("--sample", type=positive, help="the first so many groups of 42 (all)")
    parser.add_argument("--pack", type=Path, metavar="FILE", help="also write the table into this file, an .npz")
    add_jobs(parser)


def _own_table(options: argparse.Namespace) -> str:
    from autonas.benchmarks.mlp_digits_training import markdown, pack, train_table

    asked = asked_for(options)
    file = asked.pop("pack", None)
    results = train_table(**asked)
    if file:
        pack(results, file)
        say(f"{file} is written.")
    return markdown(results)
