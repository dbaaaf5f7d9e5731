from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization import OPTIMIZERS, SearchFailed, search
from autonas.spaces import configuration_from, values
from tests.optimization.dear import each
from tests.optimization.spaces import conditional, objective, single, small

LINE = ConfigurationSpace({"x": (0.0, 1.0)})


def line(configuration, fidelity):
    return configuration["x"] + 1 / fidelity


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_small_space_ends_by_itself_with_every_configuration_once(optimizer):
    history = search(objective, small(), optimizer=optimizer, max_fidelity=9, n_trials=100, random_state=0)
    found = sorted(str(values(trial.configuration)) for trial in history.trials)
    assert len(found) == len(set(found)) == 7
    assert history.best.fidelity == 9


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_single_configuration_is_trained_to_the_end(optimizer):
    history = search(objective, single(), optimizer=optimizer, max_fidelity=27, n_trials=10)
    assert len(history.trials) == 1
    assert history.best.fidelity == 27
    assert history.total_fidelity == 27


@pytest.mark.parametrize("optimizer", each(OPTIMIZERS))
def test_the_same_seed_makes_the_same_history(optimizer):
    def run(seed):
        history = search(objective, conditional(), optimizer=optimizer, max_fidelity=9, n_trials=30, random_state=seed)
        return history.to_dataframe().drop(columns=["seconds", "cost", "finished"])

    assert run(0).equals(run(0))
    assert not run(0).equals(run(1))


def test_default_first_then_the_initial_ones_then_the_sampler():
    given = [{"x": 0.25}, LINE.get_default_configuration(), {"x": 0.75}]
    history = search(line, LINE, optimizer="random", n_trials=5, initial_configurations=given, random_state=0)
    assert [trial.origin for trial in history.trials] == ["default", "initial", "initial", "random", "random"]
    assert [trial.configuration["x"] for trial in history.trials[:3]] == [0.5, 0.25, 0.75]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_configurations_are_turned_down(optimizer):
    history = search(line, LINE, optimizer=optimizer, n_trials=30, random_state=0, accepts=lambda c: c["x"] < 0.4)
    assert history.trials[0].configuration["x"] == 0.5, "the default is not asked about"
    assert len(history.trials) == 30
    assert all(trial.configuration["x"] < 0.4 for trial in history.trials[1:])


def test_what_was_asked_for_is_not_turned_down_and_a_search_that_can_do_no_better_goes_on():
    given = [LINE.get_default_configuration(), {"x": 0.25}]
    others = [configuration_from(LINE, {"x": x}) for x in (0.1, 0.9)]
    for configuration in others:
        configuration.origin = "portfolio"

    def run():
        return search(
            line,
            LINE,
            optimizer="random",
            n_trials=4,
            initial_configurations=[*given, *others],
            accepts=lambda c: c["x"] == 0.9,
            random_state=0,
        )

    history = run()
    assert [trial.origin for trial in history.trials] == ["default", "initial", "portfolio", "random"]
    assert [trial.configuration["x"] for trial in history.trials[:3]] == [0.5, 0.25, 0.9]
    assert history.trials[3].configuration == run().trials[3].configuration


def test_a_small_space_is_searched_to_its_end_though_all_of_it_is_turned_down():
    history = search(objective, small(), optimizer="random", n_trials=100, accepts=lambda _: False, random_state=0)
    assert len({str(values(trial.configuration)) for trial in history.trials}) == 7


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (lambda configuration, fidelity: 0.0, set()),
        (lambda configuration, fidelity, *, seed: seed, {"seed"}),
        (lambda configuration, fidelity, checkpoint=None, deadline=None: 0.0, {"checkpoint", "deadline"}),
        (lambda configuration, fidelity, *, stop: stop(), {"stop"}),
        (lambda configuration, fidelity, **keywords: len(keywords), {"seed", "checkpoint", "deadline", "stop"}),
    ],
)
def test_keywords_are_passed_to_those_who_name_them(objective, expected):
    from autonas.optimization.runners.task import accepted_keywords

    assert accepted_keywords(objective) == expected
    history = search(objective, LINE, optimizer="random", n_trials=2)
    assert len(history.trials) == 2
    assert not len(history.failures())


def test_checkpoints_persist_from_rung_to_rung(tmp_path):
    seen = {}

    def train(configuration, fidelity, *, seed, checkpoint):
        assert isinstance(checkpoint, Path)
        state = checkpoint / "epoch"
        before = int(state.read_text()) if state.exists() else 0
        seen.setdefault((str(checkpoint), seed), []).append((before, fidelity))
        state.write_text(str(fidelity))
        return configuration["x"]

    history = search(train, LINE, optimizer="hyperband", max_fidelity=9, n_trials=9, run_dir=tmp_path)
    assert (tmp_path / "trials" / "00000").is_dir()
    assert sorted(map(len, seen.values())) == [1] * 6 + [2] * 2 + [3]
    assert [(0, 1), (1, 3), (3, 9)] in seen.values()
    assert {trial.seed for trial in history.trials} == {seed for _, seed in seen}

    seen.clear()
    search(train, LINE, optimizer="hyperband", max_fidelity=9, n_trials=9)
    assert [(0, 1), (1, 3), (3, 9)] in seen.values()
    assert not any(Path(path).exists() for path, _ in seen), "the temporary folder is gone"


def test_what_the_objective_returns_is_kept():
    def train(configuration, fidelity):
        return {
            "loss": np.float32(0.5),
            "cost": 7,
            "accuracy": np.float64(0.25),
            "curve": np.arange(2),
            "odd": {1},
        }

    history = search(train, LINE, optimizer="random", n_trials=1)
    result = history.best.results[0]
    assert (result.loss, result.cost) == (0.5, 7.0)
    assert result.info == {"accuracy": 0.25, "curve": [0, 1], "odd": "{1}"}


@pytest.mark.parametrize(
    ("returned", "cause"),
    [
        (math.nan, "The loss is not finite: nan"),
        (math.inf, "The loss is not finite: inf"),
        ("bad", "ValueError: The objective returned 'bad' as loss, but it must be a number."),
        (None, "ValueError: The objective returned None as loss, but it must be a number."),
        ({"accuracy": 1}, "ValueError: The objective returned {'accuracy': 1}, which has no 'loss'; add it."),
        ({"loss": 1, "fidelity": 99}, "ValueError: The objective returned the fidelity 99, but was asked"),
        (ZeroDivisionError("by zero\nand more"), "ZeroDivisionError: by zero"),
    ],
)
def test_failures_have_a_cause(returned, cause):
    def train(configuration, fidelity):
        if configuration["x"] == 0.5:
            if isinstance(returned, Exception):
                raise returned
            return returned
        return configuration["x"]

    history = search(train, LINE, optimizer="hyperband", max_fidelity=9, n_trials=6, random_state=0)
    failures = history.failures()
    assert len(failures) == 1
    assert failures["cause"][0].startswith(cause)
    assert failures[["count", "trial"]].iloc[0].tolist() == [1, 0]
    assert history.trials[0].loss == math.inf
    assert history.best.number != 0
    if isinstance(returned, Exception):
        assert "raise returned" in failures["traceback"][0]


def test_five_alike_at_the_start_end_the_search():
    def train(configuration, fidelity):
        raise RuntimeError("out of memory")

    with pytest.raises(
        SearchFailed, match="first 5 trials all failed by the same cause: RuntimeError: out of"
    ) as caught:
        search(train, LINE, optimizer="bohb", n_trials=100)
    assert len(caught.value.history.trials) == 5
    with pytest.raises(ValueError, match="all 5 that ran failed, most of them by: RuntimeError: out of memory"):
        _ = caught.value.history.best


def test_failures_that_differ_or_come_later_do_not():
    calls = []

    def train(configuration, fidelity):
        calls.append(1)
        if len(calls) == 1:
            return 0.0
        raise RuntimeError("later")

    assert len(search(train, LINE, optimizer="random", n_trials=20).trials) == 20

    def differ(configuration, fidelity):
        raise RuntimeError(configuration["x"])

    assert len(search(differ, LINE, optimizer="random", n_trials=20).failures()) == 20


def test_an_interrupt_passes_through():
    def train(configuration, fidelity):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(train, LINE, optimizer="random", n_trials=3)


@pytest.mark.parametrize("optimizer", each(OPTIMIZERS))
@pytest.mark.parametrize("budget", [9, 50, 200.5])
def test_no_job_starts_that_would_cost_too_much(optimizer, budget):
    history = search(line, LINE, optimizer=optimizer, max_fidelity=9, max_total_fidelity=budget, random_state=0)
    assert budget - 9 < history.total_fidelity <= budget
    spent = sum(max(r.fidelity for r in trial.results) for trial in history.trials)
    assert history.total_fidelity == spent == history.to_dataframe()["total_fidelity"].iloc[-1]
    assert all(trial.results for trial in history.trials)


def test_a_budget_below_the_first_job_is_an_error():
    with pytest.raises(ValueError, match="`max_total_fidelity` is 5, less than the first job costs, which is 9"):
        search(line, LINE, optimizer="random", max_fidelity=9, max_total_fidelity=5)


def test_no_job_starts_after_the_time_limit():
    deadlines = []

    def train(configuration, fidelity, deadline):
        deadlines.append(deadline)
        time.sleep(0.05)
        return 0.0

    start = time.monotonic()
    history = search(train, LINE, optimizer="random", time_limit=0.2)
    assert 1 <= len(history.trials) <= 5
    assert len(set(deadlines)) == 1
    assert start + 0.2 <= deadlines[0] <= time.monotonic() + 0.2


def test_a_job_cut_short_is_no_result_to_compare_by():
    def train(configuration, fidelity):
        if configuration["x"] == 0.5:
            return 1.0
        return {"loss": 0.5, "fidelity": 4}

    history = search(train, LINE, optimizer="random", max_fidelity=9, n_trials=9)
    assert len(history.trials) == 2, "the deadline ends the search"
    assert history.best.number == 0
    cut = history.trials[1].results[0]
    assert (cut.complete, cut.fidelity, history.trials[1].fidelity) == (False, 4, 0)
    assert history.total_fidelity == 9 + 4


def test_callbacks_see_each_result_and_can_stop():
    seen = []

    def stop(history, trial, result):
        seen.append((trial.number, result.fidelity))
        assert history.trials[trial.number] is trial
        return len(seen) == 4

    history = search(line, LINE, optimizer="random", max_fidelity=3, n_trials=20, callbacks=[stop])
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert len(history.trials) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give at least one of `n_trials`, `time_limit`, `max_total_fidelity`"),
        ({"n_trials": 0}, "`n_trials` is 0, but must be a number > 0"),
        ({"n_trials": 2.5}, "`n_trials` is 2.5, but must be an int"),
        ({"n_trials": True}, "`n_trials` is True, but must be"),
        ({"time_limit": -1}, "`time_limit` is -1, but must be a number > 0"),
        ({"time_limit": "long"}, "`time_limit` is 'long', but must be a number > 0"),
        ({"max_total_fidelity": math.nan}, "`max_total_fidelity` is nan, but must be"),
        ({"n_trials": 1, "min_fidelity": 0}, "`min_fidelity` is 0, but must be >= 1"),
        ({"n_trials": 1, "max_fidelity": 0}, "`max_fidelity` is 0, but must be >= 1"),
        ({"n_trials": 1, "max_fidelity": 2.5}, "`max_fidelity` is 2.5, but must be an int >= 1; round it"),
        ({"n_trials": 1, "min_fidelity": 5, "max_fidelity": 3}, "`min_fidelity` is 5, above `max_fidelity`"),
        ({"n_trials": 1, "eta": 1}, "`eta` is 1, but must be >= 2"),
        ({"n_trials": 1, "n_threads": 0}, "`n_threads` is 0, but must be an int >= 1"),
        ({"n_trials": 1, "n_threads": 1.5}, "`n_threads` is 1.5, but must be an int >= 1"),
        ({"n_trials": 1, "n_threads": True}, "`n_threads` is True, but must be an int >= 1"),
        ({"n_trials": 1, "n_threads": "all"}, "`n_threads` is 'all', but must be an int >= 1"),
        ({"n_trials": 1, "optimizer": "bobh"}, "Unknown optimizer 'bobh'; did you mean 'bohb'"),
        ({"n_trials": 1, "random_state": -1}, "`random_state` is -1, but must be"),
        ({"n_trials": 1, "space": {"x": (0, 1)}}, "`space` is .* but must be a ConfigurationSpace"),
        ({"n_trials": 1, "objective": 3}, "`objective` is 3, but must be callable"),
        (
            {"n_trials": 1, "objective": lambda configuration: 0},
            "is called as objective\\(configuration, fidelity\\)",
        ),
        ({"n_trials": 1, "objective": lambda a, b, c: 0}, "missing a required argument: 'c'"),
        (
            {"n_trials": 1, "initial_configurations": [{"y": 1}]},
            "`initial_configurations\\[0\\]` is not legal",
        ),
        ({"n_trials": 1, "callbacks": [3]}, "`callbacks\\[0\\]` is 3, but must be callable"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        search(**{"objective": line, "space": LINE, **arguments})


def test_numpy_integers_and_generators_are_welcome():
    history = search(
        line,
        LINE,
        optimizer="hyperband",
        min_fidelity=np.int64(1),
        max_fidelity=np.int64(9),
        n_trials=np.int64(3),
        random_state=np.random.default_rng(0),
    )
    assert len(history.trials) == 3
    assert type(history.best.results[0].fidelity) is int
    assert len(search(line, LINE, n_trials=3, random_state=np.random.RandomState(0)).trials) == 3


@pytest.mark.parametrize("side_by_side", [{}, {"n_threads": 2}, {"n_jobs": 2}], ids=str)
def test_stop_ends_the_search_and_what_runs_counts(side_by_side, tmp_path):
    """The objective ends where it is told to, with what it has; the run goes on from there."""

    def train(configuration, fidelity, stop):
        (tmp_path / "began").touch()
        while not stop():
            time.sleep(0.001)
        return {"loss": configuration["x"], "fidelity": 1}

    place = {"optimizer": "random", "max_fidelity": 9, "n_trials": 4, "random_state": 0, "run_dir": tmp_path / "run"}
    stopped = search(train, LINE, stop=(tmp_path / "began").exists, **place, **side_by_side)
    reached = [[(r.fidelity, r.complete) for r in trial.results] for trial in stopped.trials]
    assert [(1, False)] in reached
    assert all(results in ([], [(1, False)]) for results in reached)
    assert not len(stopped.failures())

    again = search(lambda configuration, fidelity: configuration["x"], LINE, **place)
    assert [trial.fidelity for trial in again.trials] == [9] * 4


def test_a_search_that_is_to_stop_from_the_first_has_one_result():
    history = search(line, LINE, n_trials=4, stop=lambda: True)
    assert [len(trial.results) for trial in history.trials] == [1]
