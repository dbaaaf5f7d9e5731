"""RealMLP: a plain multi-layer perceptron with a tuned bag of tricks, after Holzmüller et al. 2024."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.blocks import make_head
from autonas.networks.inputs import TabularInput, TabularNetwork
from autonas.networks.layers import Dropout, Linear, ParametricActivation, Scale
from autonas.networks.specs import InputSpec, OutputSpec, stackable

__all__ = ["build"]


@stackable
def build(configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/realmlp.yaml``.

    A factor for each input, then layers of equal width in the neural tangent parametrization, each with an activation
    that may be parametric, and dropout (Holzmüller, Grinsztajn, Steinwart 2024, "Better by Default: Strong Pre-Tuned
    MLPs and Boosted Trees on Tabular Data", section 3). Its other tricks are hyperparameters that all families share:
    robust scaling with smooth clipping, periodic embeddings, label smoothing, the schedules.

    Unlike the paper's, biases start from a normal distribution, not from the data, and the output layer starts from
    zero weights: both as in the paper's simplified variant RealMLP-TD-S.

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
    n_members, width = input_spec.n_members, int(configuration["width"])
    front = TabularInput(configuration, input_spec)
    layers: list[nn.Module] = [Scale(n_members, front.width)] if configuration["feature_scaling"] else []
    n_in = front.width
    for _ in range(int(configuration["n_layers"])):
        activation = ACTIVATIONS[configuration["activation"]]()
        if configuration["parametric_activation"]:
            activation = ParametricActivation(n_members, width, activation)
        layers += [Linear(n_members, n_in, width, ntk=True), activation, Dropout(configuration["dropout"])]
        n_in = width
    return TabularNetwork(front, nn.Sequential(*layers, make_head(n_members, n_in, output_spec, ntk=True)))
