"""What guides the search: a metric on stored predictions, as a loss to be minimized.

Everything that judges (the trials, the ensemble, the leaderboard) holds predictions, not estimators. The two defaults
are computed directly; any scorer of scikit-learn is asked through a stand-in estimator that "predicts" what is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring, get_scorer_names

from autonas._names import unknown_name

__all__ = ["ALIASES", "Metric", "resolve_metric"]

Array = npt.NDArray[Any]

#: Short names for scorers of scikit-learn whose own names are negative.
ALIASES = {
    "log_loss": "neg_log_loss",
    "rmse": "neg_root_mean_squared_error",
    "mse": "neg_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "brier": "neg_brier_score",
}


@dataclass(frozen=True)
class Metric:
    """A metric as a loss on predictions.

    Attributes
    ----------
    name : str
        Scikit-learn's name of the scorer.
    loss : callable
        ``loss(y, predictions, sample_weight)``: the scorer's value, negated. ``y`` holds class codes or targets;
        predictions are probabilities of shape (n, n_classes), or numbers of shape (n,).
    """

    name: str
    loss: Callable[[Array, Array, Array | None], float]


def resolve_metric(metric: Any, classes: Array | None) -> Metric:
    """Find the metric that an estimator's argument names.

    Parameters
    ----------
    metric : str, callable or None
        A name of ``sklearn.metrics.get_scorer_names()``, one of the short ``ALIASES``, a scorer made by
        ``sklearn.metrics.make_scorer`` (or any ``scorer(estimator, X, y)``), or None: log loss for classes, root mean
        squared error for numbers.
    classes : ndarray or None
        The class labels; None for regression.

    Returns
    -------
    Metric

    Raises
    ------
    ValueError
        If the name is not known.
    """
    if metric is None:
        metric = "neg_root_mean_squared_error" if classes is None else "neg_log_loss"
    if isinstance(metric, str):
        metric = ALIASES.get(metric, metric)
        if metric not in get_scorer_names():
            raise unknown_name("metric", metric, [*ALIASES, *get_scorer_names()])
        if metric == "neg_log_loss" and classes is not None:
            return Metric(metric, _log_loss)
        if metric == "neg_root_mean_squared_error" and classes is None:
            return Metric(metric, _rmse)
        return Metric(metric, _ScorerLoss(metric, classes))
    if not callable(metric):
        raise ValueError(  # noqa: TRY004 - one kind of error for all bad arguments
            f"metric={metric!r} is neither a name nor a scorer; make one with sklearn.metrics.make_scorer."
        )
    return Metric(str(metric), _ScorerLoss(metric, classes))


def _log_loss(y: Array, probabilities: Array, weight: Array | None = None) -> float:
    given = probabilities[np.arange(len(y)), y].astype(np.float64)
    return float(np.average(-np.log(np.clip(given, 1e-7, 1.0)), weights=weight))


def _rmse(y: Array, predictions: Array, weight: Array | None = None) -> float:
    return float(np.sqrt(np.average(np.square(predictions - y), weights=weight)))


class _ScorerLoss:
    """A scorer of scikit-learn, asked about predictions that are already there."""

    def __init__(self, metric: Any, classes: Array | None) -> None:
        self.classes = classes
        self.stand_in = _StoredRegressor() if classes is None else _StoredClassifier(classes)
        self.scorer = check_scoring(self.stand_in, scoring=metric)

    def __call__(self, y: Array, predictions: Array, weight: Array | None = None) -> float:
        # The "table" that the scorer hands on is the predictions themselves.
        table = predictions.astype(np.float64)
        truth = y if self.classes is None else self.classes[y]
        keywords = {} if weight is None else {"sample_weight": weight}
        return -float(self.scorer(self.stand_in, table, truth, **keywords))


class _StoredClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, classes: Array | None = None) -> None:
        self.classes = classes
        self.classes_ = classes

    def fit(self, X: Array, y: Array) -> _StoredClassifier:  # noqa: ARG002 - scikit-learn asks for it
        return self

    def predict_proba(self, X: Array) -> Array:
        # Sums that are off by a rounding of float32 would make log loss warn.
        return np.asarray(X / X.sum(axis=1, keepdims=True))

    def predict(self, X: Array) -> Array:
        assert self.classes is not None
        return np.asarray(self.classes[X.argmax(axis=1)])


class _StoredRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, X: Array, y: Array) -> _StoredRegressor:  # noqa: ARG002
        return self

    def predict(self, X: Array) -> Array:
        return X
