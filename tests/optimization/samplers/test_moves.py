from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.optimization.samplers._moves import mutants, neighbours
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
