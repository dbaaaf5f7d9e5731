"""Tables and texts about a finished fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from autonas._fitting import Fitted, last_good
from autonas.optimization import Trial
from autonas.spaces import values

__all__ = ["cv_results", "describe_members", "leaderboard"]


def leaderboard(fitted: Fitted) -> pd.DataFrame:
    """List all trials, the best validation loss first."""
    weights = {m.trial: m.weight for m in fitted.ensemble.members}
    rows = [_row(fitted, trial, weights) for trial in fitted.history.trials]
    table: pd.DataFrame = pd.DataFrame(rows).sort_values(["loss", "trial"], na_position="last", ignore_index=True)
    table.index = table.index + 1
    table.index.name = "rank"
    return table


def _row(fitted: Fitted, trial: Trial, weights: dict[int, float]) -> dict[str, Any]:
    result = last_good(trial)
    last = {} if result is None else result.info
    return {
        "trial": trial.number,
        "network": values(trial.configuration).get("network", fitted.search_space.defaults.get("network")),
        "loss": fitted.losses.get(trial.number, np.nan),
        "epochs": trial.fidelity,
        "best_epoch": int(last.get("best_epoch", 0)),
        "ensemble_weight": weights.get(trial.number, 0.0),
        "origin": trial.origin,
        "seconds": sum(r.seconds for r in trial.results),
        "n_parameters": int(last.get("n_parameters", 0)),
        "state": _state(fitted, trial),
    }


def _state(fitted: Fitted, trial: Trial) -> str:
    if trial.failure is not None:
        return "failed"
    if trial.fidelity == fitted.max_epochs:
        return "complete"
    return "stopped" if trial.results else "not run"


def cv_results(fitted: Fitted) -> dict[str, Any]:
    """Tell of all trials in the form of scikit-learn's searches; failed ones have a score of NaN and the last rank."""
    trials = fitted.history.trials
    params = [values(t.configuration) for t in trials]
    scores = np.array([-fitted.losses.get(t.number, np.nan) for t in trials])
    names = sorted({name for p in params for name in p})
    columns = {}
    for name in names:
        column = np.ma.MaskedArray(np.empty(len(params), dtype=object), mask=True)
        for i, p in enumerate(params):
            if name in p:
                column[i] = p[name]
        columns[f"param_{name}"] = column
    return {
        "params": params,
        **columns,
        "mean_test_score": scores,
        "rank_test_score": rankdata(np.where(np.isnan(scores), np.inf, -scores), method="min").astype(int),
        "mean_fit_time": np.array([sum(r.seconds for r in t.results) for t in trials]),
        "epochs": np.array([t.fidelity for t in trials]),
        "state": np.array([_state(fitted, t) for t in trials]),
    }


def describe_members(fitted: Fitted) -> str:
    """Describe the ensemble as text, the heaviest member first."""
    lines = []
    for member in sorted(fitted.ensemble.members, key=lambda m: -m.weight):
        trial = fitted.history.trials[member.trial]
        n_parameters = sum(p.numel() for p in member.networks[0].network.parameters())
        lines.append(
            f"{member.weight:.3f}  trial {member.trial}: {len(member.networks)} network(s), "
            f"{n_parameters:,} parameters, validation loss {fitted.losses[member.trial]:.5g}"
        )
        lines += [f"         {name}: {value}" for name, value in values(trial.configuration).items()]
    return "\n".join(lines)
