"""What the runs of several estimators say: means, ranks, normalized scores, who beats whom, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from autonas.benchmarks._markdown import markdown_table, number

__all__ = ["LOSS", "SCORE", "Measure", "losses", "markdown", "mean_ranks", "normalized_scores", "sign_test"]

#: Cores that others may take before a run counts as disturbed: the harness itself takes a few hundredths.
QUIET = 0.25


@dataclass(frozen=True)
class Measure:
    """What is measured: one thing of classes, its counterpart of numbers.

    Attributes
    ----------
    title : str
    classification, regression : str
        Keys of a run.
    largest : bool
        Whether more is better.
    """

    title: str
    classification: str
    regression: str
    largest: bool


LOSS = Measure("log loss, or RMSE", "log_loss", "rmse", largest=False)
SCORE = Measure("accuracy, or R2", "accuracy", "r2", largest=True)


def losses(runs: Sequence[Mapping[str, Any]], measure: Measure) -> pd.DataFrame:
    """Put a measure of all runs into a table.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.estimators.compare_estimators`, all with the same limit.
    measure : Measure

    Returns
    -------
    DataFrame
        One row a data set and seed, one column a system. The smaller the better: a measure of which more is
        better has its sign changed. A run that failed has infinity, one that was not made NaN.
    """
    values = pd.DataFrame(
        {
            "dataset": [run["dataset"] for run in runs],
            "seed": [run["seed"] for run in runs],
            "system": [run["system"] for run in runs],
            "loss": [_loss(run, measure) for run in runs],
        }
    )
    table = values.pivot_table(index=["dataset", "seed"], columns="system", values="loss", sort=False)
    ordered: pd.DataFrame = table[list(dict.fromkeys(values["system"]))]
    return ordered


def _loss(run: Mapping[str, Any], measure: Measure) -> float:
    value = run.get(measure.regression if run["task"] == "regression" else measure.classification)
    if run["status"] != "ok" or value is None or not np.isfinite(value):
        return np.inf
    return -float(value) if measure.largest else float(value)


def mean_ranks(table: pd.DataFrame) -> pd.Series:
    """Rank the systems on each split, and average over the seeds, then over the data sets.

    Parameters
    ----------
    table : DataFrame
        As of :func:`losses`. Splits that a system has not run are left out.

    Returns
    -------
    Series
        Of each system; 1 is the best, equals share their places, and so do those that failed, who come last.
    """
    return _mean(table.dropna().rank(axis=1))


def normalized_scores(table: pd.DataFrame) -> pd.Series:
    """Scale the losses of each split from the median system (0) to the best (1), and average as ranks are.

    This is the normalized score of TabRepo (Salinas and Erickson 2024) and TabArena (Erickson et al. 2025): what
    is worse than the median has 0.

    Parameters
    ----------
    table : DataFrame
        As of :func:`losses`. Splits that a system has not run are left out.

    Returns
    -------
    Series
        Of each system, from 0 to 1. A run that failed has 0, and counts for the median as the worst of the others.
    """
    complete = table.dropna()
    finite = complete.where(np.isfinite(complete))
    filled = finite.T.fillna(finite.max(axis=1)).T
    best = filled.min(axis=1)
    scores = 1 - filled.sub(best, axis=0).div(filled.median(axis=1) - best, axis=0)
    # 0 / 0: as good as the best, where the median is too.
    return _mean(scores.fillna(1).clip(0, 1).where(finite.notna(), 0.0))


def _mean(values: pd.DataFrame) -> pd.Series:
    mean: pd.Series = values.groupby("dataset", sort=False).mean().mean()
    return mean


def sign_test(table: pd.DataFrame, ours: str, other: str) -> tuple[int, int, int, float]:
    """Count the data sets on which one system is better than another, by the mean over the seeds that both ran.

    Parameters
    ----------
    table : DataFrame
        As of :func:`losses`. Who failed from a seed is behind on that data set.
    ours, other : str

    Returns
    -------
    better, equal, worse : int
    p : float
        Of the sign test, two-sided, equals left out (Demsar 2006, section 3.1.4): data sets whose losses have
        different units are counted, not added up.
    """
    means = table[[ours, other]].dropna().groupby("dataset").mean()
    better, worse = (int(side.sum()) for side in (means[ours] < means[other], means[ours] > means[other]))
    p = float(binomtest(better, better + worse).pvalue) if better + worse else 1.0
    return better, len(means) - better - worse, worse, p


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write tables, for each limit: the two measures by data set and summed up, the costs, and what went wrong.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.estimators.compare_estimators`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    parts = []
    for seconds in dict.fromkeys(run["seconds"] for run in runs):
        alike = [run for run in runs if run["seconds"] == seconds]
        networks = [name for name in dict.fromkeys(run["system"] for run in alike) if _is_network(alike, name)]
        for measure in (LOSS, SCORE):
            table = losses(alike, measure)
            parts.append(_by_dataset(table, measure, seconds))
            parts.append(_summary(table, measure, networks))
        parts.append(_costs(alike, seconds))
        parts += _trials(alike, seconds)
    return "\n\n".join([*parts, *_failures(runs), _load(runs)])


def _is_network(runs: Sequence[Mapping[str, Any]], system: str) -> bool:
    return any(run["network"] for run in runs if run["system"] == system)


def _by_dataset(table: pd.DataFrame, measure: Measure, seconds: float) -> str:
    rows = []
    for dataset, values in table.groupby("dataset", sort=False):
        means = values.where(np.isfinite(values)).mean()
        cells = []
        for system, mean in means.items():
            made, failed = values[system].notna().sum(), np.isinf(values[system]).sum()
            value = _rounded(-mean if measure.largest else mean, bold=mean == means.min())
            cells.append(f"{value} ({failed} of {made} failed)" if value and failed else "failed" if failed else value)
        rows.append([str(dataset), *cells])
    return markdown_table([f"{measure.title} ({seconds:g} s)", *table.columns], rows)


def _rounded(value: float, *, bold: bool) -> str:
    """Write four digits after the point, or fewer where there are several before it."""
    before = len(str(int(abs(value)))) if np.isfinite(value) else 1
    return number(value, max(0, 5 - before), bold=bold)


def _summary(table: pd.DataFrame, measure: Measure, networks: Sequence[str]) -> str:
    """One row a system, the best mean rank first; each is compared with AutoNAS as it comes."""
    ours = "autonas"
    ranks, among, scores = mean_ranks(table), mean_ranks(table.dropna()[list(networks)]), normalized_scores(table)
    splits = table.dropna().index
    header = [
        f"{measure.title}: {len(splits.unique('dataset'))} data sets, {len(splits)} splits",
        *("mean rank", "among networks", "normalized score"),
        *(["autonas better : equal : worse", "p"] if ours in table else []),
    ]
    rows = []
    for system in ranks.sort_values(kind="stable").index:
        row = [system, number(ranks[system], 2), number(among.get(system, np.nan), 2), number(scores[system], 3)]
        if ours in table and system != ours:
            better, equal, worse, p = sign_test(table, ours, system)
            row += [f"{better} : {equal} : {worse}", f"{p:.2g}"]
        rows.append([*row, *[""] * (len(header) - len(row))])
    return markdown_table(header, rows)


def _costs(runs: Sequence[Mapping[str, Any]], seconds: float) -> str:
    columns = ["fit_s", "predict_s_per_1k", "model_mb", "peak_pss_mb", "honours_budget"]
    table = pd.DataFrame(runs).reindex(columns=["system", "status", *columns])
    rows = []
    for system, made in table.groupby("system", sort=False):
        limited = made["honours_budget"].dropna()
        rows.append(
            [
                str(system),
                "" if limited.empty else "yes" if limited.all() else "no",
                *(number(value, 1) for value in (made["fit_s"].median(), made["fit_s"].max())),
                number(1000 * made["predict_s_per_1k"].median(), 1),
                number(made["model_mb"].median(), 2),
                number(made["peak_pss_mb"].max(), 0),
                f"{len(made)} ({(made['status'] != 'ok').sum()} failed)",
            ]
        )
    header = ["has a limit", "fit, median s", "fit, longest s", "predict 1,000 rows, median ms", "model, median MB"]
    return markdown_table([f"costs ({seconds:g} s)", *header, "memory, largest MB", "runs"], rows)


def _trials(runs: Sequence[Mapping[str, Any]], seconds: float) -> list[str]:
    """One row a data set: trials trained to the end, in a minute of ``fit``, and all; of systems that tell."""
    told = [
        {
            "dataset": run["dataset"],
            "system": run["system"],
            "minutes": run["fit_s"] / 60,
            **{key: run["info"][key] for key in ("complete", "runs")},
        }
        for run in runs
        if run["status"] == "ok" and {"complete", "runs"} <= set(run.get("info") or ())
    ]
    if not told:
        return []
    sums = pd.DataFrame(told).groupby(["dataset", "system"], sort=False).sum()
    systems = list(dict.fromkeys(run["system"] for run in told))
    rows = []
    for dataset in dict.fromkeys(run["dataset"] for run in told):
        counts = [sums.loc[(dataset, name)] if (dataset, name) in sums.index else None for name in systems]
        rates = ["" if c is None else _rates(c) for c in counts]
        rows.append([str(dataset), *rates])
    return [markdown_table([f"trials a minute, trained to the end (all) ({seconds:g} s)", *systems], rows)]


def _rates(counts: pd.Series) -> str:
    complete, every = (number(counts[name] / counts["minutes"], 1) for name in ("complete", "runs"))
    return f"{complete} ({every})"


def _failures(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = [run for run in runs if run["status"] != "ok"]
    lines = [
        f"- {run['system']} on {run['dataset']}, seed {run['seed']}, {run['seconds']:g} s: {run['status']}, "
        f"{str(run.get('error', 'no reason given'))[:200]}"
        for run in failed
    ]
    return ["\n".join(lines)] if lines else []


def _load(runs: Sequence[Mapping[str, Any]]) -> str:
    taken = pd.DataFrame(runs).reindex(columns=["others_cores"])["others_cores"].dropna()
    if taken.empty:
        return "How busy the machine was is not known."
    text = f"Other processes took {taken.median():.2f} cores (median over the runs; most: {taken.max():.2f})."
    disturbed = int((taken > QUIET).sum())
    if not disturbed:
        return text
    return f"**The machine was not quiet** in {disturbed} of {len(taken)} runs (more than {QUIET} cores). {text}"
