"""A one-shot model trained with dropped paths, so that it can be cut down to any one of them."""

from __future__ import annotations

import numpy as np
import torch

from autonas.networks.cells import Edge
from autonas.one_shot.data import Batch, Sample
from autonas.one_shot.strategy import Late, Strategy, never

__all__ = ["PathDropout"]


class PathDropout(Strategy):
    """Each step computes the sum of the operations that chance has left; more are dropped as time goes on.

    References
    ----------
    G. Bender et al. Understanding and Simplifying One-Shot Architecture Search. ICML 2018, section 3.2.
    """

    #: In the end an edge keeps none of its operations with this probability; one of them is then taken all the same.
    rate = 0.1

    def step(self, learn: Batch, judge: Batch, progress: float) -> float:  # noqa: ARG002 - no architecture is learnt
        """Make a step of the weights with some operations dropped."""
        n = len(self.space.operations)
        p_drop = min(progress, 1.0) * self.rate ** (1 / n)
        for edge in self.space.edges:
            kept = np.flatnonzero(self.rng.random(n) >= p_drop)
            kept = kept if len(kept) else self.rng.integers(n, size=1)
            # The mean and not the sum: what a node gets is of the same size whatever is left.
            share = torch.tensor(1 / len(kept), device=self.supernet.weights[0].device)
            self.supernet.gates.open[edge] = [(int(place), share) for place in kept]
        return self.train_weights(learn, progress)

    def best(self, n: int, judge: Sample, late: Late = never) -> list[dict[Edge, str]]:
        """Draw architectures, and order them by their loss with the shared weights."""
        return self.best_drawn(n, judge, [self.draw() for _ in range(self.settings.n_judged)], late)
