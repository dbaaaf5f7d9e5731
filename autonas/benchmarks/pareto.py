"""How much of the front of loss and size a search finds, against random search in the same time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect, fresh_process
from autonas.benchmarks.stages import judged, load_parts

__all__ = ["Run", "compare_fronts", "hypervolume", "markdown", "run"]

DATASETS = ("satimage", "fashion_mnist_sub")
OPTIMIZERS = ("bohb", "random")


@dataclass(frozen=True)
class Run:
    """What is run.

    Attributes
    ----------
    dataset : str
        A set of images or a table.
    optimizer : str
    objective : str
        Beside the loss.
    seed : int
    seconds : float
        The time limit.
    """

    dataset: str
    optimizer: str
    objective: str
    seed: int
    seconds: float


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Search for a front, and judge each of its models on the test part.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``front``: for each model its validation ``loss``, the ``objective``, and ``test_loss`` and ``test_score``;
        ``trivial_loss``: the test loss of what knows the classes' shares, or the mean, only; ``trials``.
    """
    from autonas import AutoNASClassifier, AutoNASRegressor  # noqa: PLC0415  torch is slow to import

    X, y, X_test, y_test = load_parts(what.dataset, what.seed, data_dir)
    classification = y.dtype.kind in "OUiu"
    optimizer: Any = tuple(what.optimizer.split("+")) if "+" in what.optimizer else what.optimizer
    estimator = (AutoNASClassifier if classification else AutoNASRegressor)(
        time_limit=what.seconds, random_state=what.seed, objectives=[what.objective], optimizer=optimizer
    ).fit(X, y)
    front = []
    for model in estimator.get_pareto_front():
        predicted = model.predict_proba(X_test) if classification else model.predict(X_test)
        on_test = judged(y_test, predicted, model.classes_ if classification else None)
        front.append(
            {
                "loss": model.objectives_["loss"],
                "objective": model.objectives_[what.objective],
                "test_loss": on_test["loss"],
                "test_score": on_test["score"],
            }
        )
    return {"front": front, "trivial_loss": _trivial_loss(y, y_test), "trials": len(estimator.history_.trials)}


def _trivial_loss(y: npt.NDArray[Any], y_test: npt.NDArray[Any]) -> float:
    if y.dtype.kind not in "OUiu":
        return judged(y_test, np.full(len(y_test), y.mean()), None)["loss"]
    classes, counts = np.unique(y, return_counts=True)
    return judged(y_test, np.tile(counts / len(y), (len(y_test), 1)), classes)["loss"]


def compare_fronts(
    out: str | Path,
    *,
    datasets: Sequence[str] = DATASETS,
    optimizers: Sequence[str] = OPTIMIZERS,
    objective: str = "n_parameters",
    seconds: float = 150.0,
    seeds: Sequence[int] = range(5),
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Search with each optimizer, on each data set, one at a time, each in a process of its own.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        As for :func:`~autonas.benchmarks.stages.compare_stages`.
    optimizers : sequence of str
        Names of ``OPTIMIZERS``, or ``SAMPLER+SCHEDULE``; "random" should be among them.
    objective : str
        Beside the loss.
    seconds : float, default=150
        Time limit of each.
    seeds : sequence of int
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.
    """
    wanted = [
        Run(dataset, optimizer, objective, seed, float(seconds))
        for seed in seeds
        for dataset in datasets
        for optimizer in optimizers
    ]
    return collect(
        out,
        wanted,
        functools.partial(fresh_process, functools.partial(run, data_dir=data_dir)),
        describe=lambda r: f"{len(r['front'])} on the front of {r['trials']} trials",
        only_read=only_read,
        say=say,
    )


def hypervolume(points: npt.ArrayLike) -> float:
    """Measure the part of the unit square that points dominate: 1 if one of them is at the origin.

    Parameters
    ----------
    points : array-like of shape (n, 2)
        Smaller is better; what lies beyond 1 counts for nothing.

    Returns
    -------
    float

    Examples
    --------
    >>> hypervolume([(0.0, 0.5), (0.5, 0.0), (0.7, 0.7)])
    0.75
    """
    area, height = 0.0, 1.0
    for x, y in sorted(np.clip(np.asarray(points, dtype=np.float64), 0, 1).reshape(-1, 2).tolist()):
        if y < height:
            area += (1 - x) * (height - y)
            height = y
    return area


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table, one row a data set and optimizer: hypervolume on test data, and models on the front.

    The loss is scaled from the smallest of all runs of a data set to the trivial one, the objective, by its logarithm,
    from the smallest to the largest.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`compare_fronts`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    rows = []
    for dataset in dict.fromkeys(r["dataset"] for r in runs):
        of_set = [r for r in runs if r["dataset"] == dataset]
        volumes = _volumes(of_set)
        for optimizer in dict.fromkeys(r["optimizer"] for r in of_set):
            mine = [r for r in of_set if r["optimizer"] == optimizer]
            each = [volumes[optimizer, r["seed"]] for r in mine]
            against = [volumes[optimizer, r["seed"]] - volumes.get(("random", r["seed"]), np.nan) for r in mine]
            rows.append(
                [
                    dataset,
                    optimizer,
                    number(float(np.mean(each)), 3),
                    "" if optimizer == "random" else f"{sum(d > 0 for d in against)} of {len(against)}",
                    f"{min(len(r['front']) for r in mine)} to {max(len(r['front']) for r in mine)}",
                    number(float(np.mean([r["trials"] for r in mine])), 0),
                ]
            )
    header = ["data set", "optimizer", "hypervolume", "seeds ahead of random", "models on the front", "trials"]
    return markdown_table(header, rows)


def _volumes(runs: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], float]:
    points = np.array([(p["test_loss"], np.log(p["objective"])) for r in runs for p in r["front"]])
    low = points.min(axis=0)
    high = np.array([max(r["trivial_loss"] for r in runs), points[:, 1].max()])
    span = np.where(high > low, high - low, 1.0)
    return {
        (r["optimizer"], r["seed"]): hypervolume(
            [(np.array([p["test_loss"], np.log(p["objective"])]) - low) / span for p in r["front"]]
        )
        for r in runs
    }
