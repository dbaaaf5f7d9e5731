"""Random search with weight sharing: the baseline that others have to beat."""

from __future__ import annotations

from autonas.networks.cells import Edge
from autonas.one_shot.data import Batch, Sample
from autonas.one_shot.strategy import Late, Strategy, never

__all__ = ["RandomSharing"]


class RandomSharing(Strategy):
    """Each step trains the path of one architecture, drawn evenly; in the end some are drawn, judged and ordered.

    References
    ----------
    L. Li and A. Talwalkar. Random Search and Reproducibility for Neural Architecture Search. UAI 2019, section 3.2.
    """

    def step(self, learn: Batch, judge: Batch, progress: float) -> float:  # noqa: ARG002 - no architecture is learnt
        """Make a step of the weights along a path."""
        self.supernet.open_path(self.draw())
        return self.train_weights(learn, progress)

    def best(self, n: int, judge: Sample, late: Late = never) -> list[dict[Edge, str]]:
        """Draw architectures, and order them by their loss with the shared weights."""
        return self.best_drawn(n, judge, [self.draw() for _ in range(self.settings.n_judged)], late)
