"""Pieces that several network families are made of; stacked, as the layers are."""

from __future__ import annotations

import torch
from torch import nn

from autonas.networks.layers import Linear
from autonas.networks.specs import OutputSpec

__all__ = ["Residual", "make_head"]


class Residual(nn.Module):
    """``shortcut(x) + branch(x)``; the shortcut is a linear projection where the widths differ.

    Parameters
    ----------
    branch : nn.Module
        Maps (n_members, batch, n_in) to (n_members, batch, n_out).
    n_members, n_in, n_out : int
        Members, and the widths before and after.
    """

    def __init__(self, branch: nn.Module, n_members: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = nn.Identity() if n_in == n_out else Linear(n_members, n_in, n_out, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.shortcut(x) + self.branch(x)
        return out


def make_head(n_members: int, n_in: int, output_spec: OutputSpec, *, ntk: bool = False) -> Linear:
    """Make an output layer that starts from the classes' shares, or the target's mean, not from a random opinion."""
    head = Linear(n_members, n_in, output_spec.n_outputs, ntk=ntk)
    nn.init.zeros_(head.weight)
    assert head.bias is not None
    with torch.no_grad():
        head.bias.copy_(torch.tensor(output_spec.bias))
    return head
