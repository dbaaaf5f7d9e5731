"""Evolution: mutate the winner of a tournament."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._moves import mutants
from autonas.optimization.samplers._observations import at_largest
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["Evolution", "Tournament"]


class Evolution:
    """Regularized evolution [1]_: the oldest dies, the best of a random sample gets a child with one change.

    The population are the latest results at the largest fidelity that has a whole population of them; until there
    is one, proposals are random. A failed trial is a member that wins no tournament.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    population_size : int, default=20
        Members alive. The paper's 100 is for thousands of trainings.
    sample_size : int, default=10
        Members of a tournament.

    References
    ----------
    .. [1] E. Real, A. Aggarwal, Y. Huang and Q. V. Le. Regularized Evolution for Image Classifier Architecture
       Search. AAAI 2019, Algorithm 1.
    """

    _origin = "evolution"

    def __init__(self, space: ConfigurationSpace, *, population_size: int = 20, sample_size: int = 10) -> None:
        self._vectors = VectorSpace(space)
        self._population_size = population_size
        self._sample_size = min(sample_size, population_size)

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = at_largest(trials, self._population_size)
        if found is None or not self._vectors.varying.any():
            return self._vectors.random(rng)
        vectors, losses = found
        sample = rng.choice(self._alive(losses), self._sample_size, replace=False)
        parent = vectors[sample[losses[sample].argmin()]]
        return self._vectors.configuration(mutants(self._vectors, parent[None], rng)[0], self._origin)

    def _alive(self, losses: Floats) -> npt.NDArray[np.int_]:
        return np.arange(len(losses))[-self._population_size :]


class Tournament(Evolution):
    """Evolution without ageing [1]_: of two members drawn at random the worse dies, for each new one.

    A parent is the best of a sample, as in :class:`Evolution`; in the paper it is the better of two, and there is
    no budget here for a selection as mild as that. Who dies is drawn again each time from the results in their
    order and a fixed seed, so there is no population to keep.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    population_size : int, default=20
        Members alive.
    sample_size : int, default=10
        Members of a tournament for a child.

    References
    ----------
    .. [1] E. Real, S. Moore, A. Selle, S. Saxena, Y. L. Suematsu, J. Tan, Q. V. Le and A. Kurakin. Large-Scale
       Evolution of Image Classifiers. ICML 2017, Section 3.1.
    """

    _origin = "tournament"

    def _alive(self, losses: Floats) -> npt.NDArray[np.int_]:
        alive = np.arange(self._population_size)
        dice = np.random.default_rng(0)
        for newcomer in range(self._population_size, len(losses)):
            first, second = dice.choice(self._population_size, 2, replace=False, shuffle=False)
            alive[first if losses[alive[first]] > losses[alive[second]] else second] = newcomer
        return alive
