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


@pytest.mark.parametrize(
    ("name", "classes", "mend"),
    [
        ("rmse", ["bad", "good"], "2 classes .*'log_loss'"),
        ("f1", ["bad", "good"], "'f1_macro'"),
        ("roc_auc", [0, 1, 2], "3 classes .*multi_class"),
        ("accuracy", None, "'rmse'"),
    ],
)
def test_a_scorer_for_something_else_is_refused(name, classes, mend):
    with pytest.raises(ValueError, match=f"cannot judge .*{mend}"):
        resolve_metric(name, None if classes is None else np.array(classes))


def test_neither_name_nor_scorer():
    with pytest.raises(ValueError, match="make_scorer"):
        resolve_metric(3, None)


# ---------------------------------------------------------------------------------------------- many at once, decisions


@pytest.mark.parametrize("name", ["rmse", "mse", "mae", "log_loss"])
@pytest.mark.parametrize("weighted", [False, True])
def test_averages_are_judged_by_row(name, weighted):
    rng = np.random.default_rng(0)
    classes = np.arange(3) if name == "log_loss" else None
    y = rng.integers(0, 3, 50) if name == "log_loss" else rng.normal(size=50)
    candidates = [rng.dirichlet(np.ones(3), 50) if name == "log_loss" else y + rng.normal(size=50) for _ in range(4)]
    weight = rng.random(50) if weighted else None
    metric = resolve_metric(name, classes)
    views = np.stack([metric.by_row.view(y, p) for p in candidates])
    np.testing.assert_allclose(metric.by_row.losses(views, weight), [metric.loss(y, p, weight) for p in candidates])
    together = metric.by_row.losses(views.mean(axis=0)[np.newaxis], weight)[0]
    assert together == pytest.approx(metric.loss(y, np.mean(candidates, axis=0), weight))


def cost_without_weights(y, decided):
    return 5 * np.mean((y == "b") & (decided == "a")) + np.mean((y == "a") & (decided == "b"))


DECISIONS = ["accuracy", "balanced_accuracy", "f1_macro", metrics.make_scorer(metrics.matthews_corrcoef)]


@pytest.mark.parametrize("metric", DECISIONS)
def test_metrics_of_decisions_know_a_confusion_matrix(metric):
    classes = np.array(["a", "b", "c"], dtype=object)
    confusion = np.array([[5.0, 1.0, 0.0], [2.0, 4.0, 1.0], [0.0, 3.0, 7.0]])
    codes, decided = (np.repeat(x.ravel(), confusion.astype(int).ravel()) for x in np.indices((3, 3)))
    resolved = resolve_metric(metric, classes)
    expected = resolved.loss(codes, np.eye(3)[decided], None)
    assert resolved.of_decisions(confusion) == pytest.approx(expected)
    assert resolved.of_decisions(confusion / 7) == pytest.approx(expected)


@pytest.mark.parametrize(
    "metric",
    ["neg_log_loss", "roc_auc_ovr", "brier", metrics.make_scorer(metrics.log_loss, response_method="predict_proba")],
)
def test_metrics_of_probabilities_do_not(metric):
    assert resolve_metric(metric, np.array([0, 1])).of_decisions is None


def test_scorer_without_sample_weight_knows_a_confusion_matrix():
    scorer = metrics.make_scorer(cost_without_weights, greater_is_better=False)
    metric = resolve_metric(scorer, np.array(["a", "b"]))
    assert metric.of_decisions(np.array([[0.4, 0.1], [0.2, 0.3]])) == pytest.approx(5 * 0.2 + 0.1, rel=1e-3)


def test_own_function_is_seen_through():
    def decides(estimator, X, y):
        return float(np.mean(estimator.predict(X) == y))

    def weighs(estimator, X, y):
        return float(estimator.predict_proba(X)[np.arange(len(y)), y].mean())

    assert resolve_metric(decides, np.array([0, 1])).of_decisions is not None
    assert resolve_metric(weighs, np.array([0, 1])).of_decisions is None
