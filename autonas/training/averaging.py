"""Averages of the weights along the training, for evaluation."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """Average a network's weights over the most recent part of its training.

    After step ``t`` the weights of step ``i`` count in proportion to ``i ** gamma``: the average spans the same share
    of the training (about the last tenth) at every rung, so a network stopped early is judged by the same rule as one
    trained to the end.

    Parameters
    ----------
    network : nn.Module
        The network in training; its floating-point parameters and buffers are averaged.

    Attributes
    ----------
    gamma : float
        How much the past counts: the average's width is ``sqrt(gamma + 1) / ((gamma + 2) * sqrt(gamma + 3))`` of the
        steps made, 0.09 for 8. 0 is the plain mean; ``inf`` is no averaging.

    Notes
    -----
    The power-function average of Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion
    Models", section 3.1.
    """

    gamma = 8.0

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self._current = _floats(network)
        self._averaged = _floats(self.network)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after ``step`` (counted from 1)."""
        keep = (1 - 1 / step) ** (self.gamma + 1)
        torch._foreach_lerp_(self._averaged, self._current, 1 - keep)


def _floats(network: nn.Module) -> list[torch.Tensor]:
    return [t.detach() for t in network.state_dict().values() if t.is_floating_point()]
