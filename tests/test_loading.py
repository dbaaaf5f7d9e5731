"""A run_dir gives its estimator back, in another process, without the data, and without running what it holds."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.datasets import load_diabetes, load_iris

import autonas
from autonas import AutoNASClassifier, AutoNASRegressor, NetworkFamily, OneShot, load, load_space
from autonas._plain import NotPlainError, pack, unpack
from tests.test_estimator import mixed_table
from tests.test_own_network import build

ROOT = Path(__file__).parents[1]
QUICK = {
    "time_limit": None,
    "n_trials": 3,
    "min_epochs": 3,
    "max_epochs": 9,
    "validation": "holdout",
    "random_state": 0,
}
IRIS = load_iris(return_X_y=True)


def fitted(tmp_path, X, y, kind=AutoNASClassifier, **changes):
    return kind(**{**QUICK, "run_dir": tmp_path / "run", **changes}).fit(X, y)


def images(n=40, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    X = rng.integers(0, 120, (n, 8, 8), dtype=np.uint8)
    X[y == 1, 2:6] += 100
    return X, y


# ---------------------------------------------------------------------------------------------- the same as before


def test_a_classifier_comes_back(tmp_path):
    X, y = mixed_table()
    clf = fitted(tmp_path, X, y, tune_threshold=True, metric="balanced_accuracy", n_trials=5)
    again = load(tmp_path / "run")
    assert type(again) is AutoNASClassifier
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), clf.predict(X))
    pd.testing.assert_frame_equal(again.leaderboard(), clf.leaderboard())
    assert again.show_models() == clf.show_models()
    assert again.best_params_ == clf.best_params_
    assert again.best_score_ == clf.best_score_
    assert (again.temperature_, again.threshold_) == (clf.temperature_, clf.threshold_)
    assert list(again.feature_names_in_) == list(X.columns)
    assert {**again.get_params(), "run_dir": None} == {**clf.get_params(), "run_dir": None}
    assert len(again.history_.study.trials) == 5
    assert again.history_.to_dataframe().equals(clf.history_.to_dataframe())
    assert pickle.loads(pickle.dumps(again)).predict(X[:3]).tolist() == clf.predict(X[:3]).tolist()


def test_a_regressor_comes_back(tmp_path):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    reg = fitted(tmp_path, X, y, AutoNASRegressor, validation=3)
    again = load(str(tmp_path / "run"))
    np.testing.assert_array_equal(again.predict(X), reg.predict(X))
    again.refit(X, y)
    assert again.score(X, y) > 0


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
def test_every_preprocessing_comes_back(tmp_path, scaling):
    X, y = mixed_table()
    clf = fitted(tmp_path, X, y, search_space={"scaling": scaling, "network": ["mlp"]}, n_trials=2)
    np.testing.assert_array_equal(load(tmp_path / "run").predict_proba(X), clf.predict_proba(X))


def test_traditional_models_come_back(tmp_path):
    X, y = mixed_table()
    families = ["hist_gradient_boosting", "random_forest", "extra_trees", "linear_model"]
    clf = fitted(tmp_path, X, y, pipeline="tabular_mixed", search_space={"network": families}, n_trials=6, validation=3)
    np.testing.assert_array_equal(load(tmp_path / "run").predict_proba(X), clf.predict_proba(X))


def test_images_come_back_with_their_cells(tmp_path):
    X, y = images()
    clf = fitted(tmp_path, X, y, one_shot=OneShot("darts", epochs=1), n_trials=1, max_epochs=3, min_epochs=1)
    again = load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert again.one_shot_.cells == clf.one_shot_.cells
    assert again.one_shot_.configurations == clf.one_shot_.configurations
    assert again.one_shot == clf.one_shot


@pytest.mark.parametrize(
    "labels",
    [[False, True], ["no", "yes"], [1.0, 2.0], np.array(["a", "b"], dtype=object), [-5, 10**12]],
    ids=["bool", "str", "float", "object", "int"],
)
def test_labels_keep_their_type(tmp_path, labels):
    X, codes = IRIS[0][:100], IRIS[1][:100]
    clf = fitted(tmp_path, X, np.asarray(labels)[codes], n_trials=1)
    again = load(tmp_path / "run")
    assert again.classes_.dtype == clf.classes_.dtype
    assert again.predict(X).tolist() == clf.predict(X).tolist()


def test_another_process_needs_neither_data_nor_pickle(tmp_path):
    X, y = mixed_table()
    clf = fitted(tmp_path, X, y)
    X.to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import sys, pickle, pandas as pd\n"
        "def refuse(*_, **__): raise AssertionError('unpickled')\n"
        "from autonas import load\n"
        "pickle.load = pickle.loads = pickle.Unpickler = refuse\n"
        f"clf = load({str(tmp_path / 'run')!r})\n"
        f"print(clf.predict_proba(pd.read_csv({str(tmp_path / 'new.csv')!r}))[:, 1].sum().item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(clf.predict_proba(X)[:, 1].sum(), rel=1e-6)


# ---------------------------------------------------------------------------------------------- runs that did not end

KILLED = """
import sys
from sklearn.datasets import load_iris
from autonas import AutoNASClassifier

X, y = load_iris(return_X_y=True)
print("ready", flush=True)
AutoNASClassifier(time_limit=300, max_epochs=9, run_dir=sys.argv[1], random_state=0).fit(X, y)
"""


def test_a_killed_run_predicts_and_goes_on(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "run")], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "fitted.safetensors").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    X, y = IRIS
    early = load(tmp_path / "run")
    assert early.score(X, y) > 0.6
    assert early.leaderboard()["ensemble_weight"].sum() == 1
    n_trials = len(early.history_.trials) + 1
    whole = AutoNASClassifier(
        time_limit=None, n_trials=n_trials, max_epochs=9, run_dir=tmp_path / "run", random_state=0
    ).fit(X, y)
    np.testing.assert_array_equal(load(tmp_path / "run").predict_proba(X), whole.predict_proba(X))


def test_what_is_kept_during_the_search_is_the_best_so_far(tmp_path):
    X, y = IRIS
    seen = []

    def look(history, *_):
        now = load(tmp_path / "run")
        (member,) = now.leaderboard().query("ensemble_weight > 0")["trial"]
        losses = {t.number: min(r.loss for r in t.results) for t in history.trials if t.results}
        seen.append(losses[member] == min(losses.values()))

    fitted(tmp_path, X, y, callbacks=[look], n_trials=6)
    assert seen
    assert all(seen)


def test_a_run_that_goes_on_keeps_its_ensemble_until_it_has_another(tmp_path):
    X, y = IRIS
    fitted(tmp_path, X, y, n_trials=4)
    before = load(tmp_path / "run").predict_proba(X)
    seen = []

    def look(*_):
        seen.append(np.array_equal(load(tmp_path / "run").predict_proba(X), before))

    clf = fitted(tmp_path, X, y, n_trials=6, callbacks=[look])
    assert seen
    assert all(seen)
    np.testing.assert_array_equal(load(tmp_path / "run").predict_proba(X), clf.predict_proba(X))


# ---------------------------------------------------------------------------------------------- own things


def test_a_network_of_ones_own_must_be_passed_again(tmp_path):
    X, y = IRIS
    family = NetworkFamily("own", load_space("linear"), build)
    clf = fitted(tmp_path, X, y, search_space=[family], n_trials=1)
    with pytest.raises(ValueError, match=r"networks of your own, \['own'\].*search_space"):
        load(tmp_path / "run")
    np.testing.assert_array_equal(load(tmp_path / "run", search_space=family).predict(X), clf.predict(X))


def test_a_storage_elsewhere_must_be_passed_again(tmp_path):
    X, y = IRIS
    storage = f"sqlite:///{tmp_path}/elsewhere.db"
    clf = fitted(tmp_path, X, y, storage=storage, n_trials=1)
    with pytest.raises(ValueError, match="history.db: pass storage"):
        load(tmp_path / "run")
    assert load(tmp_path / "run", storage=storage).best_score_ == clf.best_score_


# ---------------------------------------------------------------------------------------------- errors


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        load(tmp_path / "none")


def test_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run of AutoNAS"):
        load(tmp_path)


def test_no_network_yet(tmp_path):
    (tmp_path / "fit.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="no network to predict with yet"):
        load(tmp_path)


@pytest.mark.parametrize("length", [0, 5, 200])
def test_a_file_cut_short(tmp_path, length):
    fitted(tmp_path, *IRIS, n_trials=1)
    path = tmp_path / "run" / "fitted.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path / "run")


def test_a_file_that_names_another_class_is_refused(tmp_path):
    """What a file names is looked up in a table, never imported."""
    fitted(tmp_path, *IRIS, n_trials=1)
    path = tmp_path / "run" / "fitted.safetensors"
    with safe_open(path, framework="np") as file:
        about = json.loads(file.metadata()["autonas"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    about["fit"]["of"]["schema"]["class"] = "subprocess.Popen"
    save_file(arrays, path, metadata={"autonas": json.dumps(about)})
    with pytest.raises(ValueError, match=r"subprocess\.Popen.*unknown here"):
        load(tmp_path / "run")


def test_what_cannot_be_stored_is_said(tmp_path):
    with pytest.raises(NotPlainError, match=r"a/1: a builtins\.complex cannot"):
        pack({"a": [1, 2j]}, {})


# ---------------------------------------------------------------------------------------------- plain data

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.builds(np.float64, st.floats(allow_nan=False)),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(), st.integers()), inner),
        st.dictionaries(st.sampled_from(["$", "a", "a/b"]), inner),
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(trees)
def test_plain_data_comes_back_equal_and_of_the_same_types(tree):
    plain, arrays = pack(tree, {})
    again = unpack(json.loads(json.dumps(plain)), arrays, {})
    assert again == tree
    assert repr(again) == repr(tree)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.array(3, np.int8),
        np.zeros((0, 4), np.float32),
        np.array(["a", "bcd"]),
        np.array([["x", 1], [None, 2.5]], dtype=object),
        np.array(["2024-01-01", "NaT"], dtype="datetime64[ns]"),
        np.array([True, False]),
        np.arange(6).reshape(2, 3).T,
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_back(array, tmp_path):
    plain, arrays = pack({"a": array}, {})
    save_file(arrays, tmp_path / "x")
    with safe_open(tmp_path / "x", framework="np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    again = unpack(json.loads(json.dumps(plain)), arrays, {})["a"]
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(again, array)


def test_the_public_names_are_there():
    assert set(autonas.__all__) <= set(dir(autonas))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = autonas.nothing


def test_a_folder_that_cannot_be_written_to_is_enough(tmp_path, monkeypatch):
    clf = fitted(tmp_path, *IRIS, n_trials=1)
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))
    before = sorted((tmp_path / "run").iterdir())
    assert load(tmp_path / "run").best_score_ == clf.best_score_
    assert sorted((tmp_path / "run").iterdir()) == before
