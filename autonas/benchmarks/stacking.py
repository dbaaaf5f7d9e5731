"""The folds of a configuration trained as one stacked network, against one after the other, on one core."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autonas._names import check_names
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect
from autonas.benchmarks.candidates import BASE, HAND_MADE
from autonas.benchmarks.profile import StepTimer, ready_dataset

__all__ = ["DATASETS", "WIDTHS", "Run", "markdown", "measure_stacking", "run"]

#: Sets of less than 10,000 rows: numbers alone, mixed, categories alone, many classes, and one of regression.
DATASETS = ("credit_g", "australian", "car", "segment", "abalone")
WIDTHS = (32, 64, 128, 256, 512)
#: Configurations by hand, and which hyperparameter is the width of their hidden layers.
NETWORKS: Mapping[str, tuple[str, str]] = {
    "realmlp": ("realmlp_bins", "realmlp:width"),
    "mlp": ("mlp_bins", "mlp:max_width"),
    "resnet": ("resnet_bins", "resnet:width"),
    "tabm": ("tabm_bins", "tabm:width"),
}
ROUNDS = 3


@dataclass(frozen=True)
class Run:
    """What is run: epochs of a configuration's folds, stacked and one after the other.

    Attributes
    ----------
    dataset : str
    network : str
        A name of :data:`NETWORKS`.
    width : int
        Units of a hidden layer.
    folds : int
    steps : int
        Timed ones of each.
    """

    dataset: str
    network: str
    width: int
    folds: int = 5
    steps: int = 60


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Time the two, in turns.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``stacked`` and ``one_by_one``: milliseconds of an epoch of all folds, the median of three; ``batch_size``.
    """
    from autonas.training.trial import one_thread  # noqa: PLC0415  torch is slow to import

    ready = ready_dataset(what.dataset, data_dir, validation=what.folds)
    base, name = NETWORKS[what.network]
    configuration = {**ready.trainer.defaults, **BASE, **HAND_MADE[base], name: what.width}
    with one_thread():
        (stack,) = ready.trainer.make_stacks(configuration, 0)
        alone = _one_by_one(ready.trainer, configuration)
        both = [StepTimer([one], configuration, ready.trainer) for one in (stack, alone)]
        for timer in both:
            timer(10)
        seconds = np.median([[timer(what.steps) / what.steps for timer in both] for _ in range(ROUNDS)], axis=0)
    return {
        "stacked": round(1e3 * float(seconds[0]) * stack.n_batches, 2),
        "one_by_one": round(1e3 * float(seconds[1]) * stack.n_batches * what.folds, 2),
        "batch_size": round(stack.rows_per_epoch / stack.n_batches),
    }


def _one_by_one(trainer: Any, configuration: Mapping[str, Any]) -> Any:
    """Make the network of the first fold by itself."""
    trainer.stack_bytes = 0
    try:
        return trainer.make_stacks(configuration, 0)[0]
    finally:
        del trainer.stack_bytes


def measure_stacking(
    out: str | Path,
    *,
    datasets: Sequence[str] = DATASETS,
    networks: Sequence[str] = ("realmlp", "mlp"),
    widths: Sequence[int] = WIDTHS,
    folds: int = 5,
    steps: int = 60,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Time epochs of several configurations, stacked and one by one.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        Names of the data folder's ``index.json``.
    networks : sequence of str
        Names of :data:`NETWORKS`.
    widths : sequence of int
        Units of a hidden layer.
    folds : int, default=5
    steps : int, default=60
        Timed ones of each.
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    check_names("network", networks, NETWORKS)
    return collect(
        out,
        [Run(d, network, width, folds, steps) for network in networks for d in datasets for width in widths],
        functools.partial(run, data_dir=data_dir),
        describe=lambda r: f"{r['one_by_one']:.0f} ms one by one, {r['stacked']:.0f} ms stacked",
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table for each network: how many times as long an epoch takes one by one, by data set and width.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`measure_stacking`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    return "\n\n".join(_table(network, runs) for network in dict.fromkeys(r["network"] for r in runs))


def _table(network: str, runs: Sequence[Mapping[str, Any]]) -> str:
    mine = {(r["dataset"], r["width"]): r for r in runs if r["network"] == network}
    widths = sorted({width for _, width in mine})
    rows = []
    for dataset in dict.fromkeys(name for name, _ in mine):
        found = [mine.get((dataset, width)) for width in widths]
        batches = "/".join(str(b) for b in sorted({r["batch_size"] for r in found if r}))
        rows.append([dataset, batches, *("" if r is None else _ratio(r) for r in found)])
    header = [f"{network}, one by one : stacked", "rows a step", *(f"width {width}" for width in widths)]
    return markdown_table(header, rows)


def _ratio(r: Mapping[str, Any]) -> str:
    return f"{number(r['one_by_one'] / r['stacked'], 2)} ({number(r['one_by_one'], 0)} : {number(r['stacked'], 0)} ms)"
