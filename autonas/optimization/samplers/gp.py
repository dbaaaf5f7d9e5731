"""A Gaussian process whose kernel knows what is inactive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._encodings import embedded, graphs
from autonas.optimization.samplers._moves import mutants
from autonas.optimization.samplers._observations import at_largest, first_unseen, normal_scores
from autonas.optimization.samplers._process import Process, log_improvement
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["GP"]


class GP:
    """Bayesian optimization with a Gaussian process over conditional spaces: the Arc kernel [1]_.

    A Matern kernel of smoothness 5/2 stands on the distances of
    :func:`~autonas.optimization.samplers._encodings.embedded`, with a weight a hyperparameter, and of
    :func:`~autonas.optimization.samplers._encodings.graphs`, with a weight a cell: as graphs, in place of NASBOT's
    optimal transport [2]_, by their paths. The weights are fitted with the noise by a few steps up the marginal
    likelihood under a prior. Losses enter as normal scores. Expected
    improvement is maximized over draws from the prior and mutations of the best.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_first : int, default=8
        Results at a fidelity before there is a model; random proposals until then.
    n_rows : int, default=200
        Results that the process stands on, at most: the better half of that is the best, the others the latest.
    n_candidates : int, default=200
        Draws from the prior, and as many mutations of the ten best.

    References
    ----------
    .. [1] K. Swersky, D. Duvenaud, J. Snoek, F. Hutter and M. A. Osborne. Raiders of the Lost Architecture: Kernels
       for Bayesian Optimization in Conditional Parameter Spaces. NIPS workshop on Bayesian optimization, 2013.
    .. [2] K. Kandasamy, W. Neiswanger, J. Schneider, B. Poczos and E. P. Xing. Neural Architecture Search with
       Bayesian Optimisation and Optimal Transport. NeurIPS 2018, Section 3.
    """

    def __init__(
        self, space: ConfigurationSpace, *, n_first: int = 8, n_rows: int = 200, n_candidates: int = 200
    ) -> None:
        self._vectors = VectorSpace(space)
        self._first = n_first
        self._n_rows = n_rows
        self._n_candidates = n_candidates

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = at_largest(trials, 2 * self._first, self._first)
        if found is None or not self._vectors.varying.any():
            return self._vectors.random(rng)
        vectors, losses = found
        scores = normal_scores(losses)
        order = np.argsort(losses, kind="stable")
        kept = order[: self._n_rows // 2]
        latest = np.setdiff1d(np.arange(len(losses)), kept)[len(kept) - self._n_rows :]
        rows = np.concatenate([kept, latest])
        blocks = self._blocks(vectors[rows])
        process = Process(blocks, scores[rows])
        near = vectors[order[:10]][np.arange(self._n_candidates) % min(10, len(order))]
        candidates = np.concatenate([mutants(self._vectors, near, rng), self._vectors.sample(self._n_candidates, rng)])
        mean, deviation = process.predict(self._blocks(candidates))
        # What the process takes the best to be: below the lowest score, which noise helped, it may expect nothing.
        best = float(process.predict(blocks)[0].min())
        ranked = candidates[np.argsort(-log_improvement(best, mean, deviation), kind="stable")]
        return self._vectors.configuration(first_unseen(ranked, trials), "gp")

    def _blocks(self, rows: Floats) -> list[Floats]:
        return [*embedded(self._vectors, rows), *graphs(self._vectors, rows)]
