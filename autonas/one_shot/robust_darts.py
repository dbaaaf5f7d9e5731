"""Robust DARTS: the curvature of the validation loss says when to stop."""

from __future__ import annotations

from collections import deque

import numpy as np
import torch

from autonas.one_shot.darts import Darts
from autonas.one_shot.data import Batch, Sample
from autonas.one_shot.strategy import Settings
from autonas.one_shot.supernet import Supernet

__all__ = ["RobustDarts"]


class RobustDarts(Darts):
    """DARTS with a stronger weight decay, which ends when the validation loss gets sharp in the architecture.

    The largest eigenvalue of the loss's Hessian by alpha is looked at after every epoch. Where its average over a few
    epochs has grown by a third since a few epochs ago, the search ends with the architecture of then.

    References
    ----------
    A. Zela et al. Understanding and Robustifying Differentiable Architecture Search. ICLR 2020, sections 4.3 (early
    stopping: ratio 0.75, five epochs) and 5.2 (L2 regularization).
    """

    ratio, window = 0.75, 5
    n_rows = 256

    def __init__(self, supernet: Supernet, settings: Settings, rng: np.random.Generator) -> None:
        super().__init__(supernet, settings.changed(weight_decay=9 * settings.weight_decay), rng)
        self._seen: list[float] = []
        self._kept: deque[list[torch.Tensor]] = deque(maxlen=self.window + 1)

    def end_epoch(self, judge: Sample) -> dict[str, float]:
        """Compute the eigenvalue, and say whether to stop."""
        batch = judge.take(np.arange(min(len(judge), self.n_rows)))
        self._seen.append(self.dominant_eigenvalue(batch))
        self._kept.append(self.keep())
        smooth = [float(np.mean(self._seen[max(0, i - self.window + 1) : i + 1])) for i in range(len(self._seen))]
        found = {"eigenvalue": self._seen[-1]}
        if len(smooth) > 2 * self.window and smooth[-1 - self.window] / smooth[-1] < self.ratio:
            self.go_back(self._kept[0])
            found["stop"] = 1.0
        return found

    def dominant_eigenvalue(self, batch: Batch, iterations: int = 20) -> float:
        """Compute the largest eigenvalue, by size, of the loss's Hessian by alpha.

        Parameters
        ----------
        batch : Batch
            The rows of the loss.
        iterations : int
            Of the power method at most.

        Returns
        -------
        float
            Its size.
        """
        alphas = list(self.alphas.values())
        self._open()
        gradients = torch.autograd.grad(self.loss(batch), alphas, create_graph=True, allow_unused=True)
        used = [(a, g) for a, g in zip(alphas, gradients, strict=True) if g is not None and g.requires_grad]
        if not used:
            return 0.0
        alphas = [a for a, _ in used]
        flat = torch.cat([g.flatten() for _, g in used])
        vector = torch.from_numpy(self.rng.normal(size=len(flat))).to(flat)
        value = 0.0
        for _ in range(iterations):
            vector = vector / vector.norm().clamp(min=1e-12)
            product = torch.autograd.grad(flat @ vector, alphas, retain_graph=True)
            vector, before = torch.cat([p.flatten() for p in product]), value
            value = float(vector.norm())
            if abs(value - before) <= 1e-3 * value:
                break
        return value
