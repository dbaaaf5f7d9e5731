"""Several objectives: a front of fitted estimators to choose from."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris

from autonas import AutoNASClassifier, AutoNASRegressor, load

IRIS = load_iris(return_X_y=True)
QUICK = {
    "time_limit": None,
    "n_trials": 12,
    "min_epochs": 1,
    "max_epochs": 3,
    "portfolio": None,
    "random_state": 0,
    "search_space": {"network": ["mlp", "linear"]},
    "objectives": ["n_parameters"],
}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    return AutoNASClassifier(**QUICK, run_dir=tmp_path_factory.mktemp("pareto") / "run").fit(*IRIS)


def test_only_a_portfolio_that_was_asked_for_comes_before_the_search():
    settings = {"time_limit": None, "n_trials": 3, "max_epochs": 1, "objectives": ["n_parameters"], "random_state": 0}
    settings["search_space"] = ["mlp"]
    clf = AutoNASClassifier(**settings).fit(*IRIS)
    assert "portfolio" not in {trial.origin for trial in clf.history_.trials}
    clf = AutoNASClassifier(**settings, portfolio="tabular").fit(*IRIS)
    assert [trial.origin for trial in clf.history_.trials] == ["default"] * 3
    clf = AutoNASClassifier(**{**settings, "n_trials": 7}, portfolio="tabular").fit(*IRIS)
    assert [trial.origin for trial in clf.history_.trials] == ["default"] * 5 + ["portfolio"] * 2


def test_a_front_begins_with_the_default_and_smaller_ones():
    clf = AutoNASClassifier(**{**QUICK, "search_space": None, "n_trials": 6}).fit(*IRIS)
    first = clf.history_.trials[:5]
    sizes = [trial.results[-1].info["n_parameters"] for trial in first]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 10 * sizes[4]
    default, *smaller = (dict(trial.configuration) for trial in first)
    assert all(trial.results[-1].fidelity == 3 for trial in first), "all are trained to the end"
    for configuration in smaller:
        assert {k for k, v in configuration.items() if v != default[k]} <= {"realmlp:width", "realmlp:n_layers"}


def as_table(front):
    return pd.DataFrame([model.objectives_ for model in front])


def test_each_on_the_front_is_fitted(fitted):
    front = fitted.get_pareto_front()
    table = as_table(front)
    assert list(table.columns) == ["loss", "n_parameters"]
    assert len(front) >= 2
    assert table["loss"].is_monotonic_increasing
    assert table["n_parameters"].is_monotonic_decreasing
    assert table.equals(fitted.history_.pareto_front()[["loss", "n_parameters"]])
    X, y = IRIS
    for model, (_, row) in zip(front, fitted.history_.pareto_front().iterrows(), strict=True):
        trial = fitted.history_.trials[int(row["trial"])]
        assert model.best_configuration_ == trial.configuration
        assert model.best_score_ == -row["loss"]
        assert model.score(X, y) > 0.5
        (member,) = model._fitted.ensemble.members
        (stack,) = member.networks
        n_parameters = sum(p.numel() for p in stack.network.parameters()) // len(stack.scales)
        assert (member.trial, n_parameters) == (trial.number, row["n_parameters"])
    probabilities = [model.predict_proba(X) for model in front]
    assert np.abs(probabilities[0] - probabilities[-1]).max() > 1e-3


def test_the_estimator_itself_stays_the_best(fitted):
    front = fitted.get_pareto_front()
    assert front[0].best_score_ == fitted.best_score_
    assert not hasattr(fitted, "objectives_")
    assert len(fitted.leaderboard()) == len(front[-1].leaderboard()) == 12


def test_from_disk_and_by_joblib(fitted, tmp_path):
    X, _ = IRIS
    wanted = [model.predict_proba(X) for model in fitted.get_pareto_front()]
    joblib.dump(fitted, tmp_path / "clf.joblib")
    for again in (load(fitted.run_dir_), joblib.load(tmp_path / "clf.joblib")):
        front = again.get_pareto_front()
        assert as_table(front).equals(as_table(fitted.get_pareto_front()))
        for model, probabilities in zip(front, wanted, strict=True):
            np.testing.assert_array_equal(model.predict_proba(X), probabilities)


def test_one_of_the_front_is_an_estimator_like_any(fitted, tmp_path):
    X, y = IRIS
    small = fitted.get_pareto_front()[-1]
    assert clone(small).get_params()["objectives"] == ["n_parameters"]
    before = small.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(small)).predict_proba(X), before)
    big = fitted.get_pareto_front()[0].predict_proba(X)
    small.refit(X, y)
    assert not np.array_equal(small.predict_proba(X), before)
    np.testing.assert_array_equal(fitted.get_pareto_front()[0].predict_proba(X), big)
    page = small.report(tmp_path / "report.html").read_text()
    assert "<h2>Pareto front</h2>" in page
    assert "Every result by its loss and its n parameters" in page
    assert "<h2>The network</h2>" in page


def test_latency_is_measured():
    X, y = load_diabetes(return_X_y=True)
    settings = {**QUICK, "n_trials": 4, "objectives": ["latency", "multiply_adds"], "validation": "holdout"}
    reg = AutoNASRegressor(**settings).fit(X, y)
    table = as_table(reg.get_pareto_front())
    assert list(table.columns) == ["loss", "latency", "multiply_adds"]
    assert table["latency"].between(0.01, 10_000).all()  # milliseconds for 1,000 rows
    assert all(r.info["latency"] > 0 for t in reg.history_.trials for r in t.results)


@pytest.mark.slow
def test_in_worker_processes():
    settings = {**QUICK, "n_trials": 4, "objectives": ["latency"]}
    clf = AutoNASClassifier(**settings, n_jobs=2).fit(*IRIS)
    assert clf.get_pareto_front()[0].objectives_["latency"] > 0


def test_networks_on_the_front_are_kept(monkeypatch):
    for module in ("_run_dir", "_assembling"):
        monkeypatch.setattr(f"autonas.{module}.N_CANDIDATES", 1)
    clf = AutoNASClassifier(**QUICK).fit(*IRIS)
    assert len(clf.get_pareto_front()) == len(clf.history_.pareto_front()) >= 2
    kept = {int(folder.parent.name) for folder in clf.run_dir_.glob("trials/*/model.safetensors")}
    assert set(clf.history_.pareto_front()["trial"]) <= kept
    assert len(kept) < 12


def test_without_objectives():
    clf = AutoNASClassifier(**{**QUICK, "n_trials": 1, "objectives": None}).fit(*IRIS)
    with pytest.raises(ValueError, match="fit with objectives="):
        clf.get_pareto_front()


def test_a_name_that_is_unknown():
    with pytest.raises(ValueError, match=r"Unknown objective 'n_parameter'; did you mean 'n_parameters'\?"):
        AutoNASClassifier(**{**QUICK, "objectives": ["n_parameter"]}).fit(*IRIS)
    with pytest.raises(ValueError, match="must be names of numbers"):
        AutoNASClassifier(**{**QUICK, "objectives": ["loss"]}).fit(*IRIS)


def test_another_objective_is_another_run(fitted):
    with pytest.raises(ValueError, match="for loss and n_parameters"):
        AutoNASClassifier(**{**QUICK, "objectives": ["latency"]}, run_dir=fitted.run_dir_).fit(*IRIS)
