"""Folds: every row where it belongs, rare classes as well as can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from autonas.training.validation import default_validation, make_folds


def folds_of(validation, y, *, classification=True, seed=0):
    return make_folds(
        validation, np.zeros((len(y), 1)), np.asarray(y), classification=classification, random_state=seed
    )


@settings(max_examples=60)
@given(
    y=st.lists(st.integers(0, 3), min_size=2, max_size=60),
    classification=st.booleans(),
    validation=st.sampled_from(["auto", "cv", "holdout", 2]),
)
def test_parts_are_disjoint_and_not_empty(y, classification, validation):
    folds = folds_of(validation, y, classification=classification)
    for train, valid in folds:
        assert len(train) > 0
        assert len(valid) > 0
        assert sorted([*train, *valid]) == list(range(len(y)))
    if validation != "holdout":
        assert sorted(np.concatenate([valid for _, valid in folds])) == list(range(len(y)))


@pytest.mark.parametrize(("n", "expected"), [(100, 5), (2_499, 5), (2_500, 1), (3, 3)])
def test_auto_by_size(n, expected):
    assert len(folds_of("auto", np.arange(n) % 2)) == expected


@given(
    st.integers(1, 10**6),
    st.integers(1, 2_000),
    st.none() | st.floats(0.1, 10_000),
    st.floats(1, 10),
)
def test_more_time_never_takes_folds_away(n, p, time_limit, more):
    chosen = default_validation((n, p), time_limit)
    if n * p > 1_000_000 or n >= 10_000:
        assert chosen == "holdout"
    elif n < 2_500:
        assert chosen == "cv"
    elif time_limit is None:
        assert chosen == "holdout"
    elif chosen == "cv":
        assert default_validation((n, p), time_limit * more) == "cv"


@pytest.mark.parametrize(
    ("n", "seconds", "expected"),
    [(3_299, 60, "cv"), (3_300, 60, "holdout"), (9_999, 300, "cv"), (10_000, 3_600, "holdout"), (2_499, 1, "cv")],
)
def test_folds_with_time_enough(n, seconds, expected):
    assert default_validation((n, 10), seconds) == expected


def test_a_wide_table_is_not_trained_five_times():
    y = np.arange(400) % 2
    folds = [make_folds("auto", np.zeros((400, p)), y, classification=True, random_state=0) for p in (2_500, 2_501)]
    assert [len(f) for f in folds] == [5, 1]


def test_classes_keep_their_shares():
    y = np.r_[np.zeros(900, int), np.ones(100, int)]
    (_, valid), *_ = folds_of("holdout", y)
    assert np.bincount(y[valid]).tolist() == [180, 20]


def test_a_class_of_one_row_is_learnt_from():
    for seed in range(10):
        ((train, _),) = folds_of("holdout", [*[0] * 20, *[1] * 20, 2], seed=seed)
        assert 40 in train


def test_regression_folds_cover_the_range():
    y = np.sort(np.random.default_rng(0).exponential(size=200))
    (_, valid), *_ = folds_of("holdout", y, classification=False)
    assert np.histogram(valid, bins=10, range=(0, 200))[0].tolist() == [4] * 10


def test_splitter_is_taken_as_it_is():
    splitter = TimeSeriesSplit(3)
    folds = folds_of(splitter, np.arange(40), classification=False)
    for (train, valid), (a, b) in zip(folds, splitter.split(np.zeros(40)), strict=True):
        assert train.tolist() == a.tolist()
        assert valid.tolist() == b.tolist()


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (11, "validation=11 folds .* got 10 rows"),
        (1, "at least 2"),
        ("holdut", "did you mean 'holdout'"),
        (True, "Unknown"),
    ],
)
def test_errors_name_the_mend(validation, message):
    with pytest.raises(ValueError, match=message):
        folds_of(validation, np.arange(10) % 2)
