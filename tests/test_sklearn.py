"""Scikit-learn's own checks, on estimators that really search."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from autonas import AutoNASClassifier, AutoNASRegressor

SETTINGS = {
    "time_limit": None,
    "n_trials": 2,
    "min_epochs": 3,
    "max_epochs": 9,
    "validation": "holdout",
    "random_state": 0,
}


#: Twenty seconds each: fits to tables of every sparse format. ``test_estimator.py`` has two of them.
DEAR = {"check_estimator_sparse_matrix", "check_estimator_sparse_array"}


def checks():
    for estimator in (AutoNASClassifier(**SETTINGS), AutoNASRegressor(**SETTINGS)):
        for instance, check in estimator_checks_generator(estimator):
            name = check.func.__name__
            marks = [pytest.mark.slow] if name in DEAR else []
            yield pytest.param(instance, check, id=f"{type(instance).__name__}-{name}", marks=marks)


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("optimizer", ["bohb", "smac", "tpe", "hyperband", "asha", "random"])
def test_clone_and_repr(optimizer):
    from sklearn.base import clone

    estimator = AutoNASClassifier(optimizer=optimizer, search_space={"network": ["mlp"]}, **SETTINGS)
    assert clone(estimator).get_params() == estimator.get_params()
    assert optimizer == "bohb" or optimizer in repr(estimator)
