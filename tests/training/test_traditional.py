"""Traditional models: as good as scikit-learn's own, stopped by the clock, stored without pickle."""

from __future__ import annotations

import importlib
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from autonas.networks import NETWORKS
from autonas.spaces import load_family, load_space, values
from autonas.training.checkpoint import load_model
from autonas.training.traditional import TRADITIONAL, MixedTrainer, trainer
from autonas.training.traditional.families import load
from autonas.training.traditional.model import Sample
from autonas.training.validation import make_folds
from tests.training.tasks import make_task

GROWN = [name for name in TRADITIONAL if name != "linear_model"]


def make_trainer(task, validation=2):
    folds = make_folds(validation, None, task.target, classification=task.n_classes > 0, random_state=0)
    return MixedTrainer(task, folds, NETWORKS, max_epochs=9)


def own(name, **changes):
    return {**values(load_space(name).get_default_configuration()), **changes}


def configuration_of(name, **changes):
    return {"network": name, **{f"{name}:{key}": value for key, value in own(name, **changes).items()}}


def fit(name, train, valid=None, *, seed=0, over=lambda: False, rounds=None, **changes):
    return load(name).fit(own(name, **changes), train, valid, seed, over, rounds)


def make_sample(n=300, *, classes=3, seed=0, cardinalities=(4, 30), weight=None):
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=(n, 3)).astype(np.float32)
    categorical = np.array([rng.integers(0, k, n) for k in cardinalities], dtype=np.int64).reshape(-1, n).T
    score = numeric[:, 0] + 0.3 * rng.normal(size=n)
    for codes, k in zip(categorical.T, cardinalities, strict=True):
        score += codes == 1 if k < 10 else 3 * codes / k
    target = np.argsort(np.argsort(score)) * classes // n if classes else (score - score.mean()).astype(np.float32)
    return Sample(numeric, categorical, cardinalities, target, classes, weight)


def outputs(model, sample):
    return model.outputs(sample.numeric, sample.categorical)


def again(name, model, sample):
    """Make the model from its arrays."""
    columns = sample.numeric.shape[1], sample.cardinalities
    return load(name).rebuild(model.arrays(), columns, sample.n_classes)


def contents(folder):
    return (folder / "model.safetensors").read_bytes()


# ---------------------------------------------------------------------------------------------- a trial


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", TRADITIONAL)
def test_a_trial_ends_like_that_of_a_network(name, classes, tmp_path):
    task = make_task(classes=classes)
    trainer = make_trainer(task, 3)
    result = trainer(configuration_of(name), 1, seed=0, checkpoint=tmp_path)
    predictions = trainer.predictions(tmp_path)
    assert result["fidelity"] == 1
    assert result["loss"] == pytest.approx(trainer.judge(predictions)) == min(result["curve"])
    assert result["n_parameters"] > 0
    assert result["multiply_adds"] > 0
    assert np.isfinite(predictions).all()
    networks = trainer.restore(configuration_of(name), load_model(tmp_path).weights)
    assert len(networks) == 3
    for trained, (_, rows) in zip(networks, trainer.folds, strict=True):
        part, predictions = predictions[: len(rows)], predictions[len(rows) :]
        features = trained.preprocessor.transform(task.table.take(rows))
        np.testing.assert_array_equal(trained.predict(features), part)
        if classes:
            np.testing.assert_allclose(part.sum(axis=1), 1)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", TRADITIONAL)
def test_learns(name, classes, tmp_path):
    task = make_task(400, classes=classes, missing=False)
    result = make_trainer(task, "holdout")(configuration_of(name), 1, seed=0, checkpoint=tmp_path)
    nothing = np.log(classes) if classes else task.target.std()
    assert result["loss"] < 0.7 * nothing


@pytest.mark.parametrize("name", TRADITIONAL)
def test_a_higher_rung_costs_nothing(name, tmp_path):
    trainer = make_trainer(make_task())
    first = trainer(configuration_of(name), 1, seed=0, checkpoint=tmp_path)
    stored = contents(tmp_path)

    def never_asked():
        raise AssertionError("it is fitted anew")

    later = trainer(configuration_of(name), 9, seed=0, checkpoint=tmp_path, stop=never_asked)
    assert later["fidelity"] == 9
    assert contents(tmp_path) == stored
    for key in set(first) - {"fidelity", "train_seconds"}:
        assert first[key] == later[key], key


@pytest.mark.parametrize("name", TRADITIONAL)
def test_the_same_twice_and_side_by_side(name, tmp_path):
    trainer = make_trainer(make_task())
    folders = [tmp_path / str(k) for k in range(4)]
    run = lambda folder: trainer(configuration_of(name), 1, seed=5, checkpoint=folder)  # noqa: E731
    threads = [threading.Thread(target=run, args=(folder,)) for folder in folders[:3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = np.random.get_state()[1].copy()
    make_again = make_trainer(make_task())
    make_again(configuration_of(name), 1, seed=5, checkpoint=folders[3])
    assert np.array_equal(np.random.get_state()[1], state)
    assert len({contents(folder) for folder in folders}) == 1


@pytest.mark.parametrize("name", ["random_forest", "extra_trees", "hist_gradient_boosting"])
def test_another_seed_is_another_model(name, tmp_path):
    trainer = make_trainer(make_task())
    for seed in (1, 2):
        trainer(configuration_of(name, max_features=0.5), 1, seed=seed, checkpoint=tmp_path / str(seed))
    assert not np.array_equal(trainer.predictions(tmp_path / "1"), trainer.predictions(tmp_path / "2"))


def test_networks_are_trained_as_ever(tmp_path):
    mixed = make_trainer(make_task())
    assert not mixed.is_traditional({"network": "linear"})
    result = mixed({"network": "linear", "batch_size": 32, "optimizer": "adamw", "learning_rate": 1e-2,
                    "beta2": 0.95, "weight_decay": 0.0, "schedule": "constant", "warmup_fraction": 0.0,
                    "regularization_schedule": "constant"}, 2, seed=0, checkpoint=tmp_path)  # fmt: skip
    assert result["fidelity"] == 2
    assert (tmp_path / "state.safetensors").exists()


def test_a_network_of_the_users_hides_a_traditional_model_of_the_same_name():
    task = make_task()
    trainer = MixedTrainer(task, [(np.arange(60), np.arange(60, 120))], {"random_forest": None}, max_epochs=3)
    assert not trainer.is_traditional({"network": "random_forest"})
    assert trainer.is_traditional({"network": "extra_trees"})


def test_every_family_has_its_space():
    for name in TRADITIONAL:
        assert load_family(name).build is None
        assert "class_weights" in load_family(name).shared


# ---------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize("how", ["stop", "deadline"])
@pytest.mark.parametrize("name", TRADITIONAL)
def test_cut_short_it_leaves_a_model_and_is_fitted_anew(name, how, tmp_path):
    limits = {"stop": lambda: True} if how == "stop" else {"deadline": time.monotonic() - 1}
    trainer = make_trainer(make_task())
    cut = trainer(configuration_of(name), 3, seed=0, checkpoint=tmp_path / "cut", **limits)
    assert cut["fidelity"] == 0
    assert cut["best_epoch"] == 1
    assert np.isfinite(trainer.predictions(tmp_path / "cut")).all()
    whole = trainer(configuration_of(name), 3, seed=0, checkpoint=tmp_path / "cut")
    assert whole["fidelity"] == 3
    assert whole["curve_epochs"][-1] > 1
    trainer(configuration_of(name), 3, seed=0, checkpoint=tmp_path / "whole")
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", GROWN)
def test_growth_ends_as_soon_as_time_is_over(name):
    answers = iter([False] * 4 + [True])
    model = fit(name, make_sample(), over=lambda: next(answers))
    assert model.n_rounds == 5
    assert next(answers, "asked once more") == "asked once more"


@pytest.mark.parametrize("name", GROWN)
def test_it_takes_a_share_of_the_time_and_is_whole_then(name, tmp_path, monkeypatch):
    now = iter(range(10**6))
    monkeypatch.setattr(trainer, "time", SimpleNamespace(monotonic=lambda: next(now)))
    result = make_trainer(make_task())(configuration_of(name), 3, seed=0, checkpoint=tmp_path, deadline=200)
    # At every look a second has passed: a sixth of the time is soon over, and the deadline far away.
    assert result["fidelity"] == 3
    assert 1 < result["best_epoch"] < 20
    assert next(now) < 60


# ---------------------------------------------------------------------------------------------- against scikit-learn


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_boosting_is_that_of_scikit_learn(classes):
    weight = np.random.default_rng(1).uniform(0.5, 2, 300)
    train, new = make_sample(classes=classes, cardinalities=(), weight=weight), make_sample(seed=9, cardinalities=())
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    settings = {"learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 5, "l2_regularization": 0.5}
    theirs = kind(**settings, max_features=1.0, max_iter=12, early_stopping=False).fit(
        train.numeric, train.target, train.weight
    )
    ours = fit("hist_gradient_boosting", train, rounds=12, max_features=1.0, **settings)
    if classes:
        np.testing.assert_allclose(np.exp(outputs(ours, new)), theirs.predict_proba(new.numeric), rtol=1e-5)
    else:
        np.testing.assert_allclose(outputs(ours, new)[:, 0], theirs.predict(new.numeric), rtol=1e-5, atol=1e-6)


def one_hot(sample):
    codes = zip(sample.categorical.T, sample.cardinalities, strict=True)
    return np.hstack([sample.numeric, *(np.eye(k)[c] for c, k in codes)])


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_is_that_of_scikit_learn(classes):
    weight = np.random.default_rng(1).uniform(0.5, 2, 300)
    train, new = make_sample(classes=classes, weight=weight), make_sample(seed=9)
    table, other = (one_hot(sample) for sample in (train, new))
    # Over classes the optimum's weights sum to 0; with two, scikit-learn has one weight for their difference.
    penalty = 0.01
    strength = 1 / (penalty * weight.sum()) * (2 if classes == 2 else 1)
    theirs = LogisticRegression(C=strength, tol=1e-6, max_iter=1000).fit(table, train.target, weight)
    ours = fit("linear_model", train, penalty=penalty)
    np.testing.assert_allclose(np.exp(outputs(ours, new)), theirs.predict_proba(other), atol=2e-3)


def test_ridge_regression_is_that_of_scikit_learn():
    weight = np.random.default_rng(1).uniform(0.5, 2, 300)
    train, new = make_sample(classes=0, cardinalities=(), weight=weight), make_sample(seed=9, cardinalities=())
    theirs = Ridge(alpha=0.01 * weight.sum()).fit(train.numeric, train.target, weight)
    ours = fit("linear_model", train, penalty=0.01)
    np.testing.assert_allclose(outputs(ours, new)[:, 0], theirs.predict(new.numeric), atol=2e-3)


def test_trees_to_the_last_row_know_every_row():
    train = make_sample(classes=0)
    model = fit("extra_trees", train, min_samples_leaf=1)
    np.testing.assert_allclose(outputs(model, train)[:, 0], train.target, atol=1e-5)


@pytest.mark.parametrize("name", ["random_forest", "extra_trees"])
def test_more_trees_begin_with_the_fewer(name):
    """The trees of a forest do not depend on how many there are."""
    few, more = (fit(name, make_sample(classes=0), n_trees=n).arrays() for n in (3, 5))
    assert few["sizes"].tolist() == more["sizes"][:3].tolist()
    np.testing.assert_array_equal(few["threshold"], more["threshold"][: few["sizes"].sum()])


def test_boosting_stops_where_the_validation_loss_rises():
    noise = make_sample(classes=2)
    rng = np.random.default_rng(0)
    train, valid = (Sample(noise.numeric, noise.categorical, noise.cardinalities, rng.integers(0, 2, 300), 2)
                    for _ in range(2))  # fmt: skip
    assert fit("hist_gradient_boosting", train, valid).n_rounds < 60


def test_the_number_of_rounds_is_the_best_of_all_folds(tmp_path):
    result = make_trainer(make_task(300, classes=2), 3)(
        configuration_of("hist_gradient_boosting"), 1, seed=0, checkpoint=tmp_path
    )
    assert len(result["curve"]) > 3
    assert result["loss"] == min(result["curve"])
    assert result["best_epoch"] == result["curve_epochs"][int(np.argmin(result["curve"]))]
    for arrays in load_model(tmp_path).weights:
        assert len(arrays["sizes"]) <= result["best_epoch"]


# ---------------------------------------------------------------------------------------------- what data get


@pytest.mark.parametrize("name", TRADITIONAL)
@pytest.mark.parametrize("absent", [[1], [0, 2]])
def test_classes_without_a_row_in_training(name, absent):
    everything = make_sample(classes=3)
    train = everything.take(np.flatnonzero(~np.isin(everything.target, absent)))
    logarithms = outputs(fit(name, train, everything), everything)
    assert logarithms.shape == (300, 3)
    assert np.isfinite(logarithms).all()
    assert (np.exp(logarithms[:, absent]) < 0.01).all()
    np.testing.assert_allclose(np.exp(logarithms).sum(axis=1), 1, atol=0.01)


@pytest.mark.parametrize("name", TRADITIONAL)
def test_categories_that_training_did_not_have(name):
    everything = make_sample()
    known = (everything.categorical[:, 0] != 3) & (everything.categorical[:, 1] < 20)
    model = fit(name, everything.take(np.flatnonzero(known)))
    assert np.isfinite(outputs(model, everything)).all()


@pytest.mark.parametrize("name", TRADITIONAL)
@pytest.mark.parametrize("cardinalities", [(), (2,), (300,)])
def test_tables_of_one_kind_of_columns(name, cardinalities):
    train = make_sample(cardinalities=(*cardinalities, 3, 3))
    bare = Sample(train.numeric[:, :0], train.categorical, train.cardinalities, train.target, 3)
    assert outputs(fit(name, bare), bare).shape == (300, 3)


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("name", TRADITIONAL)
def test_two_rows(name, classes):
    train = make_sample(classes=classes).take(np.array([0, 299]))
    assert np.isfinite(outputs(fit(name, train, train), make_sample())).all()


@pytest.mark.parametrize("name", TRADITIONAL)
def test_weights_count(name, tmp_path):
    """Rows of a class that weigh ten times as much pull the predictions to it."""
    plain = make_task(classes=2)
    heavy = make_task(classes=2, weight=np.where(plain.target == 1, 10.0, 1.0))
    folds = [(np.arange(80), np.arange(80, 120))]
    shares = []
    for number, task in enumerate((plain, heavy)):
        trainer = MixedTrainer(task, folds, NETWORKS, max_epochs=3)
        trainer(configuration_of(name), 1, seed=0, checkpoint=tmp_path / str(number))
        shares.append(trainer.predictions(tmp_path / str(number))[:, 1].mean())
    assert shares[1] > shares[0] + 0.02


@pytest.mark.parametrize("name", TRADITIONAL)
def test_class_weights_are_read(name, tmp_path):
    task = make_task(300, classes=2)
    task = task.take(np.flatnonzero((task.target == 0) | (np.arange(300) % 6 == 0)))
    shares = []
    for kind in ("none", "balanced"):
        trainer = make_trainer(task, "holdout")
        trainer({**configuration_of(name), "class_weights": kind}, 1, seed=0, checkpoint=tmp_path / kind)
        shares.append(trainer.predictions(tmp_path / kind)[:, 1].mean())
    assert shares[1] > shares[0] + 0.005


@pytest.mark.parametrize("name", GROWN)
def test_large_tables_are_sampled(name, monkeypatch):
    module = importlib.import_module(TRADITIONAL[name].partition(":")[0])
    monkeypatch.setattr(module, "MAX_CELLS", 1)
    train = make_sample(3000, classes=3)
    train.target[:] = np.where(np.arange(3000) == 17, 2, train.target.clip(0, 1))
    few = fit(name, train, rounds=3, min_samples_leaf=1)
    monkeypatch.setattr(module, "MAX_CELLS", 10**9)
    assert few.n_parameters < fit(name, train, rounds=3, min_samples_leaf=1, max_features=0.9).n_parameters
    # No class is lost by the draw.
    assert few.arrays()["classes"].tolist() == [0, 1, 2]


def test_a_forest_stops_growing_before_it_fills_the_memory(monkeypatch):
    from autonas.training.traditional import forest

    monkeypatch.setattr(forest, "MAX_BYTES", 100_000)
    assert 1 < fit("random_forest", make_sample()).n_rounds < 100


def test_a_metric_of_decisions_chooses_too(tmp_path):
    task = make_task(classes=2, metric="balanced_accuracy")
    result = make_trainer(task)(configuration_of("hist_gradient_boosting"), 1, seed=0, checkpoint=tmp_path)
    assert -1 <= result["loss"] <= -0.5


def test_boosted_trees_cost_by_their_number():
    few, many = (fit("hist_gradient_boosting", make_sample(), rounds=n).multiply_adds for n in (10, 100))
    assert 5 * few < many < 20 * few


# ---------------------------------------------------------------------------------------------- storage


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", TRADITIONAL)
def test_arrays_hold_everything(name, classes):
    train, new = make_sample(classes=classes), make_sample(seed=3)
    model = fit(name, train, train)
    copy = again(name, model, train)
    np.testing.assert_array_equal(outputs(model, new), outputs(copy, new))
    assert (copy.n_rounds, copy.n_parameters, copy.multiply_adds) == (
        model.n_rounds,
        model.n_parameters,
        model.multiply_adds,
    )


TRAINED = {name: fit(name, make_sample(60), rounds=2) for name in GROWN}


@settings(max_examples=200)
@given(
    name=st.sampled_from(GROWN),
    key=st.sampled_from(["left", "right", "feature"]),
    place=st.integers(0, 10**6),
    value=st.integers(-(2**31), 2**31 - 1),
)
def test_a_damaged_tree_is_refused_or_leads_to_leaves(name, key, place, value):
    """scikit-learn's compiled code follows any number: none may lead out of the tree, or in a circle."""
    train = make_sample(60)
    arrays = {k: v.copy() for k, v in TRAINED[name].arrays().items()}
    place %= len(arrays[key])
    arrays[key][place] = value
    columns = train.numeric.shape[1], train.cardinalities
    try:
        model = load(name).rebuild(arrays, columns, train.n_classes)
    except ValueError as error:
        assert "damaged" in str(error)  # noqa: PT017
    else:
        inner = arrays["left"][place] != -1
        assert not inner or key != "feature" or 0 <= value < 3 + 4 + 1
        assert outputs(model, train).shape == (60, 3)


def test_a_linear_model_of_another_table_is_refused():
    arrays = fit("linear_model", make_sample()).arrays()
    with pytest.raises(ValueError, match="damaged"):
        load("linear_model").rebuild(arrays, (2, (4, 30)), 3)


def test_an_altered_file_is_not_executed(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")
    result = make_trainer(make_task())(configuration_of("random_forest"), 1, seed=0, checkpoint=tmp_path)
    assert np.isfinite(result["loss"]), "it is fitted anew"
    assert not list(tmp_path.glob("executed"))
