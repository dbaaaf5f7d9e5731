"""Multi-layer perceptron: a funnel or freely chosen widths, with normalization, dropout and skip connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.blocks import Residual, make_head
from autonas.networks.inputs import TabularInput, TabularNetwork
from autonas.networks.layers import NORMALIZATIONS, Dropout, Linear
from autonas.networks.specs import InputSpec, OutputSpec, stackable

__all__ = ["build", "widths"]


def widths(configuration: Mapping[str, Any], n_outputs: int) -> list[int]:
    """Compute the width of each hidden layer.

    Parameters
    ----------
    configuration : mapping
        A configuration of ``search_spaces/mlp.yaml``. ``shape="free"`` names each width; ``shape="funnel"`` falls in
        equal steps from ``max_width`` towards the output (the funnel of Zimmer et al. 2021, "Auto-PyTorch Tabular",
        section 3.1).
    n_outputs : int
        The width of the output, at which a funnel would end.

    Returns
    -------
    list of int

    Examples
    --------
    >>> widths({"shape": "funnel", "n_layers": 3, "max_width": 256}, 1)
    [256, 171, 86]
    """
    n_layers = int(configuration["n_layers"])
    if configuration["shape"] == "free":
        return [int(configuration[f"width_{i}"]) for i in range(1, n_layers + 1)]
    steps = np.linspace(configuration["max_width"], n_outputs, n_layers + 1)[:-1]
    return [max(2, int(np.ceil(w))) for w in steps]


@stackable
def build(configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/mlp.yaml``.

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
    layers: list[nn.Module] = []
    n_in = front.width
    for n_out in widths(configuration, output_spec.n_outputs):
        layer = nn.Sequential(
            Linear(n_members, n_in, n_out),
            NORMALIZATIONS[configuration["normalization"]](n_members, n_out),
            ACTIVATIONS[configuration["activation"]](),
            Dropout(configuration["dropout"]),
        )
        layers.append(Residual(layer, n_members, n_in, n_out) if configuration["skip"] else layer)
        n_in = n_out
    return TabularNetwork(front, nn.Sequential(*layers, make_head(n_members, n_in, output_spec)))
