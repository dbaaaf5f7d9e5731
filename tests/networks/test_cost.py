"""The count of multiply-adds, against counts by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from autonas.networks import NETWORKS
from autonas.networks.cost import multiply_adds, saved_bytes, step_seconds
from autonas.training.stack import OfImages, Single
from tests.networks.samples import NUMBERS, build, configuration_of, spec_of


class Plain(nn.Module):
    """A network of a user's, on plain batches."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, numeric, categorical):
        assert numeric.shape[1:] == (5,)
        assert categorical.shape[1:] == (2,)
        return self.body(numeric)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3, bias=False)), 40 + 24),
        # A channel of five numbers: four filters of three.
        (nn.Sequential(nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 4, 3, padding=1)), 5 * 4 * 3),
        (nn.Sequential(nn.Unflatten(1, (1, 5)), nn.ConvTranspose1d(1, 4, 3)), 5 * 4 * 3),
        # Five tokens of width 1 to width 8: query, key, value and output; two heads of 4; 16 hidden units and back.
        (
            nn.Sequential(
                nn.Unflatten(1, (5, 1)),
                nn.Linear(1, 8),
                nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            ),
            5 * 8 + 5 * 4 * 64 + 2 * 2 * 5 * 5 * 4 + 5 * 2 * 8 * 16,
        ),
        (nn.Identity(), 0),
    ],
)
def test_plain_networks(body, expected):
    assert multiply_adds(Plain(body), 5, 2) == expected


def test_a_realmlp_by_hand():
    configuration = configuration_of("realmlp", n_layers=2, width=64, numeric_embedding="none")
    network = build(configuration, spec_of(5, (4,)), NUMBERS)
    assert multiply_adds(network, 5, 1, n_members=1) == 9 * 64 + 64 * 64 + 64


def test_images_by_hand():
    network = OfImages(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 6 * 4, 5)))
    assert multiply_adds(network, (3, 6, 4), 0) == 6 * 4 * 8 * 27 + 8 * 24 * 5
    assert saved_bytes(network, (3, 6, 4), (0,)) == 4 * (3 + 8) * 24
    assert multiply_adds(Single(network), (3, 6, 4), 0, 1) == multiply_adds(network, (3, 6, 4), 0)


def test_what_a_step_on_images_takes():
    shape = (4, 6, 4)
    depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
    dense = nn.Conv2d(4, 8, 1)
    network = Single(OfImages(nn.Sequential(depthwise, dense, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))))
    n_weights = sum(p.numel() for p in network.parameters())
    arithmetic = 6 * 2 * 32 * (24 * 8 * 4 + 8 * 2) * 1e-11 + 6 * 2 * 32 * 24 * 4 * 9 * 1.5e-10
    traffic = 2 * 32 * saved_bytes(network, shape, 0, 1) * 0.36e-9
    expected = 3e-3 + 2 * 2 * 0.27e-3 + arithmetic + traffic + 2 * n_weights * 6.7e-9
    assert step_seconds(network, shape, 0, n_members=2, n_rows=32) == pytest.approx(expected)


def test_what_is_kept_for_the_gradients():
    # The input of each layer once, however many operations use it; tanh keeps its output, relu shares it.
    body = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3))
    assert saved_bytes(Plain(body), 5, 2) == 4 * (5 + 8 + 6)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("count", [multiply_adds, saved_bytes])
def test_all_members_count(network, count):
    counts = []
    for n_members in (1, 3):
        net = build(configuration_of(network), spec_of(5, (4,), n_members))
        counts.append(count(net, 5, 1, n_members))
    assert counts[1] == pytest.approx(3 * counts[0], rel=0.01)
    assert counts[0] > 0


def test_the_network_is_left_as_it_was():
    body = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5).eval())
    before = {name: t.clone() for name, t in body.state_dict().items()}
    with torch.no_grad():
        multiply_adds(Plain(body), 5, 2)
        saved_bytes(Plain(body), 5, 2)
    assert [m.training for m in body] == [True, True, False]
    assert all(torch.equal(t, before[name]) for name, t in body.state_dict().items())
    assert all(p.grad is None for p in body.parameters())


def test_what_a_step_takes():
    configuration = configuration_of("realmlp", n_layers=2, width=64, numeric_embedding="none")
    network = build(configuration, spec_of(5, (4,)), NUMBERS)
    n_weights = sum(p.numel() for p in network.parameters())
    products = 6 * 3 * 256 * multiply_adds(network, 5, 1, 1) / 100e9
    traffic = 3 * 256 * saved_bytes(network, 5, 1, 1) * 0.7e-9
    expected = 0.7e-3 + products + traffic + 3 * n_weights * 2.2e-9
    assert step_seconds(network, 5, 1, n_members=3, n_rows=256) == pytest.approx(expected)
