"""The results that a model is fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._vectors import Floats

__all__ = ["Observations", "largest_with", "observations"]

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
