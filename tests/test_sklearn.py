"""Scikit-learn's own checks, on estimators that really search."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from autonas import AutoNASClassifier, AutoNASRegressor

SETTINGS = {
    "time_limit": None,
    "n_trials": 2,
    "min_epochs": 3,
    "max_epochs": 9,
    "validation": "holdout",
    "random_state": 0,
}


@parametrize_with_checks([AutoNASClassifier(**SETTINGS), AutoNASRegressor(**SETTINGS)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("optimizer", ["bohb", "smac", "tpe", "hyperband", "asha", "random"])
def test_clone_and_repr(optimizer):
    from sklearn.base import clone

    estimator = AutoNASClassifier(optimizer=optimizer, search_space={"network": ["mlp"]}, **SETTINGS)
    assert clone(estimator).get_params() == estimator.get_params()
    assert optimizer == "bohb" or optimizer in repr(estimator)
