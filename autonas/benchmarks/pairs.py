"""Optimizers of ours against their references: pair by pair, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from autonas.benchmarks._markdown import markdown_table, number

__all__ = ["DEFAULT_PAIRS", "EVERYWHERE", "Pair", "compare_pairs", "markdown", "parse_pair"]

EVERYWHERE = "all"
"""Stands where the name of a benchmark would, for all of them together."""
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Pair:
    """An optimizer of ours and what it is compared with."""

    ours: str
    reference: str


DEFAULT_PAIRS = (
    Pair("bohb", "ref:hpbandster_bohb"),
    Pair("smac", "ref:smac_hyperband"),
    Pair("tpe", "ref:optuna_tpe_hyperband"),
    Pair("hyperband", "ref:hpbandster_hyperband"),
    Pair("dehb", "ref:dehb"),
    Pair("random", "ref:random"),
)
"""The presets, each with the implementation that it should be no worse than."""


def parse_pair(text: str) -> Pair:
    """Read ``"ours=reference"``.

    Raises
    ------
    ValueError
        If there is no name on either side.

    Examples
    --------
    >>> parse_pair("smac=ref:smac_hyperband")
    Pair(ours='smac', reference='ref:smac_hyperband')
    """
    ours, _, reference = text.partition("=")
    if not ours or not reference:
        raise ValueError(f"The pair {text!r} must be OURS=REFERENCE, as in bohb=ref:hpbandster_bohb.")
    return Pair(ours, reference)


def compare_pairs(
    runs: Sequence[Mapping[str, Any]], pairs: Sequence[Pair] = DEFAULT_PAIRS, value: str = "regret"
) -> pd.DataFrame:
    """Compare the two of each pair, run for run of the same benchmark and seed.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.optimizers.compare_optimizers`.
    pairs : sequence of Pair
        One of which a member has not run is left out.
    value : {"regret", "area"}

    Returns
    -------
    DataFrame
        For each pair one row of all benchmarks together (:data:`EVERYWHERE`), then one a benchmark: ``ours`` and
        ``reference``, the means over the benchmarks of the means over the seeds that both ran; ``difference`` between
        them and ``difference_se``, its standard error over seeds; ``better``, ``worse``: runs of ours; ``p``: of
        Wilcoxon's signed-rank test over (benchmark, seed), two-sided; ``verdict``: ``"ours ahead"`` or ``"reference
        ahead"`` where p is below 0.05, else ``"no significant difference"``; ``runs``: how many of each. Indexed by
        ``pair`` (``"ours=reference"``) and ``benchmark``.

    Notes
    -----
    Benchmarks with one space see the same random draws from one seed, so their runs are not independent: with few
    seeds the ``p`` over all benchmarks is too small.
    """
    rows: dict[tuple[str, str], list[Any]] = {}
    if runs:
        table = pd.DataFrame(runs).pivot_table(
            index=["benchmark", "seed"], columns="optimizer", values=value, sort=False
        )
        for pair in pairs:
            if pair.ours in table and pair.reference in table:
                both = table[[pair.ours, pair.reference]].dropna()
                name = f"{pair.ours}={pair.reference}"
                if len(both):
                    rows[name, EVERYWHERE] = _row(both)
                for benchmark, mine in both.groupby("benchmark", sort=False):
                    rows[name, str(benchmark)] = _row(mine)
    found: pd.DataFrame = pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS)
    found.index = pd.MultiIndex.from_tuples(rows, names=["pair", "benchmark"])
    return found


_COLUMNS = ["ours", "reference", "difference", "difference_se", "better", "worse", "p", "verdict", "runs"]


def _row(both: pd.DataFrame) -> list[Any]:
    means = both.groupby("benchmark").mean()
    difference = both.iloc[:, 0] - both.iloc[:, 1]
    errors = difference.groupby("benchmark").sem().to_numpy()
    p, ahead = _signed_rank(difference.to_numpy())
    verdict = "no significant difference"
    if p < _SIGNIFICANT:
        verdict = "ours ahead" if ahead else "reference ahead"
    return [
        *means.mean().tolist(),
        float(difference.groupby("benchmark").mean().mean()),
        float(np.sqrt((errors**2).sum()) / len(errors)),
        int((difference < 0).sum()),
        int((difference > 0).sum()),
        p,
        verdict,
        len(both),
    ]


def _signed_rank(differences: np.ndarray[Any, Any]) -> tuple[float, bool]:
    """Test for a shift, two-sided; and say whether it would be downwards."""
    if not np.any(differences):
        return 1.0, False
    return float(wilcoxon(differences).pvalue), bool(wilcoxon(differences, alternative="less").pvalue < 0.5)


def markdown(runs: Sequence[Mapping[str, Any]], pairs: Sequence[Pair] = DEFAULT_PAIRS) -> str:
    """Write tables: each pair over all benchmarks, by regret and by area; and by regret on each benchmark.

    Parameters
    ----------
    runs : sequence of mapping
        As for :func:`compare_pairs`.
    pairs : sequence of Pair

    Returns
    -------
    str
    """
    regrets, areas = compare_pairs(runs, pairs), compare_pairs(runs, pairs, "area")
    if regrets.empty:
        return "No pair of which both have run."
    header = ["ours", "reference", "difference", "better : worse", "p", "verdict", "pairs of runs"]
    parts = []
    for value, table in (("regret", regrets), ("area", areas)):
        whole = table.xs(EVERYWHERE, level="benchmark")
        rows = [[*str(name).split("="), *_cells(row)] for name, row in whole.iterrows()]
        parts.append(markdown_table([value, "against", *header], rows))
    for pair in regrets.index.unique("pair"):
        rows = [[str(where), *_cells(row)] for where, row in regrets.loc[pair].iterrows() if where != EVERYWHERE]
        parts.append(markdown_table([" against ".join(pair.split("=")), *header], rows))
    return "\n\n".join(parts)


def _cells(row: pd.Series) -> list[str]:
    return [
        number(row["ours"], 4),
        number(row["reference"], 4),
        number(row["difference"], 4, row["difference_se"]),
        f"{row['better']} : {row['worse']}",
        f"{row['p']:.2g}",
        str(row["verdict"]),
        str(row["runs"]),
    ]
