"""The estimators as a user meets them: what goes in, what comes out, what the errors say."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from ConfigSpace import Categorical, ConfigurationSpace, Float
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autonas import (
    OPTIMIZERS,
    AutoNASClassifier,
    AutoNASRegressor,
    NetworkFamily,
    SearchFailed,
    load_space,
)
from autonas._budget import default_max_epochs
from tests.optimization.dear import each

QUICK = {
    "time_limit": None,
    "n_trials": 2,
    "min_epochs": 3,
    "max_epochs": 9,
    "validation": "holdout",
    "random_state": 0,
}
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def classifier(**changes):
    return AutoNASClassifier(**{**QUICK, **changes})


def regressor(**changes):
    return AutoNASRegressor(**{**QUICK, **changes})


def mixed_table(n=80, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(["no", "yes"], n)
    table = pd.DataFrame(
        {
            "number": rng.normal(size=n) + (y == "yes"),
            "count": rng.integers(0, 9, n),
            "gap": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], n)),
            "town": rng.choice(["Rome", "Oslo", None], n),
            "flag": rng.random(n) < 0.5,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, n), unit="D"),
            "nothing": np.nan,
            "same": 1.0,
        }
    )
    table["twin"] = table["number"]
    return table, y


# ---------------------------------------------------------------------------------------------- the main job


@pytest.mark.parametrize("optimizer", each(OPTIMIZERS, cheap=("bohb", "random")))
def test_every_optimizer_learns(optimizer):
    X, y = IRIS
    clf = classifier(optimizer=optimizer, n_trials=6, max_epochs=27, portfolio=None).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf.history_.trials[0].origin == "default"


def test_results_of_a_classifier():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    clf = classifier(n_trials=5).fit(X, y)
    assert clf.best_params_ == clf.cv_results_["params"][clf.cv_results_["rank_test_score"].argmin()]
    assert clf.best_score_ == clf.cv_results_["mean_test_score"].max()
    assert clf.best_configuration_.config_space is not None
    board = clf.leaderboard()
    assert board["loss"].is_monotonic_increasing
    assert board["loss"].iloc[0] == -clf.best_score_
    assert board["ensemble_weight"].sum() == pytest.approx(1)
    assert set(board["trial"]) == set(range(5))
    shown = clf.show_models().replace("\n         ", " ")
    assert f"trial {board['trial'].iloc[0]}: {board['network'].iloc[0]}, " in shown
    assert re.search(r"\n +architecture: .*n_layers=\d", shown)
    assert re.search(r"\n +training: .*learning_rate=0\.\d", shown)
    assert clf.failures().empty
    assert list(clf.feature_names_in_) == list(X.columns)
    assert len(clf.history_.study.trials) == 5
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


def test_results_of_a_regressor():
    X, y = DIABETES
    reg = regressor(n_trials=4, max_epochs=27).fit(X, 1e6 + 1e3 * y)
    assert reg.score(X, 1e6 + 1e3 * y) > 0.2
    assert reg.best_score_ < 0
    assert reg.cv_results_["mean_test_score"].shape == (4,)


def test_the_same_twice():
    X, y = IRIS
    one, other = (classifier(n_trials=20, min_epochs=1, portfolio=None).fit(X, y) for _ in range(2))
    for a, b in zip(one.history_.trials, other.history_.trials, strict=True):
        assert dict(a.configuration) == dict(b.configuration)
        assert [(r.fidelity, r.loss, r.asked, r.told) for r in a.results] == [
            (r.fidelity, r.loss, r.asked, r.told) for r in b.results
        ]
    assert np.array_equal(one.predict_proba(X), other.predict_proba(X))


def test_another_seed_is_another_run():
    X, y = IRIS
    one, other = (classifier(random_state=s).fit(X, y) for s in (1, 2))
    assert not np.array_equal(one.predict_proba(X), other.predict_proba(X))


def test_order_of_rows_does_not_matter():
    X, y = IRIS
    shuffled = np.random.default_rng(0).permutation(len(y))
    one, other = classifier().fit(X, y), classifier().fit(X[shuffled], y[shuffled])
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X))


def test_ensemble_size_one_is_the_best():
    X, y = IRIS
    clf = classifier(ensemble_size=1, n_trials=4).fit(X, y)
    board = clf.leaderboard()
    assert board["ensemble_weight"].tolist() == [1, 0, 0, 0]


def test_refit_uses_all_rows():
    X, y = IRIS
    clf = classifier(n_trials=3, train_on_all=False).fit(X, y)
    before = clf.predict_proba(X)
    weights = {m.trial: m.weight for m in clf._fitted.ensemble.members}
    assert clf.refit(X, y) is clf
    assert {m.trial: m.weight for m in clf._fitted.ensemble.members} == weights
    assert not np.array_equal(before, clf.predict_proba(X))
    assert clf.score(X, y) > 0.8
    with pytest.raises(ValueError, match=r"fit did not see: \[7\]"):
        clf.refit(X, np.where(y == 0, 7, y))


def test_pickle_and_deepcopy():
    X, y = DIABETES
    reg = regressor().fit(X, y)
    for again in (pickle.loads(pickle.dumps(reg)), copy.deepcopy(reg)):
        assert np.array_equal(reg.predict(X), again.predict(X))
        assert again.leaderboard().equals(reg.leaderboard())
        assert len(again.history_.study.trials) == 2


def test_a_pickle_needs_no_file_of_the_run():
    """A run without run_dir is in a temporary folder, which goes with the estimator."""
    X, y = DIABETES
    reg = regressor().fit(X, y)
    expected, stored, folder = reg.predict(X), pickle.dumps(reg), reg.run_dir_
    del reg
    gc.collect()
    assert not folder.exists()
    again = pickle.loads(stored)
    assert np.array_equal(again.predict(X), expected)
    assert len(again.history_.study.trials) == len(again.leaderboard()) == 2
    again.refit(X, y)


def test_inside_scikit_learn():
    X, y = IRIS
    scores = cross_val_score(make_pipeline(StandardScaler(), classifier(max_epochs=27)), X, y, cv=2)
    assert scores.min() > 0.7
    grid = GridSearchCV(classifier(), {"optimizer": ["random", "tpe"]}, cv=2).fit(X, y)
    assert grid.best_params_["optimizer"] in ("random", "tpe")


@pytest.mark.parametrize("time_limit", [1e-6, 2])
def test_any_time_limit_leaves_a_fitted_estimator(time_limit):
    X, y = IRIS
    clf = AutoNASClassifier(time_limit=time_limit, random_state=0).fit(X, y)
    assert clf.predict(X).shape == y.shape
    assert clf.history_.trials[0].origin == "default"


def two_layers(configuration, input_spec, output_spec):
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            width = configuration["width"]
            self.layers = torch.nn.Sequential(
                torch.nn.LazyLinear(width),
                *[torch.nn.ReLU(), torch.nn.Linear(width, width)],
                *[torch.nn.ReLU(), torch.nn.Linear(width, output_spec.n_outputs)],
            )
            self.layers(torch.zeros(1, input_spec.n_numeric))

        def forward(self, numeric, categorical):
            return self.layers(numeric)

    return Network()


@pytest.mark.parametrize(("time_limit", "expected"), [(20.0, {8}), (10_000.0, {8, 4096})])
def test_what_would_take_most_of_the_time_limit_is_not_tried(time_limit, expected):
    """A full training of 17 million weights is estimated at minutes."""
    X, y = IRIS
    family = NetworkFamily("two_layers", ConfigurationSpace({"width": [8, 4096]}), two_layers)

    def is_wide(history, trial, result):
        return trial.configuration["two_layers:width"] == 4096

    search = classifier(search_space=family, time_limit=time_limit, n_trials=8, min_epochs=1, max_epochs=243)
    clf = search.set_params(callbacks=[is_wide]).fit(X, y)
    assert {trial.configuration["two_layers:width"] for trial in clf.history_.trials} == expected


def test_global_state_is_left_alone():
    X, y = IRIS
    threads, state, numpy_state = (
        torch.get_num_threads(),
        torch.get_rng_state(),
        np.random.get_state()[1].copy(),
    )
    classifier(optimizer="bohb", n_trials=8).fit(X, y)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


# ---------------------------------------------------------------------------------------------- what input gets


def test_mixed_table():
    X, y = mixed_table()
    clf = classifier().fit(X, y)
    assert clf.classes_.tolist() == ["no", "yes"]
    new, _ = mixed_table(20, seed=1)
    new["town"] = "Atlantis"
    new.loc[3, "colour"] = np.nan
    assert np.isfinite(clf.predict_proba(new)).all()
    assert set(clf.predict(new)) <= {"no", "yes"}


@functools.cache
def of_a_dataframe():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return classifier().fit(X, y).predict_proba(X)


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: X.to_numpy(),
        lambda X: X.to_numpy().tolist(),
        lambda X: sparse.csr_matrix(X.to_numpy()),
        lambda X: sparse.coo_array(X.to_numpy()),
        lambda X: pl.DataFrame({c: X[c].to_numpy() for c in X}),
        lambda X: X.convert_dtypes(dtype_backend="pyarrow"),
        lambda X: X.astype("Float64"),
    ],
    ids=["numpy", "lists", "csr", "coo", "polars", "arrow", "nullable"],
)
def test_every_form_of_a_table_is_the_same_table(convert):
    X, y = load_iris(return_X_y=True, as_frame=True)
    form = convert(X)
    np.testing.assert_allclose(classifier().fit(form, y).predict_proba(form), of_a_dataframe())


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", "c"],
        [True, False, True],
        [10, 20, 30],
        [1.0, 2.0, 3.0],
        pd.array(["a", "b", "c"], dtype="string"),
        pd.Categorical(["u", "v", "w"]),
    ],
    ids=["str", "bool", "int", "float", "arrow", "category"],
)
def test_classes_of_any_type(labels):
    X, y = IRIS
    named = pd.Series(labels).iloc[y].reset_index(drop=True)
    clf = classifier().fit(X, named)
    assert set(clf.predict(X)) <= set(pd.Series(labels).tolist())
    assert 0 <= clf.score(X, named.to_numpy(dtype=object).astype(clf.classes_.dtype)) <= 1


@pytest.mark.parametrize("n_rare", [1, 2])
@pytest.mark.parametrize("validation", ["holdout", 3])
def test_rare_classes(n_rare, validation):
    X, y = IRIS
    y = y.copy()
    y[:n_rare] = 9
    clf = classifier(validation=validation).fit(X, y)
    assert clf.classes_.tolist() == [0, 1, 2, 9]
    assert clf.predict_proba(X).shape == (150, 4)


def test_one_feature_and_many_features():
    X, y = IRIS
    assert classifier().fit(X[:, [2]], y).n_features_in_ == 1
    wide = np.random.default_rng(0).normal(size=(150, 1000))
    assert classifier(n_trials=1).fit(wide, y).n_features_in_ == 1000


def test_few_rows():
    X, y = IRIS
    rows = [0, 1, 60, 61]
    assert classifier(validation="auto").fit(X[rows], y[rows]).predict(X).shape == (150,)
    with pytest.raises(ValueError, match="validation=5 folds .* got 4 rows"):
        classifier(validation=5).fit(X[rows], y[rows])


def test_a_table_without_information_gets_the_shares():
    y = np.repeat([0, 1], [30, 10])
    probabilities = classifier().fit(np.ones((40, 2)), y).predict_proba(np.ones((3, 2)))
    np.testing.assert_allclose(probabilities[:, 0], 0.75, atol=0.1)


def test_sample_weight():
    X, y = IRIS
    weight = np.where(y == 2, 0.0, 1.0)
    clf = classifier().fit(X, y, sample_weight=weight)
    assert clf.classes_.tolist() == [0, 1]  # rows of weight zero count as not there
    repeated = classifier().fit(np.r_[X, X[:20]], np.r_[y, y[:20]])
    weighted = classifier().fit(X, y, sample_weight=np.r_[np.full(20, 2.0), np.ones(130)])
    np.testing.assert_allclose(repeated.predict_proba(X), weighted.predict_proba(X))


BAD = [
    (lambda X, y: (np.where(X[0, 0] == X, np.inf, X), y), "infinity"),
    (lambda X, y: (X, np.zeros_like(y)), "1 class"),
    (lambda X, y: (X, np.where(y == 0, np.nan, y)), "(?i)nan|missing"),
    (lambda X, y: (X[:1], y[:1]), "1 class"),
    (lambda X, y: (X, y[:-1]), "inconsistent"),
    (lambda X, y: (X[:0], y[:0]), "0 sample"),
    (lambda X, y: (sparse.csr_matrix((10, 10**8)), y[:10]), "dense"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD)
def test_bad_input(spoil, message):
    X, y = spoil(*IRIS)
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, y)


def test_bad_targets_of_a_regressor():
    X, y = DIABETES
    for spoilt in (np.where(y > 300, np.nan, y), np.where(y > 300, np.inf, y)):
        with pytest.raises(ValueError, match="(?i)nan|infinity"):
            regressor().fit(X, spoilt)
    with pytest.raises(ValueError, match="n_samples=1"):
        regressor().fit(X[:1], y[:1])


def test_other_columns_at_predict():
    X, y = load_iris(return_X_y=True, as_frame=True)
    clf = classifier().fit(X, y)
    with pytest.raises(ValueError, match="petal width"):
        clf.predict(X.drop(columns="petal width (cm)"))
    with pytest.raises(ValueError, match="same order"):
        clf.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="3 features"):
        classifier().fit(X.to_numpy(), y).predict(X.to_numpy()[:, :3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "bobh"}, "did you mean 'bohb'"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'"),
        ({"pipeline": "tabularr"}, "did you mean 'tabular'"),
        ({"search_space": "mpl"}, "did you mean 'mlp'"),
        ({"search_space": {"learning_rat": 1e-3}}, "did you mean 'learning_rate'"),
        ({"search_space": {"network": ["mlpp"]}}, "mlp"),
        ({"search_space": 3}, "search_space=3"),
        ({"validation": "holdou"}, "did you mean 'holdout'"),
        ({"device": "cdua"}, "device='cdua'"),
        ({"n_trials": None}, "n_trials"),
        ({"n_trials": 0}, "n_trials"),
        ({"max_epochs": 0}, "epochs"),
        ({"min_epochs": 10, "max_epochs": 9}, "epochs"),
        ({"ensemble_size": 0}, "ensemble_size"),
        ({"time_limit": -1}, "time_limit"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        classifier(**arguments).fit(*IRIS)


# ---------------------------------------------------------------------------------------------- spaces and metrics


def test_narrowed_space():
    choices = {"network": ["mlp"], "learning_rate": (1e-3, 1e-2), "mlp:n_layers": 2, "optimizer": "adamw"}
    clf = classifier(search_space=choices, n_trials=6).fit(*IRIS)
    for params in clf.cv_results_["params"]:
        assert (params["network"], params["mlp:n_layers"], params["optimizer"]) == ("mlp", 2, "adamw")
        assert 1e-3 <= params["learning_rate"] <= 1e-2


@pytest.mark.parametrize("space", ["resnet", ["resnet"], NetworkFamily("resnet", load_space("resnet"))])
def test_families_by_name(space):
    clf = classifier(search_space=space).fit(*IRIS)
    assert {p["network"] for p in clf.cv_results_["params"]} == {"resnet"}


def test_joint_space_of_the_user():
    """What the space does not name has the preset's default."""
    space = ConfigurationSpace(seed=0)
    space.add(Categorical("network", ["mlp", "resnet"]), Float("learning_rate", (1e-3, 1e-2), log=True))
    clf = classifier(search_space=space, n_trials=5).fit(*IRIS)
    assert {*clf.best_params_} == {"network", "learning_rate"}
    assert {p["network"] for p in clf.cv_results_["params"]} == {"mlp", "resnet"}


def test_a_network_of_the_user(tmp_path):
    (tmp_path / "linear.py").write_text(
        "from torch import nn\n"
        "class Linear(nn.Module):\n"
        "    def __init__(self, configuration, input_spec, output_spec):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(input_spec.n_numeric, output_spec.n_outputs, bias=configuration['bias'])\n"
        "    def forward(self, numeric, categorical):\n"
        "        return self.layer(numeric)\n"
    )
    path = tmp_path / "linear.yaml"
    path.write_text(
        "name: linear\nbuild: 'linear.py:Linear'\nhyperparameters:\n"
        "- {name: bias, type: categorical, choices: [true, false], default_value: true, meta: {role: architecture}}\n"
    )
    clf = classifier(search_space=["mlp", path], n_trials=6, max_epochs=27).fit(*IRIS)
    assert {p["network"] for p in clf.cv_results_["params"]} == {"mlp", "linear"}
    alone = classifier(search_space=str(path), n_trials=2, max_epochs=27).fit(*IRIS)
    assert alone.score(*IRIS) > 0.6


def test_a_network_of_the_user_in_another_process(tmp_path):
    """A pickle loads the file that the network was built from."""
    path = Path(__file__).parents[1] / "examples" / "own_network" / "maxout.yaml"
    X, y = IRIS
    clf = classifier(search_space=path).fit(X, y)
    (tmp_path / "clf.pickle").write_bytes(pickle.dumps(clf))
    np.save(tmp_path / "X.npy", X)
    code = (
        "import pickle, numpy, pathlib; clf = pickle.loads(pathlib.Path('clf.pickle').read_bytes());"
        "numpy.save('p.npy', clf.predict_proba(numpy.load('X.npy')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), clf.predict_proba(X))


def broken(configuration, input_spec, output_spec):
    raise RuntimeError(f"no layers for {output_spec.n_outputs} classes")


def test_every_trial_fails():
    family = NetworkFamily("broken", load_space("mlp"), broken)
    with pytest.raises(SearchFailed, match="RuntimeError: no layers for 3 classes"):
        classifier(search_space=family, n_trials=3).fit(*IRIS)
    with pytest.raises(SearchFailed, match="first 5 trials all failed") as caught:
        classifier(search_space=family, n_trials=300).fit(*IRIS)
    assert len(caught.value.history.trials) == 5


def test_failures_are_named():
    clf = classifier(
        search_space=["mlp", NetworkFamily("broken", load_space("mlp"), broken)],
        optimizer="random",
        n_trials=8,
        portfolio=None,
    ).fit(*IRIS)
    failures = clf.failures()
    assert len(failures) == 1
    assert "no layers for 3 classes" in failures["cause"].iloc[0]
    board = clf.leaderboard()
    assert (board["state"] == "failed").sum() == failures["count"].iloc[0]
    assert np.isnan(board["loss"].iloc[-1])
    assert np.isnan(clf.cv_results_["mean_test_score"]).sum() == failures["count"].iloc[0]


def test_initial_configurations_follow_the_default():
    clf = classifier(initial_configurations=[{"network": "resnet", "resnet:n_blocks": 3}]).fit(*IRIS)
    origins = [t.origin for t in clf.history_.trials]
    assert origins == ["default", "initial"]
    assert clf.cv_results_["params"][1]["resnet:n_blocks"] == 3


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "roc_auc_ovr", "log_loss"])
def test_metric_guides_the_search(metric):
    clf = classifier(metric=metric).fit(*IRIS)
    assert clf.best_score_ == clf.cv_results_["mean_test_score"].max()
    assert (clf.best_score_ > 0) == (metric != "log_loss")


def test_scorer_as_metric():
    X, y = load_breast_cancer(return_X_y=True)
    scorer = make_scorer(roc_auc_score, response_method="predict_proba")
    assert 0.9 < classifier(metric=scorer).fit(X, y).best_score_ <= 1


def test_splitter_sees_the_rows_as_they_are():
    X, y = DIABETES
    reg = regressor(validation=TimeSeriesSplit(3)).fit(X, y)
    assert len(reg._fitted.ensemble.members[0].networks) == 3


# ---------------------------------------------------------------------------------------------- runs


def test_a_run_goes_on(tmp_path):
    X, y = IRIS
    classifier(n_trials=4, run_dir=tmp_path / "run").fit(X, y)
    more = classifier(n_trials=9, run_dir=tmp_path / "run").fit(X, y)
    whole = classifier(n_trials=9).fit(X, y)
    assert len(more.history_.trials) == 9
    assert [t.number for t in more.history_.trials] == list(range(9))
    again = classifier(n_trials=9, run_dir=tmp_path / "run").fit(X, y)
    assert np.array_equal(again.predict_proba(X), more.predict_proba(X))
    assert whole.history_.trials[0].loss == more.history_.trials[0].loss


def test_another_run_in_the_same_folder_is_refused(tmp_path):
    X, y = IRIS
    classifier(run_dir=tmp_path).fit(X, y)
    with pytest.raises(ValueError, match="n_rows"):
        classifier(run_dir=tmp_path).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match="data"):
        classifier(run_dir=tmp_path).fit(X + 1, y)
    with pytest.raises(ValueError, match="seed"):
        classifier(run_dir=tmp_path, random_state=1).fit(X, y)
    with pytest.raises(ValueError, match="optimizer"):
        classifier(run_dir=tmp_path, optimizer="random").fit(X, y)
    with pytest.raises(ValueError, match="resume=True"):
        classifier(run_dir=tmp_path, resume=False).fit(X, y)


def test_callbacks_and_verbose(capsys):
    seen = []

    def callback(history, trial, result):
        seen.append((trial.number, result.fidelity))
        return len(seen) == 3

    classifier(callbacks=[callback], n_trials=10, verbose=1).fit(*IRIS)
    assert len(seen) == 3
    assert "trial 0 (realmlp, default)" in capsys.readouterr().out
    classifier().fit(*IRIS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("n", "seconds", "expected"),
    [(100, None, 81), (3_000, None, 81), (30_000, None, 27), (10**7, None, 9), (10_000, 60, 27), (10_000, 1e-3, 9)],
)
def test_epochs_by_size_and_time(n, seconds, expected):
    assert default_max_epochs(n, seconds) == expected


def test_epochs_stay_when_a_run_gets_more_time(tmp_path):
    settings = {"time_limit": 3, "run_dir": tmp_path, "random_state": 0, "search_space": {"network": "mlp"}}
    X = np.repeat(IRIS[0], 40, axis=0) + np.arange(6000)[:, None] * 1e-6
    y = np.repeat(IRIS[1], 40)
    short = AutoNASClassifier(**settings).fit(X, y)
    more = AutoNASClassifier(**{**settings, "time_limit": 6}).fit(X, y)
    assert short._fitted.max_epochs == more._fitted.max_epochs == 9
    assert len(more.history_.trials) >= len(short.history_.trials)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adult", "credit_g", "cnae_9", "california_housing", "hypothyroid"])
def test_real_data(name, data_dir):
    """A short run on each kind of real table ends with a model better than nothing."""
    table = pd.read_csv(data_dir / "tabular" / f"{name}.csv.gz")
    X, y = table.iloc[:, :-1], table.iloc[:, -1]
    estimator = (AutoNASRegressor if name == "california_housing" else AutoNASClassifier)(time_limit=10, random_state=0)
    score = estimator.fit(X, y).score(X, y)
    assert score > (0.4 if name == "california_housing" else y.value_counts(normalize=True).iloc[0])
