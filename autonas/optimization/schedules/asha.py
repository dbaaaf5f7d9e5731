"""ASHA: successive halving that never waits."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable

from autonas.optimization.interfaces import Job, Trial
from autonas.optimization.schedules.rungs import rungs

__all__ = ["ASHA"]


class ASHA:
    """Asynchronous successive halving [1]_.

    A trial is promoted as soon as it is among the best ``1 / eta`` of its rung; where none is, a new trial
    starts at the lowest rung. When there are no more configurations, what can be promoted still is. Then,
    while nothing is pending and no trial has got to the top, the best trial of the highest rung is promoted:
    a search of a small space ends with a network that was fully trained, which the paper, having no end, need
    not care for.

    Parameters
    ----------
    min_fidelity, max_fidelity : int
        The range of the rungs.
    eta : int
        One trial of ``eta`` goes on to the next rung.

    References
    ----------
    .. [1] L. Li et al. A System for Massively Parallel Hyperparameter Tuning. MLSys 2020, Algorithm 2.
    """

    def __init__(self, min_fidelity: int, max_fidelity: int, eta: int = 3) -> None:
        self.rungs = rungs(min_fidelity, max_fidelity, eta)
        self.eta = eta
        # Of each rung: all that came back as (loss, trial), best first, and those of them that may be promoted.
        self._results: list[list[tuple[float, int]]] = [[] for _ in self.rungs]
        self._waiting: list[list[tuple[float, int]]] = [[] for _ in self.rungs]
        self._trials: dict[int, Trial] = {}
        self._pending = 0

    def next(self, propose: Callable[[], Trial | None]) -> Job | None:
        """Hand out the next job, see :class:`~autonas.optimization.Schedule`."""
        for rung in reversed(range(len(self.rungs) - 1)):
            results, waiting = self._results[rung], self._waiting[rung]
            if waiting and bisect.bisect_left(results, waiting[0]) < len(results) // self.eta:
                return self._promote_best(rung)
        trial = propose()
        if trial is not None:
            self._trials[trial.number] = trial
            self._pending += 1
            return Job(trial.number, trial.configuration, 0, self.rungs[0])
        return self._bring_one_to_the_top()

    def report(self, job: Job, loss: float) -> None:
        """Take in how a job ended, see :class:`~autonas.optimization.Schedule`."""
        self._pending -= 1
        rung = self.rungs.index(job.to_fidelity)
        result = (loss if math.isfinite(loss) else math.inf, job.trial)
        bisect.insort(self._results[rung], result)
        if math.isfinite(loss):
            bisect.insort(self._waiting[rung], result)

    def _promote_best(self, rung: int) -> Job:
        _, number = self._waiting[rung].pop(0)
        self._pending += 1
        return Job(number, self._trials[number].configuration, self.rungs[rung], self.rungs[rung + 1])

    def _bring_one_to_the_top(self) -> Job | None:
        arrived = any(loss < math.inf for loss, _ in self._results[-1])
        if arrived or self._pending:
            return None
        for rung in reversed(range(len(self.rungs) - 1)):
            if self._waiting[rung]:
                return self._promote_best(rung)
        return None
