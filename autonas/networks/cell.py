"""The cells of DARTS and NASNet: normal and reduction cell, each node with two inputs and an operation on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from autonas.networks.cells import Cell, CellSpace, Edge, Factory, MakeOperation, of_cells
from autonas.networks.images import ImageHead, ImageInput
from autonas.networks.operations import DARTS_OPERATIONS, FactorizedReduce, ReluConvNorm, make
from autonas.networks.specs import ImageSpec, OutputSpec, reproducible

__all__ = ["SPACE", "build"]


class _CellNetwork(nn.Module):
    """Cells in a chain, each of which reads the outputs of the two before it."""

    def __init__(
        self,
        configuration: Mapping[str, Any],
        input_spec: ImageSpec,
        output_spec: OutputSpec,
        make_operation: MakeOperation,
    ) -> None:
        super().__init__()
        width, n_cells = int(configuration["channels"]), int(configuration["n_cells"])
        n_stem, stride = 3 * width, 2 if configuration["stem"] == "strided" else 1
        size = -(-min(input_spec.height, input_spec.width) // stride)
        self.stem = nn.Sequential(
            ImageInput(input_spec),
            nn.Conv2d(input_spec.channels, n_stem, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(n_stem),
        )
        # A third and two thirds of the way (Liu et al. 2019, section 3.1).
        reductions = {n_cells // 3, 2 * n_cells // 3} if n_cells > 2 else {n_cells - 1}
        self.left, self.right, self.cells = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before, last, shrunk = n_stem, n_stem, False
        for number in range(n_cells):
            reduces = number in reductions and size >= 4
            if reduces:
                width, size = 2 * width, -(-size // 2)
            # The older input may have twice the resolution.
            self.left.append(FactorizedReduce(before, width) if shrunk else ReluConvNorm(before, width, 1))
            self.right.append(ReluConvNorm(last, width, 1))
            self.cells.append(_make_cell(width, make_operation, reduces=reduces))
            before, last, shrunk = last, width * SPACE.n_nodes, reduces
        self.head = ImageHead(last, output_spec, configuration["dropout"])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        before = last = self.stem(images)
        for left, right, cell in zip(self.left, self.right, self.cells, strict=True):
            before, last = last, cell(left(before), right(last))
        out: torch.Tensor = self.head(last)
        return out


def _make_cell(width: int, make_operation: MakeOperation, *, reduces: bool) -> Cell:
    def factory(edge: Edge) -> Factory:
        stride = 2 if reduces and edge.source < SPACE.n_inputs else 1
        return Factory(lambda name, n, affine: make(name, n, stride, affine=affine), width, stride)

    return Cell(SPACE, "reduction" if reduces else "normal", factory, make_operation, concatenate=True)


SPACE = CellSpace(
    "cell", _CellNetwork, DARTS_OPERATIONS, cells=("normal", "reduction"), n_inputs=2, n_nodes=4, n_kept=2
)


@of_cells(SPACE)
@reproducible
def build(configuration: Mapping[str, Any], input_spec: ImageSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/cell.yaml``.

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters.
    input_spec, output_spec : ImageSpec, OutputSpec
        What goes in and what comes out.

    Returns
    -------
    nn.Module
        Called as ``network(images)``.
    """
    return SPACE.build(configuration, input_spec, output_spec)
