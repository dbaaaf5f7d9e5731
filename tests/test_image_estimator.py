"""The estimators on images, as a user meets them."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score

from autonas import AutoNASClassifier, AutoNASRegressor, NetworkFamily
from autonas._budget import choose_epochs
from autonas._search_space import resolve_search_space
from autonas.networks import IMAGE_NETWORKS
from autonas.presets import load_preset
from autonas.training.images import Images
from autonas.training.trial import Trainer
from tests.training.image_tasks import build, make_images, make_task, small_family

QUICK = {
    "time_limit": None,
    "n_trials": 2,
    "max_epochs": 3,
    "validation": "holdout",
    "search_space": [small_family()],
    "random_state": 0,
}
X, Y = make_images(60, channels=3)
GREY, _ = make_images(60)


def classifier(**changes):
    return AutoNASClassifier(**{**QUICK, **changes})


def regressor(**changes):
    return AutoNASRegressor(**{**QUICK, **changes})


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_classes():
    names = np.array(["ant", "bee", "cat"])[Y]
    clf = classifier(n_trials=4).fit(X, names)
    assert clf.predict_proba(X).shape == (60, 3)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
    assert set(clf.predict(X)) <= {"ant", "bee", "cat"}
    assert 0 <= clf.score(X, names) <= 1
    board = clf.leaderboard()
    assert set(board["network"]) == {"small"}
    assert (board["epochs"] > 0).all()
    assert board["ensemble_weight"].sum() == pytest.approx(1)
    assert "network(s)" in clf.show_models()
    assert clf.failures().empty
    assert "image_size" in clf.configuration_space_
    assert not hasattr(clf, "n_features_in_")
    assert not hasattr(clf, "feature_names_in_")


def test_numbers():
    X, y = make_images(60, classes=0)
    reg = regressor().fit(X, y)
    predicted = reg.predict(X)
    assert predicted.shape == (60,)
    assert predicted.min() >= y.min()
    assert predicted.max() <= y.max()
    reg.score(X, y)
    space = reg.configuration_space_
    assert all(hasattr(space[name], "value") for name in ("label_smoothing", "class_weights", "cutmix_alpha"))


def test_it_learns():
    X, y = make_images(300, size=(12, 12))
    reading = {"learning_rate": 0.02, "crop_padding": 0.0, "batch_size": 32}
    clf = classifier(max_epochs=27, n_trials=1, search_space={"network": "chain_cnn", **reading}).fit(X, y)
    assert clf.score(*make_images(100, size=(12, 12), seed=1)) > 0.8


@pytest.mark.parametrize("network", IMAGE_NETWORKS)
def test_every_family_of_the_library(network):
    clf = classifier(search_space=[network], n_trials=1, max_epochs=1).fit(X[:30], Y[:30])
    assert clf.predict(X).shape == (60,)
    assert clf.best_params_.get("network", network) == network


def test_forms_of_the_same_images_give_the_same(tmp_path):
    paths = []
    for i, image in enumerate(X):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(image).save(paths[-1])
    expected = classifier(run_dir=None).fit(X, Y).predict_proba(X)
    for form in (np.moveaxis(X, 3, 1), torch.from_numpy(X), paths, [Image.fromarray(x) for x in X]):
        clf = classifier().fit(form, Y)
        np.testing.assert_array_equal(clf.predict_proba(form), expected)
        np.testing.assert_allclose(clf.predict_proba(X), expected)


def test_prediction_does_not_depend_on_the_company():
    clf = classifier(max_epochs=1).fit(GREY, Y)
    np.testing.assert_allclose(clf.predict_proba(GREY)[:7], clf.predict_proba(GREY[:7]), rtol=1e-5)


def test_images_of_another_size_are_brought_to_it():
    clf = classifier(max_epochs=1).fit(GREY, Y)
    large = np.repeat(np.repeat(GREY, 2, axis=1), 2, axis=2)
    assert clf.predict_proba(large).shape == (60, 3)


def test_memory_of_prediction_is_bounded(monkeypatch):
    clf = classifier(max_epochs=1, ensemble_size=1).fit(GREY, Y)
    seen = []
    network = clf._fitted.ensemble.members[0].networks[0].network
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    monkeypatch.setattr("autonas.training.stack._VALUES_AT_ONCE", 64 * 64)
    expected = clf.predict_proba(np.tile(GREY, (10, 1, 1, 1)))
    assert max(seen) <= 64
    assert len(seen) == 10
    np.testing.assert_allclose(expected[:60], clf.predict_proba(GREY), rtol=1e-5)


@pytest.mark.parametrize("n", [6, 12])
@pytest.mark.parametrize("validation", ["auto", "holdout", 2])
def test_very_few_images(n, validation):
    y = np.arange(n) % 2
    clf = classifier(validation=validation, n_trials=1).fit(X[:n], y)
    assert clf.predict_proba(X[:1]).shape == (1, 2)


def test_sample_weights():
    weight = np.where(np.arange(60) % 3 == 0, 0.0, 2.0)
    one = classifier(n_trials=1).fit(X, Y, sample_weight=weight)
    other = classifier(n_trials=1).fit(X[weight > 0], Y[weight > 0])
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    third = classifier(n_trials=1).fit(X, Y, sample_weight=np.arange(60.0))
    assert not np.array_equal(third.predict_proba(X), other.predict_proba(X))


# --------------------------------------------------------------------------------- reproducible and durable


@pytest.mark.usefixtures("two_threads")
def test_the_same_twice_with_two_threads():
    reading = {"n_trials": 5, "search_space": [small_family(), "chain_cnn"], "max_epochs": 2}
    one, other = (classifier(**reading).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    for a, b in zip(one.history_.trials, other.history_.trials, strict=True):
        assert dict(a.configuration) == dict(b.configuration)
        assert [r.loss for r in a.results] == [r.loss for r in b.results]


def test_trials_run_side_by_side_only_where_families_allow_it():
    preset, images = load_preset("image"), Images(np.moveaxis(X, 3, 1))

    def plain(configuration, input_spec, output_spec):
        return build(configuration, input_spec, output_spec)

    for make, shares in ((build, False), (plain, True)):
        chosen = resolve_search_space([small_family(make)], preset, images, classification=True)
        assert chosen.shares_generators is shares
        folds = [(np.arange(40), np.arange(40, 60))]
        trainer = Trainer(make_task(), folds, chosen.builds, max_epochs=1, defaults={"network": "small"})
        configuration = dict(chosen.space.get_default_configuration())
        assert trainer.make_stacks({**configuration, "network": "small"}, 0)[0].network.draws is shares


def test_a_run_goes_on(tmp_path):
    first = classifier(run_dir=tmp_path, n_trials=2).fit(X, Y)
    again = classifier(run_dir=tmp_path, n_trials=4).fit(X, Y)
    whole = classifier(n_trials=4).fit(X, Y)
    assert len(first.history_.trials) == 2
    np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))
    with pytest.raises(ValueError, match="holds a run with another data"):
        classifier(run_dir=tmp_path).fit(255 - X, Y)


def test_refit_and_pickle():
    clf = classifier().fit(X, Y)
    predicted = clf.predict_proba(X)
    restored = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(restored.predict_proba(X), predicted)
    clf.refit(np.concatenate([X, X]), np.concatenate([Y, Y]))
    assert clf.predict_proba(X).shape == predicted.shape
    assert not np.array_equal(clf.predict_proba(X), predicted)


def test_cross_validation():
    scores = cross_val_score(classifier(n_trials=1, max_epochs=1), X, Y, cv=2)
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


def test_a_splitter_of_ones_own():
    clf = classifier(validation=KFold(2), n_trials=1).fit(X, Y)
    assert "2 network(s)" in clf.show_models()


# ---------------------------------------------------------------------------------------- what is searched


@pytest.mark.parametrize(
    ("side", "sizes"), [(8, [16]), (24, [16, 24]), (28, [16, 24, 32]), (200, [16, 24, 32, 48, 64, 96, 128])]
)
def test_sizes_above_the_images_own_are_not_searched(side, sizes):
    images = Images(np.zeros((2, 1, side, side // 2), np.uint8))
    space = resolve_search_space(None, load_preset("image"), images, classification=True).space
    assert list(getattr(space["image_size"], "sequence", None) or [space["image_size"].value]) == sizes


def test_a_choice_of_networks_may_name_what_the_preset_leaves_out():
    images = Images(np.zeros((2, 1, 28, 28), np.uint8))
    given = {"network": ["mobile", "nasbench201"], "nasbench201:channels": [8]}
    chosen = resolve_search_space(given, load_preset("image"), images, classification=True)
    assert set(chosen.families) == {"mobile", "nasbench201"}
    assert chosen.space["nasbench201:channels"].value == 8
    alone = resolve_search_space({"network": "nasbench201"}, load_preset("image"), images, classification=True)
    assert alone.families == ["nasbench201"]
    with pytest.raises(ValueError, match="mobil"):
        resolve_search_space({"network": "mobil"}, load_preset("image"), images, classification=True)
    with pytest.raises(ValueError, match=r"Unknown hyperparameter 'mobile:kernel'; did you mean '.*' and \d+ more\."):
        resolve_search_space({"mobile:kernel": 3}, load_preset("image"), images, classification=True)


def test_epochs_follow_the_cost_of_the_default_network():
    images = Images(np.zeros((50, 1, 28, 28), np.uint8))
    chosen = resolve_search_space(None, load_preset("image"), images, classification=True)
    task = make_task(50, size=(28, 28))
    trainer = Trainer(task, [(np.arange(40), np.arange(40, 50))], chosen.builds, max_epochs=1)
    epoch = trainer.estimate_seconds({**chosen.space.get_default_configuration(), "network": "chain_cnn"})
    epochs = {}
    for affordable in (0.1, 2, 4, 8, 10, 28, 500):
        time_limit = affordable * epoch / 0.6
        epochs[affordable] = choose_epochs(AutoNASClassifier(), {}, trainer, chosen, time_limit)[1]
    assert epochs == {0.1: 3, 2: 3, 4: 3, 8: 3, 10: 9, 28: 27, 500: 81}
    epochs = [
        choose_epochs(AutoNASClassifier(**kind), {}, trainer, chosen, 40 * epoch / 0.6)[1]
        for kind in ({}, {"objectives": ["n_parameters"]})
    ]
    assert epochs == [27, 9], "40 affordable epochs, and 13.3"
    assert choose_epochs(AutoNASClassifier(), {}, trainer, chosen, None)[1] == 81


def test_epochs_of_stage_two_follow_what_a_step_takes(monkeypatch):
    images = Images(np.zeros((640, 1, 28, 28), np.uint8))
    chosen = resolve_search_space({"network": "nasbench201"}, load_preset("image"), images, classification=True)
    folds = [(np.arange(512), np.arange(512, 640))]
    trainer = Trainer(make_task(640, size=(28, 28)), folds, chosen.builds, max_epochs=1, defaults=chosen.defaults)
    ticks = itertools.count()
    monkeypatch.setattr("autonas._budget.time.perf_counter", lambda: 0.01 * next(ticks))
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    epoch = 8 * 0.01 * 1.1  # batches of 64, and a tenth for judging
    for affordable, expected in ((1, 3), (25.5, 25), (300, 81)):
        time_limit = 2 * affordable * epoch / 0.9  # one thread trains both in turn
        record, another = {}, [{"nasbench201:channels": 8}]
        estimator = AutoNASClassifier(one_shot="darts")
        assert choose_epochs(estimator, record, trainer, chosen, time_limit, another)[1] == expected
        assert choose_epochs(estimator, record, trainer, chosen, 1e6)[1] == expected, "a run that goes on keeps it"
    assert choose_epochs(AutoNASClassifier(one_shot="darts"), {}, trainer, chosen, None)[1] == 81


# ------------------------------------------------------------------------------------------------ the errors


def test_tables_and_images_are_not_confused():
    clf = classifier(n_trials=1, max_epochs=1).fit(GREY, Y)
    with pytest.raises(ValueError, match="X is a table, but in fit it was images"):
        clf.predict(GREY.reshape(60, -1))
    table = clone(clf).set_params(search_space=["linear"]).fit(GREY.reshape(60, -1), Y)
    assert table.n_features_in_ == 64
    with pytest.raises(ValueError, match="X is images, but in fit it was a table"):
        table.predict(GREY)
    table.set_params(search_space=QUICK["search_space"]).fit(GREY, Y)
    assert not hasattr(table, "n_features_in_")


def test_another_number_of_channels():
    clf = classifier(n_trials=1, max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"X has 1 channel \(grey\), but in fit it was 3 channels"):
        clf.predict(GREY)


def test_as_many_labels_as_images():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, Y[:-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search_space": ["mlp"]}, "family 'mlp' is not one of the library's for images .*'chain_cnn'"),
        ({"search_space": ["random_forest"]}, "'random_forest' is not one of the library's for images"),
        ({"search_space": None, "pipeline": "tabular"}, "'realmlp' is not one of the library's for images"),
        ({"portfolio": "tabular"}, "portfolio='tabular', but X holds images"),
    ],
)
def test_what_is_for_tables_only(changes, message):
    with pytest.raises(ValueError, match=message):
        classifier(**changes).fit(X, Y)


def test_what_is_for_images_only():
    with pytest.raises(ValueError, match="family 'chain_cnn' is not one of the library's for tables"):
        classifier(search_space=["chain_cnn"]).fit(GREY.reshape(60, -1), Y)


def test_a_family_of_ones_own_that_stacks_is_built_plain():
    def make(configuration, input_spec, output_spec):
        return build(configuration, input_spec, output_spec)

    make.stackable = True
    clf = classifier(search_space=[NetworkFamily("small", small_family().space, make)], validation=2, n_trials=1)
    assert clf.fit(X, Y).predict_proba(X).shape == (60, 3)
