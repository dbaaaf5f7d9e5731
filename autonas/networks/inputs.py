"""From a table's columns to one vector a row: the front that all tabular networks share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.networks.layers import Embedding, make_parameter
from autonas.networks.specs import InputSpec

__all__ = [
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "TabularInput",
    "TabularNetwork",
    "make_numeric_embedding",
]


#: Some units in the last place of float32, as a share.
_ROUNDING = 1e-6


class TabularInput(nn.Module):
    """Encode ``(numeric, categorical)`` as a vector of ``width`` numbers a row.

    Parameters
    ----------
    configuration : mapping
        ``category_encoding`` ("one_hot", "embedding"), ``one_hot_max_categories`` (columns with more categories are
        embedded all the same), ``embedding_size``; ``numeric_embedding`` ("none", "piecewise_linear", "periodic") with
        ``numeric_embedding_size``, ``n_bins``, ``n_frequencies``, ``frequency_scale``. A key that is absent has the
        value of the plainest choice, so that a user's own space need not know it.
    input_spec : InputSpec
        What the columns are.
    """

    _narrow: torch.Tensor
    _starts: torch.Tensor
    _wide: torch.Tensor

    def __init__(self, configuration: Mapping[str, Any], input_spec: InputSpec) -> None:
        super().__init__()
        n_members = input_spec.n_members
        self.numeric = make_numeric_embedding(configuration, input_spec)
        one_hot = configuration.get("category_encoding", "one_hot") == "one_hot"
        widest = int(configuration.get("one_hot_max_categories", 10)) if one_hot else 0
        narrow = [i for i, n in enumerate(input_spec.cardinalities) if n - 1 <= widest]
        wide = [i for i, n in enumerate(input_spec.cardinalities) if n - 1 > widest]
        one_hot_sizes = [input_spec.cardinalities[i] for i in narrow]
        starts = np.cumsum([0, *one_hot_sizes])
        self.one_hot_width = int(starts[-1])
        self.register_buffer("_narrow", torch.tensor(narrow, dtype=torch.long), persistent=False)
        self.register_buffer("_starts", torch.tensor(starts[:-1], dtype=torch.long), persistent=False)
        self.register_buffer("_wide", torch.tensor(wide, dtype=torch.long), persistent=False)
        self.embedding: Embedding | None = None
        # An embedding never needs more numbers than a column has categories.
        codes = [input_spec.cardinalities[i] for i in wide]
        size = min(int(configuration.get("embedding_size", 8)), max(codes, default=1))
        if wide:
            self.embedding = Embedding(n_members, codes, size)
        numeric_size = 1 if self.numeric is None else self.numeric.size
        #: How many of the output's numbers come from each column, in the output's order.
        self.column_widths = [numeric_size] * input_spec.n_numeric + one_hot_sizes + [size] * len(wide)
        self.width = sum(self.column_widths)

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        """Encode a batch.

        Parameters
        ----------
        numeric : Tensor of shape (n_members, batch, n_numeric)
        categorical : Tensor of shape (n_members, batch, n_categorical)
            Codes. Both may lack the first axis where there is one member; so does the output then.

        Returns
        -------
        Tensor of shape (n_members, batch, width)
        """
        if numeric.ndim == 2:
            single: torch.Tensor = self(numeric[None], categorical[None])[0]
            return single
        parts = []
        if numeric.shape[2]:
            parts.append(numeric if self.numeric is None else self.numeric(numeric))
        if self.one_hot_width:
            places = categorical.index_select(2, self._narrow) + self._starts
            zeros = numeric.new_zeros(*numeric.shape[:2], self.one_hot_width)
            parts.append(zeros.scatter_(2, places, 1.0))
        if self.embedding is not None:
            parts.append(self.embedding(categorical.index_select(2, self._wide)).flatten(2))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


class PiecewiseLinearEmbedding(nn.Module):
    """Numbers and their positions among quantiles, then a linear map of each column's own.

    Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning", section 3.2, in the form
    that TabM takes (Gorishniy et al. 2025, appendix D): what lies beyond the first or the last edge is extrapolated,
    and the weights of the positions start from 0, so that at first the embedding is linear in the number.

    Parameters
    ----------
    n_members : int
    edges : sequence of ndarray
        For each column the ascending edges of its bins, at least two.
    size : int
        Numbers a column: (n_members, batch, n_columns) becomes (n_members, batch, n_columns * size).

    Notes
    -----
    The positions of a number, (1, ..., 1, share of its bin, 0, ..., 0), times a matrix are a sum of the matrix's first
    rows and a share of the next: two rows of a table are looked up, so that many bins cost no more than few.
    """

    _inner: torch.Tensor
    _left: torch.Tensor
    _inverse: torch.Tensor
    _starts: torch.Tensor

    def __init__(self, n_members: int, edges: list[np.ndarray[Any, Any]], size: int) -> None:
        super().__init__()
        self.size = size
        n_columns, n_bins = len(edges), max(len(e) for e in edges) - 1
        # A column of fewer bins has some that are never met.
        inner = np.full((n_columns, n_bins - 1), np.inf, np.float32)
        left, inverse = np.zeros((2, n_columns, n_bins), np.float32)
        for j, e in enumerate(edges):
            inner[j, : len(e) - 2] = e[1:-1]
            left[j, : len(e) - 1] = e[:-1]
            inverse[j, : len(e) - 1] = 1 / np.diff(e)
        starts = np.arange(n_members * n_columns).reshape(n_members, 1, n_columns) * n_bins
        for name, values in (("inner", inner), ("left", left), ("inverse", inverse), ("starts", starts)):
            self.register_buffer(f"_{name}", torch.from_numpy(values), persistent=False)
        bound = 1 / math.sqrt(size)
        self.weight = make_parameter(torch.empty(n_members, 1, n_columns, size).uniform_(-bound, bound))
        self.bias = make_parameter(torch.empty(n_members, 1, n_columns, size).uniform_(-bound, bound), decays=False)
        self.bin_weight = make_parameter(torch.zeros(n_members, n_columns, n_bins, size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            columns = x.detach().permute(2, 0, 1).flatten(1).contiguous()
            bins = _bins(self._inner, columns)
            shares = (columns - self._left.gather(1, bins)) * self._inverse.gather(1, bins)
            places = bins.view(-1, *x.shape[:2]).permute(1, 2, 0) + self._starts
            shares = shares.view(-1, *x.shape[:2]).permute(1, 2, 0).unsqueeze(3)
        before = self.bin_weight.cumsum(2) - self.bin_weight
        table = torch.cat([before, self.bin_weight], dim=3).flatten(0, 2)
        base, slope = F.embedding(places, table).tensor_split(2, dim=3)
        out = torch.addcmul(self.bias, x.unsqueeze(3), self.weight) + torch.addcmul(base, shares, slope)
        return out.flatten(2)


def _bins(edges: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Count the edges of each column, (n_columns, n_edges), at or below each of its numbers, (n_columns, n)."""
    if torch.compiler.is_compiling():  # for an export: ONNX has no search in sorted numbers
        return (edges.unsqueeze(1) <= x.unsqueeze(2)).sum(2)
    return torch.searchsorted(edges, x, right=True)


class PeriodicEmbedding(nn.Module):
    """Numbers as cosines of learnt frequencies and phases, then a linear map of each column's own, beside the number.

    Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning", section 3.3, in the form of
    Holzmüller et al. 2024, "Better by Default", section 3 (PBLD: with phases ("bias"), linear, and the number itself).

    Parameters
    ----------
    n_members, n_columns : int
    size : int
        Numbers a column, the number itself among them, at least 2: (n_members, batch, n_columns) becomes (n_members,
        batch, n_columns * size).
    n_frequencies : int
    frequency_scale : float
        Standard deviation of the first frequencies, in cycles per unit.
    """

    def __init__(self, n_members: int, n_columns: int, size: int, n_frequencies: int, frequency_scale: float) -> None:
        super().__init__()
        self.size = size
        shape = (n_members, n_columns, 1, n_frequencies)
        frequencies = torch.randn(shape) * (2 * math.pi * frequency_scale)
        self.frequencies = make_parameter(frequencies)
        phases = torch.empty(shape).uniform_(-math.pi, math.pi)
        self.phases = make_parameter(phases, decays=False)
        bound = 1 / math.sqrt(n_frequencies)
        weight = torch.empty(n_members, n_columns, n_frequencies, size - 1).uniform_(-bound, bound)
        self.weight = make_parameter(weight)
        bias = torch.empty(n_members, n_columns, 1, size - 1).uniform_(-bound, bound)
        self.bias = make_parameter(bias, decays=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        columns = x.transpose(1, 2).unsqueeze(3)
        waves = torch.addcmul(self.phases, columns, self.frequencies).cos()
        out = torch.baddbmm(self.bias.flatten(0, 1), waves.flatten(0, 1), self.weight.flatten(0, 1))
        out = torch.cat([columns, out.view(*columns.shape[:3], -1)], dim=3)
        return out.transpose(1, 2).flatten(2)


class TabularNetwork(nn.Module):
    """The input's encoding, then a body on vectors.

    Parameters
    ----------
    front : TabularInput
        Encodes a batch as vectors.
    body : nn.Module
        Maps (n_members, batch, front.width) to (n_members, batch, n_outputs).
    """

    def __init__(self, front: TabularInput, body: nn.Module) -> None:
        super().__init__()
        self.front = front
        self.body = body

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        """Compute the outputs of a batch."""
        out: torch.Tensor = self.body(self.front(numeric, categorical))
        return out


def make_numeric_embedding(
    configuration: Mapping[str, Any], input_spec: InputSpec
) -> PiecewiseLinearEmbedding | PeriodicEmbedding | None:
    """Make the embedding that a configuration names, if any."""
    kind = configuration.get("numeric_embedding", "none")
    if kind == "none" or input_spec.n_numeric == 0:
        return None
    size = int(configuration["numeric_embedding_size"])
    if kind == "piecewise_linear":
        edges = _edges(input_spec.quantiles, int(configuration["n_bins"]))
        return PiecewiseLinearEmbedding(input_spec.n_members, edges, size)
    n_frequencies, scale = int(configuration["n_frequencies"]), float(configuration["frequency_scale"])
    return PeriodicEmbedding(input_spec.n_members, input_spec.n_numeric, size, n_frequencies, scale)


def _edges(quantiles: np.ndarray[Any, Any], n_bins: int) -> list[np.ndarray[Any, Any]]:
    """Choose the edges of ``n_bins`` bins a column; equal quantiles make one edge, and a constant column has a bin.

    Quantiles that differ by rounding alone count as equal: in a bin between them, the last digit would decide all.
    """
    rows = np.unique(np.linspace(0, len(quantiles) - 1, n_bins + 1).round().astype(int))
    edges = []
    for column in quantiles[rows].T:
        e = np.unique(column)
        e = e[np.diff(e, prepend=-np.inf) > _ROUNDING * np.maximum(1.0, np.abs(e))]
        edges.append(e if len(e) > 1 else np.array([e[0], e[0] + 1], e.dtype))
    return edges
