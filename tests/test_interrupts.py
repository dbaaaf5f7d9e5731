"""Ctrl-C and SIGTERM while an estimator is fitted."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from sklearn.datasets import load_iris

from autonas import AutoNASClassifier

X, Y = load_iris(return_X_y=True)
QUICK = {
    "time_limit": None,
    "n_trials": 6,
    "max_epochs": 9,
    "validation": "holdout",
    "random_state": 0,
    "optimizer": "random",
    "search_space": {"network": ["linear"]},
    "portfolio": None,
}


@pytest.fixture(autouse=True)
def handlers():
    """Python's own, whoever runs the tests; and they are there again afterwards."""
    own = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in own.items()}
    yield
    after = {number: signal.getsignal(number) for number in own}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after == own


class Raise:
    """Send so many signals when the first result has come back."""

    def __init__(self, number, count=1):
        self.number, self.count = number, count

    def __call__(self, history, trial, result):
        for _ in range(self.count):
            signal.raise_signal(self.number)
        self.count = 0


@pytest.mark.parametrize(
    ("number", "side_by_side"),
    [
        (signal.SIGINT, "alone"),
        (signal.SIGTERM, "threads"),
        pytest.param(signal.SIGINT, "processes", marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_best_so_far_is_kept_and_the_run_goes_on(number, side_by_side, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(2 if side_by_side == "threads" else 1)
    jobs = {"n_jobs": 2 if side_by_side == "processes" else 1}
    try:
        clf = AutoNASClassifier(**QUICK, **jobs, run_dir=tmp_path, callbacks=[Raise(number)])
        with pytest.warns(UserWarning, match=f"fit was interrupted by {number.name}: it has ended early"):
            clf.fit(X, Y)
        assert sum(bool(trial.results) for trial in clf.history_.trials) < 6
        assert clf.predict(X).shape == (150,)
        assert not len(clf.failures())
        again = AutoNASClassifier(**QUICK, **jobs, run_dir=tmp_path).fit(X, Y)
        assert [trial.fidelity for trial in again.history_.trials] == [9] * 6
        assert not len(again.failures())
    finally:
        torch.set_num_threads(before)


def test_a_training_is_cut_short_and_goes_on(tmp_path):
    """The signal comes in the middle of a long training, which then stands as it is."""
    long = {**QUICK, "n_trials": 1, "max_epochs": 100_000}

    def interrupt():
        while not (tmp_path / "trials").exists():
            time.sleep(0.01)
        time.sleep(0.3)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.warns(UserWarning, match="SIGINT"):
        clf = AutoNASClassifier(**long, run_dir=tmp_path).fit(X, Y)
    thread.join()
    (result,) = clf.history_.trials[0].results
    assert not result.complete
    assert result.fidelity < 100_000
    assert clf.predict(X).shape == (150,)


def test_a_second_one_stops_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        AutoNASClassifier(**QUICK, run_dir=tmp_path, callbacks=[Raise(signal.SIGINT, 2)]).fit(X, Y)
    assert [t.fidelity for t in AutoNASClassifier(**QUICK, run_dir=tmp_path).fit(X, Y).history_.trials] == [9] * 6


def test_handlers_of_the_user_are_left_alone():
    received = []
    signal.signal(signal.SIGINT, lambda *_: received.append(1))
    try:
        clf = AutoNASClassifier(**QUICK, callbacks=[Raise(signal.SIGINT)]).fit(X, Y)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert received == [1]
    assert len(clf.history_.trials) == 6


def test_in_another_thread_there_are_no_handlers():
    with ThreadPoolExecutor(1) as pool:
        assert len(pool.submit(AutoNASClassifier(**QUICK).fit, X, Y).result().history_.trials) == 6
