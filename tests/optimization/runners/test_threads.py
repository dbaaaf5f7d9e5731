"""The runner by itself: order, window, and how it ends."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
import time

import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization import Job
from autonas.optimization.runners import Task, ThreadRunner
from autonas.optimization.runners.task import never

CONFIGURATION = ConfigurationSpace({"x": (0.0, 1.0)}).get_default_configuration()
LONG = 30
"""Seconds that are never waited for where all is well."""


def task(number, start_by=None, **keywords):
    """Make a task that an objective knows by its fidelity."""
    return Task(Job(number, CONFIGURATION, 0, number + 1), keywords, start_by)


def until(stop):
    """Run until told to stop."""
    end = time.monotonic() + LONG
    while not stop():
        assert time.monotonic() < end, "was never told to stop"
        time.sleep(0.001)


@contextlib.contextmanager
def running(objective, n_threads, **settings):
    """Make a runner, and see that it leaves no thread behind."""
    before = threading.active_count()
    with contextlib.closing(ThreadRunner(objective, n_threads, **settings)) as runner:
        yield runner
    assert threading.active_count() == before


@pytest.mark.parametrize("n_threads", [2, 3])
def test_tasks_run_side_by_side(n_threads):
    together = threading.Barrier(n_threads)

    def objective(configuration, fidelity):
        together.wait(LONG)
        return 0.0

    with running(objective, n_threads) as runner:
        for number in range(2 * n_threads):
            runner.submit(task(number))
        while runner.busy:
            (outcome,) = runner.wait()
            assert outcome.failure is None


def test_order_and_window():
    """The oldest task is the slowest: meanwhile the other thread does all that is in the window, and no more."""
    done, all_done = [], threading.Event()

    def objective(configuration, fidelity):
        if fidelity == 1:
            assert all_done.wait(LONG)
        done.append(fidelity)
        if len(done) == 3:
            all_done.set()
        return float(fidelity)

    with running(objective, 2) as runner:
        assert not runner.busy
        for number in range(4):
            assert runner.free
            runner.submit(task(number))
        assert not runner.free
        back = []
        while runner.busy:
            back += [outcome.loss for outcome in runner.wait()]
            assert runner.free
            assert len(back) + len(runner._outstanding) == 4
    assert done == [2, 3, 4, 1]
    assert back == [1, 2, 3, 4]


def test_out_of_order_no_thread_waits_for_another():
    """The first task ends only when many others have come back."""
    many = threading.Event()

    def objective(configuration, fidelity):
        if fidelity == 1:
            assert many.wait(LONG)
        return float(fidelity)

    with running(objective, 2, in_order=False) as runner:
        back, number = [], 0
        while len(back) < 10:
            while runner.free and number < 10:
                runner.submit(task(number))
                number += 1
            assert len(runner._outstanding) <= 2, "nothing waits for a thread"
            back += [outcome.loss for outcome in runner.wait()]
            if len(back) == 9:
                many.set()
        assert not runner.busy
    assert back == [*map(float, range(2, 11)), 1.0]


def test_threads_are_made_when_they_are_needed():
    with running(lambda configuration, fidelity: 0.0, 10) as runner:
        before = threading.active_count()
        runner.submit(task(0))
        assert threading.active_count() <= before + 1
        runner.wait()


def test_a_failure_is_an_outcome():
    def objective(configuration, fidelity):
        raise ZeroDivisionError(fidelity)

    with running(objective, 2) as runner:
        runner.submit(task(0))
        (outcome,) = runner.wait()
    assert outcome.failure.cause == "ZeroDivisionError: 1"


def test_a_task_that_comes_too_late_is_not_started():
    calls = []
    with running(lambda configuration, fidelity: calls.append(fidelity) or 0.0, 2) as runner:
        runner.submit(task(0, start_by=time.monotonic() + LONG))
        runner.submit(task(1, start_by=time.monotonic()))
        runner.submit(task(2))
        assert [len(runner.wait()) for _ in range(3)] == [1, 0, 1]
        assert not runner.busy
    assert sorted(calls) == [1, 3]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_raised_at_once(kind):
    """Though the oldest task still runs."""

    def objective(configuration, fidelity, stop):
        if fidelity == 2:
            raise kind
        until(stop)

    with running(objective, 2) as runner:
        for number in range(2):
            runner.submit(task(number, stop=never))
        with pytest.raises(kind):
            runner.wait()


def test_closing_drops_what_waits_and_stops_what_runs():
    begun, seen = threading.Semaphore(0), []

    def objective(configuration, fidelity, stop):
        begun.release()
        until(stop)
        seen.append(fidelity)
        return 0.0

    with running(objective, 2) as runner:
        for number in range(4):
            runner.submit(task(number, stop=never))
        for _ in range(2):
            assert begun.acquire(timeout=LONG)
    assert sorted(seen) == [1, 2]


def test_an_objective_that_does_not_look_is_waited_for():
    begun, ended = threading.Event(), []

    def objective(configuration, fidelity):
        begun.set()
        time.sleep(0.02)
        ended.append(fidelity)
        return 0.0

    with running(objective, 2) as runner:
        runner.submit(task(0))
        assert begun.wait(LONG)
    assert ended == [1]


@pytest.fixture
def ctrl_c():
    """Python's own handler, whoever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield _thread.interrupt_main
    signal.signal(signal.SIGINT, before)


def test_waiting_can_be_interrupted(ctrl_c):
    stopped = []

    def objective(configuration, fidelity, stop):
        time.sleep(0.05)  # so that the search waits by then; were it not to, the test would see less, and pass
        ctrl_c()
        until(stop)
        stopped.append(True)

    def search():
        with running(objective, 2) as runner:
            runner.submit(task(0, stop=never))
            runner.wait()

    with pytest.raises(KeyboardInterrupt):
        search()
    assert stopped
