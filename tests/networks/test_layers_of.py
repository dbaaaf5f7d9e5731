"""The layers that people are shown are those that the network has."""

from __future__ import annotations

import functools

import pytest
import torch
from sklearn.datasets import load_iris

from autonas import NETWORKS, AutoNASClassifier
from autonas.networks.layers_of import Layer, layers_of
from autonas.plots import plot_network

QUICK = {"time_limit": None, "n_trials": 1, "max_epochs": 1, "portfolio": None, "random_state": 0}


@functools.cache
def train(family):
    space = family if family == "mlp_cell" else {"network": [family]}
    clf = AutoNASClassifier(**QUICK, search_space=space).fit(*load_iris(return_X_y=True))
    (trained,) = clf._fitted.ensemble.members[0].networks
    return trained


def layers(family, most=16):
    trained = train(family)
    n, spec = len(trained.scales), trained.preprocessor.input_spec
    inputs = [torch.zeros(n, 7, spec.n_numeric), torch.zeros(n, 7, 0, dtype=torch.int64)]
    n_parameters = sum(p.numel() for p in trained.network.parameters()) // n
    return layers_of(trained.network, inputs, n, most), n_parameters


@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize("most", [16, 4])
def test_all_parameters_are_in_some_layer(family, most):
    found, n_parameters = layers(family, most)
    assert found[-1].shape == ((3,) if family != "tabm" else (16, 3)) or found[-1].shape[-1] == 3
    told = sum(layer.times * layer.n_parameters for layer in found)
    # FT-Transformer's first token belongs to no layer.
    assert 0.99 * n_parameters <= told <= n_parameters
    assert len(found) <= max(most, 4)


def test_the_layers_of_an_mlp():
    found, _ = layers("linear")
    assert found == [Layer("PiecewiseLinearEmbedding", (48,), 2112), Layer("Linear", (3,), 147)]


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="layers is empty"):
        plot_network([])
