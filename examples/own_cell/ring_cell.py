"""What a cell is, and how a network is made of cells."""

from torch import nn

from autonas.networks.cells import Cell, CellSpace, Factory, of_cells
from autonas.networks.images import ImageHead, ImageInput
from autonas.networks.operations import Zero
from autonas.networks.specs import reproducible


class Cross(nn.Module):
    """A row of pixels, plus a column of pixels."""

    def __init__(self, width, affine):
        super().__init__()
        self.row = nn.Conv2d(width, width, (1, 5), padding=(0, 2), bias=False)
        self.column = nn.Conv2d(width, width, (5, 1), padding=(2, 0), bias=False)
        self.normalization = nn.BatchNorm2d(width, affine=affine)

    def forward(self, x):
        return self.normalization(self.row(x.relu()) + self.column(x.relu()))


def make(name, width, affine):
    """Make an operation that keeps the number of channels and the resolution."""
    if name == "none":
        return Zero(1)
    if name == "skip_connect":
        return nn.Identity()
    if name == "cross":
        return Cross(width, affine)
    conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(width, affine=affine))


def assemble(configuration, input_spec, output_spec, make_operation):
    """Build the network; `make_operation(edge, factory)` decides what stands on an edge."""
    width, n_cells = configuration["channels"], configuration["n_cells"]
    layers = [ImageInput(input_spec), nn.Conv2d(input_spec.channels, width, 3, padding=1), nn.BatchNorm2d(width)]
    for number in range(n_cells):
        if number == n_cells // 2:
            layers.append(nn.AvgPool2d(2, ceil_mode=True))
        layers.append(Cell(SPACE, "cell", lambda _: Factory(make, width), make_operation))
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), ImageHead(width, output_spec))


SPACE = CellSpace("ring_cell", assemble, operations=("none", "skip_connect", "conv", "cross"), n_nodes=2)


@of_cells(SPACE)
@reproducible
def build(configuration, input_spec, output_spec):
    """Build the network of a configuration."""
    return SPACE.build(configuration, input_spec, output_spec)
