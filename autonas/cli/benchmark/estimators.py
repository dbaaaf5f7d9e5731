"""The measurements of whole fits, and what goes into one."""

# ruff: noqa: PLC0415  each measurement imports what it needs: help is there at once

from __future__ import annotations

import argparse
from pathlib import Path

from autonas.cli.benchmark.arguments import (
    Commands,
    add_datasets,
    add_group,
    add_jobs,
    add_measurement,
    add_seeds,
    asked_for,
    positive,
)

__all__ = [
    "add_accuracy",
    "add_estimators",
    "add_fidelity",
    "add_portfolio",
    "add_profile",
    "add_stacking",
    "add_time_limit",
]


def add_time_limit(kinds: Commands) -> None:
    parser = add_measurement(kinds, "time-limit", "whether time_limit is kept, and where the time goes")
    add_datasets(parser, "adult credit_g cnae_9 california_housing")
    parser.add_argument("--limits", type=float, nargs="+", default=[10, 30, 60], metavar="SECONDS", help="(10 30 60)")
    add_seeds(parser, "1")
    parser.add_argument("--optimizer", default="bohb", metavar="NAME", help="(%(default)s)")
    parser.set_defaults(command=_time_limit)


def _time_limit(options: argparse.Namespace) -> str:
    from autonas.benchmarks.time_limit import markdown, measure_time_limit

    return markdown(measure_time_limit(**asked_for(options)))


def add_fidelity(kinds: Commands) -> None:
    parser = add_measurement(kinds, "fidelity", "whether a ninth of the epochs ranks configurations as all epochs do")
    add_datasets(parser, "credit_g satimage phoneme california_housing")
    parser.add_argument("--configurations", type=int, default=60, help="random ones, of each set (%(default)s)")
    add_seeds(parser, "1")
    parser.add_argument("--max-epochs", type=int, help="all epochs (by the data's size, as in fit)")
    parser.add_argument("--validation", default="auto", help="auto, as in fit, or holdout: faster (%(default)s)")
    add_jobs(parser)
    parser.set_defaults(command=_fidelity)


def _fidelity(options: argparse.Namespace) -> str:
    from autonas.benchmarks.fidelity import markdown, measure_fidelity

    return markdown(measure_fidelity(**asked_for(options)))


def add_accuracy(kinds: Commands) -> None:
    parser = add_measurement(
        kinds, "accuracy", "AutoNAS against scikit-learn's network and boosted trees with their defaults"
    )
    add_datasets(parser, "ten, from auto_mpg to adult")
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="(autonas mlp hist_gradient_boosting)")
    parser.add_argument("--seconds", type=float, default=60, help="time limit of AutoNAS (%(default)s)")
    add_seeds(parser, "3")
    parser.set_defaults(command=_accuracy)


def _accuracy(options: argparse.Namespace) -> str:
    from autonas.benchmarks.accuracy import compare_accuracy, markdown

    return markdown(compare_accuracy(**asked_for(options)))


def add_estimators(kinds: Commands) -> None:
    parser = add_measurement(kinds, "estimators", "AutoNAS against its peers, each run by an interpreter of its own")
    add_datasets(parser, "twelve, from auto_mpg to adult")
    parser.add_argument(
        "--systems",
        nargs="+",
        metavar="NAME",
        help="as in flaml, or 'autonas[ensemble_size=1]' (autonas, autogluon with all and with networks only, flaml, "
        "realmlp, hist_gradient_boosting, random_forest, mlp, linear)",
    )
    parser.add_argument("--seconds", type=float, nargs="+", help="time limits (60)")
    add_seeds(parser, "1")
    parser.add_argument("--harness", type=Path, help="harness.py, which runs them, or its folder ($AUTONAS_BENCH)")
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments ($PEER_VENVS)")
    parser.set_defaults(command=_estimators)


def _estimators(options: argparse.Namespace) -> str:
    from autonas.benchmarks.estimators import compare_estimators, markdown

    return markdown(compare_estimators(**asked_for(options)))


def add_portfolio(kinds: Commands) -> None:
    actions = add_group(kinds, "portfolio", "learn which configurations a search tries first, and judge that")
    for name, command, what in (
        ("collect", _collect_portfolio, "train the candidates, each on every data set, the most promising first"),
        ("learn", _learn_portfolio, "choose a portfolio from what was collected, with the same options, and write it"),
        ("judge", _judge_portfolio, "leave one data set out after the other, and see what a portfolio does there"),
    ):
        parser = add_measurement(actions, name, what)
        parser.set_defaults(out=Path("results", "portfolio.jsonl"), command=command)
        add_datasets(parser, "all, and four of scikit-learn's")
        parser.add_argument(
            "--draws", type=int, default=64, help="random candidates beside those by hand (%(default)s)"
        )
        parser.add_argument("--only", type=positive, help="the first so many candidates (all)")
        parser.add_argument("--max-rows", type=positive, default=5_000, help="so many rows of a set (%(default)s)")
        parser.add_argument("--max-epochs", type=positive, help="all epochs (by the data's size, as in fit)")
        parser.add_argument(
            "--limit", type=float, default=300, help="processor seconds of the longest training (%(default)s)"
        )
        if name == "collect":
            add_jobs(parser)
        else:
            parser.add_argument("--size", type=positive, default=32, help="configurations at most (%(default)s)")
        if name == "learn":
            default = Path("pipelines", "portfolios", "tabular.yaml")
            parser.add_argument("--file", type=Path, default=default, help="the portfolio (%(default)s)")


def _collect_portfolio(options: argparse.Namespace) -> str:
    from autonas.benchmarks.portfolio import collect_portfolio

    runs = collect_portfolio(**asked_for(options))
    return f"{len(runs)} runs are in {options.out}, of which {sum(run['failure'] is not None for run in runs)} failed."


def _learn_portfolio(options: argparse.Namespace) -> str:
    from autonas.benchmarks.portfolio_learning import learn_portfolio

    return learn_portfolio(**asked_for(options))


def _judge_portfolio(options: argparse.Namespace) -> str:
    from autonas.benchmarks.portfolio_learning import judge_portfolio

    return judge_portfolio(**asked_for(options))


def add_profile(kinds: Commands) -> None:
    parser = add_measurement(
        kinds, "profile", "where the time of a training step goes, against the peak of matrix products"
    )
    add_datasets(parser, "california_housing adult satimage credit_g")
    parser.add_argument("--configurations", nargs="+", metavar="NAME", help="as in tabm_bins (one of each family)")
    parser.add_argument("--steps", type=positive, default=100, help="timed ones of each (%(default)s)")
    parser.set_defaults(command=_profile)


def _profile(options: argparse.Namespace) -> str:
    from autonas.benchmarks.profile import markdown, measure_steps

    return markdown(measure_steps(**asked_for(options)))


def add_stacking(kinds: Commands) -> None:
    parser = add_measurement(
        kinds, "stacking", "an epoch of a configuration's folds as one stacked network, and one by one"
    )
    add_datasets(parser, "credit_g australian car segment abalone")
    parser.add_argument("--networks", nargs="+", metavar="NAME", help="as in tabm (realmlp mlp)")
    parser.add_argument("--widths", type=positive, nargs="+", help="of hidden layers (32 64 128 256 512)")
    parser.add_argument("--folds", type=positive, default=5, help="(%(default)s)")
    parser.add_argument("--steps", type=positive, default=60, help="timed ones of each (%(default)s)")
    parser.set_defaults(command=_stacking)


def _stacking(options: argparse.Namespace) -> str:
    from autonas.benchmarks.stacking import markdown, measure_stacking

    return markdown(measure_stacking(**asked_for(options)))
