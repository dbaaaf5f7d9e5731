"""Temperatures: exact powers; a known one is found, and nothing is changed without need."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from autonas.training.calibration import Temperature
from autonas.training.metrics import LOG_LOSS


def drawn(n, n_classes=3, seed=0, spread=1.5):
    """Probabilities, and classes drawn by them: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    scores = spread * rng.normal(size=(n, n_classes))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    codes = (probabilities.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return probabilities, codes


@pytest.mark.parametrize(
    ("temperature", "row", "expected"),
    [
        (1.0, [0.7, 0.2, 0.1], [0.7, 0.2, 0.1]),
        (2.0, [0.81, 0.09, 0.09], [0.6, 0.2, 0.2]),
        (0.5, [0.6, 0.2, 0.2], [9 / 11, 1 / 11, 1 / 11]),
        (0.5, [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
        (5.0, [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]),
    ],
)
def test_powers(temperature, row, expected):
    np.testing.assert_allclose(Temperature(temperature).apply(np.array([row])), [expected], atol=1e-12)


def test_one_changes_nothing():
    probabilities, _ = drawn(20)
    assert Temperature().apply(probabilities) is probabilities


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("known", [0.5, 0.8, 1.0, 1.6, 3.0])
def test_a_known_temperature_is_found(n_classes, known):
    """What was calibrated is spoilt by the inverse."""
    probabilities, codes = drawn(20_000, n_classes)
    spoilt = Temperature(1 / known).apply(probabilities)
    assert Temperature.fit(spoilt, codes).value == pytest.approx(known, rel=0.05)
    # Any 2,000 rows tell of it.
    assert Temperature.fit(spoilt, codes, max_rows=2_000).value == pytest.approx(known, rel=0.2)


def test_calibrated_stays():
    probabilities, codes = drawn(300)
    assert Temperature.fit(probabilities, codes).value == pytest.approx(1, abs=0.1)


def test_a_few_rows_do_not_move_it_far():
    """Five rows, all right, would say: bolder without end."""
    probabilities = np.full((5, 2), [0.7, 0.3])
    codes = np.zeros(5, dtype=int)
    assert Temperature.fit(probabilities, codes, strength=0).value < 0.3
    assert 0.9 < Temperature.fit(probabilities, codes).value < 1
    assert 0.99 < Temperature.fit(probabilities, codes, strength=300).value < 1


def test_one_impossible_row_does_not_rule():
    """A class that was given probability 0 costs no more than the log loss counts for it."""
    probabilities, codes = drawn(1000, 2)
    probabilities[0], codes[0] = [1.0, 0.0], 1
    assert Temperature.fit(probabilities, codes).value == pytest.approx(1, abs=0.15)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(2, 60),
    n_classes=st.integers(2, 5),
    weighted=st.booleans(),
    strength=st.sampled_from([0.0, 30.0, 300.0]),
)
def test_never_worse_and_the_same_classes(seed, n, n_classes, weighted, strength):
    probabilities, _ = drawn(n, n_classes, seed)
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_classes, n)
    weight = rng.random(n) + 0.01 if weighted else None
    temperature = Temperature.fit(probabilities, codes, weight, strength=strength)
    after = temperature.apply(probabilities)
    assert LOG_LOSS(codes, after, weight) <= LOG_LOSS(codes, probabilities, weight) + 1e-9
    assert np.array_equal(after.argmax(axis=1), probabilities.argmax(axis=1))
    np.testing.assert_allclose(after.sum(axis=1), 1)


def test_of_two_classes_the_order_of_the_rows_stays():
    probabilities, codes = drawn(500, 2)
    for value in (0.4, 2.5):
        after = Temperature(value).apply(probabilities)
        assert roc_auc_score(codes, after[:, 1]) == roc_auc_score(codes, probabilities[:, 1])


def test_weights_of_rows():
    """They count as repeated rows would, their scale does not matter."""
    probabilities, codes = drawn(400)
    spoilt = Temperature(0.5).apply(probabilities)
    weight = np.repeat([1.0, 3.0], 200)
    by_weight = Temperature.fit(spoilt, codes, weight, strength=0).value
    repeated = np.repeat(np.arange(400), weight.astype(int))
    assert by_weight == pytest.approx(Temperature.fit(spoilt[repeated], codes[repeated], strength=0).value, rel=1e-2)
    scaled = Temperature.fit(spoilt, codes, 1e-6 * weight).value
    assert scaled == pytest.approx(Temperature.fit(spoilt, codes, weight).value, rel=1e-6)
    assert by_weight != pytest.approx(Temperature.fit(spoilt, codes, strength=0).value, rel=1e-4)
