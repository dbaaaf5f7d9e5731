"""The supernet: with one path open it is that path's own network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.one_shot import Supernet, inherit
from tests.one_shot.problems import OUTPUT, SPACES, configuration_of, input_of, sample_of


def make(name, partial=1, **changes):
    torch.manual_seed(0)
    supernet = Supernet(SPACES[name], configuration_of(name, **changes), input_of(name), OUTPUT, partial=partial)
    for p in supernet.weights:  # the output layer starts from zero
        torch.nn.init.normal_(p, std=0.3)
    return supernet


def assert_child_agrees(supernet, genotype, inputs):
    name = supernet.space.name
    configuration = {**configuration_of(name), **supernet.space.values(genotype)}
    child = supernet.space.build(configuration, input_of(name), OUTPUT)
    inherit(child, supernet, genotype)
    supernet.open_path(genotype)
    for mode in (True, False):
        child.train(mode)
        supernet.network.train(mode)
        with torch.no_grad():
            torch.testing.assert_close(child(*inputs), supernet(*inputs), rtol=0, atol=0)


@pytest.mark.parametrize("name", SPACES)
def test_a_child_agrees_with_its_path_for_every_operation(name):
    supernet, space = make(name), SPACES[name]
    inputs = sample_of(name, 8).inputs
    for number, op in enumerate(space.choosable):
        genotype = dict.fromkeys(space.random(np.random.default_rng(number)), op)
        assert_child_agrees(supernet, genotype, inputs)


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_a_child_agrees_with_its_path_for_any_cell(name, seed):
    supernet = make(name)
    assert_child_agrees(supernet, SPACES[name].random(np.random.default_rng(seed)), sample_of(name, 8).inputs)


@pytest.mark.parametrize("name", SPACES)
def test_a_mixture_of_one_is_a_path(name):
    supernet, space = make(name), SPACES[name]
    inputs = sample_of(name, 8).inputs
    genotype = space.random(np.random.default_rng(3))
    supernet.open_path(genotype)
    path = supernet(*inputs)
    none = torch.zeros(len(space.operations))
    weights = {e: none.clone() for e in space.edges}
    for edge, op in genotype.items():
        weights[edge][space.operations.index(op)] = 1.0
    supernet.mix(weights)
    torch.testing.assert_close(supernet(*inputs), path)


def test_another_genotype_does_not_inherit():
    supernet, space = make("nasbench201"), SPACES["nasbench201"]
    convs, skips = (dict.fromkeys(space.edges, op) for op in ("nor_conv_3x3", "skip_connect"))
    child = space.build({**configuration_of("nasbench201"), **space.values(convs)}, input_of("nasbench201"), OUTPUT)
    with pytest.raises(ValueError, match="not of the supernet's configuration and this genotype"):
        inherit(child, supernet, skips)


@pytest.mark.parametrize("name", SPACES)
def test_partial_channels(name):
    supernet = make(name, partial=4, width=16, channels=8)
    whole = make(name, width=16, channels=8)
    even = torch.full((len(SPACES[name].operations),), 1 / len(SPACES[name].operations))
    sizes = []
    for net in (supernet, whole):
        net.mix(dict.fromkeys(SPACES[name].edges, even))
        out = net(*sample_of(name, 8).inputs)
        assert out.shape[-1] == 3
        out.sum().backward()
        sizes.append(sum(p.numel() for p in net.weights))
    assert sizes[0] < sizes[1]
    with pytest.raises(ValueError, match="no weights for a child"):
        inherit(torch.nn.Identity(), supernet, {})


def test_partial_channels_divide_the_width():
    with pytest.raises(ValueError, match="partial_channels=3, but a cell has 4 channels"):
        make("nasbench201", partial=3)


def test_judging_leaves_the_supernet_as_it_was():
    supernet, space = make("nasbench201"), SPACES["nasbench201"]
    before = {name: t.clone() for name, t in supernet.network.state_dict().items()}
    with supernet.judging():
        supernet.open_path(space.random(np.random.default_rng(0)))
        supernet(*sample_of("nasbench201", 8).inputs)
    after = supernet.network.state_dict()
    assert all(torch.equal(t, after[name]) for name, t in before.items() if "num_batches" not in name)
    assert all(m.training for m in supernet.network.modules())
