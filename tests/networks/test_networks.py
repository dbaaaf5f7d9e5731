"""Every network family: shapes, odd inputs, and what its configuration says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from autonas.networks import NETWORKS, InputSpec, OutputSpec, mlp
from autonas.presets import load_preset
from autonas.spaces import narrow, values

SPACE = load_preset("tabular").space()
CLASSES = OutputSpec("classification", 3, (0.5, -1.0, 0.0))


def spec_of(n_numeric, cardinalities, seed=0):
    quantiles = np.sort(np.random.default_rng(seed).normal(size=(33, n_numeric)).astype(np.float32), axis=0)
    return InputSpec(n_numeric, cardinalities, quantiles)


def build(configuration, spec, output=CLASSES):
    family = configuration["network"]
    own = {name.removeprefix(f"{family}:"): value for name, value in configuration.items()}
    return NETWORKS[family](own, spec, output)


def batch(spec, n=5):
    codes = [torch.randint(0, c, (n, 1)) for c in spec.cardinalities]
    return torch.randn(n, spec.n_numeric), torch.cat(codes, 1) if codes else torch.zeros((n, 0), dtype=torch.long)


@pytest.mark.parametrize("network", NETWORKS)
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_numeric=st.integers(0, 4),
    cardinalities=st.lists(st.integers(1, 40), max_size=3),
)
def test_shapes_of_every_configuration(network, seed, n_numeric, cardinalities):
    if n_numeric + len(cardinalities) == 0:
        n_numeric = 1
    space = narrow(SPACE, {"network": network})
    space.seed(seed)
    spec = spec_of(n_numeric, tuple(cardinalities))
    net = build(values(space.sample_configuration()), spec)
    out = net(*batch(spec))
    assert out.shape == (5, 3)
    out.sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize("network", NETWORKS)
def test_starts_from_the_bias(network):
    """Before training every row gets the classes' shares."""
    configuration = values(narrow(SPACE, {"network": network}).get_default_configuration())
    spec = spec_of(3, (4,))
    out = build(configuration, spec).eval()(*batch(spec))
    torch.testing.assert_close(out, torch.tensor(CLASSES.bias).expand(5, 3))


@pytest.mark.parametrize("kind", ["piecewise_linear", "periodic"])
def test_columns_of_equal_values_can_be_embedded(kind):
    """Quantiles that coincide (constants, zeros and ones) make bins all the same."""
    configuration = values(narrow(SPACE, {"numeric_embedding": kind}).get_default_configuration())
    quantiles = np.stack([np.zeros(33), np.repeat([0, 1], [30, 3]), np.linspace(0, 1, 33)], axis=1)
    spec = InputSpec(3, (), quantiles.astype(np.float32))
    assert torch.isfinite(build(configuration, spec)(*batch(spec))).all()


def test_one_hot_and_embedded_columns():
    spec = spec_of(2, (4, 40))
    configuration = values(
        narrow(
            SPACE,
            {
                "category_encoding": "one_hot",
                "one_hot_max_categories": 10,
                "embedding_size": 8,
                "numeric_embedding": "none",
            },
        ).get_default_configuration()
    )
    front = build(configuration, spec).front
    assert front.width == 2 + 4 + 8
    numeric, categorical = torch.zeros(1, 2), torch.tensor([[3, 0]])
    assert front(numeric, categorical)[0, 2:6].tolist() == [0, 0, 0, 1]


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
    configuration = values(narrow(SPACE, {"mlp:skip": True, "numeric_embedding": "none"}).get_default_configuration())
    net = build(configuration, spec_of(256, ()))
    shortcuts = [m.shortcut for m in net.modules() if hasattr(m, "shortcut")]
    assert [type(s) for s in shortcuts] == [nn.Identity, nn.Linear, nn.Linear]
