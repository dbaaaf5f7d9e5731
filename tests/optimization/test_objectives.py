"""Several objectives: the front, what samplers and schedules see of it, and that a search finds more of it."""

from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given
from hypothesis import strategies as st

from autonas import OPTIMIZERS, search
from autonas.optimization import Result
from autonas.optimization.interfaces import Job
from autonas.optimization.objectives import FrontJudge, non_dominated
from autonas.optimization.samplers.local_search import LocalSearch

SPACE = ConfigurationSpace({"width": (1, 200), "x": (-2.0, 2.0), "kind": ["a", "b"]}, seed=0)


def objective(configuration, fidelity, seed=0):
    """Wide is good and dear; `x` has a best value that is the same for all."""
    miss = (configuration["x"] - 0.7) ** 2 + 0.3 * (configuration["kind"] == "b")
    return {"loss": 1 / configuration["width"] + miss + 1 / fidelity, "size": configuration["width"]}


def run(**changes):
    settings = {"max_fidelity": 9, "n_trials": 40, "random_state": 0, "objectives": ["size"], **changes}
    return search(objective, SPACE, **settings)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_the_front_is_what_nothing_beats(points):
    front = [p for p, on in zip(points, non_dominated(points), strict=True) if on]
    for p in points:
        beaten = any(q != p and all(a <= b for a, b in zip(q, p, strict=True)) for q in points)
        assert (p in front) == (not beaten)
    assert len(set(front)) == len(front)


def result(loss, size, fidelity=1):
    return Result(fidelity, loss, 0, 0, 0, 0, 0, info={"size": size})


def test_the_judge_sends_on_who_is_on_the_front():
    judge, job = FrontJudge(["size"]), Job(0, None, 0, 1)
    for size in (100, 200, 300, 400):
        judge(job, result(1 / size, size))
    small, beaten, failed = judge(job, result(0.5, 1)), judge(job, result(0.5, 500)), judge(job, result(np.inf, 1))
    assert small < 0.25 < beaten < failed
    assert judge(Job(0, None, 1, 3), result(0.5, 500, 3)) == 0.5  # the first of its rung


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer(optimizer):
    history = run(optimizer=optimizer, n_trials=15)
    front = history.pareto_front()
    assert list(front.columns) == ["trial", "fidelity", "loss", "size"]
    assert front["loss"].is_monotonic_increasing
    assert front["size"].is_monotonic_decreasing
    assert len(front) >= 2
    again = run(optimizer=optimizer, n_trials=15)
    assert again.to_dataframe()["config:x"].tolist() == history.to_dataframe()["config:x"].tolist()


def hypervolume(history):
    """Of (loss, log size) below (2, log 201)."""
    front = history.pareto_front()
    width = np.diff(np.log([*front["size"].iloc[::-1], 201]))
    return float((np.clip(2 - front["loss"].to_numpy()[::-1], 0, None) * width).sum())


def test_more_of_the_front_than_by_chance():
    found = [hypervolume(run(optimizer=("kde", "full"), random_state=seed)) for seed in range(5)]
    by_chance = [hypervolume(run(optimizer="random", random_state=seed)) for seed in range(5)]
    assert np.mean(found) > np.mean(by_chance)


def test_without_a_model_the_front_is_mutated_and_filled():
    """With ``n_first`` never reached local search knows nothing but chance."""
    front = [{"width": width, "x": 0.7, "kind": "a"} for width in (150, 70, 30, 10, 1)]
    sampler = LocalSearch(SPACE, n_first=1000)
    history = run(optimizer=(sampler, "full"), n_trials=60, initial_configurations=front)
    rows = [trial.configuration.get_array() for trial in history.trials]
    made = {origin: [t for t in history.trials if t.origin == origin] for origin in ("mutation", "recombination")}
    assert 15 <= len(made["mutation"]) <= 40
    assert 3 <= len(made["recombination"]) <= 20
    for trial in made["mutation"]:
        assert any((rows[trial.number] != row).sum() == 1 for row in rows[: trial.number])
    for trial in made["recombination"]:
        width = trial.configuration["width"]
        others = [other.configuration["width"] for other in history.trials[: trial.number]]
        assert min(others) < width < max(others) or trial.configuration["x"] != 0.7
    # Where there is most room comes first: between 1 and 10 the loss falls from 1 to 0.1.
    assert 1 < made["recombination"][0].configuration["width"] < 10
    by_chance = run(optimizer="random", n_trials=20, initial_configurations=front)
    assert {trial.origin for trial in by_chance.trials} == {"default", "initial", "random"}


def test_nothing_to_mutate():
    space = ConfigurationSpace({"one": ["only"]})
    history = search(
        lambda configuration, fidelity: {"loss": 1.0, "size": 1},
        space,
        optimizer="bohb",
        max_fidelity=3,
        n_trials=4,
        objectives=["size"],
        random_state=0,
    )
    assert len(history.pareto_front()) == 1


@pytest.mark.parametrize("optimizer", ["bohb", "asha"])
def test_a_run_that_was_stopped_goes_on_the_same(optimizer, tmp_path):
    whole = run(optimizer=optimizer)
    run(optimizer=optimizer, run_dir=tmp_path, n_trials=13)
    resumed = run(optimizer=optimizer, run_dir=tmp_path)
    columns = ["trial", "fidelity", "loss", "config:x", "config:width"]
    assert resumed.to_dataframe()[columns].equals(whole.to_dataframe()[columns])
    assert resumed.pareto_front().equals(whole.pareto_front())


def test_a_run_of_other_objectives_is_another_run(tmp_path):
    run(run_dir=tmp_path, n_trials=3)
    with pytest.raises(ValueError, match="for loss and size"):
        run(run_dir=tmp_path, n_trials=4, objectives=[])


def test_the_front_by_other_numbers():
    history = run(objectives=[], n_trials=10)
    assert len(history.pareto_front(["size"])) >= 1
    with pytest.raises(ValueError, match="A front needs `objectives`"):
        history.pareto_front()
    with pytest.raises(ValueError, match=r"No trial has 'weight'; there are \['size'\]"):
        history.pareto_front(["weight"])


@pytest.mark.parametrize("wrong", [["loss"], ["size", "size"], [3], [""]])
def test_wrong_names(wrong):
    with pytest.raises(ValueError, match=r"`objectives` is .*, but must be names"):
        run(objectives=wrong)


def test_an_objective_that_is_not_returned():
    with pytest.raises(ValueError, match=r"`objectives` names 'price', but the objective returned \['loss', 'size'\]"):
        run(objectives=["price"])
