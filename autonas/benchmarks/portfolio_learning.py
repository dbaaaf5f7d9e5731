"""A portfolio learnt from measured configurations, and judged on data sets that it was not learnt on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks.candidates import BASE, candidates
from autonas.benchmarks.portfolio import collect_portfolio
from autonas.benchmarks.portfolio_scores import Scores, scores_of
from autonas.benchmarks.standings import sign_test
from autonas.portfolio import LearntOn, Portfolio, greedy

__all__ = ["Learnt", "judge", "judge_portfolio", "learn", "learn_portfolio", "random_regrets"]

Array = npt.NDArray[Any]

SIZE = 32
#: A portfolio is judged after so many of its configurations; what is chosen is chosen for the first of the last.
STEPS = (1, 2, 4, 8, 16)
#: Infinite: features decide nothing. Tried in this order, and a later one must be better to be taken.
BANDWIDTHS = (math.inf, 2.0, 1.0, 0.7, 0.5, 0.35)
#: With fewer data sets nothing can be said of which are similar.
MIN_DATASETS = 5

HEADER = """\
Configurations that are tried after the default, learnt from {n_datasets} data sets: docs/benchmarks.md says how.
Written by `python -m autonas benchmark portfolio learn`. The order is that of a greedy choice with all data sets alike;
a search computes its own, in which similar data sets count more (autonas/portfolio.py). Of `losses`, in the order of
`configurations`, 0 is the best that was measured on a data set, and 1 is no better than the median."""


@dataclass(frozen=True)
class Learnt:
    """A portfolio, and how it came about.

    Attributes
    ----------
    portfolio : Portfolio
    places : tuple of int
        Which candidates its configurations are.
    gains : tuple of float
        By how much each lowered the mean over the data sets of the smallest loss so far.
    areas : mapping of float to float
        By bandwidth, the mean regret on data sets left out, or empty where there are too few to choose.
    """

    portfolio: Portfolio
    places: tuple[int, ...]
    gains: tuple[float, ...]
    areas: Mapping[float, float]

    def order(self, features: Mapping[str, float]) -> list[int]:
        """Give the candidates in the portfolio's order for a data set."""
        return [self.places[place] for place in self.portfolio.places(features)]


def learn(scores: Scores, *, size: int = SIZE, bandwidth: float | None = None) -> Learnt:
    """Choose a portfolio greedily, and how much similarity counts by leaving one data set out after the other.

    Parameters
    ----------
    scores : Scores
    size : int, default=32
        Configurations at most; fewer if no other lowers the mean over the data sets.
    bandwidth : float, optional
        Instead of the best of :data:`BANDWIDTHS`.

    Returns
    -------
    Learnt
    """
    n_datasets = len(scores.datasets)
    steps = greedy(scores.losses, scores.default, np.full(n_datasets, 1 / n_datasets))
    chosen = list(itertools.takewhile(lambda step: step[1] > 0, itertools.islice(steps, size)))
    places = tuple(place for place, _ in chosen)
    areas: dict[float, float] = {}
    if bandwidth is None:
        areas = _areas(scores, size) if n_datasets >= MIN_DATASETS else {}
        # Of equals the first: min() takes it.
        bandwidth = min(areas, key=lambda width: round(areas[width], 6)) if areas else math.inf
    losses, default = scores.losses.round(3), scores.default.round(3)
    portfolio = Portfolio(
        tuple({k: v for k, v in scores.configurations[i].items() if BASE.get(k) != v} for i in places),
        BASE,
        tuple(
            LearntOn(name, features, float(default[j]), tuple(losses[list(places), j].tolist()))
            for j, (name, features) in enumerate(zip(scores.datasets, scores.features, strict=True))
        ),
        bandwidth,
    )
    return Learnt(portfolio, places, tuple(gain for _, gain in chosen), areas)


def _areas(scores: Scores, size: int) -> dict[float, float]:
    """Average the regret on each data set of a portfolio learnt without it, by bandwidth."""
    regrets: dict[float, list[float]] = {width: [] for width in BANDWIDTHS}
    for left_out in range(len(scores.datasets)):
        learnt = learn(scores.without(left_out), size=size, bandwidth=math.inf)
        for width in BANDWIDTHS:
            portfolio = replace(learnt.portfolio, bandwidth=width)
            order = replace(learnt, portfolio=portfolio).order(scores.features[left_out])
            regrets[width].append(float(np.mean(_regrets(scores, left_out, order)[1:])))
    return {width: float(np.mean(values)) for width, values in regrets.items()}


def _regrets(scores: Scores, dataset: int, order: Sequence[int]) -> Array:
    """Follow the test loss of what is best by validation loss: of the default, then after one candidate, two, ..."""
    valid, test = scores.default_valid[dataset], scores.default_test[dataset]
    regrets = [test]
    for place in order[: STEPS[-1]]:
        if scores.valid[place, dataset] < valid:
            valid, test = scores.valid[place, dataset], scores.test[place, dataset]
        regrets.append(test)
    # After the last of a short portfolio nothing changes.
    return np.minimum(regrets + [test] * (STEPS[-1] + 1 - len(regrets)), 1)


def random_regrets(valid: Array, test: Array, default_valid: float, default_test: float) -> Array:
    """Compute the mean regret over all random orders of the candidates, exactly.

    Parameters
    ----------
    valid, test : ndarray of shape (n_candidates,)
        Losses on a data set. What is best by the first is judged by the second.
    default_valid, default_test : float
        The default's.

    Returns
    -------
    ndarray of shape (n_candidates + 1,)
        After no candidate, one, two, ...

    Examples
    --------
    >>> random_regrets(np.array([0.1, 0.9]), np.array([0.2, 0.8]), 0.5, 0.6).tolist()
    [0.6, 0.4, 0.2]
    """
    n = len(valid)
    order = np.argsort(valid, kind="stable")
    better = order[valid[order] < default_valid]
    regrets = []
    for k in range(n + 1):
        # The best of k without replacement is the one at place i where it is drawn, and none before it is.
        chances = [math.comb(n - 1 - i, k - 1) / math.comb(n, k) if k else 0.0 for i in range(len(better))]
        regrets.append(float(np.dot(chances, test[better]) + (1 - sum(chances)) * default_test))
    return np.array(regrets)


def judge(scores: Scores, *, size: int = SIZE) -> dict[str, pd.DataFrame]:
    """Learn a portfolio without each data set in turn, bandwidth and all, and see how it does there.

    Parameters
    ----------
    scores : Scores
    size : int, default=32
        Configurations at most.

    Returns
    -------
    dict of str to DataFrame
        ``"features"``: in the order of the data set's features; ``"static"``: the same portfolio as it was chosen;
        ``"listed"``: the candidates as they are listed, the most promising first as people see it; ``"random"``: all
        candidates in random order, on average. One row a data set, one column a number of
        configurations tried after the default, 0 to 16. Values are regrets: the normalized test loss, 1 at most, of
        what has the smallest validation loss so far.
    """
    rows: dict[str, list[Array]] = {"features": [], "static": [], "listed": [], "random": []}
    for left_out, features in enumerate(scores.features):
        learnt = learn(scores.without(left_out), size=size)
        rows["features"].append(_regrets(scores, left_out, learnt.order(features)))
        rows["static"].append(_regrets(scores, left_out, learnt.places))
        rows["listed"].append(_regrets(scores, left_out, range(len(scores.labels))))
        at_random = random_regrets(
            scores.valid[:, left_out],
            np.minimum(scores.test[:, left_out], 1),
            float(scores.default_valid[left_out]),
            min(float(scores.default_test[left_out]), 1.0),
        )
        at_random = np.pad(at_random, (0, STEPS[-1]), mode="edge")
        rows["random"].append(at_random[: STEPS[-1] + 1])
    index = pd.Index(scores.datasets, name="dataset")
    return {kind: pd.DataFrame(np.array(table), index=index) for kind, table in rows.items()}


# ---------------------------------------------------------------------------- what the command line calls


def learn_portfolio(
    out: str | Path,
    *,
    file: str | Path,
    size: int = SIZE,
    say: Callable[[str], None] = print,
    **options: Any,
) -> str:
    """Learn a portfolio from the runs in a file, and write it.

    Parameters
    ----------
    out : str or Path
        The runs' file.
    file : str or Path
        Where the portfolio goes.
    size : int, default=32
        Configurations at most.
    say, **options
        As for :func:`~autonas.benchmarks.portfolio.collect_portfolio`: which of the runs count.

    Returns
    -------
    str
        What was chosen, as tables.
    """
    scores = _read(out, say, **options)
    learnt = learn(scores, size=size)
    header = HEADER.format(n_datasets=len(scores.datasets))
    Path(file).write_text(learnt.portfolio.to_yaml(header), encoding="utf-8")
    say(f"The portfolio is in {file}.")
    return _learnt_markdown(scores, learnt)


def judge_portfolio(out: str | Path, *, size: int = SIZE, say: Callable[[str], None] = print, **options: Any) -> str:
    """Judge, from the runs in a file, what learning a portfolio is worth: see :func:`judge`.

    Parameters
    ----------
    out, size, say, **options
        As for :func:`learn_portfolio`.

    Returns
    -------
    str
        Tables.
    """
    return _judged_markdown(judge(_read(out, say, **options), size=size))


def _read(
    out: str | Path, say: Callable[[str], None], *, draws: int = 64, only: int | None = None, **options: Any
) -> Scores:
    runs = collect_portfolio(out, draws=draws, only=only, **{**options, "only_read": True})
    known = dict(list(candidates(draws).items())[:only])
    scores = scores_of(runs, known)
    missing = len(known) - 1 - len(scores.labels)
    if missing:
        say(f"{missing} of {len(known) - 1} candidates have not been run on all {len(scores.datasets)} data sets yet.")
    return scores


def _learnt_markdown(scores: Scores, learnt: Learnt) -> str:
    mean = float(scores.default.mean())
    rows = [["0", "the default", number(0, 4), number(mean, 4), number(1, 1)]]
    for step, (place, gain) in enumerate(zip(learnt.places, learnt.gains, strict=True), 1):
        mean -= gain
        name = scores.labels[place].partition("@")[0]
        rows.append([str(step), name, number(gain, 4), number(mean, 4), number(scores.costs[place], 1)])
    counts = f"{len(scores.datasets)} data sets, {len(scores.labels)} candidates"
    parts = [markdown_table(["step", counts, "gain", "mean loss after", "seconds, default = 1"], rows)]
    if learnt.areas:
        taken = learnt.portfolio.bandwidth
        header = ["bandwidth", *(f"{width:g}" for width in learnt.areas)]
        cells = [number(area, 4, bold=width == taken) for width, area in learnt.areas.items()]
        parts.append(markdown_table(header, [["mean regret on data sets left out", *cells]]))
    return "\n\n".join(parts)


def _judged_markdown(tables: Mapping[str, pd.DataFrame]) -> str:
    names = {
        "features": "ordered by features",
        "static": "static order",
        "listed": "ordered by hand",
        "random": "random candidates",
    }
    n_datasets = len(tables["static"])
    header = [f"mean regret, {n_datasets} data sets", "0", *map(str, STEPS), f"mean of 1 to {STEPS[-1]}"]
    areas = {kind: table.loc[:, 1:].mean(axis=1) for kind, table in tables.items()}
    means = [
        [names[kind], *(number(table[k].mean(), 4) for k in (0, *STEPS)), number(areas[kind].mean(), 4)]
        for kind, table in tables.items()
    ]
    tests = []
    for ours, other in itertools.combinations(names, 2):
        columns = [{kind: table[k] for kind, table in tables.items()} for k in STEPS]
        results = [sign_test(pd.DataFrame(column), ours, other) for column in (*columns, areas)]
        cells = [f"{better} : {equal} : {worse} ({p:.2g})" for better, equal, worse, p in results]
        tests.append([f"{names[ours]}, {names[other]}", "", *cells])
    by_dataset = [
        [str(dataset), *(number(areas[kind][dataset], 3, bold=areas[kind][dataset] == row.min()) for kind in tables)]
        for dataset, row in pd.DataFrame(areas).iterrows()
    ]
    return "\n\n".join(
        [
            markdown_table(header, means),
            markdown_table(["better : equal : worse (p)", *header[1:]], tests),
            markdown_table([header[-1], *(names[kind] for kind in tables)], by_dataset),
        ]
    )
