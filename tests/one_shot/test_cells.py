"""Cells as configurations and back; how scores become cells; the guards."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autonas.networks.cells import Edge
from autonas.networks.nasbench201 import to_string
from autonas.one_shot.data import criterion
from autonas.spaces import configuration_from, load_space, values
from tests.one_shot.problems import OUTPUT, SPACES, configuration_of, input_of, sample_of

NB201 = SPACES["nasbench201"]
DARTS = SPACES["cell"]


def scores_of(space, seed):
    rng = np.random.default_rng(seed)
    return {edge: rng.dirichlet(np.ones(len(space.operations))) for edge in space.edges}


def skips_in(genotype, cell):
    return sum(op == "skip_connect" for edge, op in genotype.items() if edge.cell == cell)


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=30)
def test_a_genotype_is_a_legal_configuration(name, seed):
    space = SPACES[name]
    joint = load_space(name)
    genotype = space.random(np.random.default_rng(seed))
    configuration = values(configuration_from(joint, space.values(genotype)))
    assert space.genotype(configuration) == genotype
    text = space.write(genotype)
    assert space.read(text) == space.genotype({"cell": text}) == genotype
    again = values(joint.sample_configuration())
    assert space.values(space.genotype(again)).items() <= again.items()


def test_the_number_of_architectures():
    assert len(NB201.edges) == 6
    assert len(NB201.operations) ** 6 == 15_625
    assert len(DARTS.edges) == 2 * 14
    assert [len(DARTS.input_choices(target)) for target in DARTS.targets] == [1, 3, 6, 10]


def test_the_highest_scores_are_chosen():
    scores = scores_of(NB201, 0)
    genotype = NB201.discretize(scores)
    assert genotype == {edge: NB201.operations[score.argmax()] for edge, score in scores.items()}


def test_a_node_keeps_the_two_inputs_with_the_highest_scores_other_than_none():
    scores = {edge: np.full(8, 0.1) for edge in DARTS.edges}
    for cell in DARTS.cells:
        for source, target in ((0, 3), (2, 3)):
            scores[Edge(cell, source, target)][4 + source // 2] = 0.5
        scores[Edge(cell, 1, 3)][0] = 0.9  # "none" leads, and does not count
    genotype = DARTS.discretize(scores)
    for cell in DARTS.cells:
        kept = {edge.source: op for edge, op in genotype.items() if (edge.cell, edge.target) == (cell, 3)}
        assert kept == {0: "sep_conv_3x3", 2: "sep_conv_5x5"}
        assert all(sum((e.cell, e.target) == (cell, t) for e in genotype) == 2 for t in DARTS.targets)
    assert "none" not in genotype.values()


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 10_000), limit=st.integers(0, 3), love=st.sampled_from(["skip_connect", "none", None]))
@settings(max_examples=50)
def test_guarded_cells_have_few_skips_and_learn(name, seed, limit, love):
    space = SPACES[name]
    scores = scores_of(space, seed)
    if love in space.operations:
        for score in scores.values():
            score[space.operations.index(love)] += 1
    genotype = space.discretize(scores, max_skips=limit)
    assert all(skips_in(genotype, cell) <= limit for cell in space.cells)
    assert space.is_connected(genotype)
    legal = space.discretize(scores)
    if all(skips_in(legal, cell) <= limit for cell in space.cells) and space.is_connected(legal):
        assert genotype == legal, "the guards change only what they must"


def test_the_skips_that_lead_by_most_are_kept():
    scores = {edge: np.array([0.0, 0.9, 0.0, 0.1 + 0.1 * i, 0.0]) for i, edge in enumerate(NB201.edges)}
    genotype = NB201.discretize(scores, max_skips=2)
    skips = [edge for edge, op in genotype.items() if op == "skip_connect"]
    assert skips == list(NB201.edges[:2])
    assert set(genotype.values()) == {"skip_connect", "nor_conv_3x3"}


@pytest.mark.parametrize(
    ("ops", "connected"),
    [
        ({}, False),
        ({(0, 3): "nor_conv_1x1"}, True),
        ({(0, 3): "skip_connect", (0, 1): "nor_conv_3x3"}, False),
        ({(0, 1): "nor_conv_3x3", (1, 3): "skip_connect"}, True),
        ({(0, 1): "avg_pool_3x3", (1, 2): "skip_connect", (2, 3): "avg_pool_3x3"}, False),
        ({(1, 2): "nor_conv_3x3", (2, 3): "skip_connect"}, False),
    ],
)
def test_what_is_connected(ops, connected):
    genotype = {edge: ops.get((edge.source, edge.target), "none") for edge in NB201.edges}
    assert NB201.is_connected(genotype) == connected


def test_what_leads_nowhere_is_pruned():
    genotype = dict.fromkeys(NB201.edges, "nor_conv_3x3")
    assert NB201.pruned(genotype) == genotype
    genotype |= {Edge("cell", 0, 1): "none", Edge("cell", 2, 3): "none"}
    kept = {edge for edge, op in NB201.pruned(genotype).items() if op != "none"}
    assert kept == {Edge("cell", 0, 3)}, "node 1 reads nothing, and nothing reads node 2"
    drawn = DARTS.random(np.random.default_rng(0))
    assert DARTS.pruned(drawn) == drawn


@pytest.mark.parametrize("name", ["nasbench201", "mlp_cell"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_every_weight_of_a_network_of_cells_learns(name, seed):
    space = SPACES[name]
    genotype = space.random(np.random.default_rng(seed))
    assume(any(op != "none" for op in space.pruned(genotype).values()))  # else the cells put out nothing but zeros
    network = space.build(configuration_of(name, **space.values(genotype)), input_of(name), OUTPUT)
    torch.nn.init.normal_(list(network.parameters())[-2])  # the output layer starts from zero
    sample = sample_of(name, 16)
    criterion(network(*sample.inputs), sample.take(np.arange(16))).backward()
    assert all(p.grad is not None for p in network.parameters())


def test_the_name_in_the_tables():
    genotype = dict(zip(NB201.edges, [*NB201.operations, "none"], strict=True))
    assert to_string(genotype) == "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"


@pytest.mark.parametrize(
    "text", ["", "0>1", "0>1 sep_conv", "1>0 none", "0>9 none", "normal 0>1 none", "0>1 none,0>2 none"]
)
def test_what_is_no_cell(text):
    with pytest.raises(ValueError, match=r"is no edge of a cell of 'nasbench201'; they are written like '0>1 "):
        NB201.read(text)
