"""The ensemble that a fit ends with."""

from __future__ import annotations

import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes

from autonas import AutoNASRegressor, _assembling

QUICK = {
    "time_limit": None,
    "n_trials": 5,
    "min_epochs": 1,
    "max_epochs": 9,
    "validation": "holdout",
    "portfolio": None,
}


def costs(reg):
    """Multiply-adds of predicting a row, by member."""
    return [_assembling._cost(reg.history_.trials[m.trial]) for m in reg._fitted.ensemble.members]


def test_predicting_costs_no_more_than_allowed(monkeypatch):
    X, y = load_diabetes(return_X_y=True)
    fits = (AutoNASRegressor(**QUICK, random_state=seed).fit(X, y) for seed in range(1, 9))
    free = next(reg for reg in fits if len(costs(reg)) > 1)
    assert min(costs(free)) > 0
    cap = sum(costs(free)) - 1
    monkeypatch.setattr(_assembling, "MAX_COST", cap)
    capped = clone(free).fit(X, y)
    assert sum(costs(capped)) <= cap or len(costs(capped)) == 1
    assert costs(capped) != costs(free)
    monkeypatch.setattr(_assembling, "MAX_COST", 0)
    single = clone(free).fit(X, y)
    assert single.leaderboard()["ensemble_weight"].max() == pytest.approx(1)
