"""FT-Transformer: its blocks against the textbook's attention, its tokens, and wide tables."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from autonas.networks.cost import multiply_adds
from autonas.networks.ft_transformer import MAX_TOKENS
from autonas.networks.noise import Noise
from tests.networks.samples import batch_of, build, configuration_of, spec_of, stir


def textbook(network, m, tokens, n_heads):
    """All tokens through all blocks, attention written out; then the output of the first."""

    def linear(layer, x):
        return x @ layer.weight[m] + layer.bias[m, 0]

    def norm(layer, x):
        return F.layer_norm(x, x.shape[-1:]) * layer.weight[m, 0] + layer.bias[m, 0]

    x = tokens
    for i, block in enumerate(network.blocks):
        y = norm(block.attention_norm, x) if i else x
        query, key, value = (
            linear(layer, y).unflatten(-1, (n_heads, -1)).transpose(1, 2)
            for layer in (block.attention.query, block.attention.key, block.attention.value)
        )
        weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1)
        x = x + linear(block.attention.out, (weights @ value).transpose(1, 2).flatten(2))
        first, second = block.feed_forward[1], block.feed_forward[4]
        a, b = linear(first, norm(block.feed_forward[0], x)).chunk(2, dim=-1)
        x = x + linear(second, a * b.relu())
    return linear(network.head[2], norm(network.head[0], x[:, 0]).relu())


@pytest.mark.parametrize("n_blocks", [1, 3])
@pytest.mark.parametrize("n_heads", [2, 8])
def test_blocks_are_those_of_the_textbook(n_blocks, n_heads):
    configuration = configuration_of("ft_transformer", n_blocks=n_blocks, n_heads=n_heads, width=32)
    spec = spec_of(3, (4, 40), n_members=2)
    network = stir(build(configuration, spec))
    inputs = batch_of(spec)
    out = network(*inputs)
    tokens = torch.cat([network.summary.expand(-1, 5, -1, -1), *network.tokens(*inputs)], dim=2)
    assert tokens.shape == (2, 5, 6, 32)
    for m in range(2):
        torch.testing.assert_close(out[m], textbook(network, m, tokens[m], n_heads), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["none", "piecewise_linear", "periodic"])
def test_a_column_is_a_token(kind):
    configuration = configuration_of("ft_transformer", width=16, numeric_embedding=kind)
    spec = spec_of(2, (4, 3))
    network = stir(build(configuration, spec))
    numeric, categorical = batch_of(spec)
    before = torch.cat(network.tokens(numeric, categorical), dim=2)
    assert before.shape == (1, 5, 4, 16)
    numeric[..., 1] += 1
    categorical[..., 0] = (categorical[..., 0] + 1) % 4
    changed = (torch.cat(network.tokens(numeric, categorical), dim=2) != before).any(-1)
    assert changed.tolist() == [[[False, True, True, False]] * 5]


def test_attention_drops_the_weights_on_whole_tokens():
    """Each head of each row drops tokens of its own, for all that attend to them."""
    network = stir(build(configuration_of("ft_transformer", n_blocks=1, n_heads=4, width=32), spec_of(3)))
    attention, x = network.blocks[0].attention, torch.randn(1, 50, 6, 32)
    attention.dropout.p = 0.5
    attention.dropout.noise = noise = FixedNoise()
    out = attention(x, 6)[0]
    assert noise.mask.shape == (50, 4, 6, 1)

    def heads(layer):
        return layer(x)[0].unflatten(-1, (4, -1)).transpose(1, 2)

    weights = (heads(attention.query) @ heads(attention.key).mT / math.sqrt(8)).softmax(-1) * noise.mask.mT
    expected = (weights @ heads(attention.value)).transpose(1, 2).flatten(2)
    torch.testing.assert_close(out, attention.out(expected[None])[0], rtol=1e-4, atol=1e-5)


class FixedNoise(Noise):
    """Remembers its mask."""

    def __init__(self):
        super().__init__((0,), torch.device("cpu"))

    def keep(self, like, p):
        self.mask = super().keep(like, p)
        return self.mask


def test_wide_tables_are_mixed_into_fewer_tokens():
    configuration = configuration_of("ft_transformer", numeric_embedding="none")
    costs = {}
    for n in (MAX_TOKENS, MAX_TOKENS + 1, 1000):
        spec = spec_of(n - 2, (4, 40), n_members=2)
        network = stir(build(configuration, spec))
        inputs = batch_of(spec)
        assert network(*inputs).shape == (2, 5, 3)
        assert torch.cat(network.tokens(*inputs), dim=2).shape == (2, 5, MAX_TOKENS, 64)
        costs[n] = multiply_adds(network, n - 2, 2, 2)
    assert costs[1000] < 1.2 * costs[MAX_TOKENS]


def test_every_column_of_a_wide_table_counts():
    spec = spec_of(100, (4,))
    network = stir(build(configuration_of("ft_transformer", numeric_embedding="none"), spec)).eval()
    numeric, categorical = batch_of(spec, 1)
    numeric.requires_grad_()
    network(numeric, categorical)[0, 0, 0].backward()
    assert (numeric.grad != 0).all()
