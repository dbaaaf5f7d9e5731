"""Thresholds: the known best ones are found, and nothing moves without a gain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from autonas.training.metrics import resolve_metric
from autonas.training.thresholds import Decision, tune_decision


def imbalanced(n, share=0.03, seed=0):
    """Calibrated probabilities of a rare class, and classes drawn by them."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.normal(size=n)
    # Brings the mean of the probabilities to the share.
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(1 / (1 + np.exp(-scores - middle))) < share else (low, middle)
    rare = 1 / (1 + np.exp(-scores - low))
    return np.c_[1 - rare, rare], (rng.random(n) < rare).astype(int)


def of_decisions(metric, n_classes=2):
    return resolve_metric(metric, np.arange(n_classes)).of_decisions


# ---------------------------------------------------------------------------------------------- arithmetic


def test_weights_decide():
    probabilities = np.array([[0.7, 0.3], [0.81, 0.19], [0.1, 0.9]])
    decision = Decision(np.array([0.4, 1.6]))
    assert decision.threshold == pytest.approx(0.2)
    assert decision.decide(probabilities).tolist() == [1, 0, 1]
    assert Decision(np.ones(2)).decide(probabilities).tolist() == [0, 0, 1]


def test_three_classes():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.6, 0.1, 0.3]])
    assert Decision(np.array([1.0, 2.0, 1.0])).decide(probabilities).tolist() == [1, 0]


# ---------------------------------------------------------------------------------------------- known optima


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.8])
def test_balanced_accuracy_is_best_at_the_share_of_the_class(share):
    probabilities, codes = imbalanced(20_000, share)
    threshold = tune_decision(probabilities, codes, None, of_decisions("balanced_accuracy")).threshold
    assert threshold == pytest.approx(share, rel=0.15)


def test_f1_is_best_at_half_of_itself():
    """Lipton et al. 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure"."""
    probabilities, codes = imbalanced(20_000, 0.1)
    decision = tune_decision(probabilities, codes, None, of_decisions("f1"))
    best = f1_score(codes, decision.decide(probabilities))
    assert decision.threshold == pytest.approx(best / 2, rel=0.15)
    assert best > f1_score(codes, probabilities.argmax(axis=1)) + 0.02


def test_accuracy_needs_no_threshold():
    probabilities, codes = imbalanced(2_000, 0.3)
    assert tune_decision(probabilities, codes, None, of_decisions("accuracy")).threshold == 0.5


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1", "accuracy"])
def test_wrong_shares_are_mended(metric):
    """As a network trained with class weights: it expects half of the rows in each class, and one in twenty is."""
    probabilities, codes = imbalanced(20_000, 0.05)
    spoilt = probabilities * [1 / 0.95, 1 / 0.05]
    spoilt /= spoilt.sum(axis=1, keepdims=True)
    judge = of_decisions(metric)
    decided = [tune_decision(p, codes, None, judge).decide(p) for p in (probabilities, spoilt)]
    assert np.mean(decided[0] != decided[1]) < 0.01


def test_costs_of_the_users_own():
    """Missing the second class costs nine times a false alarm: the threshold is a tenth."""

    def loss(confusion):
        return (9 * confusion[1, 0] + confusion[0, 1]) / confusion.sum()

    probabilities, codes = imbalanced(20_000, 0.3)
    assert tune_decision(probabilities, codes, None, loss).threshold == pytest.approx(0.1, rel=0.15)


def test_many_classes():
    rng = np.random.default_rng(0)
    shares = np.array([0.6, 0.2, 0.1, 0.06, 0.04])
    scores = np.log(shares) + 1.5 * rng.normal(size=(6_000, 5))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    codes = (probabilities.cumsum(axis=1) > rng.random((6_000, 1))).argmax(axis=1)
    learn, judge = np.arange(3_000), np.arange(3_000, 6_000)
    for metric, gain in (("balanced_accuracy", 0.08), ("f1_macro", 0.02)):
        loss = resolve_metric(metric, np.arange(5))
        decision = tune_decision(probabilities[learn], codes[learn], None, loss.of_decisions)
        before = loss.loss(codes[judge], probabilities[judge], None)
        assert loss.loss(codes[judge], probabilities[judge] * decision.weights, None) < before - gain


# ---------------------------------------------------------------------------------------------- few rows, weights


def test_few_rows_do_not_mislead():
    """Of 60 rows about five are of the rare class: the threshold is near its place all the same."""
    thresholds = [
        tune_decision(*imbalanced(60, 0.08, seed), None, of_decisions("balanced_accuracy")).threshold
        for seed in range(20)
    ]
    assert 0.05 < np.median(thresholds) < 0.12
    assert max(thresholds) < 0.35


def test_better_on_other_rows():
    gains = []
    for seed in range(10):
        probabilities, codes = imbalanced(5_200, 0.03, seed)
        decision = tune_decision(probabilities[:200], codes[:200], None, of_decisions("balanced_accuracy"))
        rest, true = probabilities[200:], codes[200:]
        gains.append(
            balanced_accuracy_score(true, decision.decide(rest)) - balanced_accuracy_score(true, rest.argmax(axis=1))
        )
    assert min(gains) > 0.1


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(2, 40),
    n_classes=st.integers(2, 5),
    metric=st.sampled_from(["balanced_accuracy", "f1_macro", "accuracy"]),
)
def test_any_few_rows_give_weights(seed, n, n_classes, metric):
    """Also where some class is in none of the rows."""
    rng = np.random.default_rng(seed)
    probabilities, codes = rng.dirichlet(np.ones(n_classes), n), rng.integers(0, n_classes, n)
    decision = tune_decision(probabilities, codes, None, of_decisions(metric, n_classes))
    assert np.isfinite(decision.weights).all()
    assert (decision.weights > 0).all()
    assert decision.weights.mean() == pytest.approx(1)


def test_weights_of_rows():
    probabilities, codes = imbalanced(4_000, 0.3)
    judge = of_decisions("balanced_accuracy")
    weight = np.where(codes == 1, 0.1, 1.0)
    share = np.average(codes, weights=weight)
    assert tune_decision(probabilities, codes, weight, judge).threshold == pytest.approx(0.3, rel=0.15)
    assert share < 0.1
    scaled = [tune_decision(probabilities, codes, c * weight, judge).threshold for c in (1.0, 1e4)]
    assert scaled[0] == pytest.approx(scaled[1])


def test_the_deadline_ends_the_search():
    """What needs no search, the shares of the classes, is there."""
    probabilities, codes = imbalanced(4_000, 0.05)
    decision = tune_decision(probabilities, codes, None, of_decisions("f1"), lambda: True)
    assert decision.threshold in (0.5, pytest.approx(0.05, rel=0.2))
