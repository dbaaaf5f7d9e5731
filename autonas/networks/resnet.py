"""Residual network for tables, after Gorishniy et al. 2021."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.blocks import Residual, make_head
from autonas.networks.inputs import TabularInput, TabularNetwork
from autonas.networks.layers import NORMALIZATIONS, Dropout, Linear
from autonas.networks.specs import InputSpec, OutputSpec, stackable

__all__ = ["build"]


@stackable
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
        Stacked, called as ``network(numeric, categorical)``.
    """
    n_members = input_spec.n_members
    front = TabularInput(configuration, input_spec)
    width = int(configuration["width"])
    hidden = max(1, round(width * configuration["hidden_factor"]))
    normalization = NORMALIZATIONS[configuration["normalization"]]
    activation = ACTIVATIONS[configuration["activation"]]
    blocks = [
        Residual(
            nn.Sequential(
                normalization(n_members, width),
                Linear(n_members, width, hidden),
                activation(),
                Dropout(configuration["hidden_dropout"]),
                Linear(n_members, hidden, width),
                Dropout(configuration["residual_dropout"]),
            ),
            n_members,
            width,
            width,
        )
        for _ in range(int(configuration["n_blocks"]))
    ]
    head = nn.Sequential(normalization(n_members, width), activation(), make_head(n_members, width, output_spec))
    return TabularNetwork(front, nn.Sequential(Linear(n_members, front.width, width), *blocks, head))
