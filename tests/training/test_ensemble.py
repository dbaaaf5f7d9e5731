"""Ensemble selection: exact on small cases; never worse than the best, never dearer than allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, make_scorer

from autonas.training.calibration import Temperature
from autonas.training.ensemble import mix, select_ensemble
from autonas.training.metrics import resolve_metric

Y = np.array([1.0, 2.0, 3.0, 4.0])
RMSE = resolve_metric("rmse", None)
CLASSES = np.array(["a", "b", "c"])


def select(candidates, **arguments):
    return select_ensemble(candidates, RMSE, Y, **{"bags": 0, **arguments})


def average(weights, candidates):
    return sum(w * candidates[i] for i, w in weights.items())


def some_probabilities(rng, codes, n_classes=3):
    """Probabilities that know something of the classes."""
    scores = rng.normal(size=(len(codes), n_classes)) + 2 * rng.random() * np.eye(n_classes)[codes]
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


# ---------------------------------------------------------------------------------------------- exact


def test_complementary_errors_cancel():
    assert select([Y + 1, Y - 1, Y + 5], size=4) == {0: 0.5, 1: 0.5}


def test_replacement_gives_weights():
    assert select([Y + 1, Y - 2], size=3) == pytest.approx({0: 2 / 3, 1: 1 / 3})


def test_size_one_is_the_best():
    assert select([Y + 3, Y + 1, Y - 1.1], size=1) == {1: 1.0}


def test_what_was_best_on_the_way_counts():
    """Adding to a perfect member only harms: it stays alone."""
    assert select([Y, Y + 1], size=10) == {0: 1.0}


def test_weights_of_rows_count():
    """Where only the first row has weight, the member that is right there is enough."""
    candidates = [np.where(Y == 1, Y, Y + 9), Y + 1, Y - 1]
    weight = np.array([1.0, 1e-9, 1e-9, 1e-9])
    assert select(candidates, size=4) == {1: 0.5, 2: 0.5}
    assert select_ensemble(candidates, RMSE, Y, weight, size=1) == {0: 1.0}


def test_candidates_without_a_finite_loss_are_left_out():
    assert select([Y * np.nan, Y + 1], size=3) == {1: 1.0}
    assert select([Y * np.nan, Y + 1], size=3, bags=5) == {1: 1.0}


@pytest.mark.parametrize(("candidates", "message"), [([], "no predictions"), ([Y * np.nan], "finite")])
def test_nothing_to_choose_from(candidates, message):
    with pytest.raises(ValueError, match=message):
        select(candidates, size=3)


def test_the_deadline_ends_the_selection():
    assert select([Y + 1, Y - 1], size=50, deadline_passed=lambda: True) == {0: 1.0}
    assert select([Y + 1, Y - 1], size=50, bags=9, deadline_passed=lambda: True) == {0: 1.0}


def test_log_loss_decides_between_equals():
    """Both are right everywhere; the first is hardly ever sure."""
    codes = np.array([0, 1, 0, 1])
    sure = np.eye(2)[codes] * 0.8 + 0.1
    unsure = np.eye(2)[codes] * 0.02 + 0.49
    metric = resolve_metric("accuracy", np.array([0, 1]))
    assert select_ensemble([unsure, sure], metric, codes, size=4) == {1: 1.0}


# ---------------------------------------------------------------------------------------------- cost


def test_cap_keeps_dear_members_out():
    candidates = [Y + 1, Y - 1, Y - 1.5]
    assert select(candidates, size=5, costs=[1, 9, 1], max_cost=10) == {0: 0.5, 1: 0.5}
    assert select(candidates, size=5, costs=[1, 9, 1], max_cost=9) == pytest.approx({0: 0.6, 2: 0.4})


def test_a_member_is_paid_for_once():
    assert select([Y + 1, Y - 2], size=3, costs=[1, 1], max_cost=2) == pytest.approx({0: 2 / 3, 1: 1 / 3})


def test_the_best_alone_may_cost_more():
    """Unless those that fit the cap are better together."""
    assert select([Y + 1, Y + 2, Y + 3], size=5, costs=[9, 1, 1], max_cost=2) == {0: 1.0}
    assert select([Y + 1, Y + 2], size=5, costs=[9, 8], max_cost=2) == {0: 1.0}
    assert select([Y + 1, Y + 2, Y - 2], size=5, costs=[9, 1, 1], max_cost=2) == {1: 0.5, 2: 0.5}


# ---------------------------------------------------------------------------------------------- properties


@settings(max_examples=60)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 8),
    size=st.integers(1, 12),
    bags=st.sampled_from([0, 1, 8]),
    max_cost=st.sampled_from([0.5, 2.0, np.inf]),
    metric=st.sampled_from(["rmse", "mae", "r2", "log_loss", "balanced_accuracy", "roc_auc_ovr"]),
    weighted=st.booleans(),
)
def test_what_holds_always(seed, n, size, bags, max_cost, metric, weighted):
    rng = np.random.default_rng(seed)
    regression = metric in ("rmse", "mae", "r2")
    y = rng.normal(size=24) if regression else np.arange(24) % 3
    candidates = [y + rng.normal(size=24) if regression else some_probabilities(rng, y) for _ in range(n)]
    weight = rng.random(24) + 0.1 if weighted else None
    judge = resolve_metric(metric, None if regression else CLASSES)
    costs = rng.random(n)
    weights = select_ensemble(
        candidates, judge, y, weight, size=size, bags=bags, costs=costs, max_cost=max_cost, random_state=seed
    )
    losses = [judge.loss(y, p, weight) for p in candidates]
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) > 0
    assert len(weights) <= size
    assert len(weights) == 1 or costs[list(weights)].sum() <= max_cost
    assert judge.loss(y, average(weights, candidates), weight) <= min(losses) + 1e-9


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), bags=st.sampled_from([0, 6]))
def test_the_order_of_the_candidates_does_not_matter(seed, bags):
    rng = np.random.default_rng(seed)
    y = np.arange(30) % 3
    candidates = [some_probabilities(rng, y) for _ in range(6)]
    order = rng.permutation(6)
    metric = resolve_metric("log_loss", CLASSES)
    one = select_ensemble(candidates, metric, y, size=8, bags=bags)
    other = select_ensemble([candidates[i] for i in order], metric, y, size=8, bags=bags)
    assert {int(order[i]): w for i, w in other.items()} == pytest.approx(one)


def test_bags_never_make_it_worse_and_sometimes_better():
    metric = resolve_metric("log_loss", CLASSES)
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y = np.arange(150) % 3
        candidates = [some_probabilities(rng, y) for _ in range(12)]
        plain, bagged = (select_ensemble(candidates, metric, y, size=6, bags=bags) for bags in (0, 20))
        gains.append(
            metric.loss(y, average(plain, candidates), None) - metric.loss(y, average(bagged, candidates), None)
        )
    assert min(gains) >= 0
    assert max(gains) > 1e-4


def test_the_same_seed_draws_the_same_bags():
    rng = np.random.default_rng(3)
    y = np.arange(150) % 3
    candidates = [some_probabilities(rng, y) for _ in range(12)]
    metric = resolve_metric("log_loss", CLASSES)
    one, other = (select_ensemble(candidates, metric, y, size=6, bags=5, random_state=1) for _ in range(2))
    assert one == other


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_judging_many_at_once_chooses_as_one_by_one_does(seed):
    """Log loss as a scorer of the user's takes the general path."""
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 3
    candidates = [some_probabilities(rng, y) for _ in range(6)]
    fast = resolve_metric("log_loss", CLASSES)

    def score(estimator, X, labels):
        return -fast.loss(np.searchsorted(CLASSES, labels), estimator.predict_proba(X), None)

    slow = resolve_metric(score, CLASSES)
    one, other = (select_ensemble(candidates, metric, y, size=6, bags=0) for metric in (fast, slow))
    # Float32 may choose otherwise between losses that hardly differ.
    losses = [fast.loss(y, average(w, candidates), None) for w in (one, other)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


# ---------------------------------------------------------------------------------------------- calibrated


def test_mixture_is_calibrated_and_adds_up():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 2000)
    scores = rng.normal(size=(2000, 3)) + 1.5 * np.eye(3)[y]
    # Two that are too bold, each in its way.
    candidates = []
    for _ in range(2):
        z = 4 * (scores + 0.5 * rng.normal(size=scores.shape))
        candidates.append(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))
    metric = resolve_metric("log_loss", CLASSES)
    mixture = mix(candidates, metric, y, size=8)
    assert set(mixture.temperatures) == set(mixture.weights) == {0, 1}
    assert all(t.value > 1.5 for t in mixture.temperatures.values())
    before = average(mixture.weights, [mixture.temperatures[i].apply(p) for i, p in enumerate(candidates)])
    np.testing.assert_allclose(mixture.temperature.apply(before), mixture.predictions)
    losses = [metric.loss(y, p, None) for p in (*candidates, average(mixture.weights, candidates), before)]
    assert metric.loss(y, mixture.predictions, None) <= min(losses)


def test_mixture_of_numbers_has_no_temperature():
    mixture = mix([Y + 1, Y - 1], RMSE, Y, size=2)
    assert mixture.temperature == Temperature()
    np.testing.assert_allclose(mixture.predictions, Y)


def test_scorer_of_decisions_chooses_as_it_does_by_name():
    rng = np.random.default_rng(1)
    y = np.arange(60) % 3
    candidates = [some_probabilities(rng, y) for _ in range(5)]
    by_name = resolve_metric("balanced_accuracy", CLASSES)
    of_user = resolve_metric(make_scorer(balanced_accuracy_score), CLASSES)
    one, other = (select_ensemble(candidates, metric, y, size=5) for metric in (by_name, of_user))
    assert one == other
