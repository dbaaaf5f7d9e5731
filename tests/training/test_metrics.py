"""Metrics on stored predictions equal scikit-learn's on estimators."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge

from autonas.training.metrics import resolve_metric

SCALED = {"binary": load_breast_cancer, "many": load_wine}


@pytest.mark.parametrize("data", SCALED)
@pytest.mark.parametrize("name", ["neg_log_loss", "accuracy", "balanced_accuracy", "roc_auc_ovr", "f1_macro"])
def test_classification_equals_the_scorer(data, name):
    X, y = SCALED[data](return_X_y=True)
    labels = np.array(["b", "c", "a"])[: y.max() + 1]
    classes = np.unique(labels)
    codes = np.searchsorted(classes, labels[y])
    model = LogisticRegression(C=1e-3).fit(X / X.std(axis=0), classes[codes])
    weight = np.random.default_rng(0).random(len(y))
    expected = metrics.get_scorer(name)(model, X / X.std(axis=0), classes[codes], sample_weight=weight)
    loss = resolve_metric(name, classes).loss(codes, model.predict_proba(X / X.std(axis=0)), weight)
    assert -loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["neg_root_mean_squared_error", "r2", "neg_mean_absolute_error"])
def test_regression_equals_the_scorer(name):
    X, y = load_diabetes(return_X_y=True)
    model = Ridge().fit(X, y)
    loss = resolve_metric(name, None).loss(y, model.predict(X))
    assert -loss == pytest.approx(metrics.get_scorer(name)(model, X, y))


def test_defaults_and_short_names():
    assert resolve_metric(None, np.array([0, 1])).name == "neg_log_loss"
    assert resolve_metric(None, None).name == "neg_root_mean_squared_error"
    assert resolve_metric("mae", None).name == "neg_mean_absolute_error"


def test_own_scorer():
    scorer = metrics.make_scorer(metrics.fbeta_score, beta=2)
    y = np.array([0, 1, 1, 0])
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    loss = resolve_metric(scorer, np.array([0, 1])).loss(y, probabilities)
    assert -loss == pytest.approx(metrics.fbeta_score(y, [0, 1, 0, 0], beta=2))


def test_unknown_name_lists_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'balanced_accuracy'"):
        resolve_metric("balanced_acuracy", np.array([0, 1]))


def test_neither_name_nor_scorer():
    with pytest.raises(ValueError, match="make_scorer"):
        resolve_metric(3, None)
