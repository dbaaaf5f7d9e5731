"""What the report says."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autonas import _run_plots as plots
from autonas._fitting import Fitted
from autonas._prediction_plots import plot_confusion, plot_reliability, plot_residuals
from autonas._progress import as_known, in_words, named
from autonas._results import describe_members, leaderboard
from autonas._stored import environment_of
from autonas.report.architecture import cell_section, configuration_of, network_section
from autonas.report.checklist import answers, of_run
from autonas.report.page import figure, page, paragraph, section, table
from autonas.spaces import split_by_role, values

__all__ = ["write_report"]

#: Trials that the leaderboard lists.
TOP = 25
#: Samples of the validation rows, for an interval of the score; each of at most so many rows.
RESAMPLES, MOST_ROWS = 200, 2_000


def write_report(
    path: str | Path, fitted: Fitted, params: Mapping[str, Any], labels: Any = None, title: str = "AutoNAS report"
) -> Path:
    """Write the report of a fit.

    Parameters
    ----------
    path : str or Path
        The HTML file.
    fitted : Fitted
    params : mapping
        The estimator's parameters that are not at their defaults.
    labels : ndarray, optional
        The classes.
    title : str

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    try:
        import matplotlib as mpl  # noqa: F401, PLC0415
    except ImportError as error:
        raise ImportError("The report draws with matplotlib: pip install 'autonas[plots]'") from error
    board = leaderboard(fitted)
    ylabel = "validation " + fitted.metric.name.removeprefix("neg_").replace("_", " ")
    if not fitted.metric.name.startswith("neg_"):
        ylabel += " (negative)"
    parts = [
        _summary(fitted, board),
        _best_trials(fitted, board),
        _front(fitted, ylabel),
        _search(fitted, ylabel),
        _hyperparameters(fitted, ylabel),
        _validation(fitted, labels),
        network_section(fitted),
        cell_section(fitted),
        _failures(fitted),
        _circumstances(fitted, params),
        _practices(fitted),
    ]
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(title, [part for part in parts if part]), encoding="utf-8")
    return file


def _summary(fitted: Fitted, board: pd.DataFrame) -> str:
    history, best = fitted.history, fitted.best
    task = f"classification into {fitted.n_classes} classes" if fitted.n_classes else "regression"
    families = fitted.search_space.families
    states = board["state"].value_counts()
    told = ", ".join(f"{states[state]} {state}" for state in ("complete", "stopped", "failed") if state in states)
    searched = (
        f"{len(history.trials)} configurations ({told}) of a space of {len(fitted.space)} hyperparameters and "
        f"{len(families)} network famil{'y' if len(families) == 1 else 'ies'} ({', '.join(families)}) were tried for "
        f"{task}, in {history.wall_seconds:.0f} seconds of search; the longest training has {fitted.max_epochs} epochs."
    )
    won = (
        f"The best is trial {best.number}, proposed by {_origin(best.origin)}: {in_words(values(best.configuration))}. "
        f"It has a validation {named(fitted.metric.name, fitted.losses[best.number])}."
    )
    others = sorted(loss for number, loss in fitted.losses.items() if number != best.number)
    if others:
        won += f" The next best has {named(fitted.metric.name, others[0])}."
    default = history.trials[0]
    if default.number in fitted.losses and default.origin == "default" and default.number != best.number:
        won += f" The preset's tuned default has {named(fitted.metric.name, fitted.losses[0])}."
    n = len(fitted.ensemble.members)
    predicts = "It predicts alone." if n == 1 else f"An ensemble of {n} trials predicts."
    unfinished = "" if fitted.finished else "The search had not ended when this was written."
    return section(
        "In words",
        paragraph(searched),
        paragraph(f"{won} {predicts} {unfinished}".strip()),
        paragraph(_how_sure(fitted)),
    )


def _origin(origin: str) -> str:
    return {
        "default": "the preset, as its default",
        "initial": "you",
        "random": "chance",
        "portfolio": "the portfolio",
        "mutation": "mutating one that was good",
        "recombination": "recombining two of the front",
    }.get(origin, f"the sampler {origin!r}")


def _how_sure(fitted: Fitted) -> str:
    validated = fitted.validated
    if validated is None:
        return ""
    n = len(validated.target)
    loss = fitted.metric.loss(validated.target, validated.predictions, validated.weight)
    if not math.isfinite(loss):
        return f"It was judged by {n:,} validation rows."
    ensemble = fitted.ensemble
    what = "the ensemble as the search left it" if ensemble.n_on_all_rows else "what predicts"
    text = f"How sure: {what} has a {named(fitted.metric.name, loss)} on the {n:,} validation rows"
    interval = _interval(fitted)
    if interval is not None:
        low, high = sorted(as_known(fitted.metric.name, x) for x in interval)
        text += (
            f" (with as many other rows of the same kind it would be between {low:.4g} and {high:.4g} 9 times in 10)"
        )
    text += ". These rows also chose the configurations and the ensemble, so expect a little less on new data: only "
    text += "rows that the search never saw tell how much."
    if ensemble.n_on_all_rows:
        whole = f"{ensemble.n_on_all_rows} of its {len(ensemble.members)} members"
        text += f" Then {whole} learnt anew, from all rows, these too: what that gains only such rows tell as well."
    return text


def _interval(fitted: Fitted) -> tuple[float, float] | None:
    """Bootstrap the loss over the validation rows."""
    validated = fitted.validated
    assert validated is not None
    rng = np.random.default_rng(0)
    n = len(validated.target)
    size = min(n, MOST_ROWS)
    losses = []
    for _ in range(RESAMPLES if n <= MOST_ROWS or fitted.metric.by_row is not None else RESAMPLES // 4):
        rows = rng.integers(0, n, size)
        weight = None if validated.weight is None else validated.weight[rows]
        try:
            losses.append(fitted.metric.loss(validated.target[rows], validated.predictions[rows], weight))
        except ValueError:  # a scorer that needs every class, say
            continue
    if len(losses) < RESAMPLES // 8 or not np.isfinite(losses).all():
        return None
    # Fewer rows than there are spread more than all of them would.
    middle, spread = float(np.mean(losses)), math.sqrt(size / n)
    low, high = np.quantile(losses, [0.05, 0.95])
    return middle + (float(low) - middle) * spread, middle + (float(high) - middle) * spread


def _best_trials(fitted: Fitted, board: pd.DataFrame) -> str:
    names = {"ensemble_weight": "weight", "best_epoch": "best epoch", "n_parameters": "parameters"}
    shown = board.reset_index().head(TOP).rename(columns=names)
    if (board["kind"] == "network").all():
        shown = shown.drop(columns="kind")
    rest = f"{len(board) - TOP} more are not shown." if len(board) > TOP else ""
    described = html.escape(describe_members(fitted))
    members = f"<details><summary>The ensemble's configurations</summary><pre>{described}</pre></details>"
    return section("Leaderboard", table(shown), paragraph(rest, quiet=True) if rest else "", members)


def _front(fitted: Fitted, ylabel: str) -> str:
    history = fitted.history
    if not history.objectives:
        return ""
    front = history.pareto_front()
    networks = [str(values(configuration_of(fitted, int(n))).get("network", "")) for n in front["trial"]]
    front.insert(1, "network", networks)
    about = (
        f"Trials that no other beats in the loss without losing in {' or '.join(history.objectives)}. "
        "get_pareto_front() gives a fitted estimator for each."
    )
    drawn = [
        figure(
            partial(plots.plot_pareto_front, history, name, ylabel=ylabel),
            f"Every result by its loss and its {name.replace('_', ' ')}; joined: the trials on the front.",
        )
        for name in history.objectives
    ]
    return section("Pareto front", paragraph(about), '<div class="figures">', *drawn, "</div>", table(front))


def _search(fitted: Fitted, ylabel: str) -> str:
    history = fitted.history
    n_random = sum(t.origin == "random" for t in history.trials)
    caption = "The best loss so far, against the time that trainings took. "
    if n_random:
        caption += (
            f"Dashed: the run's own {n_random} random trials, as if only these had been trained one after the other; "
            "no other run was made for it."
        )
    else:
        caption += "None of the run's trials was random, so there is nothing to compare with."
    curves = (
        "Validation loss by epoch, a line a trial: darker the higher the rung that it reached. Curves that leave the "
        "picture got far worse than they had been."
    )
    return section(
        "The search",
        '<div class="figures">',
        figure(lambda ax: plots.plot_performance(history, ax, ylabel=ylabel), caption),
        figure(lambda ax: plots.plot_learning_curves(history, ax, ylabel=ylabel), curves),
        "</div>",
        _rungs(fitted),
    )


def _rungs(fitted: Fitted) -> str:
    rows: dict[int, list[float]] = {}
    for trial in fitted.history.trials:
        for fidelity, loss in trial.losses.items():
            if math.isfinite(loss):
                rows.setdefault(fidelity, []).append(loss)
    return table(
        pd.DataFrame(
            [
                {
                    "epochs": fidelity,
                    "trials": len(losses),
                    "best loss": min(losses),
                    "median loss": float(np.median(losses)),
                }
                for fidelity, losses in sorted(rows.items())
            ],
            columns=["epochs", "trials", "best loss", "median loss"],
        )
    )


def _hyperparameters(fitted: Fitted, ylabel: str) -> str:
    history = fitted.history
    title = "What mattered"
    overall = plots.hyperparameter_importance(history)
    if not overall:
        least = plots.LEAST_TRIALS
        return section(
            title, paragraph(f"Fewer than {least} trials at one rung, or equal losses: too few to tell.", quiet=True)
        )
    roles = {name: role for role, names in split_by_role(history.space).items() for name in names}
    drawn = [
        figure(
            lambda ax: plots.plot_importance(overall, ax, roles=roles),
            "How much of the variance of the loss each shared hyperparameter explains (Optuna's fANOVA).",
        )
    ]
    family = str(values(fitted.best.configuration).get("network", ""))
    own = plots.hyperparameter_importance(history, network=family) if family else {}
    if own:
        drawn.append(
            figure(
                lambda ax: plots.plot_importance(own, ax, roles=roles),
                f"The same among the trials of {family}, the best family. {_share_of_architecture(own, roles)}",
            )
        )
    names, n_trials = _shared(fitted, overall)
    parallel = figure(
        lambda ax: plots.plot_parallel_coordinates(history, names, ax, ylabel=ylabel),
        f"Each of the {n_trials} trials that have them all as a line through its values of the most important "
        "hyperparameters: the bluer, the better.",
        (9.6, 3.8),
    )
    return section(title, '<div class="figures">', *drawn, "</div>", parallel)


def _shared(fitted: Fitted, importance: Mapping[str, float], most: int = 6) -> tuple[list[str], int]:
    """Choose the most important hyperparameters that at least half of the trials have together; also count these."""
    names: list[str] = []
    left = [values(trial.configuration) for trial in fitted.history.trials]
    least = len(left) / 2
    for name in importance:
        having = [configuration for configuration in left if name in configuration]
        if len(having) >= least and len(names) < most:
            names, left = [*names, name], having
    return names, len(left)


def _share_of_architecture(importance: Mapping[str, float], roles: Mapping[str, str]) -> str:
    share = sum(value for name, value in importance.items() if roles.get(name) == "architecture")
    return f"Together its architecture explains {share:.0%}."


def _validation(fitted: Fitted, labels: Any) -> str:
    validated = fitted.validated
    if validated is None:
        return ""
    target, said = validated.target, validated.predictions
    drawings: list[tuple[Callable[[Any], Any], str]]
    if fitted.n_classes:
        decided = fitted.decision.decide(said)
        names = range(fitted.n_classes) if labels is None else labels
        drawings = [
            (
                lambda ax: plot_confusion(target, decided, names, ax),
                "True against predicted classes, in percent.",
            ),
            (
                lambda ax: plot_reliability(target, said, ax, labels=names),
                "How often predictions are right against the probability that they claim; calibrated on these rows.",
            ),
        ]
    else:
        drawings = [(lambda ax: plot_residuals(target, said, ax), "Predicted against true numbers.")]
    figures = [figure(draw, caption, (4.8, 4.2)) for draw, caption in drawings]
    about = f"What the result says of the {len(target):,} rows that it was validated by and not trained on."
    return section("Validation predictions", paragraph(about), '<div class="figures">', *figures, "</div>")


def _failures(fitted: Fitted) -> str:
    failures = fitted.history.failures()
    if failures.empty:
        return section("Failures", paragraph("No trial failed."))
    first = failures["traceback"].iloc[0]
    example = f"<details><summary>Where the first came from</summary><pre>{html.escape(str(first))}</pre></details>"
    return section("Failures", table(failures[["cause", "count", "trial"]]), example)


def _circumstances(fitted: Fitted, params: Mapping[str, Any]) -> str:
    record = fitted.run_dir / "fit.json"
    seed = json.loads(record.read_text())["seed"] if record.exists() else "not known any more"
    environment = dict(fitted.environment or environment_of(fitted.device))
    rows = [
        *({"what": f"{name} =", "value": str(value)[:200]} for name, value in params.items()),
        {"what": "metric", "value": fitted.metric.name},
        {"what": "seed of the run", "value": str(seed)},
        *({"what": name, "value": str(value)} for name, value in environment.items()),
    ]
    return section("Settings, seed and environment", table(pd.DataFrame(rows)))


def _practices(fitted: Fitted) -> str:
    try:
        found = of_run(fitted.run_dir, fitted.history)
    except (ValueError, OSError):  # the run's folder is gone, or is another machine's
        return ""
    rows = [{"best practice": a.question, "answer": a.answer, "why": a.why} for a in answers(found)]
    about = (
        "The checklist of Lindauer and Hutter (2019), as far as this run's record can answer it. Not known means that "
        "the record does not show it: say yourself what was done."
    )
    return section("NAS best practices", paragraph(about, quiet=True), table(pd.DataFrame(rows)))
