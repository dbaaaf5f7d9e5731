"""What guides the search: a metric on stored predictions, as a loss to be minimized.

Everything that judges (the trials, the ensemble, the leaderboard) holds predictions, not estimators. The defaults and
their kin are computed directly; any scorer of scikit-learn is asked through a stand-in estimator that "predicts" what
is stored.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring, get_scorer_names

from autonas._names import unknown_name

__all__ = ["ALIASES", "LOG_LOSS", "Metric", "RowLoss", "resolve_metric"]

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
class RowLoss:
    """A loss that sees one number of each row, linear in the predictions.

    So the number of an average of predictions is the average of their numbers, and many averages can be judged at once.

    Attributes
    ----------
    view : callable
        ``view(y, predictions)``: the numbers, of shape (n,).
    losses : callable
        ``losses(views, sample_weight)``: from numbers of shape (m, n) to losses of shape (m,).
    dtype : type
        Of floats that are exact enough to compare losses.
    """

    view: Callable[[Array, Array], Array]
    losses: Callable[[Array, Array | None], Array]
    dtype: type[np.floating[Any]] = np.float64

    def __call__(self, y: Array, predictions: Array, weight: Array | None = None) -> float:
        """Judge one array of predictions."""
        return float(self.losses(self.view(y, predictions)[np.newaxis], weight)[0])


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
    by_row : RowLoss or None
        The same loss for many predictions at once, where it has that form.
    of_decisions : callable or None
        Where the metric sees only which class a row is given: ``of_decisions(confusion)``, the loss of a confusion
        matrix of shape (n_classes, n_classes), whose rows are the true classes and whose cells may be fractions.
    """

    name: str
    loss: Callable[[Array, Array, Array | None], float]
    by_row: RowLoss | None = None
    of_decisions: Callable[[Array], float] | None = None


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
        If the name is not known, or is that of a scorer for something else.
    """
    if metric is None:
        metric = "neg_root_mean_squared_error" if classes is None else "neg_log_loss"
    if isinstance(metric, str):
        metric = ALIASES.get(metric, metric)
        if metric not in get_scorer_names():
            raise unknown_name("metric", metric, [*ALIASES, *get_scorer_names()])
        by_row = (_BY_ROW_OF_NUMBERS if classes is None else _BY_ROW_OF_CLASSES).get(metric)
        if by_row is not None:
            return Metric(metric, by_row, by_row)
        return _from_scorer(metric, metric, classes)
    if not callable(metric):
        raise ValueError(  # noqa: TRY004 - one kind of error for all bad arguments
            f"metric={metric!r} is neither a name nor a scorer; make one with sklearn.metrics.make_scorer."
        )
    return _from_scorer(str(metric), metric, classes)


def _average(values: Array, weight: Array | None) -> Array:
    if weight is None:
        return np.asarray(values.mean(axis=1))
    return np.asarray(values @ (weight / weight.sum()).astype(values.dtype))


def _probability_of_truth(y: Array, probabilities: Array) -> Array:
    return np.clip(probabilities[np.arange(len(y)), y].astype(np.float64), 1e-7, 1.0)


def _mean_surprise(views: Array, weight: Array | None) -> Array:
    return -_average(np.log(views), weight)


def _error(y: Array, predictions: Array) -> Array:
    return np.asarray(predictions - y, dtype=np.float64)


def _root_mean_square(views: Array, weight: Array | None) -> Array:
    return np.sqrt(_mean_square(views, weight))


def _mean_square(views: Array, weight: Array | None) -> Array:
    return _average(np.square(views), weight)


def _mean_absolute(views: Array, weight: Array | None) -> Array:
    return _average(np.abs(views), weight)


LOG_LOSS = RowLoss(_probability_of_truth, _mean_surprise, np.float32)
_BY_ROW_OF_CLASSES: Mapping[str, RowLoss] = MappingProxyType({"neg_log_loss": LOG_LOSS})
_BY_ROW_OF_NUMBERS: Mapping[str, RowLoss] = MappingProxyType(
    {
        "neg_root_mean_squared_error": RowLoss(_error, _root_mean_square),
        "neg_mean_squared_error": RowLoss(_error, _mean_square),
        "neg_mean_absolute_error": RowLoss(_error, _mean_absolute),
    }
)


def _from_scorer(name: str, scorer: Any, classes: Array | None) -> Metric:
    loss = _ScorerLoss(scorer, classes)
    return Metric(name, loss, of_decisions=loss.of_decisions if loss.sees_only_decisions else None)


class _ScorerLoss:
    """A scorer of scikit-learn, asked about predictions that are already there."""

    #: Rows that stand for a confusion matrix, for a scorer that knows no sample weights.
    n_stand_in_rows = 10_000

    def __init__(self, metric: Any, classes: Array | None) -> None:
        self.classes = classes
        self.stand_in = _StoredRegressor() if classes is None else _StoredClassifier(classes)
        self.scorer = check_scoring(self.stand_in, scoring=metric)
        self.takes_weight, self.sees_only_decisions = False, classes is not None
        error = self._try_numbers() if classes is None else self._try(classes)
        # A scorer of the user's may look at the rows in ways of its own, and fail in the search, which says so.
        if error is not None and isinstance(metric, str):
            known = "'rmse', 'mae', 'r2'" if classes is None else "'log_loss', 'balanced_accuracy', 'f1_macro'"
            raise ValueError(
                f"metric={metric!r} cannot judge {'numbers' if classes is None else f'these {len(classes)} classes'} "
                f"({error}): pass another one, such as {known}."
            )
        self.condenses = isinstance(metric, str) and self.sees_only_decisions and self.takes_weight

    def _try_numbers(self) -> Exception | None:
        """Find out whether the scorer fails."""
        numbers = np.array([0.5, 1.25, 2.75])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.scorer(self.stand_in, numbers, numbers)
            except Exception as error:  # noqa: BLE001 - a scorer may raise anything
                return error
        return None

    def _try(self, classes: Array) -> Exception | None:
        """Find out whether the scorer asks for classes and never for probabilities, and whether rows may have weights.

        Returns
        -------
        Exception or None
            What it fails with.
        """
        codes = np.repeat(np.arange(len(classes)), 2)
        table, truth = np.eye(len(classes))[codes], classes[codes]
        failure = None
        for keywords in ({"sample_weight": np.ones(len(codes))}, {}):
            probe = _Probe(classes)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    self.scorer(probe, table, truth, **keywords)
                except Exception as error:  # noqa: BLE001 - a scorer may raise anything
                    failure = error
                    continue
            self.takes_weight, self.sees_only_decisions = bool(keywords), probe.asked == {"predict"}
            return None
        return failure

    def __call__(self, y: Array, predictions: Array, weight: Array | None = None) -> float:
        if self.condenses:
            n = predictions.shape[1]
            cells = np.bincount(y * n + predictions.argmax(axis=1), weight, n * n)
            return self._of_cells(cells.reshape(n, n))
        return self._ask(y, predictions.astype(np.float64), weight)

    def of_decisions(self, confusion: Array) -> float:
        """Judge a confusion matrix."""
        with warnings.catch_warnings():
            # A class that is never decided for makes a score 0, which is all that has to be known of it.
            warnings.simplefilter("ignore")
            return self._of_cells(confusion)

    def _of_cells(self, confusion: Array) -> float:
        """Judge a row for each cell, whose weight is what the cell holds."""
        true, decided = np.nonzero(confusion)
        counts, table = confusion[true, decided].astype(np.float64), np.eye(len(confusion))[decided]
        if self.takes_weight:
            return self._ask(true, table, counts)
        times = np.ceil(counts * (self.n_stand_in_rows / counts.sum())).astype(int)
        return self._ask(np.repeat(true, times), np.repeat(table, times, axis=0), None)

    def _ask(self, y: Array, table: Array, weight: Array | None) -> float:
        # The "table" that the scorer hands on is the predictions themselves.
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


class _Probe(_StoredClassifier):
    """Remembers what it was asked for."""

    def __init__(self, classes: Array | None = None) -> None:
        super().__init__(classes)
        self.asked: set[str] = set()

    def predict_proba(self, X: Array) -> Array:
        self.asked.add("predict_proba")
        return super().predict_proba(X)

    def predict(self, X: Array) -> Array:
        self.asked.add("predict")
        return super().predict(X)


class _StoredRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, X: Array, y: Array) -> _StoredRegressor:  # noqa: ARG002
        return self

    def predict(self, X: Array) -> Array:
        return X
