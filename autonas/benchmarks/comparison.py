"""What the runs of several optimizers say: means with standard errors, ranks, differences from a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from autonas.benchmarks._markdown import markdown_table, number

__all__ = ["SHARES", "by_benchmark", "curve_at", "markdown", "ranks_over_budget", "summarize"]

#: Of the budget, where optimizers are ranked.
SHARES = (0.25, 0.5, 1.0)


def summarize(runs: Sequence[Mapping[str, Any]], baseline: str = "random") -> pd.DataFrame:
    """Sum runs up by optimizer.

    Parameters
    ----------
    runs : sequence of mapping
        With ``optimizer``, ``benchmark``, ``seed``, ``regret`` and ``area``.
    baseline : str, default="random"
        The optimizer that all others are compared with, run for run of the same benchmark and seed.

    Returns
    -------
    DataFrame
        One row an optimizer, the lowest mean regret first. ``regret``, ``area``, ``rank`` (of the regret
        among the optimizers, where all of them ran) and ``difference`` (of the regret from the baseline's)
        are means over the benchmarks of the means over the seeds. The columns ending in ``_se`` are their
        standard errors over seeds, the benchmarks being what they are. ``better``, ``worse``: pairs of runs;
        ``p``: of Wilcoxon's signed-rank test over the pairs, two-sided; ``runs``: how many.
    """
    table = pd.DataFrame(runs)
    cells = ["benchmark", "seed"]
    regrets = table.pivot_table(index=cells, columns="optimizer", values="regret", sort=False)
    areas = table.pivot_table(index=cells, columns="optimizer", values="area", sort=False)
    ranks = regrets.dropna().rank(axis=1)
    rows = {}
    for name in regrets.columns:
        row: dict[str, Any] = {}
        for column, values in (("regret", regrets[name]), ("area", areas[name]), ("rank", ranks[name])):
            row[column], row[f"{column}_se"] = _mean_and_error(values.dropna())
        if name != baseline and baseline in regrets:
            difference = (regrets[name] - regrets[baseline]).dropna()
            row["difference"], row["difference_se"] = _mean_and_error(difference)
            row["better"], row["worse"] = int((difference < 0).sum()), int((difference > 0).sum())
            row["p"] = _signed_rank(difference.to_numpy())
        row["runs"] = int(regrets[name].notna().sum())
        rows[name] = row
    summary = pd.DataFrame.from_dict(rows, orient="index").rename_axis("optimizer")
    ordered: pd.DataFrame = summary.sort_values("regret")
    return ordered


def by_benchmark(runs: Sequence[Mapping[str, Any]], value: str = "regret") -> pd.DataFrame:
    """Compute the mean over seeds, and its standard error, of each optimizer on each benchmark.

    Parameters
    ----------
    runs : sequence of mapping
        As for :func:`summarize`.
    value : {"regret", "area"}

    Returns
    -------
    DataFrame
        One row a benchmark and optimizer: ``mean``, ``se``, ``runs``.
    """
    groups = pd.DataFrame(runs).groupby(["benchmark", "optimizer"], sort=False)[value]
    table: pd.DataFrame = pd.DataFrame({"mean": groups.mean(), "se": groups.sem(), "runs": groups.count()})
    return table


def curve_at(curve: Sequence[Sequence[float]], places: Any) -> np.ndarray[Any, Any]:
    """Read a step curve; it is 1 before its first point.

    Parameters
    ----------
    curve : sequence of (float, float)
        Places in order, and the value from each on.
    places : array-like of float

    Returns
    -------
    ndarray of the shape of ``places``

    Examples
    --------
    >>> curve_at([(1, 0.5), (3, 0.1)], [0.9, 1, 2, 5]).tolist()
    [1.0, 0.5, 0.5, 0.1]
    """
    at, values = np.array([p for p, _ in curve]), np.array([1.0, *(v for _, v in curve)])
    # A place that was rounded when it was stored still counts as reached.
    found: np.ndarray[Any, Any] = values[np.searchsorted(at, np.asarray(places) + 1e-6, side="right")]
    return found


def ranks_over_budget(runs: Sequence[Mapping[str, Any]], shares: Sequence[float] = SHARES) -> pd.DataFrame:
    """Rank the optimizers by regret at shares of the budget, where all of them ran.

    Parameters
    ----------
    runs : sequence of mapping
        As for :func:`summarize`, with ``curve`` and ``budget``.
    shares : sequence of float

    Returns
    -------
    DataFrame
        One row an optimizer, one column a share: the mean over the benchmarks of the mean ranks over the seeds.
    """
    table = pd.DataFrame([{k: run[k] for k in ("optimizer", "benchmark", "seed")} for run in runs])
    cells = ["benchmark", "seed"]
    ranks = {}
    for share in shares:
        table["regret"] = [float(curve_at(run["curve"], share * run["budget"])) for run in runs]
        regrets = table.pivot_table(index=cells, columns="optimizer", values="regret", sort=False).dropna()
        ranks[share] = regrets.rank(axis=1).groupby("benchmark").mean().mean()
    found: pd.DataFrame = pd.DataFrame(ranks).rename_axis("optimizer")
    return found


def markdown(runs: Sequence[Mapping[str, Any]], baseline: str = "random") -> str:
    """Write tables: by optimizer, by optimizer and benchmark, and ranks over the budget where curves are known.

    Parameters
    ----------
    runs : sequence of mapping
        As for :func:`summarize`.
    baseline : str, default="random"

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    summary = summarize(runs, baseline)
    rows = []
    for name, row in summary.iterrows():
        means = [
            number(row[column], digits, row[f"{column}_se"])
            for column, digits in (("regret", 4), ("area", 4), ("rank", 2))
        ]
        paired = ["", "", ""]
        if name != baseline and np.isfinite(row.get("difference", np.nan)):
            counts = f"{row['better']:.0f} : {row['worse']:.0f}"
            paired = [number(row["difference"], 4, row["difference_se"]), counts, f"{row['p']:.2g}"]
        rows.append([str(name), *means, *paired, f"{row['runs']:.0f}"])
    difference = f"difference from {baseline}"
    header = ["optimizer", "regret", "area", "mean rank", difference, "better : worse", "p", "runs"]

    table = by_benchmark(runs)
    optimizers = [str(name) for name in summary.index]
    details = []
    for benchmark in table.index.unique("benchmark"):
        means, errors = (table.loc[benchmark][c].reindex(optimizers) for c in ("mean", "se"))
        cells = [number(m, 4, e, bold=m == means.min()) for m, e in zip(means, errors, strict=True)]
        details.append([str(benchmark), *cells])
    tables = [markdown_table(header, rows), markdown_table(["regret", *optimizers], details)]
    if all("curve" in run for run in runs):
        ranks = ranks_over_budget(runs).reindex(optimizers)
        header = ["mean rank at", *(f"{100 * share:.0f} %" for share in ranks.columns)]
        tables.append(markdown_table(header, [[o, *(f"{r:.2f}" for r in row)] for o, row in ranks.iterrows()]))
    return "\n\n".join(tables)


def _mean_and_error(values: pd.Series) -> tuple[float, float]:
    """Average over benchmarks; the standard error is that over seeds, NaN where a benchmark has one only."""
    groups = values.groupby("benchmark")
    errors = groups.sem().to_numpy()
    return float(groups.mean().mean()), float(np.sqrt((errors**2).sum()) / max(1, len(errors)))


def _signed_rank(differences: np.ndarray[Any, Any]) -> float:
    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0
