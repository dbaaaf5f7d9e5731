"""Drawings of a search and of what its result says; :mod:`autonas.plots` is where they are looked for."""

# ruff: noqa: PLC0415  matplotlib is slow to import, and not everybody has it

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autonas.optimization import RunHistory, Trial
from autonas.spaces import values

__all__ = [
    "hyperparameter_importance",
    "plot_importance",
    "plot_learning_curves",
    "plot_parallel_coordinates",
    "plot_pareto_front",
    "plot_performance",
]

#: Told apart on white and on black, and with any kind of colour vision.
BLUE, ORANGE, GREEN, GREY = "#2f86d6", "#d97706", "#23967a", "#8c8c8c"
#: Colours of what a hyperparameter belongs to.
_ROLES = {"architecture": ORANGE, "training": BLUE, "preprocessing": GREEN}
#: More lines than this are drawn as pixels, not as shapes.
_SHAPES = 60
#: Trials that an importance needs at least.
LEAST_TRIALS = 10


def new_axes(ax: Any, figsize: tuple[float, float] = (6.4, 3.6)) -> Any:
    """Take the axes given, or make some."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError("Plots need matplotlib, which is not installed: pip install matplotlib") from error
    return plt.subplots(figsize=figsize, layout="constrained")[1]


def plain(ax: Any) -> Any:
    """Take away what frames the axes above and to the right."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_performance(history: RunHistory, ax: Any = None, *, ylabel: str = "validation loss") -> Any:
    """Draw the best loss against the time spent: of all trials, and of the run's own random trials alone.

    The random curve is what the random proposals of this very run would have come to if only they had been trained, one
    after the other: a comparison that costs nothing, of few trials where few were random.

    Parameters
    ----------
    history : RunHistory
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.
    ylabel : str

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    ax = new_axes(ax)
    for label, colour, style, chosen in (
        ("all trials", BLUE, "-", lambda _: True),
        ("its random trials alone", ORANGE, "--", lambda trial: trial.origin == "random"),
    ):
        seconds, best = _best_over_time([t for t in history.trials if chosen(t)])
        if seconds:
            n = sum(chosen(t) for t in history.trials)
            ax.step(seconds, best, where="post", color=colour, linestyle=style, label=f"{label} ({n})")
    ax.set(xlabel="seconds of training", ylabel=ylabel)
    if ax.lines:
        ax.legend(frameon=False, loc="upper right")
        every = np.concatenate([line.get_ydata() for line in ax.lines])
        # What the first trials were worth would flatten all that follows.
        low, high = every.min(), np.quantile(every, 0.95)
        ax.set_ylim(low - 0.05 * (high - low or 1), high + 0.1 * (high - low or 1))
    return plain(ax)


def _best_over_time(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    spent, best = 0.0, math.inf
    seconds, losses = [], []
    for result in sorted((r for t in trials for r in t.results), key=lambda r: r.told):
        spent += result.seconds
        best = min(best, result.loss)
        if math.isfinite(best):
            seconds.append(spent)
            losses.append(best)
    return seconds, losses


def plot_pareto_front(history: RunHistory, objective: str, ax: Any = None, *, ylabel: str = "validation loss") -> Any:
    """Draw the loss of each trial against one of the search's objectives; those on the front are joined.

    Parameters
    ----------
    history : RunHistory
        Of a search with ``objectives``. With more than one, a trial may be on the front for the sake of another.
    objective : str
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.
    ylabel : str

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If no trial has such a number.
    """
    front = history.pareto_front(list(dict.fromkeys([*history.objectives, objective]))).sort_values(objective)
    ax = new_axes(ax)
    results = [r for t in history.trials for r in t.results if math.isfinite(r.loss) and objective in r.info]
    x, y = [float(r.info[objective]) for r in results], [r.loss for r in results]
    ax.scatter(x, y, s=14, color=GREY, alpha=0.6, linewidths=0, label="tried", rasterized=len(x) > 500)
    ax.plot(front[objective], front["loss"], color=BLUE, marker="o", markersize=5, label="on the front")
    if min(x) > 0 and max(x) > 20 * min(x):
        ax.set_xscale("log")
    # What the worst were worth would flatten the front.
    low, high = min(y), max(np.quantile(y, 0.9), front["loss"].max())
    ax.set(xlabel=objective.replace("_", " "), ylabel=ylabel)
    ax.set_ylim(low - 0.05 * (high - low or 1), high + 0.1 * (high - low or 1))
    ax.legend(frameon=False, loc="upper right")
    return plain(ax)


def plot_learning_curves(history: RunHistory, ax: Any = None, *, ylabel: str = "validation loss") -> Any:
    """Draw each trial's validation loss by epoch, darker the higher the rung that it got to; the best one stands out.

    Parameters
    ----------
    history : RunHistory
        Of an estimator: the curves are what its trainer reports.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.
    ylabel : str

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes(ax)
    from matplotlib.collections import LineCollection

    curves = {}
    for trial in history.trials:
        info = next((r.info for r in reversed(trial.results) if r.info.get("curve")), None)
        # Of a traditional model the curve counts rounds, not epochs.
        if info is not None and max(info["curve_epochs"]) <= history.max_fidelity:
            curves[trial.number] = np.c_[info["curve_epochs"], info["curve"]]
    reached = {n: history.trials[n].fidelity for n in curves}
    for fidelity in sorted(set(reached.values())):
        lines = [curves[n] for n in curves if reached[n] == fidelity]
        depth = 0.25 + 0.5 * fidelity / history.max_fidelity
        collection = LineCollection(lines, colors=GREY, alpha=depth, linewidths=0.8)
        collection.set_rasterized(len(curves) > _SHAPES)
        ax.add_collection(collection)
    if curves:
        best = min(curves, key=lambda n: (curves[n][:, 1].min(), n))
        ax.plot(*curves[best].T, color=BLUE, linewidth=2, marker="o", markersize=3, label=f"trial {best}, the best")
        # What those come to that get worse again would leave no room for the others.
        lowest = [np.nanmin(curve[:, 1]) for curve in curves.values()]
        low, high = min(lowest), max(np.nanquantile(lowest, 0.9), np.nanmax(curves[best][:, 1]))
        ax.set_ylim(low - 0.05 * (high - low or 1), high + 0.2 * (high - low or 1))
        ax.set_xlim(0, max(curve[-1, 0] for curve in curves.values()) * 1.02)
        ax.legend(frameon=False, loc="upper right")
    ax.set(xlabel="epoch", ylabel=ylabel)
    return plain(ax)


def hyperparameter_importance(history: RunHistory, *, network: str | None = None, seed: int = 0) -> dict[str, float]:
    """Say how much of the losses' variance each hyperparameter explains, by Optuna's fANOVA.

    Hutter, Hoos and Leyton-Brown (2014), "An Efficient Approach for Assessing Hyperparameter Importance". Compared are
    the losses at the rung that most trials have passed: losses of different rungs are not alike. Where a hyperparameter
    is not active, it counts with its default.

    Parameters
    ----------
    history : RunHistory
    network : str, optional
        Only the trials of this family, its own hyperparameters among the others. Default: all trials, and the
        hyperparameters that belong to no family.
    seed : int
        Of the forest.

    Returns
    -------
    dict of str to float
        The most important first; they sum to 1. Empty with fewer than ten trials, or equal losses.
    """
    trials = [t for t in history.trials if network in (None, values(t.configuration).get("network"))]
    rungs = Counter(f for t in trials for f, loss in t.losses.items() if math.isfinite(loss))
    if not rungs or max(rungs.values()) < LEAST_TRIALS:
        return {}
    rung = max(rungs, key=lambda f: (rungs[f], -f))
    trials = [t for t in trials if math.isfinite(t.losses.get(rung, math.inf))]
    losses = {t.number: t.losses[rung] for t in trials}
    if min(losses.values()) == max(losses.values()):
        return {}
    # Outliers among the losses would have all the variance.
    limit = float(np.quantile([*losses.values()], 0.9))
    return _fanova(history, {t.number: losses[t.number] for t in trials if losses[t.number] <= limit}, network, seed)


def _fanova(history: RunHistory, losses: Mapping[int, float], network: str | None, seed: int) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    from autonas.optimization._optuna import distribution, parameter, quiet

    vectors = {number: history.trials[number].configuration.get_array() for number in losses}
    active = np.asarray(np.isfinite(np.stack([*vectors.values()])).any(axis=0))
    kept = {
        name: (place, hp, distribution(hp))
        for place, (name, hp) in enumerate(history.space.items())
        if active[place] and (":" not in name or name.startswith(f"{network}:"))
    }
    with quiet():
        study = optuna.create_study()
        for number, loss in losses.items():
            native, params = values(history.trials[number].configuration), {}
            for name, (place, hp, of) in kept.items():
                vector = vectors[number][place]
                value = native.get(name, hp.default_value)
                params[name] = parameter(of, value, hp.to_vector(value) if math.isnan(vector) else vector)
            distributions = {name: of for name, (_, _, of) in kept.items()}
            study.add_trial(optuna.create_trial(params=params, distributions=distributions, value=loss))
        # Eight splits deep a tree has nearly all that matters, and takes half the time of a full one.
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed, n_trees=32, max_depth=8))
    return {name: float(share) for name, share in found.items()}


def plot_importance(
    importance: Mapping[str, float], ax: Any = None, *, most: int = 12, roles: Mapping[str, str] | None = None
) -> Any:
    """Draw importances as bars.

    Parameters
    ----------
    importance : mapping of str to float
        As of :func:`hyperparameter_importance`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.
    most : int, default=12
        Bars at most.
    roles : mapping of str to str, optional
        What each hyperparameter belongs to, as ``"architecture"``: told by colours, with a legend.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes(ax)
    shown = sorted(importance.items(), key=lambda item: -item[1])[:most]
    names, heights = [name for name, _ in shown], [share for _, share in shown]
    belong = ["training" if roles is None else roles.get(name, "other") for name in names]
    bars = ax.barh(names, heights, color=[_ROLES.get(role, GREY) for role in belong])
    if roles is not None:
        kinds = list(dict.fromkeys(belong))
        ax.legend([bars[belong.index(kind)] for kind in kinds], kinds, frameon=False, loc="lower right")
    ax.invert_yaxis()
    ax.set(xlabel="share of the variance of the loss")
    return plain(ax)


def plot_parallel_coordinates(
    history: RunHistory, names: Sequence[str], ax: Any = None, *, ylabel: str = "validation loss"
) -> Any:
    """Draw each trial as a line through its hyperparameters' values to its loss; the better, the bluer.

    Parameters
    ----------
    history : RunHistory
    names : sequence of str
        Hyperparameters. A trial for which one is not active is left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.
    ylabel : str

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes(ax)
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    place = {name: i for i, name in enumerate(history.space)}
    if unknown := [name for name in names if name not in place]:
        raise ValueError(
            f"names has {unknown[0]!r}, which is no hyperparameter of the run's space: {', '.join(place)}."
        )
    rows = []
    for trial in history.trials:
        losses = [r.loss for r in trial.results if math.isfinite(r.loss)]
        vector = trial.configuration.get_array()
        if losses and not any(math.isnan(vector[place[name]]) for name in names):
            rows.append([*(_height(history.space[name], vector[place[name]]) for name in names), min(losses)])
    table = np.array(rows).reshape(len(rows), len(names) + 1)
    order = np.argsort(-table[:, -1], kind="stable")
    ranks = np.empty(len(table))
    ranks[order] = np.arange(len(table)) / max(len(table) - 1, 1)
    # By rank: a few bad losses would leave no room for the others.
    lines = [np.c_[np.arange(len(names) + 1), [*row[:-1], rank]] for row, rank in zip(table, ranks, strict=True)]
    colours = LinearSegmentedColormap.from_list("good", [ORANGE, "#a8a8a8", BLUE])(ranks)
    collection = LineCollection(
        [lines[i] for i in order], colors=[colours[i] for i in order], linewidths=0.9, alpha=0.75
    )
    collection.set_rasterized(len(lines) > _SHAPES)
    ax.add_collection(collection)
    ax.set(xlim=(-0.1, len(names) + 0.1), ylim=(-0.05, 1.05), yticks=[])
    ax.set_xticks(range(len(names) + 1), [*(_wrapped(name) for name in names), f"{ylabel},\nby rank"])
    box = {"facecolor": ax.get_facecolor(), "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    for x, name in enumerate(names):
        ax.axvline(x, color=GREY, linewidth=0.8)
        for height, text in _marks(history.space[name]):
            ax.text(x + 0.03, height, text, fontsize=7, va="center", zorder=5, bbox=box)
    ax.axvline(len(names), color=GREY, linewidth=0.8)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _height(hp: Any, number: float) -> float:
    n = _n_values(hp)
    return number if n is None else number / max(n - 1, 1)


def _n_values(hp: Any) -> int | None:
    every = getattr(hp, "choices", None) or getattr(hp, "sequence", None)
    return None if every is None else len(every)


def _marks(hp: Any) -> list[tuple[float, str]]:
    every = getattr(hp, "choices", None) or getattr(hp, "sequence", None)
    if every is not None:
        return [(i / max(len(every) - 1, 1), str(value)[:16]) for i, value in enumerate(every)]
    if hasattr(hp, "lower"):
        return [(0.0, f"{hp.lower:.3g}"), (1.0, f"{hp.upper:.3g}")]
    return [(0.0, str(hp.default_value)[:16])]


def _wrapped(name: str) -> str:
    return name.replace(":", ":\n").replace("_", "\n", 1) if len(name) > 8 else name
