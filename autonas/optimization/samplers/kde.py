"""BOHB's model: two kernel densities, of the good and of the bad configurations."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from ConfigSpace import (
    CategoricalHyperparameter,
    Configuration,
    ConfigurationSpace,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
)

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._kernels import ProductKernel
from autonas.optimization.samplers._observations import largest_with, observations
from autonas.optimization.samplers._vectors import Floats, VectorSpace

with warnings.catch_warnings():
    # Code of 2018 warns where it is compiled, and statsmodels, imported with it, changes the process's filters.
    warnings.simplefilter("ignore")
    from hpbandster.optimizers.config_generators.bohb import BOHB

__all__ = ["KDE"]


class KDE(BOHB):  # type: ignore[misc]
    """The KDE of BOHB [1]_: hpbandster's configuration generator with a model and a sampling step of our own.

    Of the results at the largest fidelity that has enough of them, the best 15 % make one density, the others
    the second; of 64 draws from the first, the one with the largest ratio of the two is proposed.

    Compared with hpbandster 0.7.4 it is fast, handles conditions, ordinals and constants, takes
    the next best draw where a forbidden clause rejects the best, keeps the bandwidth of choices in bounds
    (see :class:`~autonas.optimization.samplers._kernels.ProductKernel`), and asks for fewer results before it
    models: hpbandster wants ``2 * (d + 1)`` of them with ``d`` all hyperparameters, which a space of many
    conditional ones reaches only in a long run. The default here is ``2 * (1 + ceil(d / 2))``, with ``d``
    those that are active at once on average.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    min_points_in_model : int, optional
        Results that each of the two densities stands on, at least. By default ``1 + ceil(d / 2)``.
    top_n_percent : int, default=15
        Share of the results that is called good.
    num_samples : int, default=64
        Draws of which the best is proposed.
    random_fraction : float, default=1/3
        Share of proposals drawn from the prior.
    bandwidth_factor : float, default=3
        Draws are made with bandwidths of numbers widened by it.
    min_bandwidth : float, default=1e-3
        No bandwidth is smaller.

    References
    ----------
    .. [1] S. Falkner, A. Klein and F. Hutter. BOHB: Robust and Efficient Hyperparameter Optimization at
       Scale. ICML 2018, Section 3.2 and Algorithm 2.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        *,
        min_points_in_model: int | None = None,
        top_n_percent: int = 15,
        num_samples: int = 64,
        random_fraction: float = 1 / 3,
        bandwidth_factor: float = 3,
        min_bandwidth: float = 1e-3,
    ) -> None:
        self._vectors = VectorSpace(space)
        with warnings.catch_warnings():
            # hpbandster speaks ConfigSpace's names of 2018.
            warnings.simplefilter("ignore", DeprecationWarning)
            super().__init__(
                _flat(space),
                top_n_percent=top_n_percent,
                num_samples=num_samples,
                random_fraction=random_fraction,
                bandwidth_factor=bandwidth_factor,
                min_bandwidth=min_bandwidth,
            )
        self.min_points_in_model = min_points_in_model
        # To the model an ordinal is a number from 0 to 1, like the others.
        known = self._vectors.hyperparameters
        self._ordinal = np.array([isinstance(hp, OrdinalHyperparameter) for hp in known], dtype=bool)
        self._steps = np.array(
            [max(hp.size - 1, 1) if ordinal else 1 for hp, ordinal in zip(known, self._ordinal, strict=True)]
        )

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        found = observations(trials)
        fidelity = largest_with(found, lambda vectors, _: 2 * self._enough(vectors))
        vector = None
        if fidelity is not None and rng.random() >= self.random_fraction:
            vector = self._model_based(*found[fidelity], rng)
        if vector is not None:
            return Configuration(self._vectors.space, vector=vector, origin="kde")
        vector = self._vectors.sample(1, rng)[0]
        return Configuration(self._vectors.space, vector=vector, origin="random")

    def get_config(self, budget: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Not for use: hpbandster's own entry draws from numpy's global generator."""
        raise NotImplementedError("Call `suggest(trials, rng)`; hpbandster's `get_config` is replaced by it.")

    def _enough(self, vectors: Floats) -> int:
        if self.min_points_in_model is not None:
            return max(self.min_points_in_model, 1)
        active = (~np.isnan(vectors[:, self._vectors.varying])).sum(axis=1).mean()
        return 1 + int(np.ceil(active / 2))

    def _model_based(self, vectors: Floats, losses: Floats, rng: np.random.Generator) -> Floats | None:
        columns = self._vectors.varying
        if not columns.any():
            return None
        ranked = (vectors / self._steps)[np.argsort(losses, kind="stable")][:, columns]
        n_good = max(self._enough(vectors), self.top_n_percent * len(losses) // 100)
        good = ProductKernel(ranked[:n_good], self.vartypes[columns], self.min_bandwidth)
        bad = ProductKernel(ranked[n_good:], self.vartypes[columns], self.min_bandwidth)

        candidates = self._vectors.draw(self.num_samples, rng)
        prior = (candidates / self._steps)[:, columns]
        candidates[:, columns] = good.sample(prior, self.bw_factor, rng)
        whole = np.where(self._ordinal, np.rint(candidates * self._steps), candidates)
        settled, legal = self._vectors.settle(whole)
        if not legal.any():
            return None
        rows = (settled[legal] / self._steps)[:, columns]
        ratio = np.maximum(good.log_pdf(rows), _FLOOR) - np.maximum(bad.log_pdf(rows), _FLOOR)
        best: Floats = settled[legal][np.argmax(ratio)]
        return best


_FLOOR = float(np.log(1e-32))
"""hpbandster's: below it two densities count as equal."""


def _flat(space: ConfigurationSpace) -> ConfigurationSpace:
    """Show hpbandster the columns: choices or a number from 0 to 1, in order, and no conditions."""
    flat = ConfigurationSpace()
    for position, hyperparameter in enumerate(space.values()):
        name = f"{position:06d}"  # ConfigSpace sorts by name
        if isinstance(hyperparameter, CategoricalHyperparameter):
            flat.add(CategoricalHyperparameter(name, range(len(hyperparameter.choices))))
        else:
            flat.add(UniformFloatHyperparameter(name, 0, 1))
    return flat
