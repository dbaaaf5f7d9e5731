"""The loop with several slots, jobs coming back out of order: what runners of later versions do."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from autonas.optimization import OPTIMIZERS, search
from autonas.optimization.runners.task import run
from autonas.spaces import values
from tests.optimization.dear import each
from tests.optimization.spaces import conditional, objective


class Slots:
    """Four slots in this process; results come back in any order."""

    def __init__(self, objective, rng):
        self.objective = objective
        self.rng = rng
        self.tasks = []
        self.most = 0

    @property
    def free(self):
        return len(self.tasks) < 4

    @property
    def busy(self):
        return bool(self.tasks)

    def submit(self, task):
        self.tasks.append(task)
        self.most = max(self.most, len(self.tasks))

    def wait(self):
        count = self.rng.integers(1, len(self.tasks) + 1)
        return [run(self.objective, self.tasks.pop(self.rng.integers(len(self.tasks)))) for _ in range(count)]


@pytest.fixture
def slots(monkeypatch):
    made = []

    def make(objective):
        made.append(Slots(objective, np.random.default_rng(len(made))))
        return made[-1]

    # The package's `search` is the function; this is its module.
    monkeypatch.setattr(sys.modules["autonas.optimization.search"], "InProcessRunner", make)
    return made


@pytest.mark.parametrize("optimizer", each(OPTIMIZERS))
def test_several_slots(optimizer, slots):
    history = search(objective, conditional(), optimizer=optimizer, max_fidelity=9, n_trials=30, random_state=0)
    assert slots[0].most == 4
    assert len({repr(values(trial.configuration)) for trial in history.trials}) == 30
    assert history.best.fidelity == 9
    places = [place for trial in history.trials for r in trial.results for place in (r.asked, r.told)]
    assert sorted(places) == list(range(len(places)))


@pytest.mark.parametrize("optimizer", ["bohb", "asha", "random"])
def test_several_slots_interrupted(optimizer, slots, tmp_path):
    class Killed(BaseException):
        pass

    def piece(calls):
        def callback(history, trial, result):
            calls.append(1)
            if len(calls) >= 6:
                raise Killed

        return search(
            objective,
            conditional(),
            optimizer=optimizer,
            max_fidelity=9,
            n_trials=30,
            random_state=0,
            run_dir=tmp_path,
            callbacks=[callback],
        )

    for _ in range(50):
        try:
            history = piece([])
            break
        except Killed:
            pass
    assert len(slots) > 4, "it was interrupted"
    assert len(history.trials) == 30
    assert all(trial.results for trial in history.trials)
    assert all(len({r.fidelity for r in t.results}) == len(t.results) for t in history.trials)


@pytest.mark.parametrize("budget", [40, 77])
def test_what_is_running_counts_against_the_budget(budget, slots):
    history = search(
        objective,
        conditional(),
        optimizer="hyperband",
        max_fidelity=9,
        max_total_fidelity=budget,
        random_state=0,
    )
    assert budget - 9 < history.total_fidelity <= budget
