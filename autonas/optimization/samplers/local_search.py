"""Local search: try the neighbours of the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._moves import neighbours
from autonas.optimization.samplers._observations import at_largest
from autonas.optimization.samplers._vectors import VectorSpace

__all__ = ["LocalSearch"]

_NUMBERS = 4
"""Steps that are tried of each number, of whose neighbours there is no end."""


class LocalSearch:
    """Hill climbing [1]_: a random untried neighbour of the best configuration known, which moves when one is better.

    Where all neighbours of the best have been tried, the paper starts again at random. Here the next best
    configuration that has any left is taken: budgets of tens of trainings pay for no second start, and what is best
    next follows from the results alone.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_first : int, default=10
        Results at a fidelity before the search begins at the best of them; random proposals until then.

    References
    ----------
    .. [1] C. White, S. Nolen and Y. Savani. Exploring the Loss Landscape in Neural Architecture Search. UAI 2021,
       Algorithm 1.
    """

    def __init__(self, space: ConfigurationSpace, *, n_first: int = 10) -> None:
        self._vectors = VectorSpace(space)
        self._first = n_first

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = at_largest(trials, self._first)
        if found is None or not self._vectors.varying.any():
            return self._vectors.random(rng)
        vectors, losses = found
        known = np.array([trial.configuration.get_array() for trial in trials])
        seen = {row.tobytes() for row in known}
        endless = self._vectors.varying & (self._vectors.levels == 0)
        for row in vectors[np.argsort(losses, kind="stable")[:10]]:
            numbers = endless & ~np.isnan(row)
            # Tried already: what differs from this one in a number alone.
            alike = (known == row) | (np.isnan(known) & np.isnan(row))
            steps = (~alike[:, numbers]).sum(axis=1)
            tried = np.sum((steps == 1) & (alike.sum(axis=1) == len(row) - 1))
            rows, _ = neighbours(self._vectors, row[None], rng)
            if numbers.any() and tried >= _NUMBERS * numbers.sum():
                changed = np.any((rows != row) & ~np.isnan(rows) & numbers, axis=1)
                rows = rows[~changed]
            unseen = [near for near in rows if near.tobytes() not in seen]
            if unseen:
                return self._vectors.configuration(unseen[rng.integers(len(unseen))], "local_search")
        return self._vectors.random(rng)
