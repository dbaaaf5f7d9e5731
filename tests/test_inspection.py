"""Scikit-learn's tools that look into fitted models, on tables of mixed columns."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.inspection import partial_dependence, permutation_importance

from autonas import AutoNASClassifier, AutoNASRegressor
from tests.test_estimator import mixed_table

QUICK = {
    "time_limit": None,
    "n_trials": 1,
    "max_epochs": 27,
    "validation": "holdout",
    "portfolio": None,
    "search_space": {"network": ["mlp"], "mlp:n_layers": [1], "numeric_embedding": ["none"]},
    "random_state": 0,
}


@pytest.fixture(scope="module")
def table():
    X, y = mixed_table(200)
    X["number"] += 3 * (y == "yes")
    return X.drop(columns="twin"), y


@pytest.fixture(scope="module")
def classifier(table):
    return AutoNASClassifier(**QUICK).fit(*table)


def test_permutation_importance_finds_the_column_that_tells(table, classifier):
    X, y = table
    found = permutation_importance(classifier, X, y, n_repeats=3, random_state=0)
    importance = dict(zip(X, found.importances_mean, strict=True))
    assert max(importance, key=importance.get) == "number"
    assert importance["number"] > 0.2
    assert importance["nothing"] == importance["same"] == 0


def test_partial_dependence_rises_with_the_column_that_tells(table, classifier):
    X, _ = table
    found = partial_dependence(classifier, X, ["number"], grid_resolution=6, response_method="predict_proba")
    (curve,) = found["average"]
    assert (np.diff(curve) > 0).all()
    assert curve[0] < 0.3
    assert curve[-1] > 0.7


def test_partial_dependence_on_categories(table):
    X, _ = table
    red = (X["colour"] == "red").to_numpy()
    reg = AutoNASRegressor(**QUICK).fit(X, 10.0 * red + X["number"])
    found = partial_dependence(reg, X, ["colour"], categorical_features=["colour"])
    by_colour = dict(zip(found["grid_values"][0], found["average"][0], strict=True))
    assert by_colour["red"] > max(by_colour["green"], by_colour["blue"]) + 3
