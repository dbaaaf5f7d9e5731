"""From a table's columns to one vector a row: the front that all tabular networks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from autonas.networks.specs import InputSpec

__all__ = ["TabularInput", "TabularNetwork"]


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

    Notes
    -----
    The numeric embeddings are those of Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep
    Learning", sections 3.2 (piecewise linear) and 3.3 (periodic), in their authors' own package.
    """

    def __init__(self, configuration: Mapping[str, Any], input_spec: InputSpec) -> None:
        super().__init__()
        self.numeric = _numeric_embedding(configuration, input_spec)
        one_hot = configuration.get("category_encoding", "one_hot") == "one_hot"
        widest = int(configuration.get("one_hot_max_categories", 10)) if one_hot else 0
        size = int(configuration.get("embedding_size", 8))
        narrow = [i for i, n in enumerate(input_spec.cardinalities) if n - 1 <= widest]
        wide = [i for i, n in enumerate(input_spec.cardinalities) if n - 1 > widest]
        # An embedding never needs more numbers than the column has categories.
        sizes = [min(size, input_spec.cardinalities[i]) for i in wide]
        self.embeddings = nn.ModuleList(
            nn.Embedding(input_spec.cardinalities[i], s) for i, s in zip(wide, sizes, strict=True)
        )
        for embedding in self.embeddings:
            nn.init.normal_(embedding.weight, std=0.3)  # type: ignore[arg-type]
        starts = np.cumsum([0, *(input_spec.cardinalities[i] for i in narrow)])
        self.one_hot_width = int(starts[-1])
        self.register_buffer("_narrow", torch.tensor(narrow, dtype=torch.long), persistent=False)
        self.register_buffer("_starts", torch.tensor(starts[:-1], dtype=torch.long), persistent=False)
        self._wide = wide
        width = input_spec.n_numeric
        if not isinstance(self.numeric, nn.Identity):
            width *= int(configuration["numeric_embedding_size"])
        self.width = width + self.one_hot_width + sum(sizes)

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        """Encode a batch: (batch, n_numeric) floats and (batch, n_categorical) codes to (batch, width)."""
        parts = [self.numeric(numeric).flatten(1)] if numeric.shape[1] else []
        if self.one_hot_width:
            places = categorical.index_select(1, self._narrow) + self._starts  # type: ignore[arg-type, operator]
            zeros = numeric.new_zeros(len(numeric), self.one_hot_width)
            parts.append(zeros.scatter(1, places, 1.0))
        parts += [embed(categorical[:, i]) for i, embed in zip(self._wide, self.embeddings, strict=True)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class TabularNetwork(nn.Module):
    """The input's encoding, then a body on vectors.

    Parameters
    ----------
    front : TabularInput
        Encodes a batch as vectors.
    body : nn.Module
        Maps (batch, front.width) to (batch, n_outputs).
    """

    def __init__(self, front: TabularInput, body: nn.Module) -> None:
        super().__init__()
        self.front = front
        self.body = body

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        """Compute the outputs of a batch."""
        out: torch.Tensor = self.body(self.front(numeric, categorical))
        return out


def _numeric_embedding(configuration: Mapping[str, Any], input_spec: InputSpec) -> nn.Module:
    kind = configuration.get("numeric_embedding", "none")
    if kind == "none" or input_spec.n_numeric == 0:
        return nn.Identity()
    # Imported when it is used, since it imports scikit-learn's trees, which takes longer than all the rest.
    from rtdl_num_embeddings import PeriodicEmbeddings, PiecewiseLinearEmbeddings  # noqa: PLC0415

    size = int(configuration["numeric_embedding_size"])
    if kind == "periodic":
        embedding: nn.Module = PeriodicEmbeddings(
            input_spec.n_numeric,
            size,
            n_frequencies=int(configuration["n_frequencies"]),
            frequency_init_scale=float(configuration["frequency_scale"]),
            lite=True,
        )
    else:
        bins = _bins(input_spec.quantiles, int(configuration["n_bins"]))
        embedding = PiecewiseLinearEmbeddings(bins, size, activation=False, version="B")
    return embedding


def _bins(quantiles: np.ndarray[Any, Any], n_bins: int) -> list[torch.Tensor]:
    """Choose the edges of ``n_bins`` bins a column; equal quantiles make one edge, and every column has two bins."""
    rows = np.unique(np.linspace(0, len(quantiles) - 1, n_bins + 1).round().astype(int))
    edges = []
    for column in quantiles[rows].T:
        e = np.unique(column)
        if len(e) < 3:
            e = np.linspace(e[0], max(e[-1], e[0] + 1), 3, dtype=e.dtype)
        edges.append(torch.from_numpy(e))
    return edges
