"""What is to be learnt, and in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from autonas.networks import OutputSpec
from autonas.training.images import Images
from autonas.training.metrics import Metric
from autonas.training.table import Table

__all__ = ["Scale", "Task", "output_spec_of"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Task:
    """What is to be learnt, the same for all trials.

    Attributes
    ----------
    table : Table or Images
        All rows.
    cardinalities : tuple of int
        Codes of each categorical column; images have none.
    target : ndarray of shape (n,)
        Class codes, or numbers.
    n_classes : int
        0 for regression.
    weight : ndarray of shape (n,) or None
        Sample weights.
    metric : Metric
        Judges validation predictions.
    """

    table: Table | Images
    cardinalities: tuple[int, ...]
    target: Array
    n_classes: int
    weight: Array | None
    metric: Metric

    def take(self, rows: Array) -> Task:
        """Pick rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Task(self.table.take(rows), self.cardinalities, self.target[rows], self.n_classes, weight, self.metric)


class Scale:
    """The unit in which a network learns a target: standardized numbers, or class scores.

    Predictions of numbers stay within the range that was seen in training: a network must not extrapolate to
    absurdities on an outlying row.
    """

    def __init__(self, task: Task) -> None:
        self.n_classes = task.n_classes
        if not task.n_classes:
            self.mean = float(np.average(task.target, weights=task.weight))
            self.std = float(np.sqrt(np.average((task.target - self.mean) ** 2, weights=task.weight))) or 1.0
            self.range = float(task.target.min()), float(task.target.max())

    def encode(self, target: Array) -> Array:
        """Bring targets into the network's unit."""
        return target.astype(np.int64) if self.n_classes else ((target - self.mean) / self.std).astype(np.float32)

    def decode(self, outputs: Array) -> Array:
        """Turn outputs into probabilities of shape (n, n_classes), or numbers of shape (n,)."""
        if self.n_classes:
            return np.asarray(softmax(outputs.astype(np.float64), axis=1))
        return np.clip(outputs[:, 0].astype(np.float64) * self.std + self.mean, *self.range)


def output_spec_of(task: Task) -> OutputSpec:
    """Tell a network what its outputs are, and what they are worth before anything is learnt."""
    if not task.n_classes:
        return OutputSpec("regression", 1, (0.0,))
    shares = (np.bincount(task.target, task.weight, task.n_classes) + 1) / (len(task.target) + task.n_classes)
    return OutputSpec("classification", task.n_classes, tuple(np.log(shares / shares.sum()).tolist()))
