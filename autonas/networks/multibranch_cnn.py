"""Convolutional network of blocks with several branches each: which ones, how they are joined, and what skips them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from autonas.networks.images import ImageHead, ImageStem, Size, conv_norm, halving, pool, resized, separable_conv
from autonas.networks.specs import ImageSpec, OutputSpec, reproducible

__all__ = ["BRANCHES", "build"]


def _pooled(kind: str) -> Callable[[int, int, Size, str], nn.Module]:
    def make(n_in: int, n_out: int, stride: Size, activation: str) -> nn.Module:
        return nn.Sequential(pool(kind, 3, stride), conv_norm(n_in, n_out, 1, activation=activation))

    return make


def _convolved(kernel: int, dilation: int = 1) -> Callable[[int, int, Size, str], nn.Module]:
    def make(n_in: int, n_out: int, stride: Size, activation: str) -> nn.Module:
        return conv_norm(n_in, n_out, kernel, stride, dilation=dilation, activation=activation)

    return make


def _separable(kernel: int) -> Callable[[int, int, Size, str], nn.Module]:
    def make(n_in: int, n_out: int, stride: Size, activation: str) -> nn.Module:
        return separable_conv(n_in, n_out, kernel, stride, activation=activation)

    return make


#: The branches by name: ``make(n_in, n_out, stride, activation)``. Pooling is followed by a 1x1 convolution.
BRANCHES: dict[str, Callable[[int, int, Size, str], nn.Module]] = {
    "conv_1x1": _convolved(1),
    "conv_3x3": _convolved(3),
    "dilated_3x3": _convolved(3, dilation=2),
    "separable_3x3": _separable(3),
    "separable_5x5": _separable(5),
    "max_pool": _pooled("max_pool"),
    "avg_pool": _pooled("avg_pool"),
}


class _Block(nn.Module):
    """Branches of one input side by side, and a way around them.

    The output has ``n_out`` channels; with ``skip="concat"`` those of the input in addition.
    """

    def __init__(
        self, branches: list[str], n_in: int, n_out: int, stride: Size, activation: str, *, concat: bool, skip: str
    ) -> None:
        super().__init__()
        self.concat, self.skip = concat, skip
        widths = _shares(n_out, len(branches)) if concat else [n_out] * len(branches)
        self.branches = nn.ModuleList(
            BRANCHES[name](n_in, w, stride, activation) for name, w in zip(branches, widths, strict=True)
        )
        self.shortcut = _shortcut(n_in, n_in if skip == "concat" else n_out, stride) if skip != "none" else None
        self.width = n_out + n_in * (skip == "concat")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outs = [branch(x) for branch in self.branches]
        out = torch.cat(outs, 1) if self.concat else sum(outs[1:], start=outs[0])
        if self.shortcut is None:
            return out
        around = self.shortcut(x)
        return torch.cat([around, out], 1) if self.skip == "concat" else around + out


def _shares(width: int, n: int) -> list[int]:
    return [(width + i) // n for i in range(n)]


def _shortcut(n_in: int, n_out: int, stride: Size) -> nn.Module:
    """Make what leads around a block: as little as the shapes allow."""
    layers: list[nn.Module] = []
    if stride != (1, 1):
        layers.append(pool("avg_pool", 3, stride))
    if n_in != n_out:
        layers.append(conv_norm(n_in, n_out, 1, activation=None))
    return nn.Sequential(*layers)


@reproducible
def build(configuration: Mapping[str, Any], input_spec: ImageSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/multibranch_cnn.yaml``.

    Branches that are concatenated are those of Inception (Szegedy et al. 2015, "Going Deeper with Convolutions",
    section 4), added ones those of ResNeXt (Xie et al. 2017); what skips a block is added as by He et al. 2016, "Deep
    Residual Learning", section 3, or concatenated as by Huang et al. 2017, "Densely Connected Convolutional Networks".

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters.
    input_spec, output_spec : ImageSpec, OutputSpec
        What goes in and what comes out. A block whose stride is 2 leaves images of two pixels as they are.

    Returns
    -------
    nn.Module
        Called as ``network(images)``.
    """
    activation = configuration["activation"]
    width = int(configuration["stem_width"])
    stem = ImageStem(input_spec, width, int(configuration["resolution"]), activation)
    blocks: list[_Block] = []
    size, n_halved = stem.size, 0
    for i in range(1, int(configuration["n_blocks"]) + 1):
        stride = halving(size) if configuration[f"stride_{i}"] == 2 else (1, 1)
        size, n_halved = resized(size, stride), n_halved + (stride != (1, 1))
        branches = _branches(configuration, i)
        block = _Block(
            branches,
            width,
            int(configuration[f"width_{i}"]) * 2**n_halved,
            stride,
            activation,
            concat=len(branches) > 1 and configuration[f"join_{i}"] == "concat",
            skip=configuration[f"skip_{i}"],
        )
        blocks.append(block)
        width = block.width
    return nn.Sequential(stem, *blocks, ImageHead(width, output_spec, configuration["dropout"]))


def _branches(configuration: Mapping[str, Any], block: int) -> list[str]:
    """List a block's branches; those after the first "none" do not count."""
    chosen: list[str] = []
    for k in (1, 2, 3):
        name = configuration[f"branch_{k}_{block}"]
        if name == "none":
            break
        chosen.append(name)
    return chosen
