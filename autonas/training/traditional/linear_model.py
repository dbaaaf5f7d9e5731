"""Linear models: logistic regression for classes, ridge regression for numbers, fitted to the optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import log_softmax

from autonas.training.traditional.model import LEAST, Family, Model, Sample, column_range

__all__ = ["LINEAR_MODEL", "LinearModel"]

Array = npt.NDArray[Any]

#: Steps of L-BFGS at most.
MAX_STEPS = 300


class LinearModel(Model):
    """One weight for each number, and one for each code of a category.

    Parameters
    ----------
    weights : ndarray of shape (n_numeric + n_codes, n_outputs)
        The codes of all categorical columns are counted through.
    bias : ndarray of shape (n_outputs,)
    columns : (int, tuple of int)
        Numeric columns, and codes of each categorical one.
    n_classes : int
        0 for regression.
    n_rounds : int
        Steps that it took.
    """

    def __init__(
        self, weights: Array, bias: Array, columns: tuple[int, tuple[int, ...]], n_classes: int, n_rounds: int
    ) -> None:
        super().__init__()
        self.weights, self.bias, self.columns, self.n_classes = weights, bias, columns, n_classes
        self.n_rounds = n_rounds
        self.n_parameters = weights.size + bias.size
        self.multiply_adds = (columns[0] + len(columns[1])) * len(bias)

    @classmethod
    def rebuild(cls, arrays: Mapping[str, Array], columns: tuple[int, tuple[int, ...]], n_classes: int) -> LinearModel:
        """Make the model of :meth:`arrays`."""
        weights, bias = arrays["weights"], arrays["bias"]
        n_outputs = n_classes or 1
        if weights.shape != (columns[0] + sum(columns[1]), n_outputs) or bias.shape != (n_outputs,):
            raise ValueError(
                "A stored linear model is damaged: its weights are not the table's; delete the trial's folder."
            )
        return cls(weights, bias, columns, n_classes, int(arrays["steps"][0]))

    def arrays(self) -> dict[str, Array]:
        """Give all that was learnt."""
        return {"weights": self.weights, "bias": self.bias, "steps": np.array([self.n_rounds])}

    def outputs(self, numeric: Array, categorical: Array) -> Array:
        """Compute log-probabilities, or standardized numbers."""
        n_numeric = numeric.shape[1]
        raw = numeric @ self.weights[:n_numeric] + self.bias
        for start, codes in zip(column_range(self.columns[1]), categorical.T, strict=True):
            raw += self.weights[n_numeric + start + codes]
        return np.maximum(log_softmax(raw, axis=1), np.log(LEAST)) if self.n_classes else raw


def fit_linear_model(
    own: Mapping[str, Any],
    train: Sample,
    valid: Sample | None,  # noqa: ARG001 - it is fitted to the optimum
    seed: int,  # noqa: ARG001 - nothing is drawn
    over: Callable[[], bool],
    rounds: int | None = None,  # noqa: ARG001
) -> LinearModel:
    """Minimize the mean log loss, or squared error, plus a penalty on squared weights, by L-BFGS.

    Parameters
    ----------
    own : mapping
        ``penalty``: what half the sum of the squared weights is multiplied by.
    train, valid, seed, over, rounds
        As for :class:`~autonas.training.traditional.model.Fit`.

    Returns
    -------
    LinearModel
    """
    problem = _Problem(train, own["penalty"])
    steps = 0

    def count(_: Array) -> None:
        nonlocal steps
        steps += 1
        if over():
            raise StopIteration

    start = np.zeros(problem.shape[0] * problem.shape[1])
    options = {"maxiter": MAX_STEPS, "gtol": 1e-5, "ftol": 1e-9}
    found = minimize(problem, start, jac=True, method="L-BFGS-B", callback=count, options=options)
    solution = found.x.reshape(problem.shape).astype(np.float32)
    columns = train.numeric.shape[1], train.cardinalities
    return LinearModel(solution[:-1], solution[-1], columns, train.n_classes, steps)


class _Problem:
    """The loss and its gradient, as a function of all weights, the bias last."""

    def __init__(self, train: Sample, penalty: float) -> None:
        self.numeric, self.penalty = train.numeric, penalty
        n, n_codes = len(train), sum(train.cardinalities)
        places = train.categorical + column_range(train.cardinalities)
        rows = np.arange(n + 1) * places.shape[1]
        self.codes = csr_array((np.ones(places.size, np.float32), places.ravel(), rows), shape=(n, n_codes))
        weight = np.ones(n) if train.weight is None else train.weight
        self.weight = (weight / weight.sum())[:, None]
        self.classes = train.n_classes > 0
        self.target = train.target[:, None].astype(np.float64)
        if self.classes:
            self.target = (train.target[:, None] == np.arange(train.n_classes)).astype(np.float64)
        self.shape = train.numeric.shape[1] + n_codes + 1, self.target.shape[1]

    def __call__(self, flat: Array) -> tuple[float, Array]:
        solution = flat.reshape(self.shape)
        small = solution.astype(np.float32)
        n_numeric = self.numeric.shape[1]
        raw = (self.numeric @ small[:n_numeric] + self.codes @ small[n_numeric:-1] + small[-1]).astype(np.float64)
        if self.classes:
            logarithms = log_softmax(raw, axis=1)
            loss = -float((self.weight * self.target * logarithms).sum())
            slope = self.weight * (np.exp(logarithms) - self.target)
        else:
            loss = float((self.weight * np.square(raw - self.target)).sum()) / 2
            slope = self.weight * (raw - self.target)
        slope32 = slope.astype(np.float32)
        gradient = np.vstack([self.numeric.T @ slope32, self.codes.T @ slope32, slope.sum(axis=0, keepdims=True)])
        gradient[:-1] += self.penalty * solution[:-1]
        loss += self.penalty / 2 * float(np.square(solution[:-1]).sum())
        return loss, gradient.ravel().astype(np.float64)


LINEAR_MODEL = Family(fit_linear_model, LinearModel.rebuild, scaled=True)
