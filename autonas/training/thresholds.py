"""Thresholds: from probabilities to the classes that a metric of decisions wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from autonas.training.calibration import LEAST, rows_of_equal_weight

__all__ = ["Decision", "tune_decision"]

Array = npt.NDArray[Any]

#: How strongly the classes' shares are held at what the probabilities say, in nats.
OFFSET_STRENGTH = 2.0
#: Rows that the expected confusion is computed from; it has no noise of labels that more would average away.
MAX_ROWS = 5_000
#: Steps of a class's log weight, coarse and then fine. Where the search starts, the shares of the classes are seen to.
GRIDS = (np.arange(-4, 5) / 2, np.arange(-4, 5) / 10)
#: Rounds over the classes with one grid, at most.
MAX_ROUNDS = 2


@dataclass(frozen=True)
class Decision:
    """Which class a row is given: the one with the largest product of probability and weight.

    Attributes
    ----------
    weights : ndarray of shape (n_classes,)
        Positive, 1 on average.
    """

    weights: Array

    @property
    def threshold(self) -> float:
        """Of two classes: above this probability the second one is decided for."""
        return float(self.weights[0] / self.weights.sum())

    def decide(self, probabilities: Array) -> Array:
        """Give class codes of shape (n,) to probabilities of shape (n, n_classes)."""
        return np.asarray((probabilities * self.weights).argmax(axis=1))


def tune_decision(
    probabilities: Array,
    target: Array,
    weight: Array | None,
    loss: Callable[[Array], float],
    deadline_passed: Callable[[], bool] = lambda: False,
) -> Decision:
    """Choose the weights of the classes that make a metric of decisions best.

    What is minimized is the loss of the confusion that the probabilities themselves lead to expect, after they have
    been brought to the shares of the classes that the labels show. The loss that the labels show is a staircase, and
    its lowest step often a matter of luck: on nine splits of real tables with two classes, from 100 validation rows,
    its minimum had a balanced accuracy of 78.7 % on other rows, smoothed 79.3 %, and the minimum of the expected loss
    79.8 %; the most probable classes had 73.8 % (F1: 65.8, 66.0, 66.7 and 60.4 %). With ten times the rows the expected
    loss is still the best. Between equals the middle is taken, and where the expected gain is less than one row in all
    would be of accuracy, all weights stay 1.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        Calibrated, of rows that were not learnt from.
    target : ndarray of shape (n,)
        Class codes.
    weight : ndarray of shape (n,) or None
        Sample weights.
    loss : callable
        From a confusion matrix, ``confusion[true, decided]``, to what is to be small.
    deadline_passed : callable, optional
        Asked between the steps; the search for weights then ends with what it has.

    Returns
    -------
    Decision

    Examples
    --------
    >>> import numpy as np
    >>> p = np.linspace(0.0, 0.2, 201)  # one in ten rows is of the second class
    >>> y = (np.arange(201) % 10 == 0).astype(int)
    >>> balanced_error = lambda c: 1 - np.mean(c.diagonal() / c.sum(axis=1))
    >>> round(tune_decision(np.c_[1 - p, p], y, None, balanced_error).threshold, 1)
    0.1
    """
    logarithms = np.log(np.maximum(probabilities, LEAST, dtype=np.float64))
    weight = rows_of_equal_weight(weight, len(target))
    n_rows, offsets = weight.sum(), _offsets(logarithms, target, weight)
    step = max(1, len(target) // MAX_ROWS)
    logarithms, weight = logarithms[::step], weight[::step]
    mass = softmax(logarithms + offsets, axis=1) * weight[:, np.newaxis]
    n_classes = mass.shape[1]
    shares = np.maximum(mass.sum(axis=0) / mass.sum(), LEAST)
    # As it is; best for accuracy; best for balanced accuracy.
    starts = [np.zeros(n_classes), offsets, offsets - np.log(shares)]
    losses = [loss(_confusion((logarithms + start).argmax(axis=1), mass)) for start in starts]
    first = int(np.argmin(losses))
    best, chosen = losses[first], starts[first]
    moving = range(1, 2) if n_classes == 2 else range(n_classes)
    for grid in GRIDS:
        for _ in range(MAX_ROUNDS):
            before = best
            for k in moving:
                if deadline_passed():
                    break
                found, place = _walk([*_confusions(logarithms, mass, chosen, k, chosen[k] + grid)], loss, best)
                if found < best - 1e-9:
                    best, chosen = found, np.where(np.arange(n_classes) == k, chosen[k] + grid[place], chosen)
            if best == before:
                break
    if losses[0] - best <= 1 / n_rows:
        chosen = starts[0]
    weights = np.exp(chosen - chosen.max())
    return Decision(weights / weights.mean())


def _offsets(logarithms: Array, target: Array, weight: Array) -> Array:
    """Find what to add to the logarithms so that they expect as many of each class as there are."""
    seen = np.bincount(target, weight, logarithms.shape[1])
    given = np.arange(len(target)), target

    def loss(offsets: Array) -> tuple[float, Array]:
        fitted = log_softmax(logarithms + offsets, axis=1)
        slope = weight @ np.exp(fitted) - seen + OFFSET_STRENGTH * offsets
        return float(-weight @ fitted[given] + OFFSET_STRENGTH * offsets @ offsets / 2), slope

    return np.asarray(minimize(loss, np.zeros(len(seen)), jac=True, method="L-BFGS-B").x)


def _confusion(decided: Array, mass: Array) -> Array:
    """Add up the expected true classes of the rows, by what was decided."""
    n_classes = mass.shape[1]
    return np.stack([np.bincount(decided, m, n_classes) for m in mass.T])


def _confusions(logarithms: Array, mass: Array, chosen: Array, k: int, grid: Array) -> Iterator[Array]:
    """Give the confusion for each log weight of class k in an increasing grid, the other classes' staying."""
    n_classes = mass.shape[1]
    others = logarithms + chosen
    others[:, k] = -np.inf
    second = others.argmax(axis=1)
    # From this place of the grid on, a row is class k's.
    turn = np.searchsorted(grid, others[np.arange(len(second)), second] - logarithms[:, k], side="right")
    cells = [np.bincount(turn * n_classes + second, m, (len(grid) + 1) * n_classes) for m in mass.T]
    moved = np.stack(cells).reshape(n_classes, len(grid) + 1, n_classes)
    stay = moved.sum(axis=1)
    for place in range(len(grid)):
        stay = stay - moved[:, place]
        confusion = stay.copy()
        confusion[:, k] += mass.sum(axis=0) - stay.sum(axis=1)
        yield confusion


def _walk(confusions: Sequence[Array], loss: Callable[[Array], float], known: float) -> tuple[float, int]:
    """Go from the middle, whose loss is known, to both sides as long as it gets no worse.

    Returns the smallest loss found, and the middle of the places that have it.
    """
    middle = len(confusions) // 2
    losses = {middle: known}
    for step in (1, -1):
        place = middle + step
        while 0 <= place < len(confusions):
            losses[place] = loss(confusions[place])
            if losses[place] > losses[place - step] + 1e-12:
                break
            place += step
    smallest = min(losses.values())
    equal = sorted(place for place, x in losses.items() if x <= smallest + 1e-12)
    return smallest, equal[(len(equal) - 1) // 2]
