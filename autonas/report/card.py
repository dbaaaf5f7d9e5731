"""A model card: what a fitted estimator is, what it was made from, how well it does, and what it cannot do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from autonas._assembling import Validated
from autonas._fitting import Fitted
from autonas._progress import in_words
from autonas._results import leaderboard
from autonas._stored import environment_of
from autonas.spaces import values
from autonas.training.data import TableSchema

__all__ = ["write_card"]

#: What only people know of a model. It stands in the card so that they see that it is missing.
_TO_WRITE = "*To be written by the model's maker.*"


def write_card(
    path: str | Path,
    fitted: Fitted,
    params: Mapping[str, Any],
    labels: Any = None,
    scores: Mapping[str, float] | None = None,
) -> Path:
    """Write the card of a fit; see :meth:`AutoNASClassifier.model_card`.

    Parameters
    ----------
    path : str or Path
        The Markdown file.
    fitted : Fitted
    params : mapping
        The estimator's parameters that are not at their defaults.
    labels : ndarray, optional
        The classes.
    scores : mapping of str to float, optional
        Measured on data that the fit never saw.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without skops.
    """
    try:
        from skops.card import Card  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError(f"A model card is written by skops ({error}): pip install 'autonas[report]'.") from error
    card = Card(model=None, template=None, model_diagram=False)
    about = "Model card"
    card.add(**{about: _summary(fitted), f"{about}/Intended use": _TO_WRITE, f"{about}/Data": _data(fitted, labels)})
    if scores:
        tested = "On data that the fit never saw, as given by the model's maker.\n\n" + _table(_as_table(scores))
    else:
        tested = f"{_TO_WRITE} Only rows that the fit never saw tell how good it is."
    card.add(**{f"{about}/Scores on test data": tested})
    if fitted.validated is not None:
        found = _scores(fitted.validated, fitted.decision.decide if fitted.n_classes else None)
        told = (
            f"On the {len(fitted.validated.target):,} validation rows{_before(fitted)}. These also chose the "
            "configurations, the ensemble and its calibration: expect a little less on new data.\n\n"
            f"{_table(_as_table(found))}"
        )
        card.add(**{f"{about}/Scores on validation data": told})
    members = f"What predicts: {_prediction(fitted)}\n\n{_table(_members(fitted))}"
    card.add(**{f"{about}/Members": members})
    card.add(**{f"{about}/Limits": "\n".join(f"- {limit}" for limit in _limits(fitted))})
    card.add(**{f"{about}/How it was made": _table(_circumstances(fitted, params))})
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    card.save(file)
    return file


def _summary(fitted: Fitted) -> str:
    task = f"A classifier of {fitted.n_classes} classes" if fitted.n_classes else "A regressor"
    return (
        f"{task}: an ensemble of {len(fitted.ensemble.members)} trial(s) that AutoNAS found among "
        f"{len(fitted.history.trials)}, by the validation metric `{fitted.metric.name}`. The best of them: "
        f"{in_words(values(fitted.best.configuration))}."
    )


def _data(fitted: Fitted, labels: Any) -> str:
    schema = fitted.schema
    lines = []
    record = fitted.run_dir / "fit.json"
    if record.exists():
        n_rows = json.loads(record.read_text(encoding="utf-8"))["n_rows"]
        lines.append(f"{n_rows:,} rows to learn from and to validate by (equal ones counted once).")
    if isinstance(schema, TableSchema):
        kinds = Counter(column.kind for column in schema.columns_)
        told = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        lines.append(f"A table of {len(schema.columns_)} columns: {told}.")
        if schema.dropped_:
            dropped = ", ".join(f"{name!r} ({why})" for name, why in schema.dropped_.items())
            lines.append(f"Not read, since they told nothing: {dropped}.")
    else:
        lines.append(f"Images of {schema.height} x {schema.width} pixels, {schema.channels} channel(s).")
    if labels is not None:
        shown = ", ".join(map(str, labels[:20]))
        lines.append(f"Classes: {shown}{', ...' if len(labels) > 20 else ''}.")
    return " ".join(lines) + f" Where they come from, and whom they describe: {_TO_WRITE}"


def _scores(validated: Validated, decide: Any) -> dict[str, float]:
    y, said, weight = validated.target, validated.predictions, validated.weight
    if decide is None:
        return {
            "root mean squared error": metrics.root_mean_squared_error(y, said, sample_weight=weight),
            "mean absolute error": metrics.mean_absolute_error(y, said, sample_weight=weight),
            "R2": metrics.r2_score(y, said, sample_weight=weight),
        }
    decided, codes = decide(said), np.arange(said.shape[1])
    found = {
        "accuracy": metrics.accuracy_score(y, decided, sample_weight=weight),
        "balanced accuracy": metrics.balanced_accuracy_score(y, decided, sample_weight=weight),
        "log loss": metrics.log_loss(y, said, labels=codes, sample_weight=weight),
    }
    if len(np.unique(y)) == len(codes):
        auc = {"y_score": said[:, 1]} if len(codes) == 2 else {"y_score": said, "multi_class": "ovr", "labels": codes}
        found["ROC AUC" + ("" if len(codes) == 2 else ", one against the rest")] = metrics.roc_auc_score(
            y, **auc, sample_weight=weight
        )
    return found


def _table(frame: pd.DataFrame) -> str:
    """Write a table in Markdown: skops, asked to add one, puts all the sections' names into its title."""
    rows: list[list[Any]] = [list(frame), ["---"] * frame.shape[1], *frame.to_numpy(dtype=object).tolist()]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)


def _as_table(scores: Mapping[str, float]) -> pd.DataFrame:
    table: pd.DataFrame = pd.DataFrame({"score": list(scores), "value": [f"{value:.4g}" for value in scores.values()]})
    return table


def _before(fitted: Fitted) -> str:
    n = fitted.ensemble.n_on_all_rows
    return f", before {n} of {len(fitted.ensemble.members)} members were trained anew on these, too" if n else ""


def _prediction(fitted: Fitted) -> str:
    how = "the weighted mean of the members' predictions"
    if fitted.n_classes:
        how += f", then a temperature of {fitted.ensemble.temperature.value:.3g}"
        if (fitted.decision.weights != 1).any():
            how += "; the class is chosen by weights that were tuned for the metric"
    return how + "."


def _members(fitted: Fitted) -> pd.DataFrame:
    board = leaderboard(fitted)
    chosen = board[board["ensemble_weight"] > 0].sort_values("ensemble_weight", ascending=False)
    names = ["trial", "network", "kind", "ensemble_weight", "loss", "best_epoch", "n_parameters"]
    shown: pd.DataFrame = chosen[names].round({"ensemble_weight": 3, "loss": 5}).reset_index(drop=True)
    return shown


def _limits(fitted: Fitted) -> list[str]:
    limits = []
    if isinstance(fitted.schema, TableSchema):
        limits.append(
            "It reads the columns of training, in their order; a category that it never saw counts as missing or rare."
        )
        limits.append(
            "Numbers far outside the range of training say little to it: they are scaled, and mostly squeezed."
        )
    else:
        limits.append(
            "Images of another size are resized; such that look otherwise than those of training may mislead it."
        )
    if fitted.n_classes:
        limits.append(
            "Its probabilities are calibrated for data like those of training, with the same shares of classes."
        )
    else:
        limits.append("It never predicts outside the range of the targets that it saw.")
    failed = sum(trial.failure is not None for trial in fitted.history.trials)
    if failed:
        limits.append(f"{failed} of {len(fitted.history.trials)} trials failed; `failures()` says why.")
    if not fitted.finished:
        limits.append("The search had not ended: this is its best trial by then.")
    limits.append(f"Fairness, and what a wrong prediction costs, were not looked at. {_TO_WRITE}")
    return limits


def _circumstances(fitted: Fitted, params: Mapping[str, Any]) -> pd.DataFrame:
    environment = dict(fitted.environment or environment_of(fitted.device))
    record = fitted.run_dir / "fit.json"
    seed = json.loads(record.read_text(encoding="utf-8"))["seed"] if record.exists() else "not known any more"
    rows = {**params, "seed of the run": seed, "seconds of search": round(fitted.history.wall_seconds), **environment}
    table: pd.DataFrame = pd.DataFrame({"what": list(rows), "value": [str(value)[:200] for value in rows.values()]})
    return table
