"""Optimizers against each other on benchmarks with known answers, at equal spent fidelity."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonas._names import check_names, unknown_name
from autonas.benchmarks._files import find_data
from autonas.benchmarks._runs import collect
from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.references import PREFIX, check_reference, search_with
from autonas.benchmarks.tables import DEFAULT_BENCHMARKS, SHIPPED, TABLES, load_benchmark
from autonas.optimization import OPTIMIZERS, SAMPLERS, SCHEDULES, RunHistory, search
from autonas.spaces import values, with_defaults

__all__ = [
    "DEFAULT_OPTIMIZERS",
    "Run",
    "area_under",
    "compare_optimizers",
    "first_configuration",
    "load",
    "parse_optimizer",
    "regret_curve",
    "regrets",
    "run",
]

#: Random search is always compared with.
BASELINE = "random"
DEFAULT_OPTIMIZERS = ("bohb", "smac", "tpe", "hyperband", BASELINE)

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Run:
    """What is run: one optimizer on one benchmark from one seed.

    Attributes
    ----------
    optimizer : str
        A name of :data:`~autonas.optimization.OPTIMIZERS`, ``"sampler+schedule"``, or a name of
        :data:`~autonas.benchmarks.references.REFERENCES`.
    benchmark : str
        A name of :data:`~autonas.benchmarks.TABLES`.
    seed : int
        Of the search. Its first trial is drawn from it too, the same for all optimizers of ours: a table has no
        tuned default. A reference begins as it likes.
    budget : float
        Full trainings that may be spent.
    noisy : bool
        Whether the optimizer sees one measured training, that of ``seed % n_seeds``, instead of the mean over
        the seeds.
    """

    optimizer: str
    benchmark: str
    seed: int
    budget: float = 40
    noisy: bool = False


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Search once, and judge how it went.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.load_benchmark`.

    Returns
    -------
    dict
        ``curve``: the incumbent's normalized regret over the full trainings spent, where it changes; ``times``:
        the simulated seconds of training at the same places; ``regret``: the last; ``area``: the mean over the
        budget; ``trials``, ``spent``, ``simulated`` (seconds of training in all) and ``seconds`` of this process.
    """
    benchmark = load(what.benchmark, data_dir)
    started = time.perf_counter()
    history = _search(benchmark.with_seed(what.seed) if what.noisy else benchmark, what)
    seconds = time.perf_counter() - started
    curve = regret_curve(benchmark, history)
    clock = _simulated(history)
    return {
        "regret": curve[-1][1],
        "area": area_under(curve, what.budget),
        "trials": len(history.trials),
        "spent": history.total_fidelity / benchmark.max_fidelity,
        "simulated": clock[-1][1],
        "seconds": round(seconds, 3),
        "curve": [[round(spent, 6), regret] for spent, regret in curve],
        "times": [next(t for spent, t in clock if spent == s) for s in history.incumbents()["total_fidelity"]],
    }


def _search(benchmark: Benchmark, what: Run) -> RunHistory:
    if what.optimizer.startswith(PREFIX):
        return search_with(what.optimizer, benchmark, budget=what.budget, seed=what.seed)
    return search(
        benchmark.objective,
        with_defaults(benchmark.space, first_configuration(benchmark, what.seed)),
        optimizer=parse_optimizer(what.optimizer),
        min_fidelity=benchmark.min_fidelity,
        max_fidelity=benchmark.max_fidelity,
        eta=benchmark.eta,
        max_total_fidelity=what.budget * benchmark.max_fidelity,
        random_state=what.seed,
    )


def _simulated(history: RunHistory) -> Curve:
    """Pair the fidelity spent with the seconds that the trainings would have taken, one after the other.

    A benchmark's cost is that of a training from its start; a trial that goes on pays for what is new.
    """
    results = [(result, trial.number) for trial in history.trials for result in trial.results]
    paid: dict[int, tuple[int, float]] = {}
    spent, seconds = 0, 0.0
    clock: Curve = []
    for result, trial in sorted(results, key=lambda pair: pair[0].told):
        # A reference may look at a lower fidelity after a higher one: that costs nothing.
        fidelity, cost = paid.get(trial, (0, 0.0))
        spent += max(result.fidelity - fidelity, 0)
        seconds += max(result.cost - cost, 0.0)
        paid[trial] = max(result.fidelity, fidelity), max(result.cost, cost)
        clock.append((spent, round(seconds, 3)))
    return clock


def first_configuration(benchmark: Benchmark, seed: int) -> dict[str, Any]:
    """Draw a configuration from a seed."""
    space = copy.deepcopy(benchmark.space)
    space.seed(seed)
    return values(space.sample_configuration())


def regret_curve(benchmark: Benchmark, history: RunHistory) -> Curve:
    """Follow the regret of the incumbent over the fidelity spent.

    The incumbent is the configuration with the lowest observed loss at the highest fidelity that any trial
    has completed so far. It is judged by its true loss at full fidelity, which the optimizer may not have
    seen.

    Parameters
    ----------
    benchmark : Benchmark
    history : RunHistory

    Returns
    -------
    list of (float, float)
        Full trainings spent when the incumbent changed, and the normalized regret from then on.
    """
    spent = (history.incumbents()["total_fidelity"] / benchmark.max_fidelity).tolist()
    return list(zip(spent, regrets(benchmark, history), strict=True))


def regrets(benchmark: Benchmark, history: RunHistory) -> list[float]:
    """Compute the normalized regret of each incumbent, see :func:`regret_curve`, one after the other."""
    return [benchmark.regret(values(history.trials[n].configuration)) for n in history.incumbents()["trial"]]


def area_under(curve: Curve, budget: float) -> float:
    """Average the regret over the budget; it is 1 until the first result.

    Parameters
    ----------
    curve : list of (float, float)
        As of :func:`regret_curve`.
    budget : float
        Full trainings: the end of the curve.

    Returns
    -------
    float

    Examples
    --------
    >>> area_under([(1, 0.5), (3, 0.1)], budget=4)
    0.525
    """
    points = [(0.0, 1.0), *curve]
    ends = [spent for spent, _ in curve] + [budget]
    return sum(regret * (end - begin) for (begin, regret), end in zip(points, ends, strict=True)) / budget


def compare_optimizers(
    out: str | Path,
    *,
    optimizers: Sequence[str] = DEFAULT_OPTIMIZERS,
    benchmarks: Sequence[str] = DEFAULT_BENCHMARKS,
    seeds: Sequence[int] = range(10),
    budget: float = 40,
    noisy: bool = False,
    jobs: int = 1,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Run all optimizers on all benchmarks from all seeds.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    optimizers : sequence of str
        Names of :data:`~autonas.optimization.OPTIMIZERS` or of :data:`~autonas.benchmarks.references.REFERENCES`, or
        ``"sampler+schedule"``; ``"random"`` is added.
    benchmarks : sequence of str
        Names of :data:`~autonas.benchmarks.TABLES`.
    seeds : sequence of int
    budget : float, default=40
        Full trainings that each run may spend.
    noisy : bool, default=False
        Whether the optimizers see one measured training instead of the mean of all of them.
    jobs : int, default=1
        Processes.
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.load_benchmark`.
    only_read : bool, default=False
        Make no run.
    say : callable
        Gets a line about each run as it ends.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave. A run that failed is missing, and made again the next
        time.

    Raises
    ------
    ValueError
        If a name is unknown, before anything is run.
    ImportError
        If a reference's package is missing, and runs are to be made.
    """
    check_names("benchmark", benchmarks, TABLES)
    for name in optimizers:
        if name.startswith(PREFIX):
            check_reference(name, installed=not only_read)
        else:
            parse_optimizer(name)
    if not SHIPPED.issuperset(benchmarks):
        find_data("nasbench", data_dir)
    compared = dict.fromkeys([*optimizers, BASELINE])
    # Seeds outermost: what is there early on is balanced.
    return collect(
        out,
        [Run(o, b, seed, budget, noisy) for seed in seeds for b in benchmarks for o in compared],
        functools.partial(run, data_dir=data_dir),
        describe=lambda r: f"regret {r['regret']:.4f} after {r['trials']} trials, {r['seconds']:.1f} s",
        jobs=jobs,
        only_read=only_read,
        say=say,
    )


load = functools.lru_cache(maxsize=None)(load_benchmark)


def parse_optimizer(name: str) -> str | tuple[str, str]:
    """Read an optimizer's name, or ``"sampler+schedule"``; a ValueError says what is unknown."""
    sampler, plus, schedule = name.partition("+")
    if not plus:
        if name not in OPTIMIZERS:
            raise unknown_name("optimizer", name, OPTIMIZERS)
        return name
    if sampler not in SAMPLERS:
        raise unknown_name("sampler", sampler, SAMPLERS)
    if schedule not in SCHEDULES:
        raise unknown_name("schedule", schedule, SCHEDULES)
    return sampler, schedule
