"""ASHA: successive halving that never waits."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator

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
        # Of each rung: all that came back as (loss, trial), best first, and who of them was promoted.
        self._results: list[list[tuple[float, int]]] = [[] for _ in self.rungs]
        self._promoted: list[set[int]] = [set() for _ in self.rungs]
        self._trials: dict[int, Trial] = {}
        self._pending = 0

    def next(self, propose: Callable[[], Trial | None]) -> Job | None:
        """Hand out the next job, see :class:`~autonas.optimization.Schedule`."""
        for rung in reversed(range(len(self.rungs) - 1)):
            share = len(self._results[rung]) // self.eta
            for number in self._unpromoted(rung, share):
                return self._promote(number, rung)
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
        bisect.insort(self._results[rung], (loss if math.isfinite(loss) else math.inf, job.trial))

    def _unpromoted(self, rung: int, share: int) -> Iterator[int]:
        for loss, number in self._results[rung][:share]:
            if number not in self._promoted[rung] and loss < math.inf:
                yield number

    def _promote(self, number: int, rung: int) -> Job:
        self._promoted[rung].add(number)
        self._pending += 1
        return Job(number, self._trials[number].configuration, self.rungs[rung], self.rungs[rung + 1])

    def _bring_one_to_the_top(self) -> Job | None:
        arrived = any(loss < math.inf for loss, _ in self._results[-1])
        if arrived or self._pending:
            return None
        for rung in reversed(range(len(self.rungs) - 1)):
            for number in self._unpromoted(rung, len(self._results[rung])):
                return self._promote(number, rung)
        return None
