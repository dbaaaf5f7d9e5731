"""Layers: dropout and its noise, normalization, embeddings, activations, the marks for the optimizer."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.layers import (
    BatchNorm,
    Dropout,
    Embedding,
    LayerNorm,
    Linear,
    ParametricActivation,
    Scale,
)
from autonas.networks.noise import Noise

CPU = torch.device("cpu")


def dropout_of(p, seed=0, factor=1.0):
    dropout = Dropout(p)
    dropout.noise = Noise((seed,), CPU, factor)
    return dropout


@settings(max_examples=25)
@given(p=st.floats(0.01, 0.9), factor=st.floats(0.1, 1.0), seed=st.integers(0, 2**32))
def test_dropout_drops_its_share_and_scales_the_rest(p, factor, seed):
    out = dropout_of(p, seed, factor)(torch.ones(2, 500, 100))
    rate = p * factor
    assert (out == 0).float().mean().item() == pytest.approx(rate, abs=6 * (rate / 1e5) ** 0.5)
    torch.testing.assert_close(out[out != 0], torch.full_like(out[out != 0], 1 / (1 - rate)))
    # No member, row or unit is spared or struck more than the others.
    for axes in ((1, 2), (0, 2), (0, 1)):
        shares = (out == 0).float().mean(axes)
        n = out.numel() / shares.numel()
        assert (shares - rate).abs().max().item() < 6 * (rate / n) ** 0.5 + 6 / n


def test_masks_are_a_function_of_the_seed():
    x = torch.ones(2, 30, 20)
    first, again, other = dropout_of(0.3, 1), dropout_of(0.3, 1), dropout_of(0.3, 2)
    a, b = [first(x) for _ in range(5)], [again(x) for _ in range(5)]
    assert all(torch.equal(u, v) for u, v in zip(a, b, strict=True))
    assert not torch.equal(a[0], a[1])
    assert not torch.equal(other(x), a[0])


def test_larger_inputs_and_several_rates_share_a_noise():
    noise = Noise((0,), CPU)
    for shape in [(1, 4, 8), (2, 300, 50), (1, 4, 8)]:
        for p in (0.1, 0.5):
            mask = noise.keep(torch.ones(shape), p)
            assert mask.shape == shape
            assert (mask == 0).any() or mask.numel() < 100
            torch.testing.assert_close(mask.max(), torch.tensor(1 / (1 - p)))


def test_no_dropout_where_there_is_none():
    x = torch.randn(1, 5, 3)
    assert torch.equal(dropout_of(0.0)(x), x)
    assert torch.equal(dropout_of(0.5, factor=0.0)(x), x)
    assert torch.equal(dropout_of(0.5).eval()(x), x)


def test_dropout_without_noise_uses_the_global_generator():
    x, dropout = torch.ones(1, 50, 30), Dropout(0.5)
    torch.manual_seed(3)
    first = dropout(x)
    torch.manual_seed(3)
    assert torch.equal(dropout(x), first)
    assert 0.4 < (first == 0).float().mean() < 0.6


def test_a_copy_of_a_dropout_has_no_noise():
    """Noise belongs to one training: a copied or loaded network does not take it along."""
    assert copy.deepcopy(dropout_of(0.5)).noise is None


def test_batch_norm_is_torchs_for_each_member():
    ours = BatchNorm(3, 4)
    references = [nn.BatchNorm1d(4) for _ in range(3)]
    with torch.no_grad():
        ours.weight.normal_()
        ours.bias.normal_()
        for m, reference in enumerate(references):
            reference.weight.copy_(ours.weight[m, 0])
            reference.bias.copy_(ours.bias[m, 0])
    for _ in range(3):
        x = 2 * torch.randn(3, 8, 4) + torch.arange(3).view(3, 1, 1)
        expected = torch.stack([reference(x[m]) for m, reference in enumerate(references)])
        torch.testing.assert_close(ours(x), expected)
    expected = torch.stack([reference.eval()(x[m]) for m, reference in enumerate(references)])
    torch.testing.assert_close(ours.eval()(x), expected)


@pytest.mark.parametrize("shape", [(3, 8, 4), (3, 8, 5, 4)])
def test_layer_norm_is_torchs_for_each_member(shape):
    ours, x = LayerNorm(3, 4), torch.randn(shape)
    with torch.no_grad():
        ours.weight.normal_()
        ours.bias.normal_()
    for m in range(3):
        torch.testing.assert_close(ours(x)[m], F.layer_norm(x[m], (4,), ours.weight[m, 0], ours.bias[m, 0]))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3, 8, 4), (3, 8, 5, 4)])
def test_linear_is_torchs_for_each_member(shape, bias):
    ours, x = Linear(3, 4, 6, bias=bias), torch.randn(shape)
    for m in range(3):
        expected = F.linear(x[m], ours.weight[m].T, ours.bias[m, 0] if bias else None)
        torch.testing.assert_close(ours(x)[m], expected)


def test_embedding_gives_each_code_of_each_column_a_vector():
    embedding = Embedding(2, [3, 1, 5], 4)
    codes = torch.tensor([[[0, 0, 0], [2, 0, 4]]]).repeat(2, 1, 1)
    out = embedding(codes)
    assert out.shape == (2, 2, 3, 4)
    for m in range(2):
        places = embedding.weight[m]
        torch.testing.assert_close(out[m, 0], places[[0, 3, 4]])
        torch.testing.assert_close(out[m, 1], places[[2, 3, 8]])


def test_parametric_activation_goes_from_linear_to_the_function():
    activation, x = ParametricActivation(2, 3, nn.ReLU()), torch.randn(2, 5, 3)
    torch.testing.assert_close(activation(x), x.relu())
    activation.weight.data[1] = 0
    torch.testing.assert_close(activation(x)[1], x[1])
    activation.weight.data[1] = 0.5
    torch.testing.assert_close(activation(x)[1], (x[1] + x[1].relu()) / 2)


REFERENCES = {"relu": F.relu, "silu": F.silu, "gelu": F.gelu, "mish": F.mish, "selu": F.selu, "tanh": torch.tanh}


@pytest.mark.parametrize("name", ACTIVATIONS)
@settings(max_examples=20)
@given(scale=st.sampled_from([1e-3, 1.0, 10.0, 1e3, 1e30]), seed=st.integers(0, 10**6))
def test_activations_are_torchs(name, scale, seed):
    """Values and slopes, near zero and far from it."""
    x = scale * torch.randn(200, generator=torch.Generator().manual_seed(seed))
    x = x[x.abs() > 1e-6]  # within rounding of a kink either slope is right
    ours, reference = x.clone().requires_grad_(), x.double().requires_grad_()
    out, expected = ACTIVATIONS[name]()(ours), REFERENCES[name](reference)
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=3e-6)
    out.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad.double(), reference.grad, rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_pass_on_what_is_not_finite(name):
    """A training that diverges must be seen to."""
    assert ACTIVATIONS[name]()(torch.tensor([float("nan"), 1.0])).isnan().tolist() == [True, False]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_leave_their_input_alone(name):
    x = torch.randn(2, 5, 3, requires_grad=True)
    before = x.detach().clone()
    ACTIVATIONS[name]()(x).sum().backward()
    assert torch.equal(x, before)


def test_neural_tangent_rates_shrink_with_the_width():
    narrow, wide = Linear(1, 64, 8, ntk=True), Linear(1, 1024, 8, ntk=True)
    ratio = narrow.weight.learning_rate_factor / wide.weight.learning_rate_factor
    assert ratio == pytest.approx(4)
    assert narrow.bias.learning_rate_factor == wide.bias.learning_rate_factor
    # A layer of 256 inputs learns at the configuration's rate, so that it means the same as elsewhere.
    assert Linear(1, 256, 8, ntk=True).weight.learning_rate_factor == pytest.approx(1)
    assert wide.weight.std().item() == pytest.approx(1024**-0.5, rel=0.05)


@pytest.mark.parametrize("layer", [Linear(1, 4, 3), Scale(1, 3), LayerNorm(1, 3), BatchNorm(1, 3)])
def test_only_weights_decay(layer):
    assert {name: p.decays for name, p in layer.named_parameters()} == {
        name: isinstance(layer, Linear) and name == "weight" for name, _ in layer.named_parameters()
    }
