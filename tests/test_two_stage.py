"""The two-stage mode: cells by weight sharing, then everything else by an optimizer."""

from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from autonas import AutoNASClassifier, AutoNASRegressor, NetworkFamily, OneShot, load_space
from autonas.networks import mlp_cell
from autonas.networks.cells import of_cells
from autonas.networks.specs import stackable
from autonas.one_shot import Settings
from autonas.presets import load_preset
from autonas.spaces import values

CANCER = load_breast_cancer(return_X_y=True)
SMALL = OneShot("darts", epochs=2)
QUICK = {"one_shot": SMALL, "time_limit": None, "n_trials": 3, "max_epochs": 3, "random_state": 0}


def classifier(**changes):
    return AutoNASClassifier(**{**QUICK, **changes})


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(*CANCER)


def test_what_comes_out(fitted):
    X, y = CANCER
    found = fitted.one_shot_
    assert (found.strategy, found.family, len(found.cells)) == ("darts", "mlp_cell", 3)
    assert fitted.score(X, y) > 0.8
    assert found.default_cell not in found.cells
    assert list(fitted.configuration_space_["mlp_cell:cell"].choices) == [*found.cells, found.default_cell]
    tried = [trial.configuration["mlp_cell:cell"] for trial in fitted.history_.trials]
    assert tried[:2] == [found.cells[0], found.default_cell]
    assert found.to_dataframe()["epoch"].tolist() == [1, 2]
    assert len(found.edges()) == 6
    assert found.comparison is None
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


def test_the_configurations_are_of_the_joint_space_with_the_cell_pinned(fitted):
    joint = load_preset("tabular").space(families=["mlp_cell"])
    for configuration, cell in zip(fitted.one_shot_.configurations, fitted.one_shot_.cells, strict=True):
        given = values(configuration)
        assert set(given) == set(values(joint.get_default_configuration())) - {"label_smoothing"} | {"label_smoothing"}
        own = {name.removeprefix("mlp_cell:"): value for name, value in given.items()}
        assert mlp_cell.SPACE.write(mlp_cell.SPACE.genotype(own)) == cell


def test_the_same_twice(fitted):
    again = clone(fitted).fit(*CANCER)
    assert again.one_shot_.cells == fitted.one_shot_.cells
    assert again.one_shot_.record == fitted.one_shot_.record
    assert np.array_equal(again.predict_proba(CANCER[0]), fitted.predict_proba(CANCER[0]))
    assert not hasattr(again.set_params(one_shot=None, n_trials=1).fit(*CANCER), "one_shot_")


def test_refit(fitted):
    again = pickle.loads(pickle.dumps(fitted)).refit(*CANCER)
    assert again.score(*CANCER) > 0.8


def test_a_run_goes_on_with_the_cells_that_it_found(tmp_path):
    first = classifier(run_dir=tmp_path, n_trials=2).fit(*CANCER)
    stored = json.loads((tmp_path / "one_shot.json").read_text())
    assert stored["genotypes"] == first.one_shot_.cells
    again = classifier(run_dir=tmp_path, n_trials=4).fit(*CANCER)
    assert again.one_shot_.seconds == stored["seconds"], "stage one is not run again"
    assert len(again.history_.trials) == 4
    with pytest.raises(ValueError, match=r"holds a run with another one_shot \(.*darts.*, now .*gdas"):
        classifier(run_dir=tmp_path, one_shot="gdas").fit(*CANCER)


def test_against_random_cells(tmp_path):
    clf = classifier(one_shot=OneShot("gdas", epochs=1, compare_to_random=True), run_dir=tmp_path).fit(*CANCER)
    comparison = clf.one_shot_.comparison
    found = [t for t in clf.history_.trials if t.configuration["mlp_cell:cell"] in clf.one_shot_.cells]
    assert comparison.found == min(result.loss for trial in found for result in trial.results)
    assert comparison.random > 0
    assert re.match(r"Found cells were (no )?better than random cells: validation loss 0\.\d+ against", str(comparison))
    assert (tmp_path / "random_cells" / "history.db").exists()
    better = comparison.found < comparison.random
    assert ("no better" in str(comparison)) != better


def test_random_cells_are_others_and_get_as_many_trials():
    seen = []

    def watch(history, trial, result):
        seen.append((trial.number, trial.configuration["mlp_cell:cell"]))

    settings = OneShot("random_sharing", epochs=1, compare_to_random=True, settings=Settings(n_judged=5))
    clf = classifier(one_shot=settings, callbacks=[watch], optimizer="random").fit(*CANCER)
    assert sorted({number for number, _ in seen}) == [0, 1, 2]
    drawn = {cell for _, cell in seen} - {*clf.one_shot_.cells, clf.one_shot_.default_cell}
    assert drawn
    assert all(mlp_cell.SPACE.is_connected(mlp_cell.SPACE.read(cell)) for cell in drawn)


def test_the_rest_of_the_space_can_be_narrowed():
    clf = classifier(search_space={"mlp_cell:width": [32], "batch_size": 128}, optimizer="random").fit(*CANCER)
    assert {t.configuration["mlp_cell:width"] for t in clf.history_.trials} == {32}


def test_a_family_of_the_user():
    @of_cells(mlp_cell.SPACE)
    @stackable
    def build(configuration, input_spec, output_spec):
        return mlp_cell.build(configuration, input_spec, output_spec)

    family = NetworkFamily("my_cells", load_space("mlp_cell"), build)
    clf = classifier(search_space=["mlp", family]).fit(*CANCER)
    assert clf.one_shot_.family == "my_cells"
    assert set(clf.leaderboard().network) == {"my_cells"}


def test_regression():
    X, y = load_diabetes(return_X_y=True)
    reg = AutoNASRegressor(**{**QUICK, "max_epochs": 9}).fit(X, y)
    assert reg.one_shot_.family == "mlp_cell"
    assert reg.score(X, y) > 0


def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:300].reshape(-1, 8, 8) * 15.9).astype(np.uint8), y[:300]


@pytest.mark.parametrize("space", [None, "cell"])
def test_images(space):
    images, y = digits()
    small = {} if space is None else {"search_space": space}
    clf = classifier(one_shot=OneShot("gdas", epochs=1), n_trials=1, **small).fit(images, y)
    assert clf.one_shot_.family == (space or "nasbench201")
    assert clf.predict_proba(images).shape == (300, 10)


@pytest.mark.parametrize("narrowed", [{}, {"flip": [False]}])
def test_what_stage_two_tries_first_on_images(narrowed):
    images, y = digits()
    space = {"network": ["nasbench201"], "nasbench201:channels": [8], **narrowed}
    settings = {"one_shot": OneShot("gdas", epochs=1), "max_epochs": 1, "search_space": space}
    clf = classifier(n_trials=4 - len(narrowed), **settings).fit(images, y)
    best, runner_up, *_ = clf.one_shot_.cells
    expected = [(best, False), (clf.one_shot_.default_cell, False), (best, True), (runner_up, False)]
    if narrowed:
        del expected[2]
    tried = [t.configuration for t in clf.history_.trials]
    assert [(c["nasbench201:cell"], c["flip"]) for c in tried] == expected


def test_any_time_limit_leaves_a_fitted_estimator():
    clf = AutoNASClassifier(one_shot="darts", time_limit=1e-6, random_state=0).fit(*CANCER)
    assert clf.one_shot_.cells
    assert clf.predict(CANCER[0]).shape == CANCER[1].shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"one_shot": "dart"}, "Unknown one-shot strategy 'dart'; did you mean 'darts'"),
        ({"one_shot": 3}, r"one_shot=3, but must be a name \(darts, .*\), a OneShot\(...\), or None"),
        ({"search_space": ["mlp"]}, "one_shot needs a family of cells, but search_space has 'mlp' only; .*'mlp_cell'"),
    ],
)
def test_wrong_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        classifier(**changes).fit(*CANCER)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 1.5}, "share=1.5, but must be between 0 and 1"),
        ({"epochs": 0}, "epochs=0, but must be an int >= 1"),
        ({"n_architectures": 2.5}, "n_architectures=2.5, but must be an int >= 1"),
        ({"strategy": "evolution"}, "Unknown one-shot strategy 'evolution'"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        OneShot(**settings)
