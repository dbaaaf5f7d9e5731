"""The checklist of best practices for research on NAS, of a run or of a comparison of optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autonas.benchmarks._markdown import markdown_table
from autonas.benchmarks._runs import read_results
from autonas.benchmarks.tables import TABLES
from autonas.report.checklist import NO, UNKNOWN, YES, Answer, Found, answers, of_run

__all__ = ["Answer", "checklist", "markdown"]


def checklist(run: str | Path) -> list[Answer]:
    """Answer the NAS best-practices checklist [1]_ from a record.

    Parameters
    ----------
    run : str or Path
        The ``run_dir`` of a search or a fit; or a file of results of ``python -m autonas benchmark optimizers``,
        which can say more: a run by itself compares nothing.

    Returns
    -------
    list of Answer
        One a point. What the record does not show is ``"not known"``: it may well have been done.

    Raises
    ------
    FileNotFoundError
        If there is nothing at that place.
    ValueError
        If it holds no record.

    References
    ----------
    .. [1] M. Lindauer and F. Hutter. Best Practices for Scientific Research on Neural Architecture Search. JMLR 21,
       2020 (arXiv:1909.02453, 2019), Section 5 and the checklist of version 1.0.
    """
    run = Path(run)
    if not run.exists():
        raise FileNotFoundError(f"There is no run at {str(run)!r}: pass what was run_dir, or a file of results.")
    return answers(of_run(run) if run.is_dir() else _of_comparison(run))


def markdown(answered: Sequence[Answer]) -> str:
    """Write answers as a table."""
    counts = ", ".join(f"{sum(a.answer == kind for a in answered)} {kind}" for kind in (YES, NO, UNKNOWN))
    table = markdown_table(["best practice", "answer", "why"], [[a.question, a.answer, a.why] for a in answered])
    return f"{table}\n\n{counts}. Not known means that the record does not show it; say yourself what was done."


def _of_comparison(path: Path) -> Found:
    runs = [r for r in read_results(path) if {"optimizer", "benchmark", "seed", "budget", "curve"} <= r.keys()]
    if not runs:
        raise ValueError(f"{str(path)!r} holds no results of `python -m autonas benchmark optimizers`.")
    optimizers, names, seeds = ({r[key] for r in runs} for key in ("optimizer", "benchmark", "seed"))
    cells: dict[str, set[tuple[Any, ...]]] = {o: set() for o in optimizers}
    for r in runs:
        cells[r["optimizer"]].add((r["benchmark"], r["seed"], r["budget"], r.get("noisy")))
    same = len({frozenset(mine) for mine in cells.values()}) == 1
    several = len(optimizers) > 1
    listed = f"{len(optimizers)} optimizers, {len(names)} benchmarks, {len(seeds)} seeds"
    found: Found = {
        "over_time": (YES, "each run has its curve of regret over spent fidelity"),
        "random_search": (YES, "random search is among the optimizers") if "random" in optimizers
        else (NO, "random search is not among the optimizers"),
    }  # fmt: skip
    if several:
        found["same_benchmark"] = (
            (YES, f"the same benchmarks, seeds and budgets for all: {listed}")
            if same
            else (NO, f"not every optimizer has run on the same benchmarks, seeds and budgets: {listed}")
        )
        found["protocol"] = found["same_benchmark"]
    fewest = min(
        len({seed for b, seed, *_ in mine if b == name}) for mine in cells.values() for name in {m[0] for m in mine}
    )
    found["repeated"] = (
        (YES, f"at least {fewest} seeds for each optimizer and benchmark: {', '.join(map(str, sorted(seeds)))}")
        if fewest > 1
        else (NO, "some optimizer has one seed on some benchmark")
    )
    if names <= set(TABLES):
        found["benchmarks"] = YES, ", ".join(sorted(names))
        found["space"] = YES, "the benchmarks' own spaces"
    if all("simulated" in r for r in runs):
        found["end_to_end"] = YES, "seconds of each search, and simulated seconds of its trainings"
    return found
