"""Counts and records what an optimizer of another project evaluates, as a search of our own is recorded."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from ConfigSpace.exceptions import ForbiddenValueError

from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.references.interface import BudgetSpent
from autonas.optimization import RunHistory, SearchFailed
from autonas.optimization.interfaces import Failure, Result, Trial
from autonas.spaces import configuration_from, values

__all__ = ["Recorder"]

_FREE = 100
"""So many evaluations in a row that cost nothing, and the optimizer has nothing new to try."""
_HOPELESS = 5
"""So many trials fail alike, from the first on, and the search gives up, as ours does."""


class Recorder:
    """The objective as another project's optimizer sees it.

    One configuration is one trial, however often it is asked for and under whatever name. It pays for the highest
    fidelity that it got to: a training that the project would start anew is taken to go on from where it stopped. A
    result that is known costs nothing and is not recorded again. An evaluation that would spend more than the
    budget is not made.

    Parameters
    ----------
    benchmark : Benchmark
    name : str
        The optimizer's, for the records.
    budget : float
        Full trainings that may be spent.
    seed : int
        Of the run, for the records.

    Attributes
    ----------
    history : RunHistory
        All results, in the order in which they came.
    """

    def __init__(self, benchmark: Benchmark, name: str, budget: float, seed: int) -> None:
        self.history = RunHistory(benchmark.space, benchmark.max_fidelity)
        self._benchmark, self._name, self._seed = benchmark, name, seed
        self._limit = budget * benchmark.max_fidelity
        self._trials: dict[Any, Trial] = {}
        self._spent, self._free, self._events = 0, 0, 0
        self._started = time.monotonic()

    def evaluate(self, configuration: Mapping[str, Any], fidelity: float) -> float:
        """Look a training up, see :data:`~autonas.benchmarks.references.interface.Evaluate`."""
        try:
            chosen = configuration_from(self._benchmark.space, configuration)
        except ValueError as error:
            if not isinstance(error.__cause__, ForbiddenValueError):
                raise
            self._count_free()
            return math.inf
        plain = values(chosen)
        whole = self._known_fidelity(fidelity)
        trial = self._trials.get(tuple(plain.items()))
        reached = 0 if trial is None else max(result.fidelity for result in trial.results)
        if trial is not None and (trial.failure is not None or whole in trial.losses):
            self._count_free()
            return math.inf if trial.failure is not None else trial.losses[whole]
        cost = max(whole - reached, 0)
        if self._spent + cost > self._limit + 1e-9:
            raise BudgetSpent
        self._free = 0
        self._spent += cost
        if trial is None:
            trial = Trial(len(self._trials), chosen, self._name, self._seed)
            self._trials[tuple(plain.items())] = trial
            self.history.trials.append(trial)
        return self._train(trial, plain, whole)

    def _train(self, trial: Trial, plain: dict[str, Any], fidelity: int) -> float:
        started = time.monotonic()
        loss, seconds, failure = math.inf, math.nan, None
        try:
            found = self._benchmark.objective(plain, fidelity)
            loss, seconds = found["loss"], found["cost"]
        except Exception as error:  # noqa: BLE001 - a trial that fails must not end the search
            failure = Failure(f"{type(error).__name__}: {error}")
        if failure is None and not math.isfinite(loss):
            failure = Failure(f"The loss is {loss}.")
        now = time.monotonic()
        if not math.isfinite(seconds):
            seconds = now - started
        asked, told = self._events, self._events + 1
        self._events += 2
        trial.failure = failure
        loss = math.inf if failure is not None else loss
        trial.results.append(Result(fidelity, loss, seconds, now - started, now - self._started, asked, told))
        self._give_up_if_hopeless()
        return loss

    def _known_fidelity(self, fidelity: float) -> int:
        known = self._benchmark.known_fidelities
        return max((f for f in known if f <= fidelity + 1e-9), default=known[0])

    def _count_free(self) -> None:
        self._free += 1
        if self._free > _FREE:
            raise BudgetSpent

    def _give_up_if_hopeless(self) -> None:
        causes = {None if trial.failure is None else trial.failure.cause for trial in self.history.trials}
        if len(self.history.trials) == _HOPELESS and len(causes) == 1 and None not in causes:
            raise SearchFailed(
                f"The first {_HOPELESS} trials all failed by the same cause: {causes.pop()}", self.history
            )
