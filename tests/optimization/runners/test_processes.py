"""Worker processes: what goes wrong in one ends its trial only. Starting one takes seconds, so each test does much."""

from __future__ import annotations

import contextlib
import ctypes
import math
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization import Job, search
from autonas.optimization.runners import ProcessRunner, Task, WorkersFailed
from autonas.optimization.runners.task import never
from tests.optimization.spaces import conditional, objective
from tests.optimization.test_resume import records

SPACE = ConfigurationSpace({"kind": ["good", "raise", "nan", "exit", "crash", "hang", "eat", "creep"], "x": (0.0, 1.0)})
LONG = 60
"""Seconds that are never waited for where all is well."""


def behave(configuration, fidelity, **keywords):
    """Do what the configuration says."""
    kind = configuration["kind"]
    if kind == "raise":
        raise ValueError("no such luck")
    if kind == "exit":
        os._exit(3)
    if kind == "crash":
        ctypes.string_at(0)
    if kind == "hang":
        time.sleep(LONG)
    if kind == "eat":
        np.ones(10 * 2**27)
    if kind == "creep":
        creep()
    return math.nan if kind == "nan" else configuration["x"]


def creep():
    """Take memory where no limit of the process can see it."""
    kept = []
    for _ in range(10):
        kept.append(mmap.mmap(-1, 2**26))  # shared memory is not private
        kept[-1].write(b"x" * 2**26)
    time.sleep(LONG)


def task(kind="good", number=0, keywords=None, **more):
    configuration = SPACE.get_default_configuration()
    configuration["kind"] = kind
    return Task(Job(number, configuration, 0, 1), keywords or {}, **more)


@contextlib.contextmanager
def running(objective, n_jobs=1, **options):
    """Make a runner, and see that it leaves no process behind."""
    before = children()
    with contextlib.closing(ProcessRunner(objective, n_jobs, **options)) as runner:
        yield runner
    assert children() == before


def children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


BAD = {
    "raise": "ValueError: no such luck",
    "nan": "The loss is not finite: nan",
    "exit": "WorkerDied: the worker process ended by itself, with exit code 3",
    "crash": "WorkerDied: the worker process was killed by SIGSEGV (a segmentation fault)",
    "hang": "TimeoutError: the trial took longer than `trial_time_limit`, 4 s",
    "eat": "MemoryError: Unable to allocate 10.0 GiB",
    "creep": "MemoryError: the trial took more than `trial_memory_limit`, 400 MiB",
}


def test_bad_trials_end_alone_and_good_ones_count():
    kinds = [kind for bad in BAD for kind in (bad, "good")]
    initial = [{"kind": kind, "x": 0.25 + place / 100} for place, kind in enumerate(kinds)]
    before = children()
    history = search(
        behave,
        SPACE,
        optimizer="random",
        n_trials=1 + len(initial),
        initial_configurations=initial,
        n_jobs=2,
        trial_time_limit=4,
        trial_memory_limit=400,
        random_state=0,
    )
    assert children() == before
    assert len(history.trials) == 1 + len(initial)
    causes = {}
    for trial in history.trials:
        kind = trial.configuration["kind"]
        if kind == "good":
            assert trial.failure is None
            assert trial.loss == trial.configuration["x"]
        else:
            causes[kind] = trial.failure.cause.removeprefix("numpy._core._exceptions._Array")
    assert {kind: cause[: len(BAD[kind])] for kind, cause in causes.items()} == BAD
    assert history.failures()["count"].sum() == len(BAD)


def test_a_task_that_goes_on_after_its_deadline():
    """If it was told of it the trial has failed; any other has no result, and will run again."""
    with running(behave, 2, grace=0.1) as runner:
        now = time.monotonic()
        runner.submit(task("hang", 0, keywords={"deadline": now}, deadline=now, start_by=now + LONG))
        runner.submit(task("hang", 1, deadline=now, start_by=now + LONG))
        outcomes = []
        while runner.busy:
            outcomes += runner.wait()
    assert [outcome.job.trial for outcome in outcomes] == [0]
    assert outcomes[0].failure.cause == "TimeoutError: the trial did not end within 0.1 s after its deadline"


def test_one_worker_serves_many_tasks():
    """It keeps what it has loaded, comes too late where it is too late, and is replaced if it has died meanwhile."""
    workers = set()
    with running(lambda configuration, fidelity: {"loss": configuration["x"], "pid": os.getpid()}) as runner:
        for number in range(3):
            runner.submit(task(number=number))
            assert not runner.free
            (outcome,) = runner.wait()
            assert outcome.job.trial == number
            assert outcome.job.configuration.config_space is SPACE
            workers.add(outcome.info["pid"])
        assert len(workers) == 1
        assert os.getpid() not in workers
        runner.submit(task(start_by=time.monotonic()))
        assert runner.wait() == []
        os.kill(*workers, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(*workers)], timeout=LONG)
        runner.submit(task())
        (outcome,) = runner.wait()
        assert outcome.failure is None
        assert outcome.info["pid"] not in workers


def test_closing_stops_what_runs(tmp_path):
    """What looks is given the time to end; what does not is not waited for."""

    def objective(configuration, fidelity, stop):
        (tmp_path / configuration["kind"]).touch()
        while configuration["kind"] == "hang" or not stop():
            time.sleep(0.01)
        (tmp_path / "ended").touch()

    with running(objective, 2) as runner:
        for kind in ("good", "hang"):
            runner.submit(task(kind, keywords={"stop": never}))
        until(lambda: (tmp_path / "good").exists() and (tmp_path / "hang").exists())
        began = time.monotonic()
    assert time.monotonic() - began < LONG / 2
    assert (tmp_path / "ended").exists()


def until(true):
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end, "has never come true"
        time.sleep(0.01)


class Unreadable:
    """Can be pickled, and not be read."""

    def __init__(self, cause):
        self.cause = cause

    def __reduce__(self):
        return self.cause

    def __call__(self, configuration, fidelity):
        return 0.0


def test_an_objective_that_cannot_be_sent():
    lock = threading.Lock()
    with pytest.raises(ValueError, match="cannot be sent to worker processes .*cannot pickle"):
        search(lambda configuration, fidelity: lock, SPACE, n_trials=1, n_jobs=2)
    with pytest.raises(WorkersFailed, match="cannot be loaded in a worker process(.|\n)*ValueError: invalid literal"):
        search(Unreadable((int, ("no number",))), SPACE, n_trials=1, n_jobs=2)


@pytest.mark.slow
def test_workers_that_die_before_they_begin():
    with pytest.raises(WorkersFailed, match="3 worker processes in a row died .* with exit code 7"):
        search(Unreadable((os._exit, (7,))), SPACE, n_trials=1, n_jobs=2)


SCRIPT = """
import os, sys, time
from ConfigSpace import ConfigurationSpace
from autonas import search

def objective(configuration, fidelity, checkpoint):
    (checkpoint / str(os.getpid())).touch()
    time.sleep(60)

search(objective, ConfigurationSpace({"x": (0.0, 1.0)}), n_trials=2, n_jobs=2, run_dir=sys.argv[1])
"""


def test_workers_end_with_the_search_though_it_is_killed(tmp_path):
    """And a script needs no guard: it is not run again."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen([sys.executable, script, tmp_path / "run"], env={**os.environ, "PYTHONPATH": ROOT})
    try:
        begun = tmp_path / "run" / "trials"
        until(lambda: len(list(begun.glob("*/*"))) == 2 or process.poll() is not None)
        workers = [psutil.Process(int(path.name)) for path in begun.glob("*/*")]
        assert len(workers) == 2
    finally:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(workers, timeout=LONG)
    assert not alive


ROOT = str(Path(__file__).parents[3])


def test_each_trial_is_the_same_as_in_this_process():
    """Where no decision depends on a result, the whole history is, but for the order of events."""
    options = {"optimizer": "random", "n_trials": 6, "max_fidelity": 3, "random_state": 1}
    here, there = (search(objective, conditional(), n_jobs=n_jobs, **options) for n_jobs in (1, 2))
    for one, other in zip(records(here), records(there), strict=True):
        assert one[:5] == other[:5]
        assert [result[:2] for result in one[5]] == [result[:2] for result in other[5]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_jobs": 0}, "`n_jobs` is 0, but must be an int >= 1"),
        ({"n_jobs": 2, "n_threads": 2}, "in processes or in threads"),
        ({"trial_time_limit": 0}, "`trial_time_limit` is 0, but must be a number > 0"),
        ({"trial_memory_limit": "1GB"}, "`trial_memory_limit` is '1GB'"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        search(objective, SPACE, n_trials=1, **arguments)
