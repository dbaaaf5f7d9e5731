"""Whether ``time_limit`` is kept, and where the time goes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from autonas._names import unknown_name
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect, fresh_process
from autonas.benchmarks.datasets import load_dataset
from autonas.optimization import OPTIMIZERS, RunHistory, Sampler, Trial
from autonas.optimization.optimizers import resolve

__all__ = ["DEFAULT_DATASETS", "Run", "markdown", "measure_time_limit", "run"]

DEFAULT_DATASETS = ("adult", "credit_g", "cnae_9", "california_housing")


@dataclass(frozen=True)
class Run:
    """What is run: a fit on all rows of a data set.

    Attributes
    ----------
    dataset : str
    seconds : float
        The time limit.
    seed : int
    optimizer : str
        A name of :data:`~autonas.optimization.OPTIMIZERS`.
    """

    dataset: str
    seconds: float
    seed: int = 0
    optimizer: str = "bohb"


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Fit once, and say where the time went.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``threads``: trials side by side; ``wall_seconds`` of ``fit``; ``over``: whether that is more than 5 % and 2 s
        above the limit; ``fitted``: whether it predicts; ``trials``, ``failed``; and as shares of the wall time
        ``training`` (preprocessing, training, prediction of validation rows, reading of checkpoints), ``overhead`` (the
        rest), and its parts: ``asking`` (the sampler), ``checkpoints`` (writing them), ``history`` (all else of the
        search: records on disk, schedule, a thread without a trial) and ``around`` (before and after the search:
        checks, imports, ensemble).
    """
    import torch  # noqa: PLC0415  slow to import

    from autonas.estimator import AutoNASClassifier, AutoNASRegressor  # noqa: PLC0415  likewise

    data = load_dataset(what.dataset, data_dir)
    asks: list[float] = []
    kind: Any = AutoNASClassifier if data.classification else AutoNASRegressor
    model = kind(
        time_limit=what.seconds,
        random_state=what.seed,
        optimizer=(functools.partial(_timed, what.optimizer, asks), OPTIMIZERS[what.optimizer][1]),
    )
    started = time.perf_counter()
    model.fit(data.X, data.y)
    wall = time.perf_counter() - started
    return {
        "wall_seconds": round(wall, 3),
        "over": wall > 1.05 * what.seconds + 2,
        "fitted": len(model.predict(data.X.iloc[:5])) == 5,
        "trials": len(model.history_.trials),
        "failed": sum(trial.failure is not None for trial in model.history_.trials),
        "threads": torch.get_num_threads(),
        **shares(model.history_, wall, sum(asks), torch.get_num_threads()),
    }


def shares(history: RunHistory, wall: float, asking: float, n_threads: int = 1) -> dict[str, float]:
    """Divide the wall time of a fit by what it was spent on.

    Parameters
    ----------
    history : RunHistory
        Of trials whose results say ``train_seconds``; one that failed counts with all its time.
    wall : float
        Seconds of the fit.
    asking : float
        Seconds in the sampler.
    n_threads : int, default=1
        Trials that ran side by side: the seconds of all of them are shared by so many.

    Returns
    -------
    dict
        As of :func:`run`; ``training`` and ``overhead`` add up to 1, and the other four to ``overhead``.
    """
    results = [result for trial in history.trials for result in trial.results]
    training = sum(result.info.get("train_seconds", result.seconds) for result in results) / n_threads
    objective = history.objective_seconds / n_threads
    parts = {
        "training": training,
        "overhead": wall - training,
        "asking": asking,
        "checkpoints": objective - training,
        "history": history.wall_seconds - objective - asking,
        "around": wall - history.wall_seconds,
    }
    return {name: round(seconds / wall, 5) for name, seconds in parts.items()}


class _Timed:
    """A sampler that notes how long each of its answers took."""

    def __init__(self, sampler: Sampler, seconds: list[float]) -> None:
        self._sampler, self._seconds = sampler, seconds

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Any:
        started = time.perf_counter()
        try:
            return self._sampler.suggest(trials, rng)
        finally:
            self._seconds.append(time.perf_counter() - started)


def _timed(optimizer: str, seconds: list[float], space: ConfigurationSpace) -> _Timed:
    return _Timed(resolve(optimizer, space, min_fidelity=1, max_fidelity=1, eta=3)[0], seconds)


def measure_time_limit(
    out: str | Path,
    *,
    datasets: Sequence[str] = DEFAULT_DATASETS,
    limits: Sequence[float] = (10, 30, 60),
    seeds: Sequence[int] = range(1),
    optimizer: str = "bohb",
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Fit all data sets within all limits, one at a time, each in a process of its own.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        Names of the data folder's ``index.json``.
    limits : sequence of float
        Seconds.
    seeds : sequence of int
    optimizer : str, default="bohb"
        A name of :data:`~autonas.optimization.OPTIMIZERS`.
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.
    """
    if optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", optimizer, OPTIMIZERS)
    for dataset in datasets:
        load_dataset(dataset, data_dir)
    return collect(
        out,
        [Run(dataset, limit, seed, optimizer) for seed in seeds for limit in limits for dataset in datasets],
        functools.partial(fresh_process, functools.partial(run, data_dir=data_dir)),
        describe=lambda r: f"{r['wall_seconds']:.1f} s, {r['trials']} trials, overhead {r['overhead']:.1%}",
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table, one row a run.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`measure_time_limit`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    parts = ("overhead", "asking", "checkpoints", "history", "around")
    rows = [
        [
            run["dataset"],
            f"{run['seconds']:g}",
            number(run["wall_seconds"], 1),
            "no" if run["over"] else "yes",
            f"{run['trials']} ({run['failed']} failed)",
            *(f"{run[part]:.1%}" for part in parts),
        ]
        for run in runs
    ]
    return markdown_table(["data set", "limit, s", "fit, s", "kept", "trials", *parts], rows)
