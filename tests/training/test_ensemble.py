"""Ensemble selection: exact on small cases, never worse than the best."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.training.ensemble import select_ensemble

Y = np.array([1.0, 2.0, 3.0, 4.0])


def rmse(predictions):
    return float(np.sqrt(np.mean((predictions - Y) ** 2)))


def test_complementary_errors_cancel():
    assert select_ensemble([Y + 1, Y - 1, Y + 5], rmse, size=4) == {0: 0.5, 1: 0.5}


def test_replacement_gives_weights():
    assert select_ensemble([Y + 1, Y - 2], rmse, size=3) == pytest.approx({0: 2 / 3, 1: 1 / 3})


def test_size_one_is_the_best():
    assert select_ensemble([Y + 3, Y + 1, Y - 1.1], rmse, size=1) == {1: 1.0}


def test_what_was_best_on_the_way_counts():
    """Adding to a perfect member only harms: it stays alone."""
    assert select_ensemble([Y, Y + 1], rmse, size=10) == {0: 1.0}


def test_candidates_without_a_finite_loss_are_left_out():
    assert select_ensemble([Y * np.nan, Y + 1], rmse, size=3) == {1: 1.0}


@pytest.mark.parametrize(("candidates", "message"), [([], "no predictions"), ([Y * np.nan], "finite")])
def test_nothing_to_choose_from(candidates, message):
    with pytest.raises(ValueError, match=message):
        select_ensemble(candidates, rmse, size=3)


def test_the_deadline_ends_the_selection():
    assert select_ensemble([Y + 1, Y - 1], rmse, size=50, deadline_passed=lambda: True) == {0: 1.0}


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 8), size=st.integers(1, 12))
def test_never_worse_than_the_best(seed, n, size):
    rng = np.random.default_rng(seed)
    candidates = [Y + rng.normal(size=4) for _ in range(n)]
    weights = select_ensemble(candidates, rmse, size=size)
    assert sum(weights.values()) == pytest.approx(1)
    assert len(weights) <= size
    together = sum(w * candidates[i] for i, w in weights.items())
    assert rmse(together) <= min(map(rmse, candidates)) + 1e-12
