"""A search in threads: the same history whatever each trial takes, interrupted or not."""

from __future__ import annotations

import functools
import itertools
import math
import sys
import tempfile
import threading
import time
from collections import Counter

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage

from autonas.optimization import OPTIMIZERS, SCHEDULES, SearchFailed, search
from tests.optimization.dear import each
from tests.optimization.runners.test_threads import LONG, until
from tests.optimization.spaces import conditional, objective, small
from tests.optimization.test_resume import Killed, records, trouble

LINE = ConfigurationSpace({"x": (0.0, 1.0)})
PAIRS = list(itertools.product(["random", "kde", "tpe"], SCHEDULES))


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def run(train=trouble, space=None, **options):
    options = {"optimizer": "bohb", "max_fidelity": 9, "n_trials": 24, "random_state": 3, "n_threads": 2, **options}
    return search(train, space or conditional(), **options)


@functools.cache
def unbroken(**options):
    return records(run(**options))


def slowed(delays, train=trouble):
    """Sleep for so many milliseconds, call by call."""
    waits = itertools.cycle(delays)

    def slow(configuration, fidelity):
        time.sleep(next(waits) / 1000)
        return train(configuration, fidelity)

    return slow


N_THREADS = st.sampled_from([2, 3])
DELAYS = st.lists(st.integers(0, 5), min_size=1, max_size=9)


@pytest.mark.parametrize("optimizer", each(PAIRS), ids=" x ".join)
@settings(max_examples=6)
@given(n_threads=N_THREADS, delays=DELAYS)
def test_the_same_history_whatever_each_trial_takes(optimizer, n_threads, delays):
    options = {"optimizer": optimizer, "n_threads": n_threads}
    assert records(run(slowed(delays), **options)) == unbroken(**options)


def test_events_follow_the_window():
    """Full training, one result after the other: the number of threads can be seen in the history."""
    for n_threads in (1, 2, 3):
        window = 1 if n_threads == 1 else 2 * n_threads
        history = run(objective, optimizer="random", n_trials=12, n_threads=n_threads)
        events = sorted((p, e, t.number) for t in history.trials for r in t.results for p, e in _places(r))
        expected = [("asked", number) for number in range(window)]
        for number in range(12):
            expected.append(("told", number))
            if number + window < 12:
                expected.append(("asked", number + window))
        assert [event[1:] for event in events] == expected


def _places(result):
    return (result.asked, "asked"), (result.told, "told")


def test_trials_run_side_by_side():
    together = threading.Barrier(2)

    def train(configuration, fidelity):
        together.wait(LONG)
        return configuration["x"]

    assert not len(run(train, LINE, optimizer="random", n_trials=6).failures())


def test_where_time_alone_ends_it_no_thread_waits_for_another():
    """The first trial ends after many others that began later; in order the other thread would have to wait for it."""
    many = threading.Event()
    seen = []

    def train(configuration, fidelity):
        if not seen:
            seen.append("first")
            assert many.wait(LONG)
        return configuration["x"]

    def told(history, trial, result):
        seen.append(trial.number)
        if len(seen) == 12:
            many.set()
        return 0 in seen

    history = run(train, LINE, optimizer="random", n_trials=None, time_limit=LONG, callbacks=[told])
    assert seen[:12] == ["first", *range(1, 12)]
    assert not len(history.failures())


PIECES = st.lists(st.tuples(st.sampled_from(["objective", "callback"]), st.integers(0, 12)), min_size=1, max_size=5)


@pytest.mark.parametrize("optimizer", each(PAIRS), ids=" x ".join)
@settings(max_examples=6)
@given(n_threads=N_THREADS, delays=DELAYS, pieces=PIECES)
def test_interrupted_anywhere_and_resumed(optimizer, n_threads, delays, pieces):
    options = {"optimizer": optimizer, "n_threads": n_threads}
    storage = InMemoryStorage()  # quicker than SQLite, which test_resume.py has
    with tempfile.TemporaryDirectory() as run_dir:
        place = {"run_dir": run_dir, "storage": storage}
        for where, after in pieces:
            interrupted(where, after, delays, **place, **options)
        assert records(run(slowed(delays), **place, **options)) == unbroken(**options)


def interrupted(where, after, delays, **options):
    """Run until there have been so many calls of the objective or of the callback."""
    calls = {"objective": 0, "callback": 0}

    def count(what):
        calls[what] += 1
        if what == where and calls[what] > after:
            raise Killed

    def train(configuration, fidelity):
        count("objective")
        return trouble(configuration, fidelity)

    try:
        run(slowed(delays, train), callbacks=[lambda *_: count("callback")], **options)
    except Killed:
        return
    assert calls[where] <= after


@pytest.mark.parametrize("optimizer", ["bohb", "asha", "random"])
def test_a_run_goes_on_with_another_number_of_threads(optimizer, tmp_path):
    for n_threads, after in [(3, 5), (1, 3), (2, 4)]:
        interrupted("callback", after, [0], run_dir=tmp_path, optimizer=optimizer, n_threads=n_threads)
    history = run(run_dir=tmp_path, optimizer=optimizer, n_threads=1)
    assert len(history.trials) == 24
    assert all(trial.results for trial in history.trials)
    assert all(len({r.fidelity for r in t.results}) == len(t.results) for t in history.trials)
    places = [place for trial in history.trials for r in trial.results for place in (r.asked, r.told)]
    assert sorted(places) == list(range(len(places)))


@pytest.mark.parametrize("optimizer", ["hyperband", "asha", "random"])
def test_more_trials_go_on(optimizer, tmp_path):
    first = run(run_dir=tmp_path, optimizer=optimizer, n_trials=10)
    more = run(run_dir=tmp_path, optimizer=optimizer, n_trials=30)
    assert len(more.trials) == 30
    for before, after in zip(records(first), records(more), strict=False):
        assert after[:4] == before[:4]
        assert after[5][: len(before[5])] == before[5]


@pytest.mark.parametrize("n_threads", [2, 3])
def test_a_small_space_ends_by_itself(n_threads):
    history = run(objective, small(), n_trials=100, n_threads=n_threads)
    assert len(history.trials) == 7
    assert history.best.fidelity == 9


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("optimizer", each(OPTIMIZERS))
@pytest.mark.parametrize("budget", [9, 50, 120.5])
def test_no_job_starts_that_would_cost_too_much(optimizer, budget, n_threads):
    reached = {}

    def train(configuration, fidelity, seed):
        reached[seed] = max(fidelity, reached.get(seed, 0))
        return configuration["x"] + 1 / fidelity

    limits = {"n_trials": None, "max_total_fidelity": budget}
    history = run(train, LINE, optimizer=optimizer, n_threads=n_threads, **limits)
    assert budget - 9 < history.total_fidelity <= budget
    assert history.total_fidelity == sum(reached.values())
    assert all(trial.results for trial in history.trials)


@pytest.mark.parametrize("n_trials", [1, 2, 5])
def test_so_many_trials_and_no_more(n_trials):
    seeds = set()

    def train(configuration, fidelity, seed):
        seeds.add(seed)
        return configuration["x"]

    assert {trial.seed for trial in run(train, LINE, n_trials=n_trials, n_threads=3).trials} == seeds
    assert len(seeds) == n_trials


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_very_first_job_runs_in_any_case(n_threads, tmp_path):
    options = {"time_limit": 1e-9, "n_trials": None, "n_threads": n_threads}
    history = run(objective, **options)
    assert [len(trial.results) for trial in history.trials] == [1]
    # So it does where an earlier piece of the run was interrupted before it had anything.
    interrupted("objective", 0, [0], run_dir=tmp_path, n_threads=n_threads)
    resumed = run(run_dir=tmp_path, **options)
    assert [len(trial.results) for trial in resumed.trials][:2] in ([1], [1, 0])


class Clock:
    """Stands for the module ``time`` where a search looks at the clock."""

    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    for module in ("search", "_loop", "runners.threads"):
        monkeypatch.setattr(sys.modules[f"autonas.optimization.{module}"], "time", made)
    return made


@pytest.mark.parametrize("cut", [False, True])
def test_what_waits_when_the_time_is_over_runs_when_there_is_more(cut, clock, tmp_path):
    asked, together, calls = threading.Event(), threading.Barrier(2), Counter()

    class Watched:
        def __init__(self, space):
            pass

        def suggest(self, trials, rng):
            if len(trials) == 3:  # trial 2 was handed out, and waits for a thread
                asked.set()

    def train(configuration, fidelity, seed):
        calls[seed] += 1
        if clock.now < 1000:
            together.wait(LONG)
            assert asked.wait(LONG)
            clock.now = 100.0
            return {"loss": 0.5, "fidelity": 4 if cut else 9}
        return configuration["x"]

    options = {"optimizer": (Watched, "full"), "n_trials": 8, "run_dir": tmp_path}
    first = run(train, LINE, time_limit=10, **options)
    assert [len(trial.results) for trial in first.trials] in ([1, 1, 0], [1, 1, 0, 0])
    assert sorted(calls) == sorted(trial.seed for trial in first.trials[:2])
    assert {first.state(trial) for trial in first.trials[2:]} == {"running"}
    assert not len(first.failures())
    assert {trial.state.name for trial in first.study.trials[2:]} == {"RUNNING"}
    assert math.isnan(first.trials[2].loss)

    still = run(train, LINE, time_limit=10, **options)
    assert records(still) == records(first), "no time, no change"
    clock.now = 1000.0
    more = run(train, LINE, time_limit=5000, **options)
    expected = [[4, 9]] * 2 + [[9]] * 6 if cut else [[9]] * 8
    assert [[r.fidelity for r in trial.results] for trial in more.trials] == expected
    assert [calls[trial.seed] for trial in more.trials] == [len(fidelities) for fidelities in expected]
    assert records(more)[2][:4] == records(first)[2][:4]
    complete = [trial for trial in more.study.trials if trial.state.name == "COMPLETE"]
    assert len(complete) == 8
    assert len(more.study.trials) == 8 + 2 * cut, "only what was stopped has a second trial in Optuna"


def test_failures_are_recorded():
    history = run()
    failures = history.failures()
    assert 0 < failures["count"].sum() < 24
    assert failures["cause"].str.startswith("ValueError: ").all()
    assert "raise ValueError(loss)" in failures["traceback"][0]


def starts(*, waits):
    """Make an objective: from the so manieth call on, it goes on until it is told to stop."""
    calls = itertools.count()
    stopped = []

    def train(configuration, fidelity, stop):
        number = next(calls)
        if number >= waits:
            until(stop)
            stopped.append(number)
        return objective(configuration, fidelity)

    return train, stopped


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_an_exception_of_a_callback_ends_the_threads(kind):
    train, stopped = starts(waits=1)

    def callback(history, trial, result):
        raise kind

    with pytest.raises(kind):
        run(train, callbacks=[callback])
    assert len(stopped) <= 2


def test_an_interrupt_in_a_trial_passes_through():
    """Though an older one still runs."""

    def train(configuration, fidelity, stop):
        if configuration["x"] != 0.5:
            raise KeyboardInterrupt
        until(stop)

    with pytest.raises(KeyboardInterrupt):
        run(train, LINE)


def test_five_alike_at_the_start_end_the_search():
    calls = itertools.count()

    def train(configuration, fidelity, stop):
        if next(calls) >= 5:
            until(stop)
        raise RuntimeError("out of memory")

    with pytest.raises(
        SearchFailed, match="first 5 trials all failed by the same cause: RuntimeError: out of"
    ) as caught:
        run(train, n_threads=3)
    assert caught.value.history.failures()["count"].tolist() == [5]


@settings(max_examples=5)
@given(delays=DELAYS)
def test_a_callback_ends_the_search_where_it_says(delays):
    """What had been handed out then has no result, and has one when the run goes on."""
    told = []
    stop = [lambda history, trial, result: told.append(trial.number) or len(told) == 4]
    with tempfile.TemporaryDirectory() as run_dir:
        options = {"optimizer": "asha"}
        place = {"run_dir": run_dir, "storage": InMemoryStorage()}
        history = run(slowed(delays), callbacks=stop, **place, **options)
        assert len(told) == sum(len(trial.results) for trial in history.trials) == 4
        assert records(run(slowed(delays), **place, **options)) == unbroken(**options)


def test_a_callback_that_ends_the_search_does_not_wait_for_the_rest():
    train, stopped = starts(waits=1)
    history = run(train, callbacks=[lambda *_: True])
    assert [len(trial.results) for trial in history.trials] == [1, 0, 0, 0]
    assert len(stopped) <= 2


def test_checkpoints_are_there_until_the_threads_have_ended():
    begun = threading.Event()

    def train(configuration, fidelity, checkpoint, stop):
        if configuration["x"] == 0.5:
            assert begun.wait(LONG)
            return 0.0
        begun.set()
        until(stop)
        there.append(checkpoint.is_dir())
        return 0.0

    there = []
    run(train, LINE, callbacks=[lambda *_: True])
    assert there
    assert all(there)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_numpys_error_state_is_that_of_the_caller(n_threads):
    def train(configuration, fidelity):
        return np.float64(1) / np.float64(0)

    with np.errstate(divide="raise"):
        history = run(train, LINE, n_trials=3, n_threads=n_threads, optimizer="random")
    assert history.failures()["cause"].tolist() == ["FloatingPointError: divide by zero encountered in scalar divide"]
