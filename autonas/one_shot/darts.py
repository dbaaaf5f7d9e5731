"""DARTS: all operations at once, weighed by a softmax that gradients change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from autonas.one_shot.data import Batch
from autonas.one_shot.strategy import Settings, WithAlphas
from autonas.one_shot.supernet import Supernet

__all__ = ["Darts", "SecondOrderDarts"]


class Darts(WithAlphas):
    """Weights and architecture learn in turns, the one from one half of the rows, the other from the other.

    References
    ----------
    H. Liu, K. Simonyan and Y. Yang. DARTS: Differentiable Architecture Search. ICLR 2019, Algorithm 1 with xi = 0
    (first-order). With partial channels: Y. Xu et al. PC-DARTS. ICLR 2020.
    """

    #: Gradients of the architecture through the weights' next step.
    second_order = False

    def __init__(self, supernet: Supernet, settings: Settings, rng: np.random.Generator) -> None:
        super().__init__(supernet, settings, rng)
        self._rate = settings.learning_rate

    def step(self, learn: Batch, judge: Batch, progress: float) -> float:
        """Make a step of the architecture, unless it is too early for that, then one of the weights."""
        if progress >= self.settings.warm_up:
            gradients = (
                self.second_order_gradients(learn, judge, self._rate) if self.second_order else self.gradients(judge)
            )
            self.learn_architecture(gradients)
        with torch.no_grad():
            self._open()
        loss = self.train_weights(learn, progress)
        self._rate = self.optimizer.param_groups[0]["lr"]
        return loss

    def gradients(self, judge: Batch) -> list[torch.Tensor | None]:
        """Compute the loss's gradient by the architecture, with the weights as they are."""
        self._open()
        return list(torch.autograd.grad(self.loss(judge), self.architecture, allow_unused=True))

    def second_order_gradients(self, learn: Batch, judge: Batch, rate: float) -> list[torch.Tensor | None]:
        """Compute the gradient by the architecture of the loss after the weights' next step (DARTS, section 2.3).

        The product of a Hessian and a vector in it is a central difference: its two gradients, of the weights moved
        by epsilon times the vector one way and the other, are subtracted and divided by 2 epsilon.

        Parameters
        ----------
        learn, judge : Batch
        rate : float
            The step size of that step, xi in the paper; it is one of gradient descent without momentum.

        Returns
        -------
        list of Tensor or None
        """
        weights = self.supernet.weights
        self._open()
        down = torch.autograd.grad(self.loss(learn), weights, allow_unused=True)
        with _Moved(weights, down, -rate):
            self._open()
            wanted = torch.autograd.grad(self.loss(judge), [*self.architecture, *weights], allow_unused=True)
        direct, vector = wanted[: len(self.architecture)], wanted[len(self.architecture) :]
        length = torch.sqrt(sum(((v**2).sum() for v in vector if v is not None), start=torch.zeros(())))
        # As long a way as balances rounding and curvature: 0.01 in float32, as in the paper.
        epsilon = 2 * torch.finfo(weights[0].dtype).eps ** (1 / 3) / max(float(length), 1e-12)
        sides = []
        for sign in (1, -1):
            with _Moved(weights, vector, sign * epsilon):
                self._open()
                sides.append(torch.autograd.grad(self.loss(learn), self.architecture, allow_unused=True))
        gradients: list[torch.Tensor | None] = []
        for d, up, low in zip(direct, *sides, strict=True):
            implicit = None if up is None or low is None else (up - low) / (2 * epsilon)
            gradients.append(d if d is None or implicit is None else d - rate * implicit)
        return gradients

    def _open(self) -> None:
        self.supernet.mix(self.probabilities())
        self.supernet.gates.edge_weights = self.edge_weights()


class SecondOrderDarts(Darts):
    """DARTS with the architecture's gradients through the weights' next step: twice the cost and more."""

    second_order = True


class _Moved:
    """Weights moved along a direction, for a while; then exactly what they were."""

    def __init__(self, weights: Sequence[torch.Tensor], along: Sequence[torch.Tensor | None], by: float) -> None:
        self.weights, self.along, self.by = weights, along, by

    def __enter__(self) -> None:
        self.before = [w.detach().clone() for w in self.weights]
        with torch.no_grad():
            for w, direction in zip(self.weights, self.along, strict=True):
                if direction is not None:
                    w.add_(direction, alpha=self.by)

    def __exit__(self, *_: object) -> None:
        with torch.no_grad():
            for w, old in zip(self.weights, self.before, strict=True):
                w.copy_(old)
