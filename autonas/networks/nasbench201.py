"""The cells of NAS-Bench-201: four nodes, an operation on each of the six edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from autonas.networks.cells import Cell, CellSpace, Edge, Factory, Genotype, MakeOperation, of_cells
from autonas.networks.images import ImageHead, ImageInput
from autonas.networks.operations import NASBENCH201_OPERATIONS, ReluConvNorm, make
from autonas.networks.specs import ImageSpec, OutputSpec, reproducible

__all__ = ["SPACE", "build", "to_string"]


class _Residual(nn.Module):
    """Two convolutions and a shortcut; halves the resolution."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ReluConvNorm(n_in, n_out, 3, 2), ReluConvNorm(n_out, n_out, 3))
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False), nn.Conv2d(n_in, n_out, 1, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.body(x) + self.shortcut(x)
        return out


def assemble(
    configuration: Mapping[str, Any], input_spec: ImageSpec, output_spec: OutputSpec, make_operation: MakeOperation
) -> nn.Module:
    """Build the network: a stem, and three stages of cells with residual blocks between them.

    After Dong and Yang 2020, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", section
    2.1, where ``channels`` is 16, ``cells_per_stage`` 5 and the stem plain.

    Parameters
    ----------
    configuration : mapping
        ``channels``, ``cells_per_stage``, ``stem``, ``dropout``.
    input_spec, output_spec : ImageSpec, OutputSpec
        What goes in and what comes out.
    make_operation : callable
        Decides what stands on an edge.

    Returns
    -------
    nn.Module
    """
    width = int(configuration["channels"])
    layers: list[nn.Module] = [
        ImageInput(input_spec),
        nn.Conv2d(input_spec.channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
    ]
    size = min(input_spec.height, input_spec.width)
    if configuration["stem"] == "pooled" and size >= 16:
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
        size = -(-size // 2)
    for stage in range(3):
        if stage and size >= 4:  # a small image is not shrunk to nothing
            layers.append(_Residual(width, 2 * width))
            width, size = 2 * width, -(-size // 2)

        def factory(_: Edge, width: int = width) -> Factory:
            return Factory(lambda name, n, affine: make(name, n, 1, affine=affine), width)

        layers += [Cell(SPACE, "cell", factory, make_operation) for _ in range(int(configuration["cells_per_stage"]))]
    head = ImageHead(width, output_spec, configuration["dropout"])
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), head)


SPACE = CellSpace("nasbench201", assemble, NASBENCH201_OPERATIONS)


@of_cells(SPACE)
@reproducible
def build(configuration: Mapping[str, Any], input_spec: ImageSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/nasbench201.yaml``.

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


def to_string(genotype: Genotype) -> str:
    """Write a cell as NAS-Bench-201's tables name it.

    Parameters
    ----------
    genotype : mapping of Edge to str
        With an operation on each edge.

    Returns
    -------
    str

    Examples
    --------
    >>> to_string({edge: "none" for edge in SPACE.edges})
    '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'
    """
    nodes = [
        "".join(f"|{genotype[Edge('cell', source, target)]}~{source}" for source in range(target)) + "|"
        for target in SPACE.targets
    ]
    return "+".join(nodes)
