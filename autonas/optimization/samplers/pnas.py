"""PNAS: from simple configurations to ones that have more of their own, led by a learnt surrogate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._encodings import one_hot
from autonas.optimization.samplers._moves import mutants, neighbours
from autonas.optimization.samplers._observations import at_largest, first_unseen, normal_scores
from autonas.optimization.samplers._predictors import NetworkEnsemble
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["PNAS"]


class PNAS:
    """Progressive widening [1]_: level by level one more hyperparameter may differ from the default.

    In the paper, cells grow by a block a level; on any space, what is simple is the default configuration, and a
    configuration is of level b where b active values differ from it. The first level is tried at random. Then
    each level's candidates are the expansions of the best configurations of the level below, and an ensemble of
    networks fitted to all results (the paper's better surrogate) says which of them to train. After the last level
    candidates are mutations of the best.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_per_level : int, default=8
        Results before the next level begins.
    n_beam : int, default=4
        Configurations of a level that are expanded.

    References
    ----------
    .. [1] C. Liu et al. Progressive Neural Architecture Search. ECCV 2018, Algorithm 1 and Section 4.2.
    """

    def __init__(self, space: ConfigurationSpace, *, n_per_level: int = 8, n_beam: int = 4) -> None:
        self._vectors = VectorSpace(space)
        self._n_per_level = n_per_level
        self._n_beam = n_beam
        # `get_array` is a copy: the space's default is never changed.
        self._default: Floats = space.get_default_configuration().get_array().copy()

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        if not self._vectors.varying.any():
            return self._vectors.random(rng)
        found = at_largest(trials, self._n_per_level)
        if found is None:
            return self._vectors.configuration(mutants(self._vectors, self._default[None], rng)[0], "pnas")
        vectors, losses = found
        ensemble = NetworkEnsemble(one_hot(self._vectors, vectors), normal_scores(losses), rng)
        candidates = self._candidates(*found, rng)
        predicted = ensemble.predict(one_hot(self._vectors, candidates)).mean(axis=0)
        ranked = candidates[np.argsort(predicted, kind="stable")]
        return self._vectors.configuration(first_unseen(ranked, trials), "pnas")

    def _candidates(self, vectors: Floats, losses: Floats, rng: np.random.Generator) -> Floats:
        """List the expansions that the present level allows."""
        level = 1 + len(losses) // self._n_per_level
        order = np.argsort(losses, kind="stable")
        if level <= self._vectors.varying.sum():
            levels = self._level(vectors)
            below = order[levels[order] == level - 1][: self._n_beam]
            beam = vectors[below] if len(below) else self._default[None]
            rows, origins = neighbours(self._vectors, beam, rng)
            wider = self._level(rows) > self._level(beam)[origins]
            if wider.any():
                found: Floats = rows[wider]
                return found
        return mutants(self._vectors, vectors[order[: self._n_beam]].repeat(25, axis=0), rng)

    def _level(self, rows: Floats) -> npt.NDArray[np.int_]:
        """Count the active values that differ from the default's."""
        counts: npt.NDArray[np.int_] = ((rows != self._default) & ~np.isnan(rows) & self._vectors.varying).sum(axis=1)
        return counts
