"""What the classifier makes of probabilities: their temperature, and classes by thresholds on request."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, make_scorer

from autonas import AutoNASClassifier, AutoNASRegressor
from autonas.training.calibration import Temperature

QUICK = {
    "time_limit": None,
    "n_trials": 2,
    "min_epochs": 1,
    "max_epochs": 3,
    "validation": "holdout",
    "portfolio": None,
    "random_state": 0,
}


def classifier(**changes):
    return AutoNASClassifier(**{**QUICK, **changes})


def imbalanced(n, seed=0):
    """One row in fifteen is of the second class, which overlaps with the first."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 1 / 15, "rare", "common").astype(object)
    return rng.normal(size=(n, 3)) + 1.2 * (y == "rare")[:, np.newaxis], y


@pytest.fixture(scope="module")
def tuned():
    return classifier(tune_threshold=True, metric="balanced_accuracy").fit(*imbalanced(2_000))


def test_balanced_accuracy_is_better_by_a_threshold(tuned):
    X, y = imbalanced(4_000, seed=1)
    probabilities = tuned.predict_proba(X)
    most_probable = tuned.classes_[probabilities.argmax(axis=1)]
    assert balanced_accuracy_score(y, tuned.predict(X)) > balanced_accuracy_score(y, most_probable) + 0.03
    assert tuned.threshold_ < 0.3
    assert np.array_equal(tuned.predict(X) == "rare", probabilities[:, 1] > tuned.threshold_)
    np.testing.assert_allclose(tuned.threshold_, tuned.decision_weights_[0] / tuned.decision_weights_.sum())


def test_probabilities_stay_those_of_the_rows(tuned):
    """They say how often a class occurs, not what is decided for."""
    X, y = imbalanced(4_000, seed=1)
    assert tuned.predict_proba(X)[:, 1].mean() == pytest.approx(np.mean(y == "rare"), rel=0.35)
    assert brier_score_loss(y == "rare", tuned.predict_proba(X)[:, 1]) < np.var(y == "rare")


def test_thresholds_are_kept(tuned):
    """By a pickle, and by refit."""
    X = imbalanced(500, seed=2)[0]
    copy = pickle.loads(pickle.dumps(tuned))
    assert np.array_equal(copy.predict(X), tuned.predict(X))
    before = copy.threshold_, copy.temperature_
    copy.refit(*imbalanced(300, seed=3))
    assert (copy.threshold_, copy.temperature_) == before
    assert not np.array_equal(copy.predict_proba(X), tuned.predict_proba(X))
    assert np.array_equal(copy.predict(X) == "rare", copy.predict_proba(X)[:, 1] > copy.threshold_)


def test_without_a_request_the_most_probable_class_is_predicted():
    X, y = imbalanced(400)
    clf = classifier(metric="balanced_accuracy").fit(X, y)
    assert clf.threshold_ == 0.5
    assert clf.decision_weights_.tolist() == [1, 1]
    assert np.array_equal(clf.predict(X), clf.classes_[clf.predict_proba(X).argmax(axis=1)])


def test_many_classes_have_weights_and_no_threshold():
    X, y = load_iris(return_X_y=True)
    keep = np.r_[0:50, 50:70, 100:110]
    clf = classifier(tune_threshold=True, metric="f1_macro", max_epochs=9).fit(X[keep], y[keep])
    assert clf.decision_weights_.shape == (3,)
    assert not hasattr(clf, "threshold_")
    decided = (clf.predict_proba(X) * clf.decision_weights_).argmax(axis=1)
    assert np.array_equal(clf.predict(X), decided)


def test_temperature_is_what_calibrates():
    X, y = imbalanced(600)
    clf = classifier().fit(X, y)
    assert clf.temperature_ != 1
    calibrated = clf.predict_proba(X)
    clf._fitted.ensemble.temperature = Temperature()
    before = clf.predict_proba(X)
    odds = [np.log(p[:, 1] / p[:, 0]) for p in (before, calibrated)]
    np.testing.assert_allclose(odds[0] / clf.temperature_, odds[1])


def test_before_fit():
    with pytest.raises(AttributeError, match="after fit"):
        _ = classifier().threshold_


@pytest.mark.parametrize("metric", [None, "roc_auc_ovr", "log_loss"])
def test_a_metric_of_probabilities_is_refused(metric):
    with pytest.raises(ValueError, match="judges decisions.*metric='balanced_accuracy'"):
        classifier(tune_threshold=True, metric=metric).fit(*load_iris(return_X_y=True))


def test_a_scorer_of_decisions_is_taken():
    X, y = imbalanced(300)
    scorer = make_scorer(lambda y, decided: np.mean(decided[y == "rare"] == "rare"))  # recall, without sample_weight
    assert (classifier(tune_threshold=True, metric=scorer).fit(X, y).predict(X) == "rare").mean() > 0.9


@pytest.mark.parametrize("value", ["yes", None, 1])
def test_it_is_a_bool(value):
    with pytest.raises(ValueError, match="tune_threshold="):
        classifier(tune_threshold=value, metric="accuracy").fit(*imbalanced(60))


def test_a_parameter_of_classifiers_only():
    assert clone(classifier(tune_threshold=True)).tune_threshold is True
    assert set(AutoNASClassifier().get_params()) - set(AutoNASRegressor().get_params()) == {"tune_threshold"}
