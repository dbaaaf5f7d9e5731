"""TabM against its authors' package, and its verdict."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.networks.tabm import EnsembleLinear, ScaledLinear
from tests.networks.samples import CLASSES, NUMBERS, batch_of, build, configuration_of, spec_of, stir

VARIANTS = ["tabm", "tabm_mini", "packed"]


def reference_of(network, m, configuration, spec):
    """The package's TabM with the weights of a member."""
    tabm = pytest.importorskip("tabm")
    rtdl = pytest.importorskip("rtdl_num_embeddings")
    variant, embedding, n_bins = configuration["variant"], None, configuration.get("n_bins")
    if configuration["numeric_embedding"] != "none":
        rows = np.unique(np.linspace(0, len(spec.quantiles) - 1, n_bins + 1).round().astype(int))
        edges = [torch.from_numpy(column[rows]) for column in spec.quantiles.T]
        size = configuration["numeric_embedding_size"]
        embedding = rtdl.PiecewiseLinearEmbeddings(edges, size, activation=False, version="B")
    packed = variant == "packed"
    reference = tabm.TabM.make(
        n_num_features=spec.n_numeric,
        cat_cardinalities=list(spec.cardinalities),
        d_out=3,
        num_embeddings=embedding,
        n_blocks=configuration["n_layers"],
        d_block=configuration["width"],
        k=configuration["k"],
        arch_type={"tabm": "tabm", "tabm_mini": "tabm-mini", "packed": "tabm-packed"}[variant],
        start_scaling_init=None if packed else "normal",
    )
    with torch.no_grad():
        if embedding is not None:
            own = network.front.numeric
            embedding.linear0.weight.copy_(own.weight[m, 0])
            embedding.linear0.bias.copy_(own.bias[m, 0])
            embedding.linear.weight.copy_(own.bin_weight[m])
        if variant == "tabm_mini":
            reference.backbone.affine.weight.copy_(network.body[0].weight[m, :, 0])
        layers = [layer for layer in network.body if hasattr(layer, "bias")]
        for layer, block in zip(layers, reference.backbone.blocks, strict=False):
            block[0].weight.copy_(layer.weight[m] if packed else layer.weight[m].T)
            block[0].bias.copy_(layer.bias[m].squeeze(-2))
            if variant == "tabm":
                block[0].r.copy_(layer.input_factors[m, :, 0])
                block[0].s.copy_(layer.output_factors[m, :, 0])
        reference.output.weight.copy_(layers[-1].weight[m])
        reference.output.bias.copy_(layers[-1].bias[m, :, 0])
    return reference.eval()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", ["none", "piecewise_linear"])
@pytest.mark.parametrize("columns", [(3, (4, 3)), (2, ())])
def test_opinions_are_those_of_the_authors_package(variant, kind, columns):
    configuration = configuration_of(
        "tabm", variant=variant, numeric_embedding=kind, k=8, n_layers=2, width=64, category_encoding="one_hot"
    )
    spec = spec_of(*columns, n_members=2)
    network = stir(build(configuration, spec))
    numeric, categorical = batch_of(spec)
    opinions = network(numeric, categorical)
    assert opinions.shape == (2, 8, 5, 3)
    for m in range(2):
        reference = reference_of(network, m, configuration, spec)
        out = reference(numeric[m], categorical[m] if columns[1] else None)
        torch.testing.assert_close(opinions[m].transpose(0, 1), out, rtol=1e-4, atol=1e-4)


@settings(max_examples=20)
@given(variant=st.sampled_from(VARIANTS), seed=st.integers(0, 10**6))
def test_the_verdict_is_the_mean_of_the_opinions(variant, seed):
    spec = spec_of(2, (4,), n_members=2)
    configuration = configuration_of("tabm", variant=variant, k=4, width=64)
    classes, numbers = (stir(build(configuration, spec, output), seed) for output in (CLASSES, NUMBERS))
    inputs = batch_of(spec)
    expected = classes.train()(*inputs).softmax(-1).mean(1)
    torch.testing.assert_close(classes.eval()(*inputs).exp(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(numbers.eval()(*inputs), numbers.train()(*inputs).mean(1), rtol=1e-4, atol=1e-4)


def test_certain_opinions_stay_finite():
    network = build(configuration_of("tabm", k=4, width=64), spec_of(2))
    head = network.body[-2]
    torch.nn.init.zeros_(head.weight)
    head.bias.data.copy_(torch.tensor([200.0, -200.0, 0.0]).expand(head.bias.shape))
    out = network.eval()(*batch_of(spec_of(2)))
    torch.testing.assert_close(out[0, 0], torch.tensor([0.0, -400.0, -200.0]))


@pytest.mark.parametrize("variant", ["tabm", "tabm_mini"])
@pytest.mark.parametrize("kind", ["none", "piecewise_linear"])
def test_first_factors_are_one_for_each_column(variant, kind):
    spec = spec_of(3, (4, 5), n_members=2)
    network = build(configuration_of("tabm", variant=variant, numeric_embedding=kind, k=32), spec)
    first = network.body[0].weight if variant == "tabm_mini" else network.body[1].input_factors
    parts = first.detach().split(network.front.column_widths, dim=-1)
    assert len(parts) == 5
    assert all((part == part[..., :1]).all() for part in parts)
    draws = torch.cat([part[..., :1] for part in parts], dim=-1).flatten()
    assert ((draws.abs() == 1).all() and abs(draws.mean()) < 0.5) == (kind == "none")
    assert len(draws.unique()) == (2 if kind == "none" else len(draws))
    later = [layer for layer in network.body if isinstance(layer, ScaledLinear)][1:]
    assert all((layer.input_factors == 1).all() for layer in later)


def test_packed_networks_share_nothing_and_scaled_ones_the_weights():
    spec, sizes = spec_of(3), {}
    for variant in VARIANTS:
        configuration = configuration_of("tabm", variant=variant, k=16, n_layers=2, numeric_embedding="none")
        network = build(configuration, spec)
        sizes[variant] = sum(p.numel() for p in network.parameters())
        assert any(isinstance(layer, EnsembleLinear) for layer in network.body)
    assert sizes["tabm_mini"] < sizes["tabm"] < sizes["packed"]
    assert sizes["packed"] == 16 * (4 * 256 + 257 * 256 + 257 * 3)
