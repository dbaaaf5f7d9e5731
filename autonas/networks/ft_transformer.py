"""FT-Transformer: attention between the columns of a row, after Gorishniy et al. 2021."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.networks.blocks import make_head
from autonas.networks.inputs import TabularInput, make_numeric_embedding
from autonas.networks.layers import Dropout, Embedding, LayerNorm, Linear, make_parameter
from autonas.networks.specs import InputSpec, OutputSpec, stackable

__all__ = ["MAX_TOKENS", "FTTransformer", "build"]

#: Tables of more columns are mixed into this many tokens: attention's cost grows with the square of their number.
MAX_TOKENS = 64


@stackable
def build(configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> nn.Module:
    """Build the network of a configuration of ``search_spaces/ft_transformer.yaml``.

    Each column of a row becomes a vector, its token: a number times a learnt vector, or, with ``numeric_embedding``,
    that embedding with the token's width; a category's learnt vector. Blocks of attention and of a gated feed-forward
    layer, with normalization first, mix the tokens with one more, whose last state gives the output (Gorishniy et al.
    2021, "Revisiting Deep Learning Models for Tabular Data", section 3.3 and appendix E). The encodings of the
    preprocessing other than ``numeric_embedding`` do not matter here.

    A table of more than 64 columns is encoded as for the other families instead, and a learnt linear map makes 64
    numbers of it, which then become tokens: attention between hundreds of columns would take minutes an epoch on a CPU.

    Parameters
    ----------
    configuration : mapping
        Values of the family's hyperparameters and of the preprocessing's.
    input_spec, output_spec : InputSpec, OutputSpec
        What goes in and what comes out.

    Returns
    -------
    nn.Module
        Stacked, called as ``network(numeric, categorical)``.
    """
    return FTTransformer(configuration, input_spec, output_spec)


class FTTransformer(nn.Module):
    """Tokens, blocks, and an output layer on the first token; see :func:`build`."""

    def __init__(self, configuration: Mapping[str, Any], input_spec: InputSpec, output_spec: OutputSpec) -> None:
        super().__init__()
        n_members, width, n_blocks = input_spec.n_members, int(configuration["width"]), int(configuration["n_blocks"])
        wide = input_spec.n_numeric + len(input_spec.cardinalities) > MAX_TOKENS
        self.tokens = (_MixedTokens if wide else _ColumnTokens)(configuration, input_spec, width)
        self.summary = make_parameter(_uniform(width, n_members, 1, 1, width))
        self.blocks = nn.Sequential(
            *(_Block(configuration, n_members, first=i == 0, last=i == n_blocks - 1) for i in range(n_blocks))
        )
        self.head = nn.Sequential(LayerNorm(n_members, width), nn.ReLU(), make_head(n_members, width, output_spec))

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        """Compute the outputs of a batch."""
        tokens = self.tokens(numeric, categorical)
        summary = self.summary.expand(-1, numeric.shape[1], -1, -1)
        out: torch.Tensor = self.head(self.blocks(torch.cat([summary, *tokens], dim=2))[:, :, 0])
        return out


class _NumberTokens(nn.Module):
    """Each number times a vector of its own, and a bias: (n_members, batch, n) becomes (n_members, batch, n, width)."""

    def __init__(self, n_members: int, n: int, width: int) -> None:
        super().__init__()
        self.weight = make_parameter(_uniform(width, n_members, 1, n, width))
        self.bias = make_parameter(_uniform(width, n_members, 1, n, width), decays=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(self.bias, x.unsqueeze(3), self.weight)


class _ColumnTokens(nn.Module):
    """A token for each column."""

    def __init__(self, configuration: Mapping[str, Any], input_spec: InputSpec, width: int) -> None:
        super().__init__()
        n_members, self.width = input_spec.n_members, width
        self.embedding = make_numeric_embedding({**configuration, "numeric_embedding_size": width}, input_spec)
        self.numbers = None
        if self.embedding is None and input_spec.n_numeric:
            self.numbers = _NumberTokens(n_members, input_spec.n_numeric, width)
        self.categories = None
        if input_spec.cardinalities:
            # As spread out as the uniform start of the numbers' vectors.
            self.categories = Embedding(n_members, list(input_spec.cardinalities), width, std=1 / math.sqrt(3 * width))

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> list[torch.Tensor]:
        parts = []
        if self.embedding is not None:
            parts.append(self.embedding(numeric).view(*numeric.shape, self.width))
        if self.numbers is not None:
            parts.append(self.numbers(numeric))
        if self.categories is not None:
            parts.append(self.categories(categorical))
        return parts


class _MixedTokens(nn.Module):
    """Tokens of linear combinations of the encoded columns."""

    def __init__(self, configuration: Mapping[str, Any], input_spec: InputSpec, width: int) -> None:
        super().__init__()
        self.front = TabularInput(configuration, input_spec)
        self.mix = Linear(input_spec.n_members, self.front.width, MAX_TOKENS, bias=False)
        self.numbers = _NumberTokens(input_spec.n_members, MAX_TOKENS, width)

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> list[torch.Tensor]:
        return [self.numbers(self.mix(self.front(numeric, categorical)))]


class _Attention(nn.Module):
    """Attention of some tokens to all tokens of a row, in several heads.

    Dropout strikes a token for all that attend to it at once, in each head by itself: the weights on it are dropped.
    So the weights need not be kept, which for a batch of wide rows would take gigabytes.
    """

    def __init__(self, n_members: int, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = Linear(n_members, width, width)
        self.key, self.value = Linear(n_members, width, width), Linear(n_members, width, width)
        self.out = Linear(n_members, width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor, n_queries: int) -> torch.Tensor:
        query = self._heads(self.query(x[:, :, :n_queries]))
        key, value = self._heads(self.key(x)), self._heads(self.value(x))
        if self.training and self.dropout.p > 0:
            value = value * self.dropout(value.new_ones(*value.shape[:3], 1))
        attended = F.scaled_dot_product_attention(query, key, value)
        out: torch.Tensor = self.out(attended.transpose(1, 2).reshape(*x.shape[:2], n_queries, -1))
        return out

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        """(n_members, batch, tokens, width) becomes (n_members * batch, heads, tokens, width / heads)."""
        return x.reshape(x.shape[0] * x.shape[1], x.shape[2], self.n_heads, -1).transpose(1, 2)


class _Block(nn.Module):
    """Attention and a feed-forward layer, each around a shortcut; the last block gives the first token only.

    The first block does not normalize its input (appendix E).
    """

    def __init__(self, configuration: Mapping[str, Any], n_members: int, *, first: bool, last: bool) -> None:
        super().__init__()
        c, width = configuration, int(configuration["width"])
        hidden = max(1, round(width * c["ffn_factor"]))
        self.last = last
        self.attention_norm = nn.Identity() if first else LayerNorm(n_members, width)
        self.attention = _Attention(n_members, width, int(c["n_heads"]), c["attention_dropout"])
        self.attention_dropout = Dropout(c["residual_dropout"])
        self.feed_forward = nn.Sequential(
            LayerNorm(n_members, width),
            Linear(n_members, width, 2 * hidden),
            _ReGLU(),
            Dropout(c["ffn_dropout"]),
            Linear(n_members, hidden, width),
            Dropout(c["residual_dropout"]),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = 1 if self.last else x.shape[2]
        x = x[:, :, :n] + self.attention_dropout(self.attention(self.attention_norm(x), n))
        out: torch.Tensor = x + self.feed_forward(x)
        return out


class _ReGLU(nn.Module):
    """One half of the units is the gate of the other."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = x.chunk(2, dim=-1)
        return value * gate.relu()


def _uniform(width: int, *shape: int) -> torch.Tensor:
    bound = 1 / math.sqrt(width)
    return torch.empty(shape).uniform_(-bound, bound)
