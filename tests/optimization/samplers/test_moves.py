from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.optimization.samplers._moves import between, mutants, neighbours
from autonas.optimization.samplers._vectors import VectorSpace
from tests.optimization.spaces import conditional, spaces


def differences(row, other):
    return int(np.sum((row != other) & ~(np.isnan(row) & np.isnan(other))))


@settings(max_examples=40)
@given(space=spaces(), seed=st.integers(0, 1000))
def test_neighbours_and_mutants_are_legal_and_near(space, seed):
    vectors, rng = VectorSpace(space), np.random.default_rng(seed)
    parents = vectors.sample(5, rng)
    rows, origins = neighbours(vectors, parents, rng)
    children = mutants(vectors, parents, rng)
    for found in (rows, children):
        settled, legal = vectors.settle(found)
        assert legal.all()
        assert np.array_equal(settled, found, equal_nan=True)
    assert children.shape == parents.shape
    assert set(origins) <= set(range(5))


def test_a_mutant_differs_in_one_value_and_in_what_hangs_on_it():
    space = ConfigurationSpace({"a": (0.0, 1.0), "b": (1, 9), "c": ["x", "y", "z"]})
    vectors, rng = VectorSpace(space), np.random.default_rng(0)
    parents = vectors.sample(200, rng)
    children = mutants(vectors, parents, rng)
    assert {differences(*pair) for pair in zip(parents, children, strict=True)} == {1}
    changed = np.sum(parents != children, axis=0)
    assert changed.min() > 40, "each column has its turn"

    parents = VectorSpace(conditional()).sample(300, rng)
    children = mutants(VectorSpace(conditional()), parents, rng)
    both = ~np.isnan(parents) & ~np.isnan(children)
    # One value changed; another active one may be new only as a condition let it in.
    assert np.sum((parents != children) & both, axis=1).max() == 1
    assert np.isnan(parents).sum() != np.isnan(children).sum()


def test_an_ordinal_goes_one_step():
    from ConfigSpace import OrdinalHyperparameter

    space = ConfigurationSpace()
    space.add(OrdinalHyperparameter("o", list("abcde")))
    vectors, rng = VectorSpace(space), np.random.default_rng(0)
    for at, sides in ((0.0, {1.0}), (2.0, {1.0, 3.0}), (4.0, {3.0})):
        parents = np.full((20, 1), at)
        assert set(mutants(vectors, parents, rng)[:, 0]) == sides
        assert set(neighbours(vectors, parents, rng)[0][:, 0]) == sides


def test_where_nothing_varies_mutants_are_draws():
    vectors = VectorSpace(ConfigurationSpace({"a": 1}))
    rows = vectors.sample(3, np.random.default_rng(0))
    assert mutants(vectors, rows, np.random.default_rng(0)) == pytest.approx(rows)


@settings(max_examples=40)
@given(space=spaces(), seed=st.integers(0, 1000))
def test_between_two_is_legal_and_between(space, seed):
    vectors, rng = VectorSpace(space), np.random.default_rng(seed)
    one, other = vectors.sample(2, rng)
    child = between(vectors, one, other, rng)
    if child is None:
        return
    settled, legal = vectors.settle(child[None])
    assert legal[0]
    assert np.array_equal(settled[0], child, equal_nan=True)
    assert differences(child, one) > 0
    assert differences(child, other) > 0
    for column in np.flatnonzero(~np.isnan(one) & ~np.isnan(other) & ~np.isnan(child)):
        sides = sorted([one[column], other[column]])
        if vectors.ordered[column]:
            assert sides[0] - 1e-9 <= child[column] <= sides[1] + 1e-9
        else:
            assert child[column] in sides


def test_between_goes_the_same_part_of_the_way_in_all_numbers():
    from ConfigSpace import OrdinalHyperparameter

    space = ConfigurationSpace({"a": (0.0, 1.0), "b": (0.0, 8.0), "c": ["x", "y"]})
    space.add(OrdinalHyperparameter("o", list(range(101))))
    vectors, rng = VectorSpace(space), np.random.default_rng(0)
    places = [list(space).index(name) for name in "abco"]
    one, other = np.zeros(4), np.zeros(4)
    one[places], other[places] = (0, 1, 0, 100), (1, 0, 1, 0)
    found = np.array([between(vectors, one, other, rng) for _ in range(200)])[:, places]
    a, b, c, o = found.T
    assert 0.25 <= a.min() < 0.3
    assert 0.7 < a.max() <= 0.75
    np.testing.assert_allclose(b, 1 - a)
    np.testing.assert_allclose(o, 100 * (1 - a), atol=0.51)
    assert set(c) == {0, 1}


def test_nothing_is_between_one_and_itself_or_two_choices():
    vectors, rng = VectorSpace(ConfigurationSpace({"c": ["x", "y"]})), np.random.default_rng(0)
    assert between(vectors, np.zeros(1), np.zeros(1), rng) is None
    assert between(vectors, np.zeros(1), np.ones(1), rng) is None
