"""Measured configurations in one unit, whatever the data set: what a portfolio is learnt from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Scores", "scores_of"]

Array = npt.NDArray[Any]

#: Below this share of the way from knowing nothing to the best, differences between configurations count less.
LEAST_SPREAD = 0.02


@dataclass(frozen=True)
class Scores:
    """What the candidates came to.

    Attributes
    ----------
    datasets : tuple of str
    features : tuple of mapping
        Of each data set.
    labels : tuple of str
        Of the candidates, without the default.
    configurations : tuple of mapping
        The candidates.
    valid, test : ndarray of shape (n_candidates, n_datasets)
        Losses in units of the data set's spread: 0 is the best candidate, 1 the median one, infinity one that failed.
    default_valid, default_test : ndarray of shape (n_datasets,)
        The default's.
    costs : ndarray of shape (n_candidates,)
        Median over the data sets of the seconds of a training, in those of the default's.
    """

    datasets: tuple[str, ...]
    features: tuple[Mapping[str, float], ...]
    labels: tuple[str, ...]
    configurations: tuple[Mapping[str, Any], ...]
    valid: Array
    test: Array
    default_valid: Array
    default_test: Array
    costs: Array

    @property
    def losses(self) -> Array:
        """What is learnt from: the mean of validation and test loss, which are both noisy; 1 at most."""
        return (np.minimum(self.valid, 1) + np.minimum(self.test, 1)) / 2

    @property
    def default(self) -> Array:
        """The same of the default."""
        return (np.minimum(self.default_valid, 1) + np.minimum(self.default_test, 1)) / 2

    def without(self, place: int) -> Scores:
        """Leave a data set out."""
        left = [j for j in range(len(self.datasets)) if j != place]
        return replace(
            self,
            datasets=tuple(self.datasets[j] for j in left),
            features=tuple(self.features[j] for j in left),
            valid=self.valid[:, left],
            test=self.test[:, left],
            default_valid=self.default_valid[left],
            default_test=self.default_test[left],
        )


def scores_of(runs: Sequence[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> Scores:
    """Bring the losses of all data sets to one unit.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.portfolio.collect_portfolio`.
    known : mapping
        The candidates by label, the default first.

    Returns
    -------
    Scores
        Of the data sets on which the default was run and did not fail, and of the candidates that were run on all of
        these.

    Raises
    ------
    ValueError
        If there is no such data set.
    """
    default = next(iter(known))
    done = {(run["candidate"], run["dataset"]): run for run in runs}
    datasets = [d for (candidate, d), run in done.items() if candidate == default and run["failure"] is None]
    if not datasets:
        raise ValueError(
            f"There is no result of the preset's default, {default!r}, with these options: run "
            "`python -m autonas benchmark portfolio collect` with the same ones first."
        )
    labels = [label for label in known if all((label, dataset) in done for dataset in datasets)]
    table = [[done[label, dataset] for dataset in datasets] for label in labels]
    chance = np.array([run["chance"] for run in table[0]])
    valid, test = (_normalized(table, key, chance) for key in ("valid_loss", "test_loss"))
    # A training that failed had begun, at least: its time is not known.
    seconds = np.array([[run.get("seconds", math.inf) for run in row] for row in table])
    return Scores(
        tuple(datasets),
        tuple(run["features"] for run in table[0]),
        tuple(labels[1:]),
        tuple(known[label] for label in labels[1:]),
        valid[1:],
        test[1:],
        valid[0],
        test[0],
        np.median(seconds[1:] / np.maximum(seconds[0], 0.01), axis=1),
    )


def _normalized(table: Sequence[Sequence[Mapping[str, Any]]], key: str, chance: Array) -> Array:
    """Scale each data set's losses from the best candidate (0) to the median one (1), failures being infinite.

    Where the median is close to the best, measured by how far knowing nothing is from it, the unit is larger: there the
    choice of a configuration matters little, and what differs may be noise.
    """
    losses = np.array([[math.inf if run[key] is None else run[key] for run in row] for row in table])
    best = losses.min(axis=0)
    # The larger of two in the middle; the worst that there is if half of them failed.
    worst = np.where(np.isfinite(losses), losses, -math.inf).max(axis=0)
    middle = np.minimum(np.sort(losses, axis=0)[len(losses) // 2], worst)
    spread = np.maximum(middle - best, LEAST_SPREAD * np.abs(chance - best))
    normalized: Array = (losses - best) / np.where(spread > 0, spread, 1.0)
    return normalized
