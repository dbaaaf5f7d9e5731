"""The widths of a multi-layer perceptron, and its shortcuts."""

from __future__ import annotations

import pytest
from torch import nn

from autonas.networks import mlp
from autonas.networks.blocks import Residual
from autonas.networks.layers import Linear
from tests.networks.samples import build, configuration_of, spec_of


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"shape": "funnel", "n_layers": 3, "max_width": 256}, [256, 172, 88]),
        ({"shape": "funnel", "n_layers": 1, "max_width": 32}, [32]),
        ({"shape": "funnel", "n_layers": 4, "max_width": 40}, [40, 31, 22, 13]),
        ({"shape": "free", "n_layers": 2, "width_1": 64, "width_2": 17}, [64, 17]),
    ],
)
def test_widths_of_an_mlp(configuration, expected):
    assert mlp.widths(configuration, 3) == expected


def test_skip_projects_where_widths_differ():
    net = build(configuration_of("mlp", skip=True, numeric_embedding="none"), spec_of(256))
    shortcuts = [m.shortcut for m in net.modules() if isinstance(m, Residual)]
    assert [type(s) for s in shortcuts] == [nn.Identity, Linear, Linear]
