"""Estimators that the harness of ``python -m autonas benchmark estimators`` lacks, or has to be told about.

The harness loads this file by its path, in a peer's interpreter: it may import nothing of AutoNAS. Each
function takes what the harness gives to its adapter classes, and returns one of its adapters, changed.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["autogluon", "autopytorch", "linear", "mlp", "pytabkit"]


def linear(*job: Any) -> Any:
    """Fit a linear model whose penalty is tuned by cross-validation, on imputed, scaled and one-hot columns."""
    adapter = sys.modules["harness"].SkBase(*job)

    def make() -> Any:
        if adapter.reg:
            return RidgeCV(np.logspace(-3, 4, 15))
        return LogisticRegressionCV(
            Cs=np.logspace(-3, 4, 8), scoring="neg_log_loss", max_iter=1000, n_jobs=adapter.n_cores
        )

    return _prepared(adapter, make)


def mlp(*job: Any) -> Any:
    """Fit scikit-learn's network, stopped early and with a scaled target, on such columns."""
    adapter = sys.modules["harness"].SkBase(*job)

    def make() -> Any:
        options = {"early_stopping": True, "max_iter": 1000, "random_state": adapter.seed}
        if adapter.reg:
            return TransformedTargetRegressor(MLPRegressor(**options), transformer=StandardScaler())
        return MLPClassifier(**options)

    return _prepared(adapter, make)


def autogluon(*job: Any) -> Any:
    """Tell AutoGluon what it is judged by; ``eval_metric`` of the adapter's options says otherwise."""
    adapter = sys.modules["harness"].AutoGluon(*job)
    find = adapter.setup

    def setup() -> None:
        find()
        metric = adapter.opts.get("eval_metric", "root_mean_squared_error" if adapter.reg else "log_loss")
        adapter.P = functools.partial(adapter.P, eval_metric=metric)

    adapter.setup = setup
    return adapter


def pytabkit(*job: Any) -> Any:
    """Say whether the option ``limit`` gives the peer the time limit, which the harness does not."""
    adapter = sys.modules["harness"].PyTabKit(*job)
    adapter.honours_budget = bool(adapter.opts.get("limit"))
    return adapter


def autopytorch(*job: Any) -> Any:
    """Count Auto-PyTorch's own records of its trials, also those trained to the end, which its summary leaves out."""
    adapter = sys.modules["harness"].AutoPyTorch(*job)
    tell = adapter.info

    def info() -> dict[str, Any]:
        history = adapter.model.run_history.data
        longest = adapter.opts.get("kwargs", {}).get("max_budget", 50)
        ended = [key for key, value in history.items() if value.status.name == "SUCCESS" and key.budget >= longest]
        return {**tell(), "complete": len(ended), "max_epochs": longest}

    adapter.info = info
    return adapter


def _prepared(adapter: Any, make: Any) -> Any:
    adapter.make = lambda: make_pipeline(sys.modules["harness"].sk_prep(adapter.data, scale=True), make())
    return adapter
