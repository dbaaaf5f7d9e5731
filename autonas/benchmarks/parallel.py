"""How many more trials several worker processes finish than one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect
from autonas.optimization import search

__all__ = ["Run", "markdown", "measure_workers", "run"]


@dataclass(frozen=True)
class Run:
    """What is run.

    Attributes
    ----------
    n_jobs : int
        Worker processes; also one of them is a process of its own.
    n_trials : int
    millions : int
        Of additions in each trial, all in Python: the same work whatever the machine.
    repeat : int
        Which time it is.
    """

    n_jobs: int
    n_trials: int = 40
    millions: int = 20
    repeat: int = 0


def run(what: Run) -> dict[str, Any]:
    """Search with objectives that do nothing but compute.

    Parameters
    ----------
    what : Run

    Returns
    -------
    dict
        ``took``: seconds of the search, the start of the processes among them; ``trials_per_minute``.
    """

    def work(configuration: Mapping[str, Any], _: int) -> float:
        total = 0
        for i in range(1_000_000 * what.millions):
            total += i
        return float(configuration["x"])

    space = ConfigurationSpace({"x": (0.0, 1.0)})
    # The limit, which is never met, makes a worker process where n_jobs is 1.
    options: dict[str, Any] = {"n_trials": what.n_trials, "n_jobs": what.n_jobs, "trial_time_limit": 3600}
    started = time.perf_counter()
    search(work, space, optimizer="asha", random_state=what.repeat, max_fidelity=1, **options)
    took = time.perf_counter() - started
    return {"took": round(took, 2), "trials_per_minute": round(60 * what.n_trials / took, 2)}


def measure_workers(
    out: str | Path,
    *,
    workers: Sequence[int] = (1, 2),
    trials: int = 40,
    millions: int = 20,
    repeats: int = 3,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Do the same work with several numbers of worker processes.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    workers : sequence of int
        Numbers of processes.
    trials, millions : int
        As of :class:`Run`.
    repeats : int, default=3
        Each number is measured so often, in turn.
    only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.
    """
    wanted = [Run(n, trials, millions, repeat) for repeat in range(repeats) for n in workers]
    return collect(
        out, wanted, run, describe=lambda r: f"{r['trials_per_minute']:.1f} a minute", only_read=only_read, say=say
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table, one row a number of workers: trials per minute, and their ratio to the first row's.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`measure_workers`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    rates: dict[int, list[float]] = {}
    for r in runs:
        rates.setdefault(r["n_jobs"], []).append(r["trials_per_minute"])
    means = {n: sum(found) / len(found) for n, found in rates.items()}
    first = next(iter(means.values()))
    rows = [
        [str(n), number(mean, 1), ", ".join(number(rate, 1) for rate in rates[n]), number(mean / first, 2)]
        for n, mean in means.items()
    ]
    return markdown_table(["worker processes", "trials a minute", "each time", "ratio"], rows)
