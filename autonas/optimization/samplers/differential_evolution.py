"""Differential evolution: a member plus the difference of two others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._observations import at_largest
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["DifferentialEvolution"]

_TRIES = 10


class DifferentialEvolution:
    """Differential evolution as in DEHB [1]_: rand/1/bin in the unit cube, on the results of one fidelity.

    The population lives at the largest fidelity that has a whole one, so with a schedule of several fidelities it
    begins at a low one and moves up as results come in. Members have places: the i-th result challenges the one at
    place ``i % population_size``, and takes it if it is no worse. That is drawn up again from the results each time.
    In the cube choices are equal parts of an edge, and inactive values are drawn at random, as in DEHB.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    population_size : int, default=10
        Members; at least 4.
    scale : float, default=0.5
        Factor on differences ("F").
    crossover : float, default=0.5
        Chance of each value to be the mutant's ("Cr"); one always is.

    References
    ----------
    .. [1] N. Awad, N. Mallik and F. Hutter. DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
       Hyperparameter Optimization. IJCAI 2021, Section 4.
    """

    def __init__(
        self, space: ConfigurationSpace, *, population_size: int = 10, scale: float = 0.5, crossover: float = 0.5
    ) -> None:
        if population_size < 4:
            raise ValueError(f"`population_size` is {population_size}, but must be >= 4: three others make a mutant.")
        self._vectors = VectorSpace(space)
        self._size = population_size
        self._scale = scale
        self._crossover = crossover

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = at_largest(trials, self._size)
        if found is None or not self._vectors.varying.any():
            return self._vectors.random(rng)
        members = self._population(*found)
        place = len(found[1]) % self._size
        # Several children at once: the first that is legal and new is taken.
        cube = self._to_cube(np.where(np.isnan(members), self._vectors.draw(self._size, rng), members))
        others = np.delete(np.arange(self._size), place)
        a, b, c = (cube[[rng.permutation(others)[:3] for _ in range(_TRIES)]]).swapaxes(0, 1)
        mutants = a + self._scale * (b - c)
        mutants = np.where((mutants < 0) | (mutants > 1), rng.random(mutants.shape), mutants)
        taken = rng.random(mutants.shape) < self._crossover
        varying = np.flatnonzero(self._vectors.varying)
        taken[np.arange(_TRIES), rng.choice(varying, size=_TRIES)] = True
        rows, legal = self._vectors.settle(self._from_cube(np.where(taken, mutants, cube[place])))
        new = legal & ~((rows[:, None] == members) | (np.isnan(rows[:, None]) & np.isnan(members))).all(2).any(1)
        if not new.any():
            return self._vectors.random(rng)
        return self._vectors.configuration(rows[new][0], "differential_evolution")

    def _population(self, vectors: Floats, losses: Floats) -> Floats:
        places = np.arange(self._size)
        for challenger in range(self._size, len(losses)):
            place = challenger % self._size
            if losses[challenger] <= losses[places[place]]:
                places[place] = challenger
        members: Floats = vectors[places]
        return members

    def _to_cube(self, rows: Floats) -> Floats:
        levels = self._vectors.levels
        return np.where(levels > 0, (rows + 0.5) / np.maximum(levels, 1), rows)

    def _from_cube(self, points: Floats) -> Floats:
        levels = self._vectors.levels
        return np.where(levels > 0, np.minimum(np.floor(points * levels), levels - 1), points)
