"""Small pieces that several network families are made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from autonas.networks.specs import OutputSpec

__all__ = ["ACTIVATIONS", "NORMALIZATIONS", "Residual", "make_head"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "mish": nn.Mish,
    "selu": nn.SELU,
    "tanh": nn.Tanh,
}

NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}


class Residual(nn.Module):
    """``shortcut(x) + branch(x)``; the shortcut is a linear projection where the widths differ.

    Parameters
    ----------
    branch : nn.Module
        Maps (batch, n_in) to (batch, n_out).
    n_in, n_out : int
        Widths before and after.
    """

    def __init__(self, branch: nn.Module, n_in: int, n_out: int) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = nn.Identity() if n_in == n_out else nn.Linear(n_in, n_out, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.shortcut(x) + self.branch(x)
        return out


def make_head(n_in: int, output_spec: OutputSpec) -> nn.Linear:
    """Make an output layer that starts from the classes' shares, or the target's mean, not from a random opinion."""
    head = nn.Linear(n_in, output_spec.n_outputs)
    nn.init.zeros_(head.weight)
    with torch.no_grad():
        head.bias.copy_(torch.tensor(output_spec.bias))
    return head
