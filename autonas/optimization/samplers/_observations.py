"""The results that a model is fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._vectors import Floats

__all__ = ["Observations", "at_largest", "first_unseen", "largest_with", "normal_scores", "observations"]

Observations = tuple[Floats, Floats]
"""Configuration vectors of shape (n, d), and losses of shape (n,)."""


def observations(trials: Sequence[Trial]) -> dict[int, Observations]:
    """Sort all completed results by fidelity, each in the order in which they came back.

    Parameters
    ----------
    trials : sequence of Trial
        All trials; those without a result are passed over.

    Returns
    -------
    dict of int to (ndarray of shape (n, d), ndarray of shape (n,))
        Fidelity to vectors and losses; a failed job counts with ``inf``.
    """
    told = sorted(
        (result.told, result.fidelity, result.loss, number)
        for number, trial in enumerate(trials)
        for result in trial.results
        if result.complete
    )
    found: dict[int, tuple[list[Floats], list[float]]] = {}
    for _, fidelity, loss, number in told:
        vectors, losses = found.setdefault(fidelity, ([], []))
        vectors.append(trials[number].configuration.get_array())
        losses.append(loss)
    return {fidelity: (np.array(vectors), np.array(losses)) for fidelity, (vectors, losses) in found.items()}


def largest_with(found: dict[int, Observations], needed: Callable[[Floats, Floats], int]) -> int | None:
    """Pick the largest fidelity that has results enough for a model.

    Parameters
    ----------
    found : dict
        As of :func:`observations`.
    needed : callable
        Vectors and losses to the number of results that a model wants.

    Returns
    -------
    int or None
        None where no fidelity has enough.
    """
    enough = [fidelity for fidelity, data in found.items() if len(data[1]) >= needed(*data)]
    return max(enough, default=None)


def at_largest(trials: Sequence[Trial], *enough: int) -> Observations | None:
    """Pick the results at the largest fidelity that has enough of them.

    Parameters
    ----------
    trials : sequence of Trial
        All trials.
    *enough : int
        Numbers of results, the most wanted first: the next is tried where no fidelity has so many.

    Returns
    -------
    (ndarray of shape (n, d), ndarray of shape (n,)) or None
        Vectors and losses in the order in which they came back; None where no fidelity has enough.
    """
    found = observations(trials)
    for number in enough:
        fidelity = largest_with(found, lambda *_, number=number: number)
        if fidelity is not None:
            return found[fidelity]
    return None


def normal_scores(losses: Floats) -> Floats:
    """Replace losses by the normal quantiles of their ranks: small is good, and no scale can spoil a model.

    Parameters
    ----------
    losses : ndarray of shape (n,)
        ``inf`` for what failed: together the worst.

    Returns
    -------
    ndarray of shape (n,)
        Between about -3 and 3; equal losses have equal scores.
    """
    scores: Floats = ndtri((rankdata(losses) - 0.5) / len(losses))
    return scores


def first_unseen(ranked: Floats, trials: Sequence[Trial]) -> Floats:
    """Pick the first row that no trial has; the very first where all have been seen."""
    seen = {trial.configuration.get_array().tobytes() for trial in trials}
    row: Floats = next((row for row in ranked if row.tobytes() not in seen), ranked[0])
    return row
