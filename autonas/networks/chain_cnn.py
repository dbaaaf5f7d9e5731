"""Convolutional network in the form of a chain: each layer has a type, a kernel, a width and a stride of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from autonas.networks.images import ImageHead, ImageStem, Size, conv_norm, halving, pool, resized, separable_conv
from autonas.networks.specs import ImageSpec, OutputSpec, reproducible

__all__ = ["build"]

_POOLING = {"max_pool", "avg_pool"}


@reproducible
def build(configuration: Mapping[str, Any], input_spec: ImageSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/chain_cnn.yaml``.

    The chain-structured space of Elsken et al. 2019, "Neural Architecture Search: A Survey", section 2.

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters.
    input_spec, output_spec : ImageSpec, OutputSpec
        What goes in and what comes out. A layer whose stride is 2 leaves images of two pixels as they are.

    Returns
    -------
    nn.Module
        Called as ``network(images)``.
    """
    activation = configuration["activation"]
    width = int(configuration["stem_width"])
    stem = ImageStem(input_spec, width, int(configuration["resolution"]), activation)
    layers: list[nn.Module] = []
    size, n_halved = stem.size, 0
    for i in range(1, int(configuration["n_layers"]) + 1):
        stride = halving(size) if configuration[f"stride_{i}"] == 2 else (1, 1)
        n_halved += stride != (1, 1)
        kind = configuration[f"type_{i}"]
        n_out = width if kind in _POOLING else int(configuration[f"width_{i}"]) * 2**n_halved
        layers.append(_layer(kind, width, n_out, int(configuration[f"kernel_{i}"]), stride, activation))
        size, width = resized(size, stride), n_out
    return nn.Sequential(stem, *layers, ImageHead(width, output_spec, configuration["dropout"]))


def _layer(kind: str, n_in: int, n_out: int, kernel: int, stride: Size, activation: str) -> nn.Module:
    if kind in _POOLING:
        return pool(kind, kernel, stride)
    if kind == "separable_conv":
        return separable_conv(n_in, n_out, kernel, stride, activation=activation)
    return conv_norm(n_in, n_out, kernel, stride, dilation=2 if kind == "dilated_conv" else 1, activation=activation)
