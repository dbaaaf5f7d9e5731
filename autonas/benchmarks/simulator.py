"""Many workers without any: what a search on 1 to 1,000 of them would find, in a simulated time.

The trainings are looked up in a benchmark, and each lasts as long as the benchmark says it did. The search is the
library's own (its loop, proposals, samplers and schedules); only its clock is not: it jumps from one event to the next,
as in the simulator of Syne Tune (Salinas et al. 2022, "Syne Tune: A Library for Large-Scale Hyperparameter Tuning and
Reproducible Research", Section 4). What the sampler itself takes does not count.
"""

from __future__ import annotations

import functools
import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autonas._names import check_names
from autonas.benchmarks._files import find_data
from autonas.benchmarks._markdown import markdown_table
from autonas.benchmarks._runs import collect
from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.optimizers import area_under, first_configuration, load, parse_optimizer, regrets
from autonas.benchmarks.tables import SHIPPED, TABLES
from autonas.optimization import RunHistory
from autonas.optimization._loop import Limits, Loop
from autonas.optimization.optimizers import resolve
from autonas.optimization.proposals import Proposals
from autonas.optimization.runners import Outcome, Task
from autonas.optimization.runners.task import run as call
from autonas.spaces import with_defaults

__all__ = [
    "DEFAULT_BENCHMARKS",
    "DEFAULT_OPTIMIZERS",
    "Run",
    "VirtualWorkers",
    "markdown",
    "run",
    "simulate",
    "training_seconds",
]

DEFAULT_OPTIMIZERS = tuple(
    f"{sampler}+{schedule}" for schedule in ("asha", "hyperband") for sampler in ("random", "kde", "tpe", "smac")
)
DEFAULT_BENCHMARKS = ("nasbench201:cifar10", "lcbench:126026")


@dataclass(frozen=True)
class Run:
    """What is run.

    Attributes
    ----------
    optimizer : str
        A name of :data:`~autonas.optimization.OPTIMIZERS`, or ``"sampler+schedule"``.
    benchmark : str
        A name of :data:`~autonas.benchmarks.TABLES`.
    workers : int
        Trainings side by side.
    seed : int
    trainings : float
        The simulated time, in units of :func:`training_seconds`.
    """

    optimizer: str
    benchmark: str
    workers: int
    seed: int
    trainings: float = 1.0


class VirtualWorkers:
    """Workers for a :class:`~autonas.optimization._loop.Loop` that take no time: their clock does what time would.

    Parameters
    ----------
    objective : callable
        Returns ``loss`` and ``cost``, the seconds of a training from its start; one that goes on costs what is new.
    n_workers : int
    limit : float
        Seconds at which all stop: what is not finished then never is.

    Attributes
    ----------
    now : float
        Simulated seconds since the beginning.
    worked : float
        Seconds in which a worker was busy, summed over the workers, up to the limit.
    """

    def __init__(self, objective: Callable[..., Any], n_workers: int, limit: float) -> None:
        self.now = 0.0
        self.worked = 0.0
        self._objective, self._n_workers, self._limit = objective, n_workers, limit
        self._running: list[tuple[float, int, Outcome]] = []
        self._paid: dict[int, float] = {}
        self._submitted = 0

    @property
    def free(self) -> bool:
        """True while a worker is."""
        return len(self._running) < self._n_workers

    @property
    def busy(self) -> bool:
        """True while any is."""
        return bool(self._running)

    def submit(self, task: Task) -> None:
        """Let a free worker begin."""
        outcome = call(self._objective, task)
        seconds = max(outcome.cost - self._paid.get(task.job.trial, 0.0), 0.0)
        self._paid[task.job.trial] = outcome.cost
        end = self.now + seconds
        self.worked += min(end, self._limit) - self.now
        heapq.heappush(self._running, (end, self._submitted, replace(outcome, seconds=seconds)))
        self._submitted += 1

    def wait(self) -> list[Outcome]:
        """Go on to when the next worker is done, or to the limit.

        The very first job is waited for in any case, as in a search by the clock, which never comes back with nothing.
        """
        end, _, outcome = heapq.heappop(self._running)
        if end > self._limit and self.now > 0:
            self.now = self._limit
            self._running.clear()
            return []
        self.now = end
        return [outcome]


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Simulate one search.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.load_benchmark`.

    Returns
    -------
    dict
        ``curve``: pairs of simulated seconds and the incumbent's normalized regret from then on; ``regret``: the last;
        ``area``: the mean over the time; ``use``: the share of the workers' time in which they worked; ``trials``;
        ``spent``: full trainings; ``limit`` and ``simulated``: seconds that there were and when the search ended, which
        is before that where a space is exhausted; ``seconds`` of this process.
    """
    benchmark = load(what.benchmark, data_dir)
    limit = what.trainings * training_seconds(benchmark)
    space = with_defaults(benchmark.space, first_configuration(benchmark, what.seed))
    fidelities = {
        "min_fidelity": benchmark.min_fidelity,
        "max_fidelity": benchmark.max_fidelity,
        "eta": benchmark.eta,
    }
    sampler, schedule, _ = resolve(parse_optimizer(what.optimizer), space, **fidelities)
    history = RunHistory(space, benchmark.max_fidelity)
    workers = VirtualWorkers(benchmark.objective, what.workers, limit)
    started = time.perf_counter()
    Loop(
        history=history,
        proposals=Proposals(space, sampler, (), what.seed, history.trials),
        schedule=schedule,
        runner=workers,
        limits=Limits(np.inf, limit, np.inf),
        clock=lambda: workers.now,
        started=0.0,
    ).run()
    pairs = zip(history.incumbents()["finished"].tolist(), regrets(benchmark, history), strict=True)
    curve = [(at, regret) for at, regret in pairs if at <= limit]
    ended = min(workers.now, limit)
    return {
        "regret": curve[-1][1] if curve else 1.0,
        "area": area_under(curve, limit),
        "use": round(workers.worked / (what.workers * ended), 6),
        "trials": len(history.trials),
        "spent": history.total_fidelity / benchmark.max_fidelity,
        "limit": limit,
        "simulated": ended,
        "seconds": round(time.perf_counter() - started, 3),
        "curve": [[round(at, 3), regret] for at, regret in curve],
    }


def training_seconds(benchmark: Benchmark) -> float:
    """Average the seconds of a full training over 100 configurations drawn at random, always the same.

    Parameters
    ----------
    benchmark : Benchmark

    Returns
    -------
    float
    """
    drawn = [first_configuration(benchmark, seed) for seed in range(100)]
    return float(np.mean([benchmark.evaluate(c, benchmark.max_fidelity, None)[1] for c in drawn]))


def simulate(
    out: str | Path,
    *,
    optimizers: Sequence[str] = DEFAULT_OPTIMIZERS,
    benchmarks: Sequence[str] = DEFAULT_BENCHMARKS,
    workers: Sequence[int] = (1, 10, 100, 1000),
    seeds: Sequence[int] = range(3),
    trainings: float = 1.0,
    jobs: int = 1,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Simulate all optimizers on all benchmarks with all numbers of workers.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    optimizers, benchmarks : sequence of str
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.
    workers : sequence of int
        Trainings side by side.
    seeds : sequence of int
    trainings : float, default=1
        The simulated time, in mean durations of a full training.
    jobs, data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.

    Raises
    ------
    ValueError
        If a name is unknown, or a number is not above 0.
    """
    check_names("benchmark", benchmarks, TABLES)
    for name in optimizers:
        parse_optimizer(name)
    if min(workers, default=1) < 1 or trainings <= 0:
        raise ValueError(f"`workers` is {list(workers)} and `trainings` is {trainings}, but all must be above 0.")
    if not SHIPPED.issuperset(benchmarks):
        find_data("nasbench", data_dir)
    return collect(
        out,
        [Run(o, b, n, seed, trainings) for seed in seeds for n in workers for b in benchmarks for o in optimizers],
        functools.partial(run, data_dir=data_dir),
        describe=lambda r: f"regret {r['regret']:.4f}, use {r['use']:.1%}, {r['trials']} trials, {r['seconds']:.1f} s",
        jobs=jobs,
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write two tables, a row a benchmark and optimizer, a column a number of workers: regret, and use of the workers.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`simulate`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    table = pd.DataFrame(runs)
    counts = sorted(table.workers.unique())
    parts = []
    for title, column, form in (("Regret at the end", "regret", "{:.4f}"), ("Use of the workers", "use", "{:.1%}")):
        means = table.pivot_table(index=["benchmark", "optimizer"], columns="workers", values=column, sort=False)
        rows = [
            [*map(str, names), *("" if np.isnan(row[n]) else form.format(row[n]) for n in counts)]
            for names, row in means.iterrows()
        ]
        header = ["benchmark", "optimizer", *(f"{n:,} workers" if n > 1 else "1 worker" for n in counts)]
        parts.append(f"{title}:\n\n{markdown_table(header, rows)}")
    return "\n\n".join(parts)
