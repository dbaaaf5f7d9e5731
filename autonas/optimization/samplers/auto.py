"""Our own best: networks and a Gaussian process on all fidelities at once, and mutations of what they like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._encodings import embedded, one_hot
from autonas.optimization.samplers._moves import mutants
from autonas.optimization.samplers._observations import Observations, first_unseen, normal_scores, observations
from autonas.optimization.samplers._predictors import NetworkEnsemble
from autonas.optimization.samplers._process import Process
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["Auto"]

_FULL = 1.4
"""From the lowest fidelity to the highest, to the process: about as far as from one choice to another."""


class Auto:
    """A mixture found by ablation on tables of real trainings: what its parts come from is named below.

    Results of all fidelities are pooled, the fidelity being one more input, so that a model that has seen full
    trainings of few configurations and short ones of many says what a full one would give: the aim of [1]_. The model
    is half an ensemble of networks as in BANANAS [2]_, half a Gaussian process with the Arc kernel [3]_: a normal
    distribution with the mixture's mean and variance. Candidates are mutations of what the model takes for the best,
    draws from the prior, and mutations of the best of both: minimal changes of the incumbents are what makes such
    searches good [4]_. Each candidate draws a score from its distribution at the highest fidelity (independent
    Thompson sampling, as in [2]_), and the lowest is proposed.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_first : int, default=6
        Results at some fidelity before there is a model; random proposals until then.
    n_rows : int, default=200
        Results that the models stand on, at most: half of them the best of the highest fidelities, the others at
        random.
    n_parents : int, default=8
        Configurations that are mutated.
    n_near, n_random : int, default=200 and 100
        Mutations of them, and draws from the prior.
    random_fraction : float, default=0.1
        Share of proposals drawn from the prior.

    References
    ----------
    .. [1] Y. Li et al. MFES-HB: Efficient Hyperband with Multi-Fidelity Quality Measurements. AAAI 2021.
    .. [2] C. White, W. Neiswanger and Y. Savani. BANANAS: Bayesian Optimization with Neural Architectures for Neural
       Architecture Search. AAAI 2021.
    .. [3] K. Swersky et al. Raiders of the Lost Architecture: Kernels for Bayesian Optimization in Conditional
       Parameter Spaces. NIPS workshop on Bayesian optimization, 2013.
    .. [4] L. Schneider, F. Pfisterer, M. Binder and B. Bischl. Mutation is All You Need. ICML workshop on AutoML,
       2021.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        *,
        n_first: int = 6,
        n_rows: int = 200,
        n_parents: int = 8,
        n_near: int = 200,
        n_random: int = 100,
        random_fraction: float = 0.1,
    ) -> None:
        self._vectors = VectorSpace(space)
        self._first = n_first
        self._n_rows = n_rows
        self._n_parents = n_parents
        self._n_near = n_near
        self._n_random = n_random
        self._random_fraction = random_fraction

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = observations(trials)
        most = max((len(losses) for _, losses in found.values()), default=0)
        if most < self._first or rng.random() < self._random_fraction or not self._vectors.varying.any():
            return self._vectors.random(rng)
        rows, heights, losses = _pooled(found)
        used = self._used(heights, losses, rng)
        model = _Model(self._vectors, rows[used], heights[used], normal_scores(losses)[used], rng)
        known = np.unique(rows, axis=0)
        expected, _ = model.predict(known)
        parents = known[np.argsort(expected, kind="stable")[: self._n_parents]]

        near = mutants(self._vectors, parents[np.arange(self._n_near) % len(parents)], rng)
        candidates = np.concatenate([near, self._vectors.sample(self._n_random, rng)])
        scores = rng.normal(*model.predict(candidates))
        best = candidates[np.argsort(scores, kind="stable")[:10]]
        nearer = mutants(self._vectors, best.repeat(10, axis=0), rng)
        candidates = np.concatenate([candidates, nearer])
        scores = np.concatenate([scores, rng.normal(*model.predict(nearer))])
        ranked = candidates[np.argsort(scores, kind="stable")]
        return self._vectors.configuration(first_unseen(ranked, trials), "auto")

    def _used(self, heights: Floats, losses: Floats, rng: np.random.Generator) -> npt.NDArray[np.int_]:
        order = np.lexsort((losses, -heights))
        half = self._n_rows // 2
        return np.concatenate([order[:half], rng.permutation(order[half:])[: self._n_rows - half]])


def _pooled(found: Mapping[int, Observations]) -> tuple[Floats, Floats, Floats]:
    """Put the results of all fidelities together: rows, the fidelity's place from 0 (lowest) to 1, and losses."""
    fidelities = sorted(found)
    places = np.linspace(1, 0, len(fidelities))[::-1]  # 1 where there is only one
    rows = np.concatenate([found[fidelity][0] for fidelity in fidelities])
    losses = np.concatenate([found[fidelity][1] for fidelity in fidelities])
    heights = np.repeat(places, [len(found[fidelity][1]) for fidelity in fidelities])
    return rows, heights, losses


class _Model:
    """Networks and a process fitted to scores; predictions are of the highest fidelity."""

    def __init__(
        self, vectors: VectorSpace, rows: Floats, heights: Floats, scores: Floats, rng: np.random.Generator
    ) -> None:
        self._vectors = vectors
        self._networks = NetworkEnsemble(self._flat(rows, heights), scores, rng, n_steps=80)
        self._process = Process(self._blocks(rows, heights), scores)

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Give mean and standard deviation of the mixture."""
        top = np.ones(len(rows))
        said = self._networks.predict(self._flat(rows, top))
        mean, deviation = self._process.predict(self._blocks(rows, top))
        means = np.array([said.mean(axis=0), mean])
        variances = np.array([said.var(axis=0), deviation**2])
        return means.mean(axis=0), np.sqrt(variances.mean(axis=0) + means.var(axis=0))

    def _flat(self, rows: Floats, heights: Floats) -> Floats:
        return np.column_stack([one_hot(self._vectors, rows), 2 * heights - 1])

    def _blocks(self, rows: Floats, heights: Floats) -> list[Floats]:
        return [*embedded(self._vectors, rows), _FULL * heights[:, None]]
