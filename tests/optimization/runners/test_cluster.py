"""A search on a Dask cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization import search
from autonas.optimization.runners.cluster import ClusterRunner
from tests.optimization.spaces import conditional, objective
from tests.optimization.test_resume import records

distributed = pytest.importorskip("distributed")
LINE = ConfigurationSpace({"x": (0.0, 1.0)})

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
        )
        with cluster, distributed.Client(cluster) as client:
            yield client


@pytest.mark.parametrize("shared", [True, False])
def test_each_trial_is_the_same_as_in_this_process_and_lost_workers_lose_nothing(client, shared, tmp_path, monkeypatch):
    """Its checkpoint goes with a trial, wherever its next job runs; one worker dies on the way."""
    if not shared:
        monkeypatch.setattr(ClusterRunner, "_sees", lambda *_: False)
    died = tmp_path / "died"

    def train(configuration, fidelity, seed, checkpoint):
        reached = sorted(int(path.name) for path in checkpoint.iterdir())
        assert reached == [f for f in (1, 3, 9) if f < fidelity] or fidelity in reached
        if fidelity == 3 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (checkpoint / str(fidelity)).touch()
        return objective(configuration, fidelity)

    options = {"optimizer": ("random", "successive_halving"), "n_trials": 9, "max_fidelity": 9, "random_state": 1}
    history = search(train, conditional(), client=client, run_dir=tmp_path / "run", **options)
    assert died.exists()
    assert not len(history.failures())
    here = search(objective, conditional(), **options)
    for one, other in zip(records(history), records(here), strict=True):
        assert one[:2] == other[:2]
        assert [result[:2] for result in one[5]] == [result[:2] for result in other[5]]
    assert history.best.fidelity == 9


def test_stop_and_deadline_reach_the_workers(client, tmp_path):
    def train(configuration, fidelity, stop, deadline):
        (tmp_path / "began").touch()
        assert deadline > time.monotonic() + 1000
        while not stop():
            time.sleep(0.01)
        return {"loss": configuration["x"], "fidelity": 0}

    history = search(train, LINE, n_trials=4, time_limit=5000, stop=(tmp_path / "began").exists, client=client)
    assert not len(history.failures())
    assert any(trial.results for trial in history.trials)


def test_a_trial_that_fails_there(client):
    def train(configuration, fidelity):
        if configuration["x"] > 0.5:
            raise ValueError("too large")
        return configuration["x"]

    history = search(train, LINE, optimizer="random", n_trials=8, client=client, random_state=0)
    assert history.failures()["cause"].tolist() == ["ValueError: too large"]
    assert ", in train" in history.failures()["traceback"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"client": "tcp://host:8786"}, "must be a `dask.distributed.Client`"),
        ({"n_jobs": 2}, "leave `n_jobs` and `n_threads` at 1"),
        ({"trial_memory_limit": 100}, "`dask worker --memory-limit`"),
    ],
)
def test_arguments(client, arguments, message):
    with pytest.raises(ValueError, match=message):
        search(objective, LINE, n_trials=1, **{"client": client, **arguments})


@pytest.mark.slow
def test_scheduler_and_workers_as_processes_of_their_own(tmp_path):
    """One worker is killed in the middle of a trial, and the scheduler stands still for ten seconds."""
    began = tmp_path / "began"

    def train(configuration, fidelity, seed, checkpoint):
        (began / str(seed)).touch()
        time.sleep(0.3)
        return objective(configuration, fidelity)

    began.mkdir()
    options = {"optimizer": "random", "n_trials": 40, "max_fidelity": 3, "random_state": 2}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker"]
    with contextlib.ExitStack() as stack:
        file = tmp_path / "scheduler.json"
        scheduler = _start(stack, [*dask, "--port", "0", "--no-dashboard", "--scheduler-file", file])
        of_two = ["--scheduler-file", file, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        workers = [_start(stack, [*worker, *of_two]) for _ in range(2)]
        client = stack.enter_context(distributed.Client(scheduler_file=str(file), timeout=60))
        client.wait_for_workers(2, timeout=60)

        def trouble():
            while len(list(began.iterdir())) < 6:
                time.sleep(0.05)
            workers[0].kill()
            scheduler.send_signal(signal.SIGSTOP)
            time.sleep(10)
            scheduler.send_signal(signal.SIGCONT)

        thread = threading.Thread(target=trouble)
        thread.start()
        history = search(train, conditional(), client=client, run_dir=tmp_path / "run", **options)
        thread.join()
        assert workers[0].poll() is not None
    here = search(objective, conditional(), **options)
    assert not len(history.failures())
    # A trial has no seed of the cluster's: what it comes to is what it came to here.
    assert [record[:4] for record in records(history)] == [record[:4] for record in records(here)]
    assert [trial.losses for trial in history.trials] == [trial.losses for trial in here.trials]


SBATCH = """#!/bin/sh
cp "$1" "$1.kept"
setsid sh "$1.kept" >/dev/null 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -- "-$1"
"""


@pytest.mark.slow
def test_slurm_through_dask_jobqueue(tmp_path, monkeypatch):
    """As docs/scaling.md has it; in place of SLURM stand two commands that run its job scripts on this machine."""
    jobqueue = pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue")
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    options = {"optimizer": "random", "n_trials": 8, "max_fidelity": 3, "random_state": 2}
    limits = {"cores": 1, "processes": 1, "memory": "2GB", "walltime": "00:10:00"}
    with jobqueue.SLURMCluster(
        **limits, log_directory=str(tmp_path), scheduler_options={"dashboard": False}
    ) as cluster:
        cluster.scale(jobs=2)
        with distributed.Client(cluster) as client:
            client.wait_for_workers(2, timeout=60)
            processes = set(client.run(os.getpid).values())
            history = search(objective, conditional(), client=client, run_dir=tmp_path / "run", **options)
    assert len(processes) == 2
    assert os.getpid() not in processes
    here = search(objective, conditional(), **options)
    assert sorted(t.loss for t in history.trials) == sorted(t.loss for t in here.trials)


def _start(stack, command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


@pytest.mark.slow
def test_an_estimator_on_a_cluster(client, tmp_path):
    """Also where scikit-learn copies it."""
    from sklearn.base import clone
    from sklearn.datasets import load_iris

    from autonas import AutoNASClassifier

    X, y = load_iris(return_X_y=True)
    options = {"time_limit": None, "n_trials": 3, "max_epochs": 9, "random_state": 0, "optimizer": "random"}
    there = clone(AutoNASClassifier(**options, client=client)).fit(X, y)
    here = AutoNASClassifier(**options).fit(X, y)
    assert (there.predict_proba(X) == here.predict_proba(X)).all()
