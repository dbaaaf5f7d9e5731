"""Layers of stacked networks: the leading axis of every input and of every parameter is that of the members.

A parameter may carry two marks for the optimizer: ``learning_rate_factor``, a multiple of the configuration's learning
rate, and ``decays``, whether weight decay applies to it (not to biases and scales).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.networks.noise import Noise

__all__ = [
    "NORMALIZATIONS",
    "BatchNorm",
    "Dropout",
    "Embedding",
    "LayerNorm",
    "Linear",
    "ParametricActivation",
    "Scale",
    "make_parameter",
]


#: A learning rate of the neural tangent parametrization, in units of a usual one, at 256 inputs.
NTK = 16.0


def make_parameter(value: torch.Tensor, *, decays: bool = True, learning_rate_factor: float = 1.0) -> nn.Parameter:
    """Make a parameter with its marks for the optimizer."""
    parameter = nn.Parameter(value)
    parameter.decays = decays  # type: ignore[attr-defined]
    parameter.learning_rate_factor = learning_rate_factor  # type: ignore[attr-defined]
    return parameter


class Linear(nn.Module):
    """Linear layers, one a member.

    Parameters
    ----------
    n_members, n_in, n_out : int
        The input has the shape (n_members, ..., n_in), the output (n_members, ..., n_out).
    bias : bool, default=True
    ntk : bool, default=False
        The neural tangent parametrization of RealMLP (Holzmüller et al. 2024, "Better by Default", section 3): steps
        shrink with the root of ``n_in``. For optimizers whose steps do not depend on the gradient's length, such as
        Adam. Rates are relative to a layer of 256 inputs, so that a learning rate means about the same everywhere.
    """

    def __init__(self, n_members: int, n_in: int, n_out: int, *, bias: bool = True, ntk: bool = False) -> None:
        super().__init__()
        bound = 1 / math.sqrt(max(n_in, 1))
        shape = (n_members, n_in, n_out)
        weight = torch.randn(shape) * bound if ntk else torch.empty(shape).uniform_(-bound, bound)
        self.weight = make_parameter(weight, learning_rate_factor=NTK * bound if ntk else 1.0)
        self.bias = None
        if bias:
            start = torch.empty(n_members, 1, n_out)
            start = start.normal_() if ntk else start.uniform_(-bound, bound)
            self.bias = make_parameter(start, decays=False, learning_rate_factor=0.1 * NTK if ntk else 1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1, -2)
        out = torch.bmm(flat, self.weight) if self.bias is None else torch.baddbmm(self.bias, flat, self.weight)
        return out.view(*x.shape[:-1], -1) if x.ndim > 3 else out


class Scale(nn.Module):
    """A factor for each feature, 1 at first: a soft choice of features (RealMLP, section 3)."""

    def __init__(self, n_members: int, width: int, learning_rate_factor: float = 6 * NTK) -> None:
        super().__init__()
        start = torch.ones(n_members, 1, width)
        self.weight = make_parameter(start, decays=False, learning_rate_factor=learning_rate_factor)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


class LayerNorm(nn.Module):
    """Normalization over the features, with a scale and a shift for each member."""

    def __init__(self, n_members: int, width: int) -> None:
        super().__init__()
        self.weight = make_parameter(torch.ones(n_members, 1, width), decays=False)
        self.bias = make_parameter(torch.zeros(n_members, 1, width), decays=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = (len(x), *[1] * (x.ndim - 2), -1)
        normal = F.layer_norm(x, x.shape[-1:])
        return torch.addcmul(self.bias.view(shape), normal, self.weight.view(shape))


class BatchNorm(nn.Module):
    """Normalization over the rows of a batch, each member by itself; running statistics in evaluation."""

    momentum = 0.1
    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, n_members: int, width: int) -> None:
        super().__init__()
        self.weight = make_parameter(torch.ones(n_members, 1, width), decays=False)
        self.bias = make_parameter(torch.zeros(n_members, 1, width), decays=False)
        self.register_buffer("running_mean", torch.zeros(n_members, 1, width))
        self.register_buffer("running_var", torch.ones(n_members, 1, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n_members, batch, width = x.shape
        flat = x.transpose(0, 1).reshape(batch, n_members * width)
        out = F.batch_norm(
            flat,
            self.running_mean.view(-1),
            self.running_var.view(-1),
            self.weight.view(-1),
            self.bias.view(-1),
            training=self.training,
            momentum=self.momentum,
        )
        return out.view(batch, n_members, width).transpose(0, 1)


class Dropout(nn.Module):
    """Dropout whose random numbers come from the training's own generator.

    Parameters
    ----------
    p : float
        Share of the inputs that are set to 0 in training; the others are scaled up by ``1 / (1 - p)``.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = float(p)
        self.noise: Noise | None = None
        """Set by the training loop; without it the global generator is used."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return x
        return F.dropout(x, self.p) if self.noise is None else x * self.noise.keep(x, self.p)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "noise": None}


class Embedding(nn.Module):
    """A learnt vector for each category of several columns.

    Parameters
    ----------
    n_members : int
    cardinalities : sequence of int
        Codes of each column.
    size : int
        Length of a vector. Input (n_members, batch, n_columns), output (n_members, batch, n_columns, size).
    """

    _starts: torch.Tensor

    def __init__(self, n_members: int, cardinalities: list[int], size: int, std: float = 0.3) -> None:
        super().__init__()
        starts = torch.tensor([0, *cardinalities]).cumsum(0)
        self.total = int(starts[-1])
        self.weight = make_parameter(torch.randn(n_members, self.total, size) * std)
        members = torch.arange(n_members)[:, None, None] * self.total
        self.register_buffer("_starts", starts[:-1] + members, persistent=False)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return F.embedding(codes + self._starts, self.weight.flatten(0, 1))


class ParametricActivation(nn.Module):
    """``x + a (f(x) - x)``: each unit learns how non-linear it is, ``a`` being 1 at first (RealMLP, section 3)."""

    def __init__(self, n_members: int, width: int, function: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.weight = make_parameter(torch.ones(n_members, 1, width), decays=False, learning_rate_factor=0.1 * NTK)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.lerp(x, self.function(x), self.weight)


NORMALIZATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "none": lambda _members, _width: nn.Identity(),
    "batch": BatchNorm,
    "layer": LayerNorm,
}
