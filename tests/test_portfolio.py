"""The portfolio: what is tried first, in which order, and what is left of it in a narrower space."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import yaml
from ConfigSpace import ConfigurationSpace, Float
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_diabetes, load_iris

from autonas import AutoNASClassifier, AutoNASRegressor
from autonas._metafeatures import features_of
from autonas._search_space import resolve_search_space
from autonas.networks import NETWORKS
from autonas.portfolio import LearntOn, Portfolio, greedy, load_portfolio
from autonas.presets import load_preset
from autonas.spaces import available, configuration_from, values
from autonas.training.data import Table
from autonas.training.trial import Trainer
from tests.training.tasks import make_task

SHIPPED = sorted(available("pipelines/portfolios"))
PRESET = load_preset("tabular")
QUICK = {"time_limit": None, "min_epochs": 1, "max_epochs": 3, "validation": "holdout", "random_state": 0}
IRIS = load_iris(return_X_y=True)

tables = arrays(
    float, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.integers(0, 10).map(lambda i: i / 10)
)


def made_up(**changes):
    """Three configurations; each is best on the data set at its place, and those are apart in their features."""
    configurations = tuple({"network": name} for name in ("mlp", "resnet", "linear"))
    losses = ((0.0, 0.5, 1.0), (0.5, 0.0, 0.6), (0.9, 1.0, 0.0))
    learnt_on = tuple(
        LearntOn(f"set {j}", {"rows": 5.0 + j, "columns": 2.0 - j}, 1.0, row) for j, row in enumerate(losses)
    )
    return Portfolio(**{"configurations": configurations, "learnt_on": learnt_on, "bandwidth": 0.5, **changes})


# ---------------------------------------------------------------------------- the order


@given(tables)
def test_greedy_takes_each_step_the_best(losses):
    weights = np.full(losses.shape[1], 1 / losses.shape[1])
    best, left = np.ones(losses.shape[1]), set(range(len(losses)))
    for place, gain in greedy(losses, np.ones(losses.shape[1]), weights):
        after = {p: np.minimum(best, losses[p]).mean() for p in left}
        assert after[place] == pytest.approx(min(after.values()))
        assert gain == pytest.approx(best.mean() - after[place])
        best = np.minimum(best, losses[place])
        left.remove(place)
    assert not left


@given(tables, st.integers(1, 3))
def test_greedy_is_near_the_best_of_all_sets(losses, size):
    size = min(size, len(losses))
    weights = np.full(losses.shape[1], 1 / losses.shape[1])
    gained = sum(gain for _, gain in itertools.islice(greedy(losses, np.ones(losses.shape[1]), weights), size))
    every = itertools.combinations(losses, size)
    optimum = max(1 - np.min([np.ones(losses.shape[1]), *rows], axis=0).mean() for rows in every)
    assert (1 - (1 - 1 / size) ** size) * optimum - 1e-6 <= gained <= optimum + 1e-6


def test_similar_sets_best_comes_first():
    portfolio = made_up()
    for j, dataset in enumerate(portfolio.learnt_on):
        assert portfolio.order(dataset.features)[0] == portfolio.configurations[j]
        assert portfolio.weights(dataset.features).argmax() == j
    assert portfolio.weights({"rows": 6.0, "columns": 1.0, "unknown": 1.0}).sum() == pytest.approx(1)


def test_without_a_bandwidth_all_sets_count_alike():
    portfolio = made_up(bandwidth=math.inf)
    assert portfolio.weights({"rows": 5.0, "columns": 2.0}) == pytest.approx([1 / 3] * 3)
    # Means: 0.47, 0.5, 0.53; then the last brings more than the second.
    assert portfolio.places({"rows": 5.0, "columns": 2.0}) == [0, 2, 1]


def test_what_lies_beyond_all_sets_counts_as_the_last():
    portfolio = made_up()
    assert portfolio.weights({"rows": 99.0, "columns": -99.0}) == pytest.approx(
        portfolio.weights({"rows": 7.0, "columns": 0.0})
    )


def test_without_data_sets_the_order_is_as_written():
    portfolio = made_up(learnt_on=())
    assert portfolio.order({}) == list(portfolio.configurations)


def test_a_feature_that_is_gone_is_named():
    with pytest.raises(ValueError, match="learnt on the feature 'columns', which this version does not have"):
        made_up().order({"rows": 1.0})


@given(st.permutations(range(3)), st.integers(0, 2))
def test_the_order_does_not_depend_on_that_of_the_data_sets(permutation, place):
    portfolio = made_up()
    shuffled = made_up(learnt_on=tuple(portfolio.learnt_on[j] for j in permutation))
    features = portfolio.learnt_on[place].features
    assert shuffled.order(features) == portfolio.order(features)


# ---------------------------------------------------------------------------- features


def test_features_tell_data_sets_apart():
    task = make_task(200, classes=3)
    features = features_of(task)
    assert features["regression"] == 0
    assert features["rows"] == pytest.approx(math.log(200), abs=1e-3)
    assert features["columns"] == pytest.approx(math.log(6), abs=1e-3)
    assert features["classes"] == pytest.approx(math.log(3), abs=1e-3)
    assert features["categorical"] == pytest.approx(1 / 3, abs=1e-3)
    assert features["majority"] == pytest.approx(np.bincount(task.target).max() / 200, abs=1e-3)
    assert 0.02 < features["missing"] < 0.1
    assert features["tied"] == 0
    assert features["linear"] > 0.2
    numbers = features_of(make_task(200, classes=0, missing=False))
    assert (numbers["regression"], numbers["classes"], numbers["majority"], numbers["missing"]) == (1, 0, 0, 0)
    assert numbers["linear"] > 0.9
    assert numbers.keys() == features.keys()


def test_features_are_those_of_the_data_only():
    task = make_task(100)
    assert features_of(task) == features_of(task)
    assert all(math.isfinite(value) for value in features_of(task).values())
    other = type(task)(task.table, task.cardinalities, task.target, 3, np.arange(1.0, 101.0), task.metric)
    assert features_of(other) == features_of(task)


@pytest.mark.parametrize(("n_numeric", "n_categorical", "n_rows"), [(3, 0, 2), (0, 2, 30), (300, 1, 20), (1, 1, 3000)])
def test_features_of_odd_tables(n_numeric, n_categorical, n_rows):
    rng = np.random.default_rng(0)
    numeric = rng.integers(0, 2, (n_rows, n_numeric)).astype(float)
    numeric[0] = np.nan
    task = make_task(10, classes=0)
    table = Table(numeric, rng.integers(0, 3, (n_rows, n_categorical)))
    odd = type(task)(table, (3,) * n_categorical, np.arange(n_rows) * 1.0, 0, None, task.metric)
    features = features_of(odd)
    assert all(math.isfinite(value) for value in features.values())
    assert features["tied"] == float(n_numeric > 0)


# ---------------------------------------------------------------------------- what is shipped


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_is_legal_and_builds(name):
    portfolio = load_portfolio(name)
    space = PRESET.space()
    assert 0 < len(portfolio.configurations) <= 32
    for configuration in portfolio.configurations:
        # Nothing is dropped: every value that is named is active.
        complete = values(configuration_from(space, {**portfolio.base, **configuration}))
        assert {key: complete[key] for key in configuration} == configuration
    portfolio.check(space)
    task = make_task(40)
    trainer = Trainer(task, [(np.arange(30), np.arange(30, 40))], NETWORKS, max_epochs=3)
    for configuration in portfolio.within(space, {}).configurations:
        (stack,) = trainer.make_stacks(configuration, seed=0)
        assert sum(parameter.numel() for parameter in stack.parameters) > 0


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_is_as_it_is_written(name):
    path = available("pipelines/portfolios")[name]
    text = path.read_text()
    assert len(text) < 100_000
    header = "\n".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith("#"))
    assert load_portfolio(name).to_yaml(header) == text


def test_the_presets_portfolio_is_there():
    assert PRESET.portfolio == "tabular"
    assert "tabular" in SHIPPED


# ---------------------------------------------------------------------------- files


def test_written_and_read(tmp_path):
    for portfolio in (made_up(), made_up(bandwidth=math.inf, learnt_on=(), base={"batch_size": 64})):
        path = tmp_path / "mine.yaml"
        path.write_text(portfolio.to_yaml("Two\nlines."))
        assert load_portfolio(path) == portfolio
        assert path.read_text().startswith("# Two\n# lines.\n")


GOOD = {"configurations": [{"network": "mlp"}]}
SET = {"name": "x", "features": {"rows": 1.0}, "default": 1.0, "losses": [0.5]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "the key 'configurations' is missing"),
        ({"configuration": []}, "Unknown key 'configuration'; did you mean 'configurations'"),
        ({"configurations": {}}, "'configurations' is {}, but must be a list"),
        ({"configurations": ["mlp"]}, "but must be a list"),
        ({**GOOD, "base": [1]}, r"'base' is \[1\], but must be a mapping"),
        ({**GOOD, "bandwidth": 0}, "'bandwidth' is 0, but must be a number > 0, or null"),
        ({**GOOD, "uniform": 2}, "'uniform' is 2, but must be a number from 0 to 1"),
        ({**GOOD, "learnt_on": [{"name": "x"}]}, "learnt_on 'x': the key 'default' is missing"),
        ({**GOOD, "learnt_on": [{**SET, "losses": [1, 2]}]}, "there are 2 losses for 1 configurations"),
        ({**GOOD, "learnt_on": [{**SET, "losses": ["a"]}]}, "'losses' a list of numbers"),
        ({**GOOD, "learnt_on": [{**SET, "features": [1]}]}, r"'features' is \[1\], but must be a mapping"),
        ({**GOOD, "learnt_on": [SET, {**SET, "features": {}}]}, "must have the same features"),
    ],
)
def test_a_wrong_file_is_explained(content, message, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=message) as caught:
        load_portfolio(path)
    assert str(path) in str(caught.value)


def test_unknown_and_missing(tmp_path):
    with pytest.raises(ValueError, match="Unknown portfolio 'tabluar'; did you mean 'tabular'"):
        load_portfolio("tabluar")
    with pytest.raises(FileNotFoundError):
        load_portfolio(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"network": "mpl"}, r"configurations\[1\] of the portfolio is not legal: .*'network' is 'mpl'"),
        ({"learning_rat": 0.1}, "Unknown hyperparameter 'learning_rat'; did you mean 'learning_rate'"),
        ({"learning_rate": 9}, "'learning_rate' is 9, but must be a number from"),
    ],
)
def test_a_slip_is_named(configuration, message):
    portfolio = Portfolio(({"network": "mlp"}, configuration))
    with pytest.raises(ValueError, match=message):
        portfolio.check(PRESET.space())
    # What one of the spaces knows is right.
    own = ConfigurationSpace({"learning_rat": (0.0, 1.0), "network": ["mpl", "mlp"], "learning_rate": (0.0, 10.0)})
    portfolio.check(PRESET.space(), own)


# ---------------------------------------------------------------------------- narrower spaces


def legal(portfolio, search_space=None, task=None):
    task = task or make_task(40)
    chosen = resolve_search_space(search_space, PRESET, task.table, classification=task.n_classes > 0)
    return portfolio.within(chosen.space, chosen.defaults)


def test_narrowing_drops_the_illegal():
    portfolio = Portfolio(
        (
            {"network": "mlp", "mlp:n_layers": 2},
            {"network": "mlp", "mlp:n_layers": 5, "batch_size": 64},
            {"network": "resnet", "batch_size": 512},
            {"network": "linear", "learning_rate": 1e-2},
        ),
        {"batch_size": 256, "learning_rate": 4e-3},
    )

    def left(choices):
        return [(c["network"], c["batch_size"], c["learning_rate"]) for c in legal(portfolio, choices).configurations]

    everything = [("mlp", 256, 4e-3), ("mlp", 64, 4e-3), ("resnet", 512, 4e-3), ("linear", 256, 1e-2)]
    assert left(None) == everything
    assert left({"network": ["mlp", "tabm"]}) == everything[:2]
    assert left({"network": "linear"}) == everything[3:]
    assert left({"mlp:n_layers": (3, 6)}) == everything[1:]
    assert left({"learning_rate": (1e-3, 5e-3)}) == everything[:3]
    # A batch size that a configuration does not name itself is no reason to leave it out.
    assert [network for network, *_ in left({"batch_size": [32, 64]})] == ["mlp", "mlp", "linear"]
    assert left({"batch_size": [512, 1024], "learning_rate": [4e-3, 1e-2]})[1] == everything[2]


def test_losses_stay_with_their_configurations():
    portfolio = made_up()
    left = legal(portfolio, ["resnet", "linear", "realmlp"])
    assert [c["network"] for c in left.configurations] == ["linear"]  # resnet's is the default of that space
    assert [d.losses for d in left.learnt_on] == [(1.0,), (0.6,), (0.0,)]
    assert left.bandwidth == portfolio.bandwidth
    assert legal(portfolio, "tabm").configurations == ()
    assert legal(portfolio, "tabm").order({"rows": 1.0, "columns": 1.0}) == []


def test_fixed_values_are_dropped_and_the_rest_stays():
    given_values = {"network": "mlp", "numeric_embedding": "periodic", "n_frequencies": 8, "mlp:n_layers": 2}
    portfolio = Portfolio(({**given_values, "label_smoothing": 0.1},), {"learning_rate": 5e-3})
    wide = make_task(40, classes=0)
    table = Table(np.random.default_rng(0).normal(size=(40, 200)), wide.table.categorical)
    wide = type(wide)(table, wide.cardinalities, wide.target, 0, None, wide.metric)
    (configuration,) = legal(portfolio, task=wide).configurations
    assert (configuration["network"], configuration["mlp:n_layers"]) == ("mlp", 2)
    assert configuration["numeric_embedding"] == "none"
    assert "n_frequencies" not in configuration
    assert (configuration["label_smoothing"], configuration["learning_rate"]) == (0.0, 5e-3)
    (configuration,) = legal(portfolio, {"learning_rate": 1e-3, "mlp:n_layers": 4}).configurations
    assert (configuration["learning_rate"], configuration["mlp:n_layers"]) == (1e-3, 4)
    assert configuration["numeric_embedding"] == "periodic"


def test_what_becomes_the_same_is_there_once():
    pair = tuple({"network": "mlp", "mlp:n_layers": 2, "label_smoothing": x} for x in (0.0, 0.1))
    assert len(legal(Portfolio(pair)).configurations) == 2
    assert len(legal(Portfolio(pair), task=make_task(40, classes=0)).configurations) == 1
    assert legal(Portfolio(({},))).configurations == ()  # the default


def test_a_space_without_the_network_has_the_presets():
    network = values(PRESET.space().get_default_configuration())["network"]
    other = "mlp" if network != "mlp" else "resnet"
    configurations = tuple({"network": n, "learning_rate": rate} for n in (network, other) for rate in (2e-3, 4e-3))
    space = ConfigurationSpace(space=[Float("learning_rate", (1e-3, 1e-2), default=3e-3)])
    found = legal(Portfolio(configurations), space).configurations
    assert found == ({"learning_rate": 2e-3}, {"learning_rate": 4e-3})
    assert legal(Portfolio(({"learning_rate": 5e-3},)), space).configurations == ({"learning_rate": 5e-3},)


# ---------------------------------------------------------------------------- fits


def proposals(estimator):
    return [(trial.origin, values(trial.configuration)) for trial in estimator.history_.trials]


def test_a_fit_starts_with_the_default_then_the_users_own_then_the_portfolio():
    own = {"network": "linear", "learning_rate": 7e-3}
    clf = AutoNASClassifier(**QUICK, n_trials=5, initial_configurations=[own]).fit(*IRIS)
    assert [origin for origin, _ in proposals(clf)] == ["default", "initial", "portfolio", "portfolio", "portfolio"]
    assert clf.leaderboard()["origin"].eq("portfolio").sum() == 3
    reg = AutoNASRegressor(**QUICK, n_trials=2).fit(*load_diabetes(return_X_y=True))
    assert [origin for origin, _ in proposals(reg)] == ["default", "portfolio"]


def test_none_is_no_portfolio():
    clf = AutoNASClassifier(**QUICK, n_trials=3, portfolio=None, optimizer="random").fit(*IRIS)
    assert [origin for origin, _ in proposals(clf)] == ["default", "random", "random"]


def test_a_portfolio_of_the_user(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("configurations:\n- {network: linear, learning_rate: 0.0071}\n- {network: mlp, mlp:n_layers: 5}\n")
    clf = AutoNASClassifier(**QUICK, n_trials=4, portfolio=path, optimizer="random").fit(*IRIS)
    assert [origin for origin, _ in proposals(clf)] == ["default", "portfolio", "portfolio", "random"]
    assert (proposals(clf)[1][1]["network"], proposals(clf)[1][1]["learning_rate"]) == ("linear", 0.0071)
    assert proposals(clf)[2][1]["mlp:n_layers"] == 5
    # All of it is taken before the optimizer is asked.
    narrower = AutoNASClassifier(**QUICK, n_trials=2, portfolio=str(path), search_space="mlp").fit(*IRIS)
    assert proposals(narrower)[1][1]["mlp:n_layers"] == 5
    path.write_text("configurations: [{network: linaer}]")
    with pytest.raises(ValueError, match=r"configurations\[0\] of the portfolio is not legal"):
        AutoNASClassifier(**QUICK, n_trials=4, portfolio=path).fit(*IRIS)
    with pytest.raises(ValueError, match="Unknown portfolio 'tabluar'"):
        AutoNASClassifier(**QUICK, n_trials=4, portfolio="tabluar").fit(*IRIS)


def test_similar_sets_best_is_tried_first(tmp_path):
    iris = {"regression": 0.0, "rows": 5.0}
    other = {"regression": 1.0, "rows": 8.0}
    portfolio = Portfolio(
        ({"network": "resnet"}, {"network": "linear"}),
        {},
        (LearntOn("numbers", other, 1.0, (0.0, 1.0)), LearntOn("classes", iris, 1.0, (1.0, 0.0))),
        0.5,
    )
    path = tmp_path / "mine.yaml"
    path.write_text(portfolio.to_yaml())
    clf = AutoNASClassifier(**QUICK, n_trials=3, portfolio=path).fit(*IRIS)
    assert [c["network"] for _, c in proposals(clf)[1:]] == ["linear", "resnet"]
    reg = AutoNASRegressor(**QUICK, n_trials=3, portfolio=path).fit(*load_diabetes(return_X_y=True))
    assert [c["network"] for _, c in proposals(reg)[1:]] == ["resnet", "linear"]


def test_a_resumed_run_proposes_the_same_whatever_the_file_has_become(tmp_path):
    path = tmp_path / "mine.yaml"
    names = ["linear", "mlp", "resnet"]
    path.write_text(Portfolio(tuple({"network": name, "batch_size": 64} for name in names)).to_yaml())
    options = {**QUICK, "portfolio": path, "optimizer": "random"}
    unbroken = AutoNASClassifier(**options, n_trials=6).fit(*IRIS)
    AutoNASClassifier(**options, n_trials=2, run_dir=tmp_path / "run").fit(*IRIS)
    path.write_text(Portfolio(({"network": "tabm", "batch_size": 32},)).to_yaml())
    resumed = AutoNASClassifier(**options, n_trials=6, run_dir=tmp_path / "run").fit(*IRIS)
    assert proposals(resumed) == proposals(unbroken)
    assert [c["network"] for _, c in proposals(resumed)[1:4]] == names
    record = json.loads((tmp_path / "run" / "fit.json").read_text())
    assert [c["network"] for c in record["tried_first"]] == names


def test_a_resumed_run_with_another_portfolio_is_an_error(tmp_path):
    options = {**QUICK, "n_trials": 2, "run_dir": tmp_path}
    AutoNASClassifier(**options).fit(*IRIS)
    with pytest.raises(ValueError, match="holds a run with another portfolio \\('default', now None\\)"):
        AutoNASClassifier(**options, portfolio=None).fit(*IRIS)


def test_a_resumed_run_with_another_space_says_how_that_differs(tmp_path):
    options = {**QUICK, "n_trials": 2, "run_dir": tmp_path}
    AutoNASClassifier(**options, search_space=["resnet", "mlp"]).fit(*IRIS)
    with pytest.raises(ValueError, match="made with other settings: the space's hyperparameter"):
        AutoNASClassifier(**options, search_space="mlp").fit(*IRIS)


def test_a_preset_of_ones_own_names_its_portfolio(tmp_path):
    preset = yaml.safe_load(available("pipelines")["tabular"].read_text())
    (tmp_path / "start.yaml").write_text("configurations: [{network: mlp, mlp:n_layers: 6}]")
    for portfolio, origin in (("start.yaml", "portfolio"), (None, "random")):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump({**preset, "portfolio": portfolio}))
        clf = AutoNASClassifier(**QUICK, n_trials=2, pipeline=path, optimizer="random").fit(*IRIS)
        assert [o for o, _ in proposals(clf)] == ["default", origin]
    path.write_text(yaml.safe_dump({**preset, "portfolio": ["start.yaml"]}))
    with pytest.raises(ValueError, match="'portfolio' has .*, but must name a portfolio or the path of one"):
        load_preset(path)
