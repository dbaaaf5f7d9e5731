"""Parameters and multiply-adds of a configuration, against counts by hand and against the built networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from autonas.networks import IMAGE_NETWORKS, NETWORKS, ImageSpec
from autonas.networks.describe import NetworkSize, describe_network
from autonas.presets import load_preset
from autonas.spaces import compose, load_family, load_space, narrow, values
from tests.networks.samples import CLASSES, NUMBERS, build, spec_of

IMAGES = ImageSpec(3, 28, 28, (0.0,) * 3, (1.0,) * 3)


def default_of(network):
    return {"network": network, **values(load_space(network).get_default_configuration())}


@pytest.mark.parametrize("network", NETWORKS)
def test_tables(network):
    configuration, spec = {**default_of(network), "numeric_embedding": "none"}, spec_of(5, (4,))
    size = describe_network(configuration, spec, NUMBERS)
    assert size.n_parameters == sum(p.numel() for p in build(configuration, spec, NUMBERS).parameters())
    assert size.multiply_adds > 0
    assert describe_network(configuration, spec_of(5, (4,), n_members=3), NUMBERS) == size


@pytest.mark.parametrize("network", IMAGE_NETWORKS)
def test_images(network):
    size = describe_network(default_of(network), IMAGES, CLASSES)
    net = IMAGE_NETWORKS[network](default_of(network), IMAGES, CLASSES)
    assert size.n_parameters == sum(p.numel() for p in net.parameters())
    # A convolution uses its weights once for each pixel.
    assert size.multiply_adds > size.n_parameters


def test_a_chain_by_hand():
    choices = {"n_layers": 2, "stem_width": 8, "type_1": "conv", "width_1": 10, "kernel_1": 5, "stride_1": 2}
    size = describe_network({**default_of("chain_cnn"), **choices, "type_2": "avg_pool"}, IMAGES, CLASSES)
    weights = 27 * 8, 25 * 8 * 20, 20 * 3
    assert size.n_parameters == sum(weights) + 2 * (8 + 20) + 3
    assert size.multiply_adds == 28 * 28 * weights[0] + 14 * 14 * weights[1] + weights[2]


def test_a_configuration_of_a_composed_space():
    space = compose([load_space("training")], [load_family("chain_cnn"), load_family("mobile")])
    for network in ("chain_cnn", "mobile"):
        configuration = narrow(space, {"network": network}).get_default_configuration()
        assert describe_network(configuration, IMAGES, CLASSES) == describe_network(
            default_of(network), IMAGES, CLASSES
        )


def test_a_preset_s_configuration():
    configuration = load_preset("tabular").space().get_default_configuration()
    assert describe_network(configuration, spec_of(5, (4,)), CLASSES).n_parameters > 0


class OfTables(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(4, width)
        self.frozen = nn.Parameter(torch.zeros(7), requires_grad=False)

    def forward(self, numeric, categorical):
        return self.layer(torch.cat([numeric, categorical.float()], 1))


def test_families_of_ones_own():
    def build_own(configuration, input_spec, output_spec):
        return OfTables(configuration["width"])

    configuration = {"network": "own", "own:width": 6}
    assert describe_network(configuration, spec_of(3, (4,)), NUMBERS, build_own) == NetworkSize(30, 24)

    def build_for_images(configuration, input_spec, output_spec):
        return nn.Sequential(nn.Conv2d(input_spec.channels, configuration["width"], 28), nn.Flatten())

    n_weights = 28 * 28 * 3 * 6
    assert describe_network(configuration, IMAGES, NUMBERS, build_for_images) == NetworkSize(n_weights + 6, n_weights)


def test_global_random_numbers_are_left_alone():
    before = torch.get_rng_state()
    describe_network(default_of("chain_cnn"), IMAGES, CLASSES)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("configuration", "spec", "message"),
    [
        ({"network": "chain_cn"}, IMAGES, "images 'chain_cn'; did you mean 'chain_cnn'"),
        ({"network": "chain_cnn"}, spec_of(3), "Unknown network family for tables 'chain_cnn'"),
        ({}, IMAGES, "'network'"),
        ({"network": "chain_cnn"}, IMAGES, "no value for 'activation', which the family 'chain_cnn' reads"),
    ],
)
def test_wrong_configurations(configuration, spec, message):
    with pytest.raises(ValueError, match=message):
        describe_network(configuration, spec, CLASSES)
