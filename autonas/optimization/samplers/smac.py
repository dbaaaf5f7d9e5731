"""SMAC's random forest and expected improvement, with a bounded search for the best candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import NumericalHyperparameter
from smac.acquisition.function.expected_improvement import EI
from smac.model.random_forest import RandomForest

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._moves import neighbours
from autonas.optimization.samplers._observations import first_unseen, largest_with, observations
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["SMAC"]


class SMAC:
    """SMAC's model [1]_ with candidates of our own.

    SMAC's random forest is fitted to the logarithm of the scaled losses at the largest fidelity that has
    enough results (as SMAC's multi-fidelity facade does; failed trials count with the worst loss), and SMAC's
    expected improvement in log space is maximized: first over random configurations, then in a few steps of
    local search over one-exchange neighbours of the best of these and of the best known ones. SMAC's own
    search goes on until no neighbour is better, which can take seconds; this one is bounded.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_first : int, default=8
        Results at some fidelity before there is a model at all.
    n_enough : int, default=15
        Results at a fidelity before it is preferred to a lower one.
    n_random : int, default=512
        Random candidates.
    n_starts : int, default=5
        Local searches: from so many best known configurations, and so many best random candidates.
    n_steps : int, default=5
        Steps of each local search.
    random_fraction : float, default=0.2
        Share of proposals drawn from the prior; SMAC's own.

    References
    ----------
    .. [1] M. Lindauer et al. SMAC3: A Versatile Bayesian Optimization Package for Hyperparameter
       Optimization. JMLR 23, 2022, Section 3.
    .. [2] F. Hutter, H. Hoos and K. Leyton-Brown. Sequential Model-Based Optimization for General Algorithm
       Configuration. LION 5, 2011, Section 4.3.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        *,
        n_first: int = 8,
        n_enough: int = 15,
        n_random: int = 512,
        n_starts: int = 5,
        n_steps: int = 5,
        random_fraction: float = 0.2,
    ) -> None:
        self._vectors = VectorSpace(space)
        self._first, self._enough = n_first, max(n_first, n_enough)
        self._n_random = n_random
        self._n_starts = n_starts
        self._n_steps = n_steps
        self._random_fraction = random_fraction
        # SMAC's forest does not take conditional normal or beta hyperparameters; to it, their ranges are
        # enough.
        self._modelled = _uniform(space)

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = {fidelity: data for fidelity, data in observations(trials).items() if _varies(data[1])}
        fidelity = largest_with(found, lambda *_: self._enough) or largest_with(found, lambda *_: self._first)
        if fidelity is None or rng.random() < self._random_fraction or not self._vectors.varying.any():
            return self._vectors.random(rng)
        ranked = self._search(*found[fidelity], rng)
        vector = first_unseen(ranked, trials)
        return self._vectors.configuration(vector, "smac")

    def _search(self, vectors: Floats, losses: Floats, rng: np.random.Generator) -> Floats:
        """Rank candidates, the most promising first."""
        targets = _log_scaled(losses)
        forest = _Forest(
            self._modelled,
            log_y=True,
            # As SMAC's facade for hyperparameter optimization builds it ...
            ratio_features=1.0,
            min_samples_split=2,
            min_samples_leaf=1,
            # ... but for its limit of 2**20 leaves, for which scikit-learn allocates: 90 ms a tree.
            max_leaf_nodes=max(len(targets), 2),
            n_jobs=1,
            seed=int(rng.integers(2**31)),
        )
        forest.train(vectors, targets[:, None])
        improvement = EI(log=True)
        improvement.update(model=forest, eta=float(targets.min()))

        def score(rows: Floats) -> Floats:
            found: Floats = improvement._compute(rows)[:, 0]  # the public call takes Configurations one by one
            return np.where(np.isnan(found), -np.inf, found)

        pool = self._vectors.sample(self._n_random, rng)
        scores = score(pool)
        known = vectors[np.argsort(targets, kind="stable")[: self._n_starts]]
        best = pool[np.argsort(-scores, kind="stable")[: self._n_starts]]
        starts = np.concatenate([known, best])
        start_scores = score(starts)
        for _ in range(self._n_steps):
            starts, start_scores, moved = self._step(starts, start_scores, score, rng)
            if not moved:
                break
        rows, scores = np.concatenate([starts, pool]), np.concatenate([start_scores, scores])
        ranked: Floats = rows[np.argsort(-scores, kind="stable")]
        return ranked

    def _step(
        self, starts: Floats, scores: Floats, score: Callable[[Floats], Floats], rng: np.random.Generator
    ) -> tuple[Floats, Floats, bool]:
        """Move each start to its best neighbour, if that is better."""
        rows, origins = neighbours(self._vectors, starts, rng)
        if not len(rows):
            return starts, scores, False
        starts, scores, moved = starts.copy(), scores.copy(), False
        found = score(rows)
        for start in range(len(starts)):
            mine = np.flatnonzero(origins == start)
            if len(mine) and found[mine].max() > scores[start]:
                best = mine[found[mine].argmax()]
                starts[start], scores[start], moved = rows[best], found[best], True
        return starts, scores, moved


class _Forest(RandomForest):  # type: ignore[misc]  # SMAC has no types
    """SMAC's forest, asked tree by tree: joblib, which SMAC asks them by, takes ten times as long as the trees."""

    def _predict(self, X: Floats, *_: str | None) -> tuple[Floats, Floats]:
        rows = self._impute_inactive(X).astype(np.float32)
        said = np.stack([tree.predict(rows, check_input=False) for tree in self._rf.estimators_], axis=1)
        return said.mean(axis=1)[:, None], said.var(axis=1)[:, None]


def _varies(losses: Floats) -> bool:
    finite = losses[np.isfinite(losses)]
    return len(finite) > 0 and len(np.unique(losses)) > 1


def _log_scaled(losses: Floats) -> Floats:
    """Scale and take the logarithm, as SMAC's ``RunHistoryLogScaledEncoder``; failed trials get the worst."""
    worst, best = losses[np.isfinite(losses)].max(), losses[np.isfinite(losses)].min()
    finite = np.where(np.isfinite(losses), losses, worst)
    # The distance of the 5th percentile to the best keeps the logarithm of the best finite.
    lowest = best - max(float(np.percentile(finite, 5)) - best, 1e-10 * max(abs(best), 1e-10))
    scaled: Floats = np.log(np.maximum((finite - lowest) / max(worst - lowest, 1e-300), 1e-300))
    return scaled


def _uniform(space: ConfigurationSpace) -> ConfigurationSpace:
    special = any(
        isinstance(hp, NumericalHyperparameter) and not type(hp).__name__.startswith("Uniform") for hp in space.values()
    )
    return space.remove_hyperparameter_priors() if special else space
