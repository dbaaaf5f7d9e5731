"""The folder of a fit: shared, damaged, full, bounded, or left behind by ``kill -9``."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

import autonas
from autonas import AutoNASClassifier, _run_dir
from autonas.training import trial as trial_module
from tests.optimization.test_resume import records

X, Y = load_iris(return_X_y=True)
ROOT = Path(__file__).parents[1]
QUICK = {
    "time_limit": None,
    "n_trials": 8,
    "max_epochs": 9,
    "validation": "holdout",
    "random_state": 0,
    "search_space": {"network": ["linear"]},
    "portfolio": None,
}


def fit(run_dir=None, **options):
    return AutoNASClassifier(**{**QUICK, **options}, run_dir=run_dir).fit(X, Y)


def comparable(clf):
    """All of a history but times."""
    return [
        (
            *record[:5],
            [(*result[:5], {k: v for k, v in result[5].items() if k != "train_seconds"}) for result in record[5]],
        )
        for record in records(clf.history_)
    ]


def test_two_at_once_are_refused(tmp_path):
    def callback(history, trial, result):
        if trial.number == 0:
            with pytest.raises(ValueError, match="is in use by process"):
                fit(tmp_path)

    assert len(fit(tmp_path, callbacks=[callback]).history_.trials) == 8


@pytest.mark.parametrize("name", ["fit.json", "settings.json", "history.db"])
def test_a_pickle_in_place_of_a_record_is_a_clear_error(name, tmp_path):
    fit(tmp_path, n_trials=2)
    (tmp_path / name).write_bytes(f"cos\nsystem\n(S'touch {tmp_path / 'executed'}'\ntR.".encode())
    with pytest.raises(ValueError, match="damaged|cannot be read"):
        fit(tmp_path, n_trials=3)
    assert not (tmp_path / "executed").exists()


def test_damaged_networks_are_left_out(tmp_path):
    """And trials that go on are trained anew."""
    fit(tmp_path / "unbroken")
    unbroken = fit(tmp_path / "unbroken", n_trials=10)
    best = fit(tmp_path / "run").history_.best.number
    for file in (tmp_path / "run" / "trials").glob("*/*.safetensors"):
        if int(file.parent.name) == best or file.name.startswith("state"):
            file.write_bytes(file.read_bytes()[:-10])
    with pytest.warns(UserWarning, match=f"Trial {best} is left out of the ensemble: .* truncated or altered"):
        again = fit(tmp_path / "run", n_trials=10)
    assert comparable(again) == comparable(unbroken)
    assert best not in {member.trial for member in again._fitted.ensemble.members}
    assert again.predict(X).shape == (150,)


def test_only_what_can_still_be_needed_is_kept(tmp_path, monkeypatch):
    """The ensemble is the same as when all is kept."""
    monkeypatch.setattr(_run_dir, "N_CANDIDATES", 3)
    monkeypatch.setattr("autonas._assembling.N_CANDIDATES", 3)
    clf = fit(tmp_path, n_trials=20, optimizer="random")
    assert not list(tmp_path.glob("trials/*/state.safetensors"))
    kept = {int(file.parent.name) for file in tmp_path.glob("trials/*/model.safetensors")}
    losses = clf._fitted.losses
    assert kept == set(sorted(losses, key=lambda n: (losses[n], n))[:3])
    assert len(clf.leaderboard()["loss"].dropna()) == 20
    again = fit(tmp_path, n_trials=20, optimizer="random")
    assert (again.predict_proba(X) == clf.predict_proba(X)).all()

    def nothing(self, trial):
        pass

    monkeypatch.setattr(_run_dir.Housekeeping, "__call__", nothing)
    everything = fit(n_trials=20, optimizer="random")
    assert (everything.predict_proba(X) == clf.predict_proba(X)).all()


def test_a_full_disk_ends_the_fit_in_order(tmp_path, monkeypatch):
    saved = []

    def save_model(*arguments, original=trial_module.save_model, **more):
        saved.append(1)
        if len(saved) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments, **more)

    unbroken = fit()
    with monkeypatch.context() as patch:
        patch.setattr(trial_module, "save_model", save_model)
        with pytest.warns(UserWarning, match="The disk is full"):
            clf = fit(tmp_path)
    assert clf.predict(X).shape == (150,)
    assert not len(clf.failures())
    assert comparable(fit(tmp_path)) == comparable(unbroken)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("free", [150_000, *(pytest.param(f, marks=pytest.mark.slow) for f in (400_000, 800_000))])
def test_a_disk_that_is_really_full(free, small_disk):
    """Wherever it happens to be full first: a new history, a checkpoint, a record, or what is written at the end."""
    filler = small_disk / "filler"
    filler.write_bytes(b"0" * (3 * 2**20 - free))
    run_dir = small_disk / "run"
    if free < 200_000:
        with pytest.raises(ValueError, match="no room for the history .* make room, and call again"):
            fit(run_dir)
    else:
        with pytest.warns(UserWarning, match="disk is full"):
            clf = fit(run_dir)
        assert clf.predict(X).shape == (150,)
        assert not len(clf.failures())
    gc.collect()  # whatever still has a file open
    filler.unlink()
    again = fit(run_dir)
    assert comparable(again) == comparable(fit())
    assert (autonas.load(run_dir).predict(X) == again.predict(X)).all()


KILLED = """
import os, signal, sys, threading
from tests.test_durability import fit

moment = float(sys.argv[2])
began = []

def callback(history, trial, result):
    if not began and moment:
        began.append(1)
        threading.Timer(moment, os.kill, (os.getpid(), signal.SIGKILL)).start()

fit(sys.argv[1], callbacks=[callback])
os._exit(0)
"""


@pytest.mark.parametrize("moments", [[0.05, 0.0], pytest.param(np.linspace(0.001, 0.3, 20), marks=pytest.mark.slow)])
def test_killed_and_gone_on_it_is_the_same(moments, tmp_path):
    unbroken = fit()
    for moment in moments:
        command = [sys.executable, "-W", "ignore", "-c", KILLED, tmp_path, str(moment)]
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode
        assert code in (0, -signal.SIGKILL)
    resumed = fit(tmp_path)
    assert comparable(resumed) == comparable(unbroken)
    assert (resumed.predict_proba(X) == unbroken.predict_proba(X)).all()


def test_more_time_does_not_change_the_rows_that_judge(tmp_path):
    """With the longer limit alone there would be folds."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_600, 2))
    y = (X[:, 0] > 0).astype(int)
    seen = []
    for n_trials, time_limit in ((1, 40), (2, 400)):
        clf = AutoNASClassifier(
            n_trials=n_trials, time_limit=time_limit, max_epochs=1, portfolio=None, random_state=0, run_dir=tmp_path
        ).fit(X, y)
        seen.append((len(clf._fitted.validated.target), len(clf.history_.trials)))
    assert seen == [(520, 1), (520, 2)]
