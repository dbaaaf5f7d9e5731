"""All rows are learnt from in the end, and nothing is lost where that does not work."""

from __future__ import annotations

import pickle
import time
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import ShuffleSplit

from autonas import AutoNASClassifier, AutoNASRegressor, load
from autonas._all_rows import OnAllRows, TimeKept
from autonas.networks import NETWORKS
from autonas.optimization import Result, Trial
from autonas.training.metrics import Metric
from autonas.training.traditional import MixedTrainer
from tests.training.tasks import make_task
from tests.training.test_trial import configuration_of

CANCER, DIABETES = load_breast_cancer(return_X_y=True), load_diabetes(return_X_y=True)
QUICK = {"time_limit": None, "n_trials": 3, "max_epochs": 9, "validation": "holdout", "random_state": 0}


def classifier(**changes):
    return AutoNASClassifier(**{**QUICK, **changes}).fit(*CANCER)


@pytest.fixture(scope="module")
def searched():
    return classifier(train_on_all=False)


def n_trained_anew(estimator):
    return estimator.show_models().count("trained on all rows")


def never_again(monkeypatch, error):
    def train_to(*_, **__):
        raise error

    monkeypatch.setattr(MixedTrainer, "train_to", train_to)


def test_a_fit_that_held_rows_out_ends_as_a_refit_would(searched):
    clf = classifier()
    assert n_trained_anew(clf) == len(clf._fitted.ensemble.members) > 1
    assert n_trained_anew(searched) == 0
    assert not np.array_equal(clf.predict_proba(CANCER[0]), searched.predict_proba(CANCER[0]))
    by_hand = pickle.loads(pickle.dumps(searched)).refit(*CANCER)
    np.testing.assert_array_equal(clf.predict_proba(CANCER[0]), by_hand.predict_proba(CANCER[0]))


def test_scores_are_those_of_the_search(searched):
    clf = classifier()
    assert clf.best_score_ == searched.best_score_
    scores = ["trial", "loss", "best_epoch", "ensemble_weight"]
    assert clf.leaderboard()[scores].equals(searched.leaderboard()[scores])


def test_trees_and_numbers(tmp_path):
    reg = AutoNASRegressor(**{**QUICK, "n_trials": 5}, pipeline="tabular_mixed", portfolio=None, run_dir=tmp_path)
    reg.fit(*DIABETES)
    assert "traditional model(s) trained on all rows" in reg.show_models()
    np.testing.assert_array_equal(load(tmp_path).predict(DIABETES[0]), reg.predict(DIABETES[0]))


@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        ({"validation": 3}, False),  # fewer than 1,000 rows
        ({"validation": 3, "train_on_all": True}, True),
        ({"validation": ShuffleSplit(1, random_state=0)}, True),
        ({"validation": ShuffleSplit(1, random_state=0), "train_on_all": False}, False),
    ],
)
def test_by_default_for_tables(changes, anew):
    clf = classifier(n_trials=1, **changes)
    assert (n_trained_anew(clf) > 0) == anew
    assert clf.score(*CANCER) > 0.9


@pytest.mark.parametrize(("choice", "n_networks"), [("auto", 1), (False, 3)])
def test_a_member_is_one_network_in_place_of_one_a_fold(choice, n_networks):
    settings = {**QUICK, "n_trials": 2, "max_epochs": 3, "validation": 3, "ensemble_size": 1}
    clf = AutoNASClassifier(**settings, train_on_all=choice).fit(*load_digits(return_X_y=True))
    assert f" {n_networks} network(s)" in clf.show_models()
    assert sum(len(stack.scales) for stack in clf._fitted.ensemble.members[0].networks) == n_networks


def test_not_by_default_for_images():
    X = np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8)
    y = np.arange(40) % 2
    for choice, anew in (("auto", 0), (True, 1)):
        clf = AutoNASClassifier(**{**QUICK, "n_trials": 1, "max_epochs": 1}, train_on_all=choice).fit(X, y)
        assert n_trained_anew(clf) == anew


def test_a_run_dir_keeps_them(tmp_path, monkeypatch):
    clf = classifier(run_dir=tmp_path / "run")
    loaded = load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.predict_proba(CANCER[0]), clf.predict_proba(CANCER[0]))
    assert n_trained_anew(loaded) == n_trained_anew(clf)
    # The same call again trains none of them again.
    never_again(monkeypatch, AssertionError("trained again"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = classifier(run_dir=tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(CANCER[0]), clf.predict_proba(CANCER[0]))
    trial = loaded._fitted.ensemble.members[0].trial
    (tmp_path / "run" / "all_rows" / "trials" / f"{trial:05d}" / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match="all_rows.* cannot be read"):
        load(tmp_path / "run")


def test_what_fails_keeps_the_networks_of_the_search(searched, monkeypatch, tmp_path):
    never_again(monkeypatch, RuntimeError("no more"))
    with pytest.warns(UserWarning, match="keeps the networks of the search.*RuntimeError: no more"):
        clf = classifier(run_dir=tmp_path)
    for fitted in (clf, load(tmp_path)):
        assert n_trained_anew(fitted) == 0
        np.testing.assert_array_equal(fitted.predict_proba(CANCER[0]), searched.predict_proba(CANCER[0]))
    with pytest.raises(RuntimeError, match="no more"):  # asked for, it is an error
        pickle.loads(pickle.dumps(searched)).refit(*CANCER)


@pytest.mark.parametrize("late", ["from the start", "in the middle"])
def test_what_does_not_fit_into_the_time_keeps_the_networks_of_the_search(searched, late):
    fitted = searched._fitted
    trainer = MixedTrainer(
        make_task(), [(np.arange(9), np.arange(1))], fitted.search_space.builds, max_epochs=fitted.max_epochs
    )
    now = time.monotonic()
    limits = {"deadline": now - 1} if late == "from the start" else {"deadline": now + 1e6, "stop": lambda: True}
    ensemble = OnAllRows(trainer, fitted.history, **limits)(fitted.ensemble)
    assert all(a is b for a, b in zip(ensemble.members, fitted.ensemble.members, strict=True))


def test_training_to_an_epoch_judges_nothing():
    """Else a row that was learnt from would say when to end."""

    def refuse(*_):
        raise AssertionError("judged")

    task = replace(make_task(), metric=Metric("none", refuse))
    trainer = MixedTrainer(task, [(np.arange(120), np.arange(1))], NETWORKS, max_epochs=9)
    weights = trainer.train_to(configuration_of(network="mlp"), 9, seed=0)
    assert len(weights) == 1
    assert all(torch.isfinite(w).all() for w in weights[0].values())


@pytest.mark.parametrize("wrong", ["yes", None, 1])
def test_a_wrong_argument_is_named(wrong):
    with pytest.raises(ValueError, match=f"train_on_all={wrong!r}, but must be True, False or 'auto'"):
        classifier(train_on_all=wrong)


def trial_of(number, loss, seconds, best_epoch=9, reached=9):
    info = {"best_epoch": best_epoch, "curve_epochs": [1, reached]}
    return Trial(number, None, "default", 0, [Result(reached, loss, seconds, seconds, 0, 0, 0, info=info)])


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        ([], 0),
        ([6], 6),
        ([6, 4], 6),
        ([6, 4, 8], 12),  # on two threads: 6; 4 and 8
        ([6, 4, 8, 7], 13),  # 6 and 7; 4 and 8
        ([6, 4, 8, 30], 12),  # the fourth would take more than a fifth of the 100 s
        ([6, 4, 8, 7, 20], 13),  # a fifth member is not planned for
        ([21, 25], 0),  # no one fits: the search has all the time
    ],
)
def test_time_is_kept_for_what_the_best_trials_took(seconds, kept):
    # With the margin of a tenth as long as in the search.
    trainer = SimpleNamespace(task=SimpleNamespace(target=np.zeros(100)), folds=[(np.arange(110), None)])
    time_kept = TimeKept(100, trainer, n_threads=2)
    time_kept(SimpleNamespace(trials=[trial_of(k, k, s) for k, s in enumerate(seconds)]))
    assert time_kept.seconds == pytest.approx(kept)


def test_folds_that_were_trained_as_one_stack_do_not_tell_what_one_network_takes():
    folds = [(np.arange(88), None)] * 5  # 440 rows learnt from, in half the time of one by one
    trainer = SimpleNamespace(task=SimpleNamespace(target=np.zeros(100)), folds=folds)
    time_kept = TimeKept(100, trainer, n_threads=1)
    time_kept(SimpleNamespace(trials=[trial_of(0, 0, 10)]))
    assert time_kept.seconds == pytest.approx(5)


def test_a_training_to_its_best_epoch_takes_its_part():
    trainer = SimpleNamespace(task=SimpleNamespace(target=np.zeros(100)), folds=[(np.arange(110), None)])
    time_kept = TimeKept(100, trainer, n_threads=1)
    never_ended_an_epoch = trial_of(1, 2.0, 5.0, best_epoch=0, reached=0)
    time_kept(SimpleNamespace(trials=[trial_of(0, 1.0, 9.0, best_epoch=3), never_ended_an_epoch]))
    assert time_kept.seconds == pytest.approx(3)
