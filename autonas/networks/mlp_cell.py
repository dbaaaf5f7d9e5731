"""Cells for tables: four vectors, an operation on each of the six edges between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.blocks import Residual, make_head
from autonas.networks.cells import NONE, SKIP, Cell, CellSpace, Edge, Factory, MakeOperation, of_cells
from autonas.networks.inputs import TabularInput, TabularNetwork
from autonas.networks.layers import Dropout, LayerNorm, Linear
from autonas.networks.operations import Zero
from autonas.networks.specs import InputSpec, OutputSpec, stackable

__all__ = ["SPACE", "build"]


class _Gated(nn.Module):
    """A linear map times the sigmoid of another (Dauphin et al. 2017, section 2)."""

    def __init__(self, n_members: int, width: int) -> None:
        super().__init__()
        self.linear = Linear(n_members, width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.glu(self.linear(x), dim=-1)


def _narrow(n_members: int, width: int) -> nn.Module:
    """Make a bottleneck: a quarter of the units, and back."""
    inside = max(1, width // 4)
    return nn.Sequential(Linear(n_members, width, inside), nn.ReLU(), Linear(n_members, inside, width))


_OPERATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "linear": lambda n_members, width: Linear(n_members, width, width),
    "relu": lambda n_members, width: nn.Sequential(Linear(n_members, width, width), nn.ReLU()),
    "silu": lambda n_members, width: nn.Sequential(Linear(n_members, width, width), ACTIVATIONS["silu"]()),
    "gated": _Gated,
    "narrow": _narrow,
}


def _factory(n_members: int, width: int, dropout: float) -> Factory:
    def make(name: str, width: int, _affine: bool) -> nn.Module:
        if name == NONE:
            return Zero(1)
        if name == SKIP:
            return nn.Identity()
        return nn.Sequential(LayerNorm(n_members, width), _OPERATIONS[name](n_members, width), Dropout(dropout))

    return Factory(make, width, axis=-1)


def assemble(
    configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec, make_operation: MakeOperation
) -> nn.Module:
    """Build the network: the input's encoding, a linear layer, cells with a shortcut around each, the output.

    Parameters
    ----------
    configuration : mapping
        ``width``, ``n_cells``, ``dropout``, and the hyperparameters of the preprocessing.
    input_spec, output_spec : InputSpec, OutputSpec
        What goes in and what comes out.
    make_operation : callable
        Decides what stands on an edge.

    Returns
    -------
    nn.Module
        Stacked.
    """
    n_members, width = input_spec.n_members, int(configuration["width"])
    front = TabularInput(configuration, input_spec)

    def factory(_: Edge) -> Factory:
        return _factory(n_members, width, configuration["dropout"])

    layers: list[nn.Module] = [Linear(n_members, front.width, width)]
    layers += [
        Residual(Cell(SPACE, "cell", factory, make_operation), n_members, width, width)
        for _ in range(int(configuration["n_cells"]))
    ]
    layers += [LayerNorm(n_members, width), ACTIVATIONS["relu"](), make_head(n_members, width, output_spec)]
    return TabularNetwork(front, nn.Sequential(*layers))


SPACE = CellSpace("mlp_cell", assemble, (NONE, SKIP, *_OPERATIONS))


@of_cells(SPACE)
@stackable
def build(configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/mlp_cell.yaml``.

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
    return SPACE.build(configuration, input_spec, output_spec)
