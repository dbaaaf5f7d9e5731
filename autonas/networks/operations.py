"""The operations that stand on the edges of cells for images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

__all__ = [
    "DARTS_OPERATIONS",
    "NASBENCH201_OPERATIONS",
    "OPERATIONS",
    "FactorizedReduce",
    "ReluConvNorm",
    "Zero",
    "make",
]


class Zero(nn.Module):
    """No connection."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[..., :: self.stride, :: self.stride] if self.stride > 1 else x)


class ReluConvNorm(nn.Sequential):
    """Activation, convolution, normalization: the order in which cells have them."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        stride: int = 1,
        *,
        affine: bool = True,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        padding = dilation * (kernel - 1) // 2
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(n_in, n_out, kernel, stride, padding, dilation, groups, bias=False),
            nn.BatchNorm2d(n_out, affine=affine),
        )


class FactorizedReduce(nn.Module):
    """Halve the resolution without throwing pixels away: two 1x1 convolutions, one of them a pixel off."""

    def __init__(self, n_in: int, n_out: int, *, affine: bool = True) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.first = nn.Conv2d(n_in, n_out // 2, 1, bias=False)
        self.second = nn.Conv2d(n_in, n_out - n_out // 2, 1, bias=False)
        self.normalization = nn.BatchNorm2d(n_out, affine=affine)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(x)
        # An odd height or width: the shifted half gets a row or column of zeros.
        shifted = F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))[..., 1:, 1:]
        # Every second pixel is taken before the convolutions, not by their stride: oneDNN 3.12 writes past the end of a
        # buffer in the gradient of 1x1 convolutions with a stride (its issue 6035).
        halves = [self.first(F.avg_pool2d(x, 1, 2)), self.second(F.avg_pool2d(shifted, 1, 2))]
        out: torch.Tensor = self.normalization(torch.cat(halves, dim=1))
        return out


class _Pool(nn.Module):
    """3x3 pooling, then normalization, as DARTS and NAS-Bench-201 have it."""

    def __init__(self, kind: str, width: int, stride: int, *, affine: bool) -> None:
        super().__init__()
        self.kind, self.stride = kind, stride
        self.normalization = nn.BatchNorm2d(width, affine=affine)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind == "max":
            x = F.max_pool2d(x, 3, self.stride, 1)
        else:
            x = F.avg_pool2d(x, 3, self.stride, 1, count_include_pad=False)
        out: torch.Tensor = self.normalization(x)
        return out


def _skip(width: int, stride: int, affine: bool) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(width, width, affine=affine)


def _separable(kernel: int) -> Callable[[int, int, bool], nn.Module]:
    """Two depthwise separable convolutions, one after the other."""

    def make(width: int, stride: int, affine: bool) -> nn.Module:
        return nn.Sequential(
            _depthwise(width, kernel, stride, 1, affine=affine), _depthwise(width, kernel, 1, 1, affine=affine)
        )

    return make


def _dilated(kernel: int) -> Callable[[int, int, bool], nn.Module]:
    return lambda width, stride, affine: _depthwise(width, kernel, stride, 2, affine=affine)


def _depthwise(width: int, kernel: int, stride: int, dilation: int, *, affine: bool) -> nn.Module:
    padding = dilation * (kernel - 1) // 2
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(width, width, kernel, stride, padding, dilation, groups=width, bias=False),
        nn.Conv2d(width, width, 1, bias=False),
        nn.BatchNorm2d(width, affine=affine),
    )


def _convolution(kernel: int) -> Callable[[int, int, bool], nn.Module]:
    return lambda width, stride, affine: ReluConvNorm(width, width, kernel, stride, affine=affine)


OPERATIONS: dict[str, Callable[[int, int, bool], nn.Module]] = {
    "none": lambda _width, stride, _affine: Zero(stride),
    "skip_connect": _skip,
    "max_pool_3x3": lambda width, stride, affine: _Pool("max", width, stride, affine=affine),
    "avg_pool_3x3": lambda width, stride, affine: _Pool("avg", width, stride, affine=affine),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "nor_conv_1x1": _convolution(1),
    "nor_conv_3x3": _convolution(3),
}
"""Name to ``make(width, stride, affine)``."""

DARTS_OPERATIONS = (
    "none",
    "skip_connect",
    "max_pool_3x3",
    "avg_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""Those of Liu et al. 2019, "DARTS: Differentiable Architecture Search", section 3.1."""

NASBENCH201_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""Those of Dong and Yang 2020, "NAS-Bench-201", section 2.1."""


def make(name: str, width: int, stride: int, *, affine: bool) -> nn.Module:
    """Make an operation that keeps the number of channels."""
    return OPERATIONS[name](width, stride, affine)
