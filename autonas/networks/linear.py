"""A linear model: logistic or ridge regression by gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from autonas.networks.blocks import make_head
from autonas.networks.inputs import TabularInput, TabularNetwork
from autonas.networks.specs import InputSpec, OutputSpec, stackable

__all__ = ["build"]


@stackable
def build(configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/linear.yaml``.

    One linear layer on the encoded columns. Where numbers are embedded, each column adds a curve of its own to the
    output, so that this is an additive model.

    Parameters
    ----------
    configuration : mapping
        Values of the preprocessing's hyperparameters; the family has none of its own.
    input_spec, output_spec : InputSpec, OutputSpec
        What goes in and what comes out.

    Returns
    -------
    nn.Module
        Stacked, called as ``network(numeric, categorical)``.
    """
    front = TabularInput(configuration, input_spec)
    return TabularNetwork(front, make_head(input_spec.n_members, front.width, output_spec))
