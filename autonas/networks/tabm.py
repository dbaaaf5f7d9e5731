"""TabM: one network that holds many opinions, after Gorishniy et al. 2025."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.inputs import TabularInput, TabularNetwork
from autonas.networks.layers import Dropout, Linear, make_parameter
from autonas.networks.specs import InputSpec, OutputSpec, stackable

__all__ = ["EnsembleLinear", "ScaledLinear", "build"]


@stackable
def build(configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/tabm.yaml``.

    An ensemble of multi-layer perceptrons (Gorishniy, Kotelnikov, Babenko 2025, "TabM: Advancing Tabular Deep Learning
    with Parameter-Efficient Ensembling", sections 3.3 and 3.4). In the variant "tabm" they share the weights of their
    hidden layers, and each has for each layer a factor for each input and for each output, and a bias, of its own; in
    "tabm_mini" only a factor for each column; in "packed" they share nothing. The output layers are always separate.

    The factors of the first layer start at random, one for each column: normal where numbers are embedded, else
    1 or -1. All other factors start at 1. The output layers start from zero weights, as in all families.

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters and of the preprocessing's.
    input_spec, output_spec : InputSpec, OutputSpec
        What goes in and what comes out.

    Returns
    -------
    nn.Module
        Stacked, called as ``network(numeric, categorical)``. In training it returns each opinion; in evaluation their
        mean, which for classes is the logarithm of the mean probability.
    """
    n_members, k, width = input_spec.n_members, int(configuration["k"]), int(configuration["width"])
    front = TabularInput(configuration, input_spec)
    variant = configuration["variant"]
    layers: list[nn.Module] = [_Spread()]
    if variant == "tabm_mini":
        layers = [_Factors(_starts(n_members, k, front))]
    n_in = front.width
    for i in range(int(configuration["n_layers"])):
        if variant == "tabm":
            layers.append(ScaledLinear(n_members, k, n_in, width, _starts(n_members, k, front) if i == 0 else None))
        elif variant == "tabm_mini":
            layers.append(Linear(n_members, n_in, width))
        else:
            layers.append(EnsembleLinear(n_members, k, n_in, width))
        layers += [ACTIVATIONS[configuration["activation"]](), Dropout(configuration["dropout"])]
        n_in = width
    head = EnsembleLinear(n_members, k, n_in, output_spec.n_outputs)
    nn.init.zeros_(head.weight)
    with torch.no_grad():
        head.bias.copy_(torch.tensor(output_spec.bias))
    return TabularNetwork(front, nn.Sequential(*layers, head, _Verdict(output_spec.task == "classification")))


class ScaledLinear(nn.Module):
    """Linear layers that share their weights but for a factor for each input and each output (BatchEnsemble).

    Parameters
    ----------
    n_members, k : int
        Members, and opinions of each.
    n_in, n_out : int
        The input has the shape (n_members, k, batch, n_in), or 1 for ``k`` where all opinions see the same; the output
        (n_members, k, batch, n_out).
    starts : Tensor of shape (n_members, k, 1, n_in), optional
        The inputs' factors at first; 1 where not given.
    """

    def __init__(self, n_members: int, k: int, n_in: int, n_out: int, starts: torch.Tensor | None = None) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = make_parameter(torch.empty(n_members, n_in, n_out).uniform_(-bound, bound))
        first = torch.ones(n_members, k, 1, n_in) if starts is None else starts
        self.input_factors = make_parameter(first, decays=False)
        self.output_factors = make_parameter(torch.ones(n_members, k, 1, n_out), decays=False)
        # The opinions' biases are the same at first.
        bias = torch.empty(n_members, 1, 1, n_out).uniform_(-bound, bound)
        self.bias = make_parameter(bias.repeat(1, k, 1, 1), decays=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = x * self.input_factors
        out = torch.bmm(scaled.flatten(1, 2), self.weight).view(*scaled.shape[:3], -1)
        return torch.addcmul(self.bias, out, self.output_factors)


class EnsembleLinear(nn.Module):
    """Linear layers, one an opinion of a member.

    Parameters
    ----------
    n_members, k : int
        Members, and opinions of each.
    n_in, n_out : int
        The input has the shape (n_members, k, batch, n_in), or 1 for ``k`` where all opinions see the same; the output
        (n_members, k, batch, n_out).
    """

    def __init__(self, n_members: int, k: int, n_in: int, n_out: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = make_parameter(torch.empty(n_members, k, n_in, n_out).uniform_(-bound, bound))
        self.bias = make_parameter(torch.empty(n_members, k, 1, n_out).uniform_(-bound, bound), decays=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.expand(-1, self.weight.shape[1], -1, -1)
        out = torch.baddbmm(self.bias.flatten(0, 1), x.flatten(0, 1), self.weight.flatten(0, 1))
        return out.view(*x.shape[:3], -1)


class _Spread(nn.Module):
    """The same input for all opinions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unsqueeze(1)


class _Factors(nn.Module):
    """Each opinion's own factor for each input."""

    def __init__(self, starts: torch.Tensor) -> None:
        super().__init__()
        self.weight = make_parameter(starts, decays=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unsqueeze(1) * self.weight


class _Verdict(nn.Module):
    """In training all opinions, in evaluation their mean."""

    def __init__(self, classification: bool) -> None:
        super().__init__()
        self.classification = classification

    def forward(self, opinions: torch.Tensor) -> torch.Tensor:
        if self.training:
            return opinions
        if self.classification:
            return F.log_softmax(opinions, dim=-1).logsumexp(dim=1) - math.log(opinions.shape[1])
        return opinions.mean(dim=1)


def _starts(n_members: int, k: int, front: TabularInput) -> torch.Tensor:
    """Draw the factors of the first layer: one for all numbers that come from the same column."""
    widths: Sequence[int] = front.column_widths
    draws = torch.randn(n_members, k, 1, len(widths))
    if front.numeric is None:
        draws = draws.sign()
    return draws.repeat_interleave(torch.tensor(widths), dim=-1)
