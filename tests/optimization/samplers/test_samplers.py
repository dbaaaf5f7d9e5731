"""What every sampler keeps to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.optimization import SAMPLERS, Failure, Result, Trial
from autonas.optimization.optimizers import resolve
from autonas.spaces import configuration_from, values
from tests.optimization.spaces import HAND_MADE, conditional, objective, spaces

NATIVE = (type(None), bool, int, float, str, tuple)


def build(sampler, space):
    return resolve((sampler, "full"), space, min_fidelity=1, max_fidelity=9, eta=3)[0]


def history(space, n, seed=0, failing=0.1):
    """Trials at three rungs, told out of order, some failed, the last two running."""
    rng = np.random.default_rng(seed)
    sampler = build("random", space)
    trials = []
    for number in range(n):
        configuration = configuration_from(space, values(sampler.suggest([], rng)))
        trial = Trial(number, configuration, "random", 0)
        trials.append(trial)
        for rung in (1, 3, 9)[: rng.integers(1, 4)]:
            if number >= n - 2 or trial.failure:
                break
            asked, told = sorted(rng.choice(10**6, 2, replace=False).tolist())
            loss = objective(values(configuration), rung)
            if rng.random() < failing:
                trial.failure, loss = Failure("broken"), math.inf
            trial.results.append(Result(rung, loss, 1.0, 1.0, 1.0, asked, told))
    return trials


def assert_suggests_well(name, space, trials, seed):
    before = np.random.get_state()[1].tolist()
    first = build(name, space).suggest(trials, np.random.default_rng(seed))
    assert np.random.get_state()[1].tolist() == before, "global random state was used"
    if first is None:
        return
    first.check_valid_configuration()
    native = values(first)
    assert all(type(value) in NATIVE for value in native.values()), native
    assert values(configuration_from(space, native)).keys() == native.keys()
    again = build(name, space)
    again.suggest(trials[: len(trials) // 2], np.random.default_rng(99))  # no matter what was asked before
    assert values(again.suggest(trials, np.random.default_rng(seed))) == native


@pytest.mark.parametrize("name", SAMPLERS)
@settings(max_examples=25)
@given(space=spaces(), n=st.integers(0, 40), seed=st.integers(0, 1000))
def test_legal_native_and_pure_on_any_space(name, space, n, seed):
    assert_suggests_well(name, space, history(space, n, seed), seed)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("space", HAND_MADE)
@pytest.mark.parametrize("n", [0, 1, 5, 60])
def test_legal_native_and_pure_on_spaces_made_by_hand(name, space, n):
    space = HAND_MADE[space]()
    for seed in range(2):
        assert_suggests_well(name, space, history(space, n), seed)


@pytest.mark.parametrize("name", SAMPLERS)
def test_all_failed(name):
    space = conditional()
    assert_suggests_well(name, space, history(space, 30, failing=1.0), 0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_equal_losses(name):
    space = conditional()
    trials = history(space, 30, failing=0.0)
    for trial in trials:
        trial.results = [Result(r.fidelity, 1.0, 1.0, 1.0, 1.0, r.asked, r.told) for r in trial.results]
    assert_suggests_well(name, space, trials, 0)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("scale", [1e-200, 1e200, -1e6])
def test_losses_of_any_size(name, scale):
    space = conditional()
    trials = history(space, 30)
    for trial in trials:
        trial.results = [
            Result(r.fidelity, r.loss * scale if r.loss < math.inf else r.loss, 1.0, 1.0, 1.0, r.asked, r.told)
            for r in trial.results
        ]
    assert_suggests_well(name, space, trials, 0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_space_is_not_touched(name):
    space = conditional()
    trials = history(space, 40)
    state = space.random.get_state()[1].tolist()
    build(name, space).suggest(trials, np.random.default_rng(0))
    assert space == conditional()
    assert space.random.get_state()[1].tolist() == state


@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"random"}))
def test_models_are_used_and_named(name):
    space = conditional()
    trials = history(space, 60)
    sampler = build(name, space)
    origins = [sampler.suggest(trials, np.random.default_rng(seed)).origin for seed in range(20)]
    assert set(origins) <= {name, "random"}
    assert origins.count(name) > 10


@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"random"}))
def test_better_than_chance(name):
    """On a bowl, proposals lie nearer to its bottom than random ones."""
    from ConfigSpace import ConfigurationSpace

    space = ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0), "z": ["a", "b", "c", "d"]})

    def loss(configuration):
        return (configuration["x"] - 0.2) ** 2 + (configuration["y"] - 0.7) ** 2 + (configuration["z"] != "b")

    trials = history(space, 50, failing=0.0)
    for trial in trials:
        trial.results = [Result(9, loss(trial.configuration), 1, 1, 1, 2 * trial.number, 2 * trial.number + 1)]
    sampler = build(name, space)
    suggested = [sampler.suggest(trials, np.random.default_rng(seed)) for seed in range(30)]
    modelled = np.median([loss(c) for c in suggested if c.origin == name])
    assert modelled < 0.5 * np.median([loss(trial.configuration) for trial in trials])
