"""A run's folder: shared, damaged, full, or left behind by ``kill -9``."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization import OPTIMIZERS, search
from autonas.optimization._store import Store
from tests.optimization.dear import each
from tests.optimization.spaces import conditional, objective
from tests.optimization.test_resume import records

LINE = ConfigurationSpace({"x": (0.0, 1.0)})
ROOT = Path(__file__).parents[2]


def line(configuration, fidelity):
    return configuration["x"] + 1 / fidelity


def run(run_dir, train=line, **options):
    options = {"optimizer": "hyperband", "max_fidelity": 9, "n_trials": 12, "random_state": 0, **options}
    return search(train, LINE, run_dir=run_dir, **options)


# ---------------------------------------------------------------------------------------------- one at a time


def test_two_at_once_are_refused(tmp_path):
    def callback(history, trial, result):
        if not refused:
            with pytest.raises(
                ValueError, match=f"is in use by process {os.getpid()} on .*pass another `run_dir`"
            ) as e:
                run(tmp_path)
            refused.append(e)

    refused = []
    assert len(run(tmp_path, callbacks=[callback]).trials) == 12
    assert refused
    assert len(run(tmp_path).trials) == 12, "and afterwards it is free"


def test_a_lock_that_was_left_behind_is_taken_over(tmp_path):
    (tmp_path / "search.lock").write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    assert len(run(tmp_path).trials) == 12


def test_where_there_are_no_locks_the_process_named_decides(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    file = tmp_path / "search.lock"
    for pid, host in [(os.getpid(), os.uname().nodename), (os.getpid(), "elsewhere")]:
        file.write_text(json.dumps({"pid": pid, "host": host}))
        with pytest.raises(ValueError, match=f"is in use by process {pid} on {host}"):
            run(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    file.write_text(json.dumps({"pid": gone.pid, "host": os.uname().nodename}))
    assert len(run(tmp_path).trials) == 12


@pytest.mark.parametrize("place", ["/proc/run", "file/run"])
def test_a_folder_that_cannot_be_written(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="which cannot be written .*; pass another one"):
        run(place)


# ---------------------------------------------------------------------------------------------- damaged files


def truncate(content):
    return content[: len(content) // 2]


def flip(content):
    """Damage pages in the middle, as a bad disk does."""
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 255 for byte in content[middle : middle + 4096]) + content[middle + 4096 :]


def to_pickle(content):
    return b"cos\nsystem\n(S'touch executed'\ntR."


def to_nothing(content):
    return b""


@pytest.mark.parametrize("spoil", [truncate, flip, to_pickle, to_nothing])
@pytest.mark.parametrize("name", ["settings.json", "history.db"])
def test_a_damaged_file_is_a_clear_error(name, spoil, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def train(configuration, fidelity, checkpoint):
        (checkpoint / "kept").touch()
        return line(configuration, fidelity)

    run("run", train)
    file = Path("run", name)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ValueError, match="damaged|cannot be read|history is gone"):
        run("run", train)
    assert not Path("executed").exists()


def test_a_record_that_is_none_is_a_clear_error(tmp_path):
    run(tmp_path)
    with sqlite3.connect(tmp_path / "history.db") as database:
        database.execute("UPDATE trial_user_attributes SET value_json = '[1, 2]' WHERE key = 'autonas'")
    with pytest.raises(ValueError, match="cannot be read"):
        run(tmp_path)


def test_a_database_locked_by_another_process_is_a_clear_error(tmp_path):
    run(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None)) as database:
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ValueError, match="locked"):
            run(tmp_path)


def test_checkpoints_of_a_trial_that_the_history_does_not_know_are_not_used(tmp_path):
    """So it is where the machine went down before the last records were on disk."""
    (tmp_path / "trials" / "00000").mkdir(parents=True)
    (tmp_path / "trials" / "00000" / "old").touch()
    seen = []

    def train(configuration, fidelity, checkpoint):
        seen.append((checkpoint / "old").exists())
        return line(configuration, fidelity)

    run(tmp_path, train, n_trials=1)
    assert not any(seen)


# ---------------------------------------------------------------------------------------------- a full disk


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_objective_that_finds_the_disk_full_ends_the_search(n_threads, tmp_path):
    calls = []

    def train(configuration, fidelity):
        calls.append(1)
        if len(calls) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return line(configuration, fidelity)

    with pytest.warns(UserWarning, match="The disk is full: the search has ended early"):
        history = run(tmp_path, train, n_threads=n_threads)
    assert sum(len(trial.results) for trial in history.trials) == 5
    assert not len(history.failures())
    if n_threads == 1:
        assert records(run(tmp_path)) == records(run(None))


@pytest.mark.parametrize("method", ["asked", "told"])
def test_a_history_that_finds_the_disk_full_ends_the_search(method, tmp_path, monkeypatch):
    """SQLite's own limit on pages stands for the size of the disk."""
    calls = []
    original = getattr(Store, method)

    def limited(self, *arguments):
        calls.append(1)
        if len(calls) == 4:
            connection = self._storage.engine.raw_connection()
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.close()
            self._storage.engine.dispose()
            listen(self._storage.engine, pages)
        original(self, *arguments)

    def train(configuration, fidelity):
        return {"loss": line(configuration, fidelity), "much": "x" * 20_000}

    monkeypatch.setattr(Store, method, limited)
    with pytest.warns(UserWarning, match="The disk is full"):
        history = run(tmp_path, train)
    assert history.best.results
    monkeypatch.undo()
    assert records(run(tmp_path, train)) == records(run(None, train))


def listen(engine, pages):
    import sqlalchemy

    sqlalchemy.event.listen(
        engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count = {pages}")
    )


# ---------------------------------------------------------------------------------------------- what can go


@pytest.mark.parametrize("optimizer", each(OPTIMIZERS))
def test_what_is_settled_has_no_job_any_more(optimizer):
    settled, after = set(), []

    def train(configuration, fidelity, seed):
        after.append(seed in settled)
        return objective(configuration, fidelity)

    history = search(
        train,
        conditional(),
        optimizer=optimizer,
        max_fidelity=9,
        n_trials=40,
        random_state=1,
        settled=lambda trial: settled.add(trial.seed),
    )
    assert not any(after)
    complete = {trial.seed for trial in history.trials if history.state(trial) == "complete"}
    assert complete <= settled
    if optimizer != "asha":
        assert len(settled) >= 13, "of a finished bracket all are"


# ---------------------------------------------------------------------------------------------- kill -9

KILLED = """
import os, signal, sys, threading, time
from autonas.optimization import search
from tests.optimization.spaces import conditional, objective

run_dir, optimizer, moment = sys.argv[1], sys.argv[2], float(sys.argv[3])
began = []

def train(configuration, fidelity, seed, checkpoint):
    if not began and moment:
        began.append(1)
        threading.Timer(moment, os.kill, (os.getpid(), signal.SIGKILL)).start()
    state = checkpoint / "state"
    reached = int(state.read_text()) if state.exists() else 0
    for epoch in range(reached, fidelity):
        time.sleep(0.001)
        (checkpoint / "draft").write_text(str(epoch + 1))
        os.replace(checkpoint / "draft", state)
    with open(run_dir + "/calls", "a") as calls:
        calls.write(f"{seed} {fidelity}\\n")
    return objective(configuration, fidelity)

search(train, conditional(), optimizer=optimizer, max_fidelity=9, n_trials=30, random_state=3, run_dir=run_dir)
os._exit(0)
"""


def kill_again_and_again(run_dir, optimizer, kills, rng):
    """Kill a run at random moments, then let it end; compare with one that was never killed."""
    run_dir.mkdir()
    killed = 0
    for number in range(kills + 1):
        moment = rng.uniform(0.001, 0.3) if number < kills else 0
        command = [sys.executable, "-c", KILLED, run_dir, optimizer, str(moment)]
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode
        assert code in (0, -signal.SIGKILL)
        killed += code != 0
        if code == 0:
            break
    options = {"optimizer": optimizer, "max_fidelity": 9, "n_trials": 30, "random_state": 3}
    unbroken = search(objective, conditional(), **options)
    resumed = search(
        lambda configuration, fidelity: pytest.fail("runs twice"), conditional(), run_dir=run_dir, **options
    )
    assert records(resumed) == records(unbroken)
    calls = (run_dir / "calls").read_text().splitlines()
    jobs = {f"{trial.seed} {result.fidelity}" for trial in unbroken.trials for result in trial.results}
    assert set(calls) == jobs
    assert len(calls) <= len(jobs) + killed, "only what ran when it was killed runs again"
    return killed


def test_killed_at_a_few_moments(tmp_path):
    assert kill_again_and_again(tmp_path / "run", "bohb", 3, random.Random(0)) >= 1


@pytest.mark.slow
def test_killed_at_a_hundred_moments(tmp_path):
    rng, killed = random.Random(1), 0
    for number in range(200):
        optimizer = list(OPTIMIZERS)[number % len(OPTIMIZERS)]
        killed += kill_again_and_again(tmp_path / str(number), optimizer, 8, rng)
        if killed >= 100:
            return
    raise AssertionError(f"killed only {killed} times")


def test_two_threads_of_one_process_are_refused_too(tmp_path):
    inside, over = threading.Event(), threading.Event()

    def train(configuration, fidelity):
        inside.set()
        assert over.wait(60)
        return 0.0

    thread = threading.Thread(target=run, args=(tmp_path, train))
    thread.start()
    try:
        assert inside.wait(60)
        with pytest.raises(ValueError, match="is in use"):
            run(tmp_path)
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["hyperband", "bohb"])
def test_memory_stays_what_it_is(optimizer, tmp_path):
    """Over 2,000 trials that are written down; a tenth more than after 200 at most."""
    import psutil

    process, seen = psutil.Process(), {}

    def look(history, trial, result):
        seen[len(history.trials)] = max(seen.get(len(history.trials), 0), process.memory_info().rss)

    options = {"max_fidelity": 9, "n_trials": 2_000, "random_state": 0}
    search(objective, conditional(), optimizer=optimizer, run_dir=tmp_path, callbacks=[look], **options)
    assert max(seen) == 2_000
    assert max(seen.values()) < 1.1 * seen[200]
