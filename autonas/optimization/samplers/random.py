"""Random search: every configuration drawn from the prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._vectors import VectorSpace

__all__ = ["Random"]


class Random:
    """Draw from the space's prior, whatever is known [1]_.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to draw from.

    References
    ----------
    .. [1] J. Bergstra and Y. Bengio. Random Search for Hyper-Parameter Optimization. JMLR 13, 2012.
    """

    def __init__(self, space: ConfigurationSpace) -> None:
        self._vectors = VectorSpace(space)

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration:  # noqa: ARG002
        """Draw one configuration.

        Parameters
        ----------
        trials : sequence of Trial
            Not looked at.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        Configuration
        """
        vector = self._vectors.sample(1, rng)[0]
        return Configuration(self._vectors.space, vector=vector, origin="random")
