"""Mobile network: stages of inverted residuals, after MobileNetV2 and V3 and MnasNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from autonas.networks.images import ImageHead, ImageStem, InvertedResidual, conv_norm, halving, resized
from autonas.networks.specs import ImageSpec, OutputSpec, reproducible

__all__ = ["build"]


@reproducible
def build(configuration: Mapping[str, Any], input_spec: ImageSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/mobile.yaml``.

    The factorized hierarchical space of Tan et al. 2019, "MnasNet", section 4.1: every stage has a block of its own,
    which is repeated in it. The stages are followed by a 1x1 convolution (Sandler et al. 2018, "MobileNetV2", table 2).

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters.
    input_spec, output_spec : ImageSpec, OutputSpec
        What goes in and what comes out. A stage whose stride is 2 leaves images of two pixels as they are.

    Returns
    -------
    nn.Module
        Called as ``network(images)``.
    """
    activation = configuration["activation"]
    width = int(configuration["stem_width"])
    stem = ImageStem(input_spec, width, int(configuration["resolution"]), activation)
    stages = range(1, int(configuration["n_stages"]) + 1)
    n_blocks = sum(int(configuration[f"n_blocks_{i}"]) for i in stages)
    blocks: list[nn.Module] = []
    size = stem.size
    for i in stages:
        stride = halving(size) if configuration[f"stride_{i}"] == 2 else (1, 1)
        size = resized(size, stride)
        for k in range(int(configuration[f"n_blocks_{i}"])):
            block = InvertedResidual(
                width,
                int(configuration[f"width_{i}"]),
                int(configuration[f"kernel_{i}"]),
                stride if k == 0 else 1,
                expansion=int(configuration[f"expansion_{i}"]),
                squeeze_excite=configuration[f"squeeze_excite_{i}"],
                activation=activation,
                # Deeper blocks are dropped more often (Huang et al. 2016, "Stochastic Depth", section 3).
                drop_path=configuration["drop_path"] * (len(blocks) + 1) / n_blocks,
            )
            blocks.append(block)
            width = int(configuration[f"width_{i}"])
    head_width = int(configuration["head_width"])
    last = conv_norm(width, head_width, 1, activation=activation)
    return nn.Sequential(stem, *blocks, last, ImageHead(head_width, output_spec, configuration["dropout"]))
