"""BANANAS: an ensemble of networks over encodings, and mutations of the best as candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._encodings import one_hot, paths
from autonas.optimization.samplers._moves import mutants
from autonas.optimization.samplers._observations import at_largest, first_unseen, normal_scores
from autonas.optimization.samplers._predictors import NetworkEnsemble
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["BANANAS"]


class BANANAS:
    """Five networks predict the loss [1]_; of mutations of the best configurations that with the best draw is taken.

    The networks see a one-hot encoding, and the paths of each cell that the space has. A draw is from the normal
    distribution that the networks' mean and spread make, for each candidate by itself ("independent Thompson
    sampling"). Unlike in the paper the networks are fitted again for every proposal, small and fast, to the normal
    scores of the losses.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_first : int, default=10
        Results at a fidelity before there is a model; random proposals until then.
    n_candidates : int, default=100
        Mutations that the model chooses from.
    n_parents : int, default=10
        Best configurations that are mutated.

    References
    ----------
    .. [1] C. White, W. Neiswanger and Y. Savani. BANANAS: Bayesian Optimization with Neural Architectures for Neural
       Architecture Search. AAAI 2021, Algorithm 1.
    """

    def __init__(
        self, space: ConfigurationSpace, *, n_first: int = 10, n_candidates: int = 100, n_parents: int = 10
    ) -> None:
        self._vectors = VectorSpace(space)
        self._first = n_first
        self._n_candidates = n_candidates
        self._n_parents = n_parents

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = at_largest(trials, 2 * self._first, self._first)
        if found is None or not self._vectors.varying.any():
            return self._vectors.random(rng)
        vectors, losses = found
        ensemble = NetworkEnsemble(self._encode(vectors), normal_scores(losses), rng)
        best = vectors[np.argsort(losses, kind="stable")[: self._n_parents]]
        candidates = mutants(self._vectors, best[np.arange(self._n_candidates) % len(best)], rng)
        predicted = ensemble.predict(self._encode(candidates))
        drawn = rng.normal(predicted.mean(axis=0), predicted.std(axis=0))
        ranked = candidates[np.argsort(drawn, kind="stable")]
        return self._vectors.configuration(first_unseen(ranked, trials), "bananas")

    def _encode(self, rows: Floats) -> Floats:
        return np.concatenate([one_hot(self._vectors, rows), paths(self._vectors, rows)], axis=1)
