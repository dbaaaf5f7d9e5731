"""Tables and texts about a finished fit."""

from __future__ import annotations

from textwrap import TextWrapper
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from autonas._fitting import Fitted
from autonas._run_dir import last_good
from autonas.optimization import Trial
from autonas.spaces import split_by_role, values
from autonas.training.ensemble import Ensembled

__all__ = ["cv_results", "describe_members", "leaderboard"]

_WRAP = TextWrapper(
    110, initial_indent=" " * 7, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False
)


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
    traditional = fitted.search_space.is_traditional(trial.configuration)
    return {
        "trial": trial.number,
        "network": _family(fitted, trial),
        "kind": "traditional" if traditional else "network",
        "loss": fitted.losses.get(trial.number, np.nan),
        # Those of a piece that the deadline cut short count too.
        "epochs": 0 if traditional else max((r.fidelity for r in trial.results), default=0),
        "best_epoch": 0 if traditional else int(last.get("best_epoch", 0)),
        "ensemble_weight": weights.get(trial.number, 0.0),
        "origin": trial.origin,
        "seconds": sum(r.seconds for r in trial.results),
        "n_parameters": int(last.get("n_parameters", 0)),
        "state": _state(fitted, trial),
    }


def _family(fitted: Fitted, trial: Trial) -> Any:
    return values(trial.configuration).get("network", fitted.search_space.defaults.get("network"))


def _state(fitted: Fitted, trial: Trial) -> str:
    if trial.failure is not None:
        return "failed"
    whole = 1 if fitted.search_space.is_traditional(trial.configuration) else fitted.max_epochs
    if trial.fidelity >= whole:
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
    """Describe the ensemble as text, the heaviest member first; its hyperparameters by what they belong to."""
    roles = {name: role for role, names in split_by_role(fitted.space).items() for name in names}
    lines = []
    for member in sorted(fitted.ensemble.members, key=lambda m: -m.weight):
        trial = fitted.history.trials[member.trial]
        lines.append(
            f"{member.weight:.3f}  trial {member.trial}: {_models(fitted, trial, member)}, "
            f"validation loss {fitted.losses[member.trial]:.5g}"
        )
        grouped: dict[str, list[str]] = {}
        for name, value in values(trial.configuration).items():
            if name != "network":
                told = f"{value:.4g}" if isinstance(value, float) else str(value)
                own = name.removeprefix(f"{_family(fitted, trial)}:")
                grouped.setdefault(roles.get(name, "other"), []).append(f"{own}={told}")
        for role, words in sorted(grouped.items()):
            lines += _WRAP.wrap(f"{role}: {', '.join(words)}")
    return "\n".join(lines)


def _models(fitted: Fitted, trial: Trial, member: Ensembled) -> str:
    n_models, family = sum(len(stack.scales) for stack in member.networks), _family(fitted, trial)
    learnt = " trained on all rows" if member.on_all_rows else ""
    if fitted.search_space.is_traditional(trial.configuration):
        return f"{family}, {n_models} traditional model(s){learnt}"
    n_parameters = sum(p.numel() for stack in member.networks for p in stack.network.parameters()) // n_models
    return f"{family}, {n_models} network(s){learnt}, {n_parameters:,} parameters each"
