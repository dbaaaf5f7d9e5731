"""Convolutional network with free resolution: each layer halves the image, keeps it, or doubles it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.images import (
    DropPath,
    ImageHead,
    ImageStem,
    InvertedResidual,
    Size,
    conv_norm,
    halving,
    resized,
    separable_conv,
)
from autonas.networks.specs import ImageSpec, OutputSpec, reproducible

__all__ = ["build", "levels"]

_OPERATIONS = {
    "conv_3x3": ("conv", 3),
    "separable_3x3": ("separable", 3),
    "separable_5x5": ("separable", 5),
    "inverted_3x3": ("inverted", 3),
    "inverted_5x5": ("inverted", 5),
}
_STEPS = {"down": 1, "same": 0, "up": -1}


def levels(configuration: Mapping[str, Any], n_levels: int) -> list[int]:
    """Compute the path through the lattice of resolutions.

    Parameters
    ----------
    configuration : mapping
        A configuration of ``search_spaces/macro.yaml``.
    n_levels : int
        Levels of the lattice: 0 has the resolution after the first convolution, each next one half of that.

    Returns
    -------
    list of int
        The level of each layer. A step that would leave the lattice stays where it is.

    Examples
    --------
    >>> levels({"n_layers": 4, "step_1": "up", "step_2": "down", "step_3": "down", "step_4": "up"}, 3)
    [0, 1, 2, 1]
    """
    path: list[int] = []
    level = 0
    for i in range(1, int(configuration["n_layers"]) + 1):
        level = min(max(level + _STEPS[configuration[f"step_{i}"]], 0), n_levels - 1)
        path.append(level)
    return path


@reproducible
def build(configuration: Mapping[str, Any], input_spec: ImageSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/macro.yaml``.

    The network-level space of Liu et al. 2019, "Auto-DeepLab", section 3.2: a path through a lattice whose levels have
    half the resolution and twice the channels of the one before. Neighbouring layers differ by one level at most.

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters.
    input_spec, output_spec : ImageSpec, OutputSpec
        What goes in and what comes out. The lattice ends where an image would have less than two pixels a side.

    Returns
    -------
    nn.Module
        Called as ``network(images)``.
    """
    activation, width = configuration["activation"], int(configuration["width"])
    stem = ImageStem(input_spec, width, int(configuration["resolution"]), activation)
    sizes = _lattice(stem.size, int(configuration["n_levels"]))
    path = levels(configuration, len(sizes))
    layers: list[nn.Module] = []
    before = 0
    for i, level in enumerate(path):
        n_in, n_out = width * 2**before, width * 2**level
        stride = halving(sizes[before]) if level > before else (1, 1)
        if level < before:
            layers.append(_Up(n_in, n_out, sizes[level]))
            n_in = n_out
        drop_path = configuration["drop_path"] * (i + 1) / len(path)
        layers.append(_layer(configuration["operation"], n_in, n_out, stride, activation, drop_path))
        before = level
    return nn.Sequential(stem, *layers, ImageHead(width * 2**before, output_spec, configuration["dropout"]))


def _lattice(size: Size, n_levels: int) -> list[Size]:
    """List the sizes of the levels."""
    sizes = [size]
    while len(sizes) < n_levels and halving(sizes[-1]) != (1, 1):
        sizes.append(resized(sizes[-1], halving(sizes[-1])))
    return sizes


class _Up(nn.Module):
    """Fewer channels, then a larger image by bilinear interpolation, as in Auto-DeepLab."""

    def __init__(self, n_in: int, n_out: int, size: Size) -> None:
        super().__init__()
        self.conv, self.size = conv_norm(n_in, n_out, 1, activation=None), size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(self.conv(x), self.size, mode="bilinear")


class _Residual(nn.Module):
    """A convolution, with a shortcut where the shape stays; the non-linearity comes last."""

    def __init__(self, conv: nn.Module, activation: str, drop_path: float, *, has_shortcut: bool) -> None:
        super().__init__()
        self.conv, self.drop_path, self.activation = conv, DropPath(drop_path), ACTIVATIONS[activation]()
        self.has_shortcut = has_shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.conv(x)
        out = self.activation(x + self.drop_path(out) if self.has_shortcut else out)
        return cast("torch.Tensor", out)


def _layer(operation: str, n_in: int, n_out: int, stride: Size, activation: str, drop_path: float) -> nn.Module:
    kind, kernel = _OPERATIONS[operation]
    if kind == "inverted":
        return InvertedResidual(n_in, n_out, kernel, stride, activation=activation, drop_path=drop_path)
    make = conv_norm if kind == "conv" else separable_conv
    conv = make(n_in, n_out, kernel, stride, activation=None)
    return _Residual(conv, activation, drop_path, has_shortcut=n_in == n_out and stride == (1, 1))
