"""The measurements of weight sharing, the two stages, and fronts of several objectives."""

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

__all__ = ["add_one_shot", "add_pareto", "add_stages"]


def add_one_shot(kinds: Commands) -> None:
    actions = add_group(
        kinds, "one-shot", "weight sharing by itself: what it costs, and the cells it finds, in NAS-Bench-201's table"
    )
    parser = add_measurement(actions, "cells", "search cells on small images, and look up their accuracy on CIFAR-10")
    parser.set_defaults(out=Path("results", "one_shot_cells.jsonl"), command=_one_shot_cells)
    add_datasets(parser, "fashion_mnist_sub")
    parser.add_argument(
        "--variants", nargs="+", metavar="NAME", help="(plain_darts darts darts_pt gdas random_sharing)"
    )
    parser.add_argument("--seconds", type=float, default=150, help="of each search (%(default)s)")
    add_seeds(parser, "3")
    add_jobs(parser)
    parser = add_measurement(actions, "costs", "time an epoch of search against one of training the found cell")
    parser.set_defaults(out=Path("results", "one_shot_costs.jsonl"), command=_one_shot_costs)
    add_datasets(parser, "sign_digits64")
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="(darts darts_pt pc_darts gdas random_sharing)")
    parser.add_argument("--families", nargs="+", metavar="NAME", help="(nasbench201 cell)")
    parser.add_argument("--epochs", type=positive, default=3, help="timed ones of each (%(default)s)")


def _one_shot_cells(options: argparse.Namespace) -> str:
    from autonas.benchmarks.one_shot import compare_searches, markdown

    return markdown(compare_searches(**asked_for(options)))


def _one_shot_costs(options: argparse.Namespace) -> str:
    from autonas.benchmarks.one_shot_costs import markdown, measure_costs

    return markdown(measure_costs(**asked_for(options)))


def add_stages(kinds: Commands) -> None:
    parser = add_measurement(
        kinds, "stages", "the two-stage mode against one stage, its cell alone, and a network by hand"
    )
    add_datasets(parser, "four of images; tables work too")
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="(one_stage two_stage nas_alone cnn_by_hand)")
    parser.add_argument("--seconds", type=float, default=300, help="time limit (%(default)s)")
    add_seeds(parser, "2")
    parser.set_defaults(command=_stages)


def _stages(options: argparse.Namespace) -> str:
    from autonas.benchmarks.stages import compare_stages, markdown

    return markdown(compare_stages(**asked_for(options)))


def add_pareto(kinds: Commands) -> None:
    parser = add_measurement(kinds, "pareto", "the front of loss and size that a search finds, against random search")
    add_datasets(parser, "satimage fashion_mnist_sub")
    parser.add_argument("--optimizers", nargs="+", metavar="NAME", help="(bohb random)")
    parser.add_argument("--objective", default="n_parameters", help="beside the loss (%(default)s)")
    parser.add_argument("--seconds", type=float, default=150, help="time limit (%(default)s)")
    add_seeds(parser, "5")
    parser.set_defaults(command=_pareto)


def _pareto(options: argparse.Namespace) -> str:
    from autonas.benchmarks.pareto import compare_fronts, markdown

    return markdown(compare_fronts(**asked_for(options)))
