"""How columns become a network's input; numeric embeddings against their authors' code and against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autonas.networks import TabularInput
from autonas.networks.inputs import PeriodicEmbedding, PiecewiseLinearEmbedding
from tests.networks.samples import batch_of, build, configuration_of, spec_of


def test_one_hot_and_embedded_columns():
    configuration = {"category_encoding": "one_hot", "one_hot_max_categories": 10, "embedding_size": 8}
    front = TabularInput(configuration, spec_of(2, (4, 40)))
    assert front.width == 2 + 4 + 8
    assert front.column_widths == [1, 1, 4, 8]
    out = front(torch.zeros(1, 1, 2), torch.tensor([[[3, 0]]]))
    assert out[0, 0, 2:6].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("encoding", ["one_hot", "embedding"])
@pytest.mark.parametrize("kind", ["none", "piecewise_linear", "periodic"])
def test_a_column_changes_its_own_numbers_only(encoding, kind):
    choices = {"category_encoding": encoding, "numeric_embedding": kind}
    spec = spec_of(2, (4, 40, 3), n_members=2)
    front = TabularInput(configuration_of("mlp", **choices), spec)
    for p in front.parameters():
        torch.nn.init.normal_(p)
    numeric, categorical = batch_of(spec)
    before = front(numeric, categorical)
    assert before.shape[-1] == front.width == sum(front.column_widths)
    # Categories that get a learnt vector stand behind those that do not.
    order = [0, 1, 2, 4, 3] if encoding == "one_hot" else [0, 1, 2, 3, 4]
    ends = np.cumsum(front.column_widths)
    for place, column in enumerate(order):
        changed = numeric.clone(), categorical.clone()
        if column < 2:
            changed[0][..., column] += 1
        else:
            other = changed[1][..., column - 2]
            other.copy_((other + 1) % spec.cardinalities[column - 2])
        differs = (front(*changed) != before).flatten(0, 1).any(0)
        inside = torch.zeros_like(differs)
        inside[ends[place] - front.column_widths[place] : ends[place]] = True
        assert differs.any()
        assert not (differs & ~inside).any()


def test_rows_without_members_are_one_member():
    """A user's own network calls the encoding with plain batches."""
    spec = spec_of(2, (4, 40))
    front = TabularInput(configuration_of("mlp"), spec)
    numeric, categorical = batch_of(spec)
    assert torch.equal(front(numeric[0], categorical[0]), front(numeric, categorical)[0])


@pytest.mark.filterwarnings("ignore:.*bin:UserWarning")
@settings(max_examples=15)
@given(
    values=arrays(np.float32, (9, 3), elements=st.sampled_from([-4.0, -0.5, 0.0, 0.25, 1.0, 8.0])),
    seed=st.integers(0, 10**6),
)
def test_piecewise_linear_is_that_of_its_authors(values, seed):
    """Version B of rtdl_num_embeddings on the same weights, extrapolation and columns of few values included."""
    rtdl = pytest.importorskip("rtdl_num_embeddings")
    torch.manual_seed(seed)
    edges = [np.unique([*column, column.min() + 1]) for column in values.T]
    ours = PiecewiseLinearEmbedding(2, edges, 5)
    for p in ours.parameters():
        torch.nn.init.normal_(p)
    x = 6 * torch.randn(2, 7, 3)
    n_bins = ours.bin_weight.shape[2]
    for m in range(2):
        reference = rtdl.PiecewiseLinearEmbeddings(
            [torch.from_numpy(e) for e in edges], 5, activation=False, version="B"
        )
        with torch.no_grad():
            reference.linear0.weight.copy_(ours.weight[m, 0])
            reference.linear0.bias.copy_(ours.bias[m, 0])
            for j, e in enumerate(edges):
                # The reference keeps a column's last bin in the last place, and the unused ones before it.
                own = ours.bin_weight[m, j, : len(e) - 1]
                unused = torch.zeros(n_bins - len(own), 5)
                reference.linear.weight[j].copy_(torch.cat([own[:-1], unused, own[-1:]]))
        torch.testing.assert_close(ours(x)[m].view(7, 3, 5), reference(x[m]), rtol=1e-4, atol=1e-4)


def test_piecewise_linear_starts_linear():
    embedding = PiecewiseLinearEmbedding(1, [np.array([-1, 0, 2], np.float32)], 4)
    out = embedding(torch.tensor([[[-5.0], [-1.0], [3.0]]]))[0]
    torch.testing.assert_close(out[2] - out[1], out[1] - out[0])


def test_periodic_is_its_formula():
    torch.manual_seed(0)
    embedding = PeriodicEmbedding(2, 3, size=5, n_frequencies=4, frequency_scale=0.5)
    x = torch.randn(2, 7, 3)
    out = embedding(x).view(2, 7, 3, 5)
    for m in range(2):
        for j in range(3):
            waves = torch.cos(x[m, :, j : j + 1] * embedding.frequencies[m, j] + embedding.phases[m, j])
            expected = torch.cat([x[m, :, j : j + 1], waves @ embedding.weight[m, j] + embedding.bias[m, j]], dim=1)
            torch.testing.assert_close(out[m, :, j], expected)


def test_frequencies_are_cycles_per_unit():
    torch.manual_seed(0)
    embedding = PeriodicEmbedding(1, 50, size=5, n_frequencies=64, frequency_scale=0.5)
    assert embedding.frequencies.std().item() == pytest.approx(2 * np.pi * 0.5, rel=0.05)


@pytest.mark.parametrize("n_bins", [4, 16, 32])
def test_edges_are_quantiles(n_bins):
    """With the bins of a configuration, half of the bins lie below the median."""
    spec = spec_of(1)
    embedding = build(configuration_of("mlp", n_bins=n_bins), spec).front.numeric
    low, high = spec.quantiles[0], spec.quantiles[-1]
    torch.nn.init.zeros_(embedding.bias)
    # The embedding's first number counts the bins to the left.
    torch.nn.init.zeros_(embedding.weight)
    embedding.bin_weight.data[0, 0, :, 0] = 1
    x = torch.tensor(np.stack([low, spec.quantiles[16], high])[None])
    assert embedding(x)[0, :, 0].tolist() == pytest.approx([0, n_bins / 2, n_bins], abs=1e-4)
