"""``python -m autonas``, the same program as ``autonas``; and its command ``benchmark``."""

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
        The process's exit code: 0, 1 if every trial of a search failed, 2 for a wrong argument or missing data, 130 if
        stopped by the keyboard.
    """
    from autonas.cli import main as run_command

    return run_command(arguments, benchmark=_benchmark)


def _benchmark(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(["benchmark", *arguments])
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
    for add in (
        _add_optimizers,
        _add_simulate,
        _add_workers,
        _add_overhead,
        _add_time_limit,
        _add_fidelity,
        _add_accuracy,
        _add_estimators,
        _add_portfolio,
        _add_profile,
        _add_stacking,
        _add_one_shot,
        _add_stages,
        _add_pareto,
        _add_own_table,
    ):
        add(kinds)
    return parser


def _add_optimizers(kinds: _Commands) -> None:
    parser = _add(kinds, "optimizers", "optimizers on tables with known answers, at equal spent fidelity")
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
    _add_seeds(parser, "10")
    parser.add_argument("--budget", type=float, default=40, help="full trainings that a run may spend (%(default)s)")
    parser.add_argument(
        "--noisy", action="store_true", help="show one measured training, not the mean of the table's seeds"
    )
    _add_jobs(parser)
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="also write tables and drawings into this folder")
    parser.add_argument("--tables", choices=("csv", "parquet"), default="csv", help="of the report (%(default)s)")
    parser.set_defaults(command=_optimizers)


def _optimizers(options: argparse.Namespace) -> str:
    from autonas.benchmarks import pairs
    from autonas.benchmarks.comparison import markdown
    from autonas.benchmarks.optimizers import compare_optimizers

    asked = _asked(options)
    folder, kind, named = asked.pop("report", None), asked.pop("tables"), asked.pop("compare_pairs", None)
    compared = [pairs.parse_pair(text) for text in named or ()] or pairs.DEFAULT_PAIRS
    if named is not None:
        members = [name for pair in compared for name in (pair.ours, pair.reference)]
        asked["optimizers"] = list(dict.fromkeys([*asked.get("optimizers", ()), *members]))
    runs = compare_optimizers(**asked)
    if folder and runs:
        from autonas.benchmarks.plots import write_report

        for path in write_report(runs, folder, kind):
            _say(f"{path} is written.")
    return markdown(runs) if named is None else f"{pairs.markdown(runs, compared)}\n\n{markdown(runs)}"


def _add_simulate(kinds: _Commands) -> None:
    parser = _add(kinds, "simulate", "searches on 1 to 1,000 workers, in simulated time")
    parser.add_argument("--optimizers", nargs="+", metavar="NAME", help="(random, kde, tpe, smac; asha and hyperband)")
    parser.add_argument("--benchmarks", nargs="+", metavar="NAME", help="(nasbench201:cifar10 lcbench:126026)")
    parser.add_argument("--workers", type=_positive, nargs="+", help="numbers of workers (1 10 100 1000)")
    parser.add_argument(
        "--trainings", type=float, default=1, help="simulated time, in mean durations of a full training (%(default)s)"
    )
    _add_seeds(parser, "3")
    _add_jobs(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw regret over simulated time into this file")
    parser.set_defaults(command=_simulate)


def _simulate(options: argparse.Namespace) -> str:
    from autonas.benchmarks.simulator import markdown, simulate

    asked = _asked(options)
    file = asked.pop("plot", None)
    runs = simulate(**asked)
    if file and runs:
        from autonas.benchmarks.plots import plot_workers

        plot_workers(runs).savefig(file, dpi=120)
        _say(f"{file} is written.")
    return markdown(runs)


def _add_workers(kinds: _Commands) -> None:
    parser = _add(kinds, "workers", "how many more trials several worker processes finish than one", data=False)
    parser.add_argument("--workers", type=_positive, nargs="+", help="numbers of processes (1 2)")
    parser.add_argument("--trials", type=_positive, default=40, help="of each search (%(default)s)")
    parser.add_argument("--millions", type=_positive, default=20, help="of additions in a trial (%(default)s)")
    parser.add_argument("--repeats", type=_positive, default=3, help="(%(default)s)")
    parser.set_defaults(command=_workers)


def _workers(options: argparse.Namespace) -> str:
    from autonas.benchmarks.parallel import markdown, measure_workers

    return markdown(measure_workers(**_asked(options)))


def _add_overhead(kinds: _Commands) -> None:
    about = "the time of an ask and a tell for each sampler, and of writing the history"
    parser: argparse.ArgumentParser = kinds.add_parser("overhead", help=about, description=_sentence(about))
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


def _add_time_limit(kinds: _Commands) -> None:
    parser = _add(kinds, "time-limit", "whether time_limit is kept, and where the time goes")
    _add_datasets(parser, "adult credit_g cnae_9 california_housing")
    parser.add_argument("--limits", type=float, nargs="+", default=[10, 30, 60], metavar="SECONDS", help="(10 30 60)")
    _add_seeds(parser, "1")
    parser.add_argument("--optimizer", default="bohb", metavar="NAME", help="(%(default)s)")
    parser.set_defaults(command=_time_limit)


def _time_limit(options: argparse.Namespace) -> str:
    from autonas.benchmarks.time_limit import markdown, measure_time_limit

    return markdown(measure_time_limit(**_asked(options)))


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
    from autonas.benchmarks.fidelity import markdown, measure_fidelity

    return markdown(measure_fidelity(**_asked(options)))


def _add_accuracy(kinds: _Commands) -> None:
    parser = _add(kinds, "accuracy", "AutoNAS against scikit-learn's network and boosted trees with their defaults")
    _add_datasets(parser, "ten, from auto_mpg to adult")
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="(autonas mlp hist_gradient_boosting)")
    parser.add_argument("--seconds", type=float, default=60, help="time limit of AutoNAS (%(default)s)")
    _add_seeds(parser, "3")
    parser.set_defaults(command=_accuracy)


def _accuracy(options: argparse.Namespace) -> str:
    from autonas.benchmarks.accuracy import compare_accuracy, markdown

    return markdown(compare_accuracy(**_asked(options)))


def _add_estimators(kinds: _Commands) -> None:
    parser = _add(kinds, "estimators", "AutoNAS against its peers, each run by an interpreter of its own")
    _add_datasets(parser, "twelve, from auto_mpg to adult")
    parser.add_argument(
        "--systems",
        nargs="+",
        metavar="NAME",
        help="as in flaml, or 'autonas[ensemble_size=1]' (autonas, autogluon with all and with networks only, flaml, "
        "realmlp, hist_gradient_boosting, random_forest, mlp, linear)",
    )
    parser.add_argument("--seconds", type=float, nargs="+", help="time limits (60)")
    _add_seeds(parser, "1")
    parser.add_argument("--harness", type=Path, help="harness.py, which runs them, or its folder ($AUTONAS_BENCH)")
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments ($PEER_VENVS)")
    parser.set_defaults(command=_estimators)


def _estimators(options: argparse.Namespace) -> str:
    from autonas.benchmarks.estimators import compare_estimators, markdown

    return markdown(compare_estimators(**_asked(options)))


def _add_portfolio(kinds: _Commands) -> None:
    about = "learn which configurations a search tries first, and judge that"
    group: argparse.ArgumentParser = kinds.add_parser("portfolio", help=about, description=_sentence(about))
    actions = group.add_subparsers(required=True, metavar="ACTION")
    for name, command, what in (
        ("collect", _collect_portfolio, "train the candidates, each on every data set, the most promising first"),
        ("learn", _learn_portfolio, "choose a portfolio from what was collected, with the same options, and write it"),
        ("judge", _judge_portfolio, "leave one data set out after the other, and see what a portfolio does there"),
    ):
        parser = _add(actions, name, what)
        parser.set_defaults(out=Path("results", "portfolio.jsonl"), command=command)
        _add_datasets(parser, "all, and four of scikit-learn's")
        parser.add_argument(
            "--draws", type=int, default=64, help="random candidates beside those by hand (%(default)s)"
        )
        parser.add_argument("--only", type=_positive, help="the first so many candidates (all)")
        parser.add_argument("--max-rows", type=_positive, default=5_000, help="so many rows of a set (%(default)s)")
        parser.add_argument("--max-epochs", type=_positive, help="all epochs (by the data's size, as in fit)")
        parser.add_argument(
            "--limit", type=float, default=300, help="processor seconds of the longest training (%(default)s)"
        )
        if name == "collect":
            _add_jobs(parser)
        else:
            parser.add_argument("--size", type=_positive, default=32, help="configurations at most (%(default)s)")
        if name == "learn":
            default = Path("pipelines", "portfolios", "tabular.yaml")
            parser.add_argument("--file", type=Path, default=default, help="the portfolio (%(default)s)")


def _collect_portfolio(options: argparse.Namespace) -> str:
    from autonas.benchmarks.portfolio import collect_portfolio

    runs = collect_portfolio(**_asked(options))
    return f"{len(runs)} runs are in {options.out}, of which {sum(run['failure'] is not None for run in runs)} failed."


def _learn_portfolio(options: argparse.Namespace) -> str:
    from autonas.benchmarks.portfolio_learning import learn_portfolio

    return learn_portfolio(**_asked(options))


def _judge_portfolio(options: argparse.Namespace) -> str:
    from autonas.benchmarks.portfolio_learning import judge_portfolio

    return judge_portfolio(**_asked(options))


def _add_profile(kinds: _Commands) -> None:
    parser = _add(kinds, "profile", "where the time of a training step goes, against the peak of matrix products")
    _add_datasets(parser, "california_housing adult satimage credit_g")
    parser.add_argument("--configurations", nargs="+", metavar="NAME", help="as in tabm_bins (one of each family)")
    parser.add_argument("--steps", type=_positive, default=100, help="timed ones of each (%(default)s)")
    parser.set_defaults(command=_profile)


def _profile(options: argparse.Namespace) -> str:
    from autonas.benchmarks.profile import markdown, measure_steps

    return markdown(measure_steps(**_asked(options)))


def _add_stacking(kinds: _Commands) -> None:
    parser = _add(kinds, "stacking", "an epoch of a configuration's folds as one stacked network, and one by one")
    _add_datasets(parser, "credit_g australian car segment abalone")
    parser.add_argument("--networks", nargs="+", metavar="NAME", help="as in tabm (realmlp mlp)")
    parser.add_argument("--widths", type=_positive, nargs="+", help="of hidden layers (32 64 128 256 512)")
    parser.add_argument("--folds", type=_positive, default=5, help="(%(default)s)")
    parser.add_argument("--steps", type=_positive, default=60, help="timed ones of each (%(default)s)")
    parser.set_defaults(command=_stacking)


def _stacking(options: argparse.Namespace) -> str:
    from autonas.benchmarks.stacking import markdown, measure_stacking

    return markdown(measure_stacking(**_asked(options)))


def _add_one_shot(kinds: _Commands) -> None:
    about = "weight sharing by itself: what it costs, and the cells it finds, in NAS-Bench-201's table"
    group: argparse.ArgumentParser = kinds.add_parser("one-shot", help=about, description=_sentence(about))
    actions = group.add_subparsers(required=True, metavar="ACTION")
    parser = _add(actions, "cells", "search cells on small images, and look up their accuracy on CIFAR-10")
    parser.set_defaults(out=Path("results", "one_shot_cells.jsonl"), command=_one_shot_cells)
    _add_datasets(parser, "fashion_mnist_sub")
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="(plain_darts darts gdas random_sharing)")
    parser.add_argument("--seconds", type=float, default=300, help="of each search (%(default)s)")
    _add_seeds(parser, "3")
    _add_jobs(parser)
    parser = _add(actions, "costs", "time an epoch of search against one of training the found cell")
    parser.set_defaults(out=Path("results", "one_shot_costs.jsonl"), command=_one_shot_costs)
    _add_datasets(parser, "sign_digits64")
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="(darts pc_darts gdas random_sharing)")
    parser.add_argument("--families", nargs="+", metavar="NAME", help="(nasbench201 cell)")
    parser.add_argument("--epochs", type=_positive, default=3, help="timed ones of each (%(default)s)")


def _one_shot_cells(options: argparse.Namespace) -> str:
    from autonas.benchmarks.one_shot import compare_searches, markdown

    return markdown(compare_searches(**_asked(options)))


def _one_shot_costs(options: argparse.Namespace) -> str:
    from autonas.benchmarks.one_shot_costs import markdown, measure_costs

    return markdown(measure_costs(**_asked(options)))


def _add_stages(kinds: _Commands) -> None:
    parser = _add(kinds, "stages", "the two-stage mode against one stage, its cell alone, and a network by hand")
    _add_datasets(parser, "four of images; tables work too")
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="(one_stage two_stage nas_alone cnn_by_hand)")
    parser.add_argument("--seconds", type=float, default=300, help="time limit (%(default)s)")
    _add_seeds(parser, "2")
    parser.set_defaults(command=_stages)


def _stages(options: argparse.Namespace) -> str:
    from autonas.benchmarks.stages import compare_stages, markdown

    return markdown(compare_stages(**_asked(options)))


def _add_pareto(kinds: _Commands) -> None:
    parser = _add(kinds, "pareto", "the front of loss and size that a search finds, against random search")
    _add_datasets(parser, "satimage fashion_mnist_sub")
    parser.add_argument("--optimizers", nargs="+", metavar="NAME", help="(bohb random)")
    parser.add_argument("--objective", default="n_parameters", help="beside the loss (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="time limit (%(default)s)")
    _add_seeds(parser, "5")
    parser.set_defaults(command=_pareto)


def _pareto(options: argparse.Namespace) -> str:
    from autonas.benchmarks.pareto import compare_fronts, markdown

    return markdown(compare_fronts(**_asked(options)))


def _add_own_table(kinds: _Commands) -> None:
    parser = _add(kinds, "own-table", "train the table of autonas_mlp:digits, all of it, and describe it", data=False)
    parser.set_defaults(out=Path("results", "mlp_digits.jsonl"), command=_own_table)
    parser.add_argument("--sample", type=_positive, help="the first so many groups of 42 (all)")
    parser.add_argument("--pack", type=Path, metavar="FILE", help="also write the table into this file, an .npz")
    _add_jobs(parser)


def _own_table(options: argparse.Namespace) -> str:
    from autonas.benchmarks.mlp_digits_training import markdown, pack, train_table

    asked = _asked(options)
    file = asked.pop("pack", None)
    results = train_table(**asked)
    if file:
        pack(results, file)
        _say(f"{file} is written.")
    return markdown(results)


# ---------------------------------------------------------------------------- arguments that several share


def _add(kinds: _Commands, name: str, about: str, *, data: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(
        name, help=about, description=f"{_sentence(about)} Defaults are in parentheses."
    )
    default = Path("results", f"{name}.jsonl")
    parser.add_argument("--out", type=Path, default=default, help="file of results, a JSON line a run (%(default)s)")
    if data:
        parser.add_argument("--data-dir", type=Path, help="folder of the data ($AUTONAS_DATA)")
    parser.add_argument(
        "--summary", dest="only_read", action="store_true", help="run nothing, print the tables of what is in --out"
    )
    return parser


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """Name what was asked for as the functions name it; what was not has their defaults."""
    asked = {name: value for name, value in vars(options).items() if value is not None and name != "command"}
    return {**asked, "say": _say}


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
