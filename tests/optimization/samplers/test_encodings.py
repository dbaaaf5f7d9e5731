from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    EqualsCondition,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
)

from autonas.optimization.samplers._encodings import cells, embedded, flat, graphs, one_hot, paths
from autonas.optimization.samplers._vectors import VectorSpace
from autonas.spaces import configuration_from, load_space

NAN = float("nan")


@pytest.fixture
def vectors():
    """Columns a (choices), o (ordinal) and x (a number, only where a is "p")."""
    space = ConfigurationSpace()
    space.add(CategoricalHyperparameter("a", ["p", "q", "r"]), OrdinalHyperparameter("o", [1, 2, 4]))
    space.add(UniformFloatHyperparameter("x", 0, 1))
    space.add(EqualsCondition(space["x"], space["a"], "p"))
    assert list(space) == ["a", "o", "x"]
    return VectorSpace(space)


def test_flat_and_one_hot(vectors):
    rows = np.array([[0, 2, 0.25], [2, 1, NAN]])
    assert flat(vectors, rows).tolist() == [[0, 1, 0.25], [1, 0.5, -1]]
    assert one_hot(vectors, rows).tolist() == [[1, 0, 0, 1, -0.5, 1], [0, 0, 1, 0, 0, 0]]


def test_on_the_arc_inactive_is_as_far_from_all_and_alike_to_itself(vectors):
    rows = np.array([[0, 0, 0.0], [0, 1, 1.0], [1, 2, NAN], [2, 2, NAN]])
    a, o, x = embedded(vectors, rows)
    distance = lambda block, i, j: np.linalg.norm(block[i] - block[j])  # noqa: E731
    assert distance(a, 0, 2) == pytest.approx(2**0.5)
    assert distance(a, 0, 1) == 0
    assert distance(o, 0, 2) == pytest.approx(2**0.5)
    assert distance(x, 0, 1) == pytest.approx(2**0.5)
    assert distance(x, 0, 2) == distance(x, 1, 2) == pytest.approx(1)
    assert distance(x, 2, 3) == 0


def test_paths_of_a_cell():
    space = load_space("nasbench201")
    vectors = VectorSpace(space)
    assert len(cells(vectors)) == 1
    chosen = dict.fromkeys([f"op_{e}" for e in ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")], "none")
    row = lambda **ops: configuration_from(space, {**chosen, **ops}).get_array()  # noqa: E731
    conv = "nor_conv_3x3"
    rows = np.array([
        row(),
        row(op_0_1=conv, op_1_3="skip_connect"),
        row(op_0_2=conv, op_2_3="skip_connect"),
        row(op_0_1=conv, op_1_3="skip_connect", op_0_3=conv),
        row(op_0_1=conv, op_1_2=conv),
    ])  # fmt: skip
    found = paths(vectors, rows)
    assert found.shape == (5, 4 + 4**2 + 4**3), "a path is its operations, none of them `none`"
    assert found.sum(axis=1).tolist() == [0, 1, 1, 2, 0]
    assert (found[1] == found[2]).all(), "the same operations by way of another node"
    assert found[3][found[1] == 1].all()


def test_cells_of_the_same_paths_are_at_no_distance():
    space = load_space("nasbench201")
    vectors = VectorSpace(space)
    nothing = dict.fromkeys([f"op_{e}" for e in ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")], "none")
    row = lambda **ops: configuration_from(space, {**nothing, **ops}).get_array()  # noqa: E731
    conv, skip = "nor_conv_3x3", "skip_connect"
    (block,) = graphs(vectors, np.array([
        row(op_0_1=conv, op_1_3=skip),
        row(op_0_2=conv, op_2_3=skip),
        row(op_0_1=conv, op_1_3=skip, op_0_2=conv),
        row(op_0_1=conv, op_1_3=skip, op_0_3=conv),
        row(op_0_3=skip),
    ]))  # fmt: skip
    squares = ((block[:, None] - block[None]) ** 2).sum(axis=2)
    assert squares[0, 1] == 0, "by way of another node"
    assert squares[0, 2] == 0, "what leads nowhere"
    assert squares[0, 3] == pytest.approx(1 / 4), "one path more, of the four ways through a cell"
    assert squares[0, 4] == pytest.approx(2 / 4)
    assert graphs(VectorSpace(load_space("mlp")), np.zeros((3, len(load_space("mlp"))))) == []


def test_an_edge_in_the_meta_and_no_cell_at_all():
    space = ConfigurationSpace()
    for name, edge in (("first", "0_1"), ("second", "1_2")):
        space.add(CategoricalHyperparameter(name, ["none", "skip"], meta={"edge": edge}))
    assert paths(VectorSpace(space), np.array([[1.0, 1.0], [1.0, 0.0]])).tolist() == [[1], [0]]
    assert paths(VectorSpace(load_space("mlp")), np.zeros((3, len(load_space("mlp"))))).shape == (3, 0)


def test_a_cell_of_too_many_paths_has_none():
    space = ConfigurationSpace()
    for target in range(1, 7):
        for source in range(target):
            space.add(CategoricalHyperparameter(f"op_{source}_{target}", list("abcde")))
    assert paths(VectorSpace(space), np.zeros((2, len(space)))).shape == (2, 0)
