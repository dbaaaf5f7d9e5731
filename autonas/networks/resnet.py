"""Residual network for tables, after Gorishniy et al. 2021."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from autonas.networks.blocks import ACTIVATIONS, NORMALIZATIONS, Residual, make_head
from autonas.networks.inputs import TabularInput, TabularNetwork
from autonas.networks.specs import InputSpec, OutputSpec

__all__ = ["build"]


def build(configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/resnet.yaml``.

    Blocks of normalization, a wide layer and a layer back, each around a shortcut (Gorishniy et al. 2021, "Revisiting
    Deep Learning Models for Tabular Data", section 3.2).

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters and of the preprocessing's.
    input_spec, output_spec : InputSpec, OutputSpec
        What goes in and what comes out.

    Returns
    -------
    nn.Module
        Called as ``network(numeric, categorical)``.
    """
    front = TabularInput(configuration, input_spec)
    width = int(configuration["width"])
    hidden = max(1, round(width * configuration["hidden_factor"]))
    normalization = NORMALIZATIONS[configuration["normalization"]]
    activation = ACTIVATIONS[configuration["activation"]]
    blocks = [
        Residual(
            nn.Sequential(
                normalization(width),
                nn.Linear(width, hidden),
                activation(),
                nn.Dropout(configuration["hidden_dropout"]),
                nn.Linear(hidden, width),
                nn.Dropout(configuration["residual_dropout"]),
            ),
            width,
            width,
        )
        for _ in range(int(configuration["n_blocks"]))
    ]
    head = nn.Sequential(normalization(width), activation(), make_head(width, output_spec))
    return TabularNetwork(front, nn.Sequential(nn.Linear(front.width, width), *blocks, head))
