"""The mixed preset: traditional models beside the networks, named as such, off by default."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from ConfigSpace import Categorical, ConfigurationSpace
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression

from autonas import NETWORKS, OPTIMIZERS, AutoNASClassifier, AutoNASRegressor, NetworkFamily, load_space
from autonas.presets import load_preset
from autonas.spaces import values
from autonas.training.traditional import TRADITIONAL
from tests.optimization.dear import each

QUICK = {
    "pipeline": "tabular_mixed",
    "time_limit": None,
    "n_trials": 5,
    "min_epochs": 1,
    "max_epochs": 3,
    "validation": "holdout",
    "portfolio": None,
    "random_state": 0,
}
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
#: A quick network first, then all traditional models.
FAMILIES = {"network": ["mlp", *TRADITIONAL]}


def classifier(**changes):
    return AutoNASClassifier(**{**QUICK, "search_space": FAMILIES, **changes})


def regressor(**changes):
    return AutoNASRegressor(**{**QUICK, "search_space": FAMILIES, **changes})


def chessboard(n=400, seed=0):
    """What a tree sees at once, and a network trained for three epochs does not: words and gaps beside it."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.random((n, 2)), columns=["east", "north"])
    y = np.where((table["east"] > 0.5) ^ (table["north"] > 0.5), "black", "white")
    table["town"] = rng.choice(["Rome", "Oslo", None], n)
    table["gap"] = np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n))
    return table, y


def kinds(estimator):
    return dict(zip(estimator.leaderboard()["trial"], estimator.leaderboard()["kind"], strict=True))


# ---------------------------------------------------------------------------------------------- on and off


def test_off_by_default():
    assert not set(load_preset("tabular").networks) & set(TRADITIONAL)
    clf = AutoNASClassifier(**{**QUICK, "pipeline": "auto", "n_trials": 2}).fit(*IRIS)
    assert set(clf.leaderboard()["kind"]) == {"network"}
    assert not set(clf.configuration_space_["network"].choices) & set(TRADITIONAL)


def test_the_preset_is_the_default_one_and_the_traditional_models():
    plain, mixed = load_preset("tabular"), load_preset("tabular_mixed")
    assert mixed.networks == (*plain.networks, *TRADITIONAL)
    for key in ("preprocessing", "training", "defaults", "validation", "ensemble_size", "portfolio"):
        assert getattr(plain, key) == getattr(mixed, key), key
    assert mixed.space().get_default_configuration()["network"] == plain.networks[0]


def test_each_is_tried_once_right_after_the_default_and_the_users_own():
    clf = classifier(n_trials=7, initial_configurations=[{"network": "mlp", "mlp:n_layers": 1}]).fit(*IRIS)
    tried = [(t.origin, t.configuration["network"]) for t in clf.history_.trials]
    assert tried[:2] == [("default", "mlp"), ("initial", "mlp")]
    assert tried[2:6] == [("traditional", name) for name in TRADITIONAL]
    assert tried[6][0] not in ("default", "initial", "traditional")


def test_before_the_portfolio():
    clf = classifier(n_trials=6, portfolio="default").fit(*IRIS)
    assert [t.origin for t in clf.history_.trials] == ["default", *["traditional"] * 4, "portfolio"]


def test_named_as_such():
    clf = classifier(n_trials=6).fit(*chessboard())
    board = clf.leaderboard().set_index("trial")
    traditional = board["network"].isin(list(TRADITIONAL))
    assert traditional.sum() >= 4
    assert (board["kind"] == np.where(traditional, "traditional", "network")).all()
    assert (board.loc[traditional, ["epochs", "best_epoch"]] == 0).all(axis=None)
    assert (board.loc[traditional, "state"] == "complete").all()
    assert (board.loc[traditional, "n_parameters"] > 0).all()
    assert board.loc[traditional, "ensemble_weight"].sum() > 0
    assert "1 traditional model(s) trained on all rows, " in clf.show_models()
    assert clf.failures().empty


def test_their_configurations_hold_nothing_of_networks():
    clf = classifier().fit(*IRIS)
    for params in clf.cv_results_["params"][1:]:
        shared = {name for name in params if ":" not in name}
        scaling = {"scaling", "clipping", "imputation"} if params["network"] == "linear_model" else set()
        assert shared == {"network", "class_weights"} | scaling


def test_verbose_does_not_tell_of_their_epochs(capsys):
    classifier(verbose=1, n_trials=3).fit(*chessboard())
    lines = capsys.readouterr().out.splitlines()
    assert "(mlp, default)" in lines[0]
    assert lines[0].endswith("epochs")
    assert "traditional)" in lines[1]
    assert "epochs" not in lines[1]


# ---------------------------------------------------------------------------------------------- predictions


@pytest.mark.parametrize("validation", ["holdout", 3])
def test_the_ensemble_is_the_weighted_average_of_its_members(validation):
    X, y = chessboard()
    clf = classifier(validation=validation, n_trials=8).fit(X, y)
    ensemble, table = clf._fitted.ensemble, clf._fitted.schema.transform(X)
    assert "traditional" in {kinds(clf)[m.trial] for m in ensemble.members}
    total = 0.0
    for member in ensemble.members:
        single = [trained.predict(trained.preprocessor.transform(table)) for trained in member.networks]
        total = total + member.weight * member.temperature.apply(np.mean(single, axis=0))
    np.testing.assert_allclose(clf.predict_proba(X), ensemble.temperature.apply(total), atol=1e-6)


def test_a_network_and_a_traditional_model_together():
    """Where each knows a part of the truth, both are members, and better than either."""
    X, y = chessboard(600)
    X = np.hstack([X[["east", "north"]], np.random.default_rng(1).normal(size=(600, 6))])
    y = (y == "black") + X[:, 2:] @ np.linspace(0.1, 0.5, 6)
    families = {"network": ["linear", "random_forest"]}
    reg = regressor(search_space=families, n_trials=2, min_epochs=27, max_epochs=27).fit(X[:400], y[:400])
    assert reg.leaderboard()["ensemble_weight"].min() > 0
    alone = regressor(search_space=families, n_trials=2, min_epochs=27, max_epochs=27, ensemble_size=1)
    assert reg.score(X[400:], y[400:]) > alone.fit(X[:400], y[:400]).score(X[400:], y[400:])


def test_better_than_the_network_alone_where_trees_are():
    X, y = chessboard(800)
    mixed = classifier(train_on_all=False).fit(X[:400], y[:400])
    alone = classifier(search_space={"network": "mlp"}, n_trials=1, train_on_all=False).fit(X[:400], y[:400])
    assert mixed.score(X[400:], y[400:]) > 0.9
    assert alone.score(X[400:], y[400:]) < 0.9


def test_new_towns_and_new_gaps():
    clf = classifier().fit(*chessboard())
    new, _ = chessboard(30, seed=1)
    new["town"] = "Atlantis"
    new.loc[3:9, "north"] = np.nan
    assert np.isfinite(clf.predict_proba(new)).all()
    assert set(clf.predict(new)) <= {"black", "white"}


def test_a_row_is_predicted_whatever_stands_beside_it():
    X, y = chessboard()
    clf = classifier().fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X)[17:18], clf.predict_proba(X[17:18]))


@pytest.mark.parametrize("validation", ["holdout", 3])
def test_rare_classes(validation):
    X, y = IRIS
    y = y.copy()
    y[:2] = 9
    clf = classifier(validation=validation).fit(X, y)
    assert clf.failures().empty
    assert clf.predict_proba(X).shape == (150, 4)


def test_regression():
    X, y = DIABETES
    reg = regressor(n_trials=6, validation=3).fit(X, 1e6 + 1e3 * y, sample_weight=np.linspace(0.1, 3, len(y)))
    assert reg.failures().empty
    assert reg.score(X, 1e6 + 1e3 * y) > 0.3
    predictions = reg.predict(X * 100)
    assert predictions.min() >= 1e6 + 1e3 * y.min()
    assert predictions.max() <= 1e6 + 1e3 * y.max()


def test_weighted_rows_are_repeated_rows():
    X, y = IRIS
    repeated = classifier().fit(np.r_[X, X[:20]], np.r_[y, y[:20]])
    weighted = classifier().fit(X, y, sample_weight=np.r_[np.full(20, 2.0), np.ones(130)])
    np.testing.assert_allclose(repeated.predict_proba(X), weighted.predict_proba(X))


@pytest.mark.parametrize("metric", ["balanced_accuracy", "roc_auc_ovr"])
def test_metric_guides_the_search(metric):
    clf = classifier(metric=metric).fit(*IRIS)
    assert clf.best_score_ == clf.cv_results_["mean_test_score"].max() > 0.5
    assert clf.failures().empty


# ---------------------------------------------------------------------------------------------- a life


def test_pickle():
    X, y = chessboard()
    clf = classifier().fit(X, y)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert again.leaderboard().equals(clf.leaderboard())


def test_refit_uses_all_rows():
    X, y = chessboard()
    clf = classifier(train_on_all=False).fit(X, y)
    before = clf.predict_proba(X)
    clf.refit(X, y)
    assert "traditional" in {kinds(clf)[m.trial] for m in clf._fitted.ensemble.members}
    assert not np.array_equal(before, clf.predict_proba(X))
    assert clf.score(X, y) > 0.95


def test_a_run_goes_on_bit_for_bit(tmp_path):
    X, y = chessboard()
    settings = {"validation": 2, "max_epochs": 9, "optimizer": "random"}
    classifier(n_trials=3, run_dir=tmp_path / "run", **settings).fit(X, y)
    more = classifier(n_trials=7, run_dir=tmp_path / "run", **settings).fit(X, y)
    whole = classifier(n_trials=7, **settings).fit(X, y)
    for a, b in zip(more.history_.trials, whole.history_.trials, strict=True):
        assert values(a.configuration) == values(b.configuration)
        assert [(r.fidelity, r.loss) for r in a.results] == [(r.fidelity, r.loss) for r in b.results]
    np.testing.assert_array_equal(more.predict_proba(X), whole.predict_proba(X))
    again = classifier(n_trials=7, run_dir=tmp_path / "run", **settings).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


def test_the_same_twice():
    X, y = chessboard()
    one, other = (classifier(n_trials=12).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("optimizer", each(OPTIMIZERS, cheap=("bohb", "random")))
def test_every_optimizer_searches_among_both(optimizer):
    clf = AutoNASClassifier(**{**QUICK, "optimizer": optimizer, "n_trials": 12}).fit(*IRIS)
    assert clf.failures().empty
    assert clf.score(*IRIS) > 0.8


@pytest.mark.parametrize("time_limit", [1e-6, 2])
def test_any_time_limit_leaves_a_fitted_estimator(time_limit):
    chosen = {"network": list(TRADITIONAL)}
    clf = classifier(time_limit=time_limit, n_trials=None, search_space=chosen).fit(*IRIS)
    assert clf.predict(IRIS[0]).shape == (150,)
    assert set(clf.leaderboard()["kind"]) == {"traditional"}


# ---------------------------------------------------------------------------------------------- spaces


def test_traditional_models_alone():
    clf = classifier(search_space={"network": ["random_forest", "extra_trees"]}, n_trials=4).fit(*IRIS)
    assert {name.partition(":")[0] for name in clf.configuration_space_} == {
        "network",
        "class_weights",
        "random_forest",
        "extra_trees",
    }
    assert [t.origin for t in clf.history_.trials[:2]] == ["default", "traditional"]
    assert clf.score(*IRIS) > 0.9


@pytest.mark.parametrize("space", ["random_forest", ["mlp", "random_forest"], {"network": "random_forest"}])
def test_one_by_its_name(space):
    pipeline = "tabular_mixed" if isinstance(space, dict) else "auto"
    clf = classifier(pipeline=pipeline, search_space=space, n_trials=3).fit(*IRIS)
    assert "random_forest" in set(clf.leaderboard()["network"])


def test_narrowed():
    choices = {"network": "random_forest", "random_forest:n_trees": (30, 40)}
    clf = classifier(search_space=choices, n_trials=3, optimizer="random").fit(*IRIS)
    assert all(30 <= params["random_forest:n_trees"] <= 40 for params in clf.cv_results_["params"])


def test_joint_space_of_the_user():
    """What the space does not name of a traditional model has the library's default."""
    space = ConfigurationSpace(seed=0)
    space.add(Categorical("network", ["mlp", "random_forest", "linear_model"]))
    clf = classifier(search_space=space, n_trials=3).fit(*IRIS)
    assert set(clf.leaderboard()["network"]) == {"mlp", "random_forest", "linear_model"}
    assert set(clf.leaderboard()["kind"]) == {"network", "traditional"}
    with pytest.raises(ValueError, match="did you mean 'random_forest'"):
        classifier(search_space=ConfigurationSpace({"network": ["random_forst", "mlp"]})).fit(*IRIS)


def test_a_network_of_the_users_of_the_same_name():
    family = NetworkFamily("random_forest", load_space("mlp"), NETWORKS["mlp"])
    clf = classifier(search_space=family, n_trials=2).fit(*IRIS)
    assert set(clf.leaderboard()["kind"]) == {"network"}


def test_the_linear_model_is_as_good_as_scikit_learns():
    X, y = IRIS
    new = np.arange(150) % 3 == 0
    clf = classifier(search_space={"network": "linear_model"}, n_trials=1).fit(X[~new], y[~new])
    theirs = LogisticRegression(max_iter=1000).fit(X[~new], y[~new])
    assert clf.score(X[new], y[new]) >= theirs.score(X[new], y[new]) - 0.05
