"""What a search shows of itself."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from autonas import AutoNASClassifier, search
from autonas._progress import Limits, Progress, sparkline

ROOT = Path(__file__).parents[1]
QUICK = {"time_limit": None, "n_trials": 3, "max_epochs": 3, "validation": "holdout", "random_state": 0}
FIT = f"""
from sklearn.datasets import load_iris
from autonas import AutoNASClassifier
AutoNASClassifier(**{QUICK}, verbose=1).fit(*load_iris(return_X_y=True))
"""


def progress(**limits):
    return Progress(Limits(**limits), "neg_log_loss", lambda _: False)


def searched(shown, objective=lambda c, fidelity: c["x"] + 1 / fidelity, n_trials=20):
    space = ConfigurationSpace({"x": (0.0, 1.0)}, seed=0)
    search(objective, space, max_fidelity=9, n_trials=n_trials, random_state=0, callbacks=[shown])
    return dict(shown.rows(now=shown.started))


def test_nothing_is_printed_unless_asked_for(capfd):
    AutoNASClassifier(**QUICK).fit(*load_iris(return_X_y=True))
    assert capfd.readouterr() == ("", "")


def test_lines_where_there_is_no_terminal(capfd):
    clf = AutoNASClassifier(**QUICK, verbose=1).fit(*load_iris(return_X_y=True))
    *lines, last = capfd.readouterr().out.splitlines()
    assert last.startswith("Trained anew on all rows: ")
    assert lines[0].split("] ")[1].startswith("trial 0 (")
    losses = [float(line.split("loss ")[1].split()[0]) for line in lines]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(-clf.best_score_, rel=1e-4)
    clf = AutoNASClassifier(**QUICK, train_on_all=False, verbose=2).fit(*load_iris(return_X_y=True))
    assert len(capfd.readouterr().out.splitlines()) == len(clf.history_.to_dataframe())


def test_a_panel_on_a_terminal():
    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([sys.executable, "-c", FIT], stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert process.wait() == 0, shown.decode()
    last = shown.decode().rpartition("AutoNAS")[2]
    assert "3 of 3:" in last
    assert "epochs" in last
    assert "which is" in last


def test_one_line_in_a_notebook(capfd, monkeypatch):
    class ZMQInteractiveShell:
        pass

    ipython = type(sys)("IPython")
    ipython.get_ipython = ZMQInteractiveShell
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    AutoNASClassifier(**QUICK, verbose=1).fit(*load_iris(return_X_y=True))
    line, last = capfd.readouterr().out.splitlines()
    assert last.startswith("Trained anew on all rows: ")
    assert line.startswith("3 trials; best: trial ")


def test_the_rows_agree_with_the_history():
    shown = progress(n_trials=20)
    rows = searched(shown)
    history = shown.history
    assert rows["trials"].startswith("20 of 20: ")
    complete = sum(history.state(trial) == "complete" for trial in history.trials)
    assert f"{complete} complete" in rows["trials"]
    at_three = sum(3 in trial.losses for trial in history.trials)
    assert f"{at_three} at 3 epochs" in rows["rungs"]
    best = min((min(t.losses.values()), t.number) for t in history.trials)
    assert rows["best"].startswith(f"trial {best[1]} (")
    assert rows["best"].endswith(f"{best[0]:.5g}")


def test_failures_are_counted():
    def broken(configuration, fidelity):
        if configuration["x"] > 0.5:
            raise ValueError("too large")
        return configuration["x"]

    shown = progress()
    rows = searched(shown, broken)
    failed = sum(t.failure is not None for t in shown.history.trials)
    assert failed
    assert f"{failed} failed" in rows["trials"]


def test_the_time_is_told():
    shown = progress(deadline=1000.0, seconds=300.0)
    assert dict(shown.rows(now=775.0)) == {
        "time": "━━━━━─────────────── 1:15 used, 3:45 left",
        "trials": "the first are running",
    }
    assert dict(shown.rows(now=2000.0))["time"].endswith("5:00 used, 0:00 left")


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), st.integers(2, 50))
def test_a_sparkline_is_as_wide_as_allowed_and_as_high_as_its_numbers(numbers, width):
    line = sparkline(numbers, width)
    assert len(line) == min(len(numbers), width)
    if len(numbers) <= width and min(numbers) < max(numbers):
        assert line[numbers.index(max(numbers))] == "█"
        assert line[numbers.index(min(numbers))] == "▁"
