"""What the search itself costs: the time to ask and tell, and to write the history down."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from ConfigSpace import (
    AndConjunction,
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    GreaterThanCondition,
    InCondition,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from autonas.optimization import SAMPLERS, Sampler, search
from autonas.optimization.optimizers import resolve

__all__ = ["conditional_space", "measure_history", "measure_overhead"]


def conditional_space() -> ConfigurationSpace:
    """Make a space of 15 hyperparameters of all kinds, with conditions and a forbidden clause."""
    space = ConfigurationSpace()
    space.add(
        CategoricalHyperparameter("network", ["mlp", "resnet", "linear"]),
        CategoricalHyperparameter("optimizer", ["sgd", "adam"]),
        CategoricalHyperparameter("activation", ["relu", "gelu", "silu", "tanh"]),
        OrdinalHyperparameter("depth", [1, 2, 4, 8]),
        Constant("seed_layers", 1),
        UniformIntegerHyperparameter("layers", 1, 8),
        UniformIntegerHyperparameter("width", 8, 1024, log=True),
        UniformIntegerHyperparameter("batch_size", 16, 512, log=True),
        UniformFloatHyperparameter("learning_rate", 1e-5, 1e-1, log=True),
        UniformFloatHyperparameter("weight_decay", 1e-6, 1e-1, log=True),
        UniformFloatHyperparameter("dropout", 0, 0.5),
        UniformFloatHyperparameter("momentum", 0, 0.99),
        UniformFloatHyperparameter("beta", 0.9, 0.9999),
        UniformFloatHyperparameter("smoothing", 0, 0.3),
        UniformFloatHyperparameter("warm_up", 0, 0.5),
    )
    space.add(
        EqualsCondition(space["momentum"], space["optimizer"], "sgd"),
        EqualsCondition(space["beta"], space["optimizer"], "adam"),
        InCondition(space["layers"], space["network"], ["mlp", "resnet"]),
        GreaterThanCondition(space["width"], space["layers"], 1),
        EqualsCondition(space["depth"], space["network"], "linear"),
        AndConjunction(
            EqualsCondition(space["warm_up"], space["network"], "resnet"),
            EqualsCondition(space["warm_up"], space["optimizer"], "adam"),
        ),
    )
    space.add(
        ForbiddenAndConjunction(
            ForbiddenEqualsClause(space["activation"], "tanh"),
            ForbiddenEqualsClause(space["network"], "linear"),
        )
    )
    return space


def synthetic(configuration: Mapping[str, Any], fidelity: int) -> float:
    """Compute a loss in no time: better with fidelity, and with a learning rate near 1e-3 in an MLP."""
    loss = (np.log10(configuration["learning_rate"]) + 3) ** 2 + configuration["dropout"] + 1 / fidelity
    return float(loss + (configuration["network"] != "mlp"))


class _Timed:
    """A sampler that notes how long each of its answers took."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.seconds: list[float] = []

    def suggest(self, *arguments: Any) -> Any:
        start = time.perf_counter()
        try:
            return self.sampler.suggest(*arguments)
        finally:
            self.seconds.append(time.perf_counter() - start)


def measure_overhead(samplers: Sequence[str] = tuple(SAMPLERS), n_trials: int = 200) -> pd.DataFrame:
    """Measure each sampler with the hyperband schedule, on :func:`conditional_space`.

    Parameters
    ----------
    samplers : sequence of str
        Names of :data:`~autonas.optimization.SAMPLERS`.
    n_trials : int, default=200
        Trials of each search.

    Returns
    -------
    pandas.DataFrame
        One row a sampler: milliseconds of an ask (``median_ms``, ``worst_ms``), of the whole search without
        the objective per trial (``search_ms``, ask and tell and all between), and the share of trials that a
        model proposed (``modelled``), overall and after the 60th.
    """
    space = conditional_space()
    rungs: dict[str, Any] = {"min_fidelity": 1, "max_fidelity": 27, "eta": 3}
    rows = []
    for name in samplers:
        sampler = _Timed(resolve((name, "hyperband"), space, **rungs)[0])
        start = time.perf_counter()
        history = search(synthetic, space, optimizer=(sampler, "hyperband"), n_trials=n_trials, random_state=0, **rungs)
        seconds = time.perf_counter() - start - history.objective_seconds
        modelled = [trial.origin not in {"default", "random"} for trial in history.trials]
        rows.append(
            {
                "sampler": name,
                "median_ms": 1e3 * float(np.median(sampler.seconds)),
                "worst_ms": 1e3 * max(sampler.seconds),
                "search_ms": 1e3 * seconds / n_trials,
                "modelled": float(np.mean(modelled)),
                "modelled_after_60": float(np.mean(modelled[60:])) if n_trials > 60 else float("nan"),
            }
        )
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def measure_history(n_trials: int = 200) -> pd.DataFrame:
    """Measure what it costs to write the history of a Hyperband search to SQLite.

    Parameters
    ----------
    n_trials : int, default=200
        Trials of the search.

    Returns
    -------
    pandas.DataFrame
        One row: results written, and milliseconds per trial and per result.
    """
    options: dict[str, Any] = {"optimizer": "hyperband", "max_fidelity": 27, "random_state": 0}
    with tempfile.TemporaryDirectory() as folder:
        search(synthetic, conditional_space(), n_trials=1, run_dir=f"{folder}/first", **options)  # the imports
        seconds = []
        for run_dir in (None, f"{folder}/second"):
            start = time.perf_counter()
            history = search(synthetic, conditional_space(), n_trials=n_trials, run_dir=run_dir, **options)
            seconds.append(time.perf_counter() - start)
    written = sum(len(trial.results) for trial in history.trials)
    cost = 1e3 * (seconds[1] - seconds[0])
    row = {"results": written, "trial_ms": cost / n_trials, "result_ms": cost / written}
    table: pd.DataFrame = pd.DataFrame([row])
    return table
