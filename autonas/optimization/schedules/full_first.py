"""The first trials to the end at once, then any other schedule."""

from __future__ import annotations

from collections.abc import Callable

from autonas.optimization.interfaces import Job, Schedule, Trial

__all__ = ["FullFirst"]


class FullFirst:
    """Train the first trials to the highest fidelity at once, then follow a schedule.

    A bracket of Hyperband has its first fully trained trial only at its end. In a run that is too short for that, a
    default that is known to be good is the better use of the time.

    Parameters
    ----------
    schedule : Schedule
        What follows; it never hears of the first trials.
    n_first : int
        How many trials come before it.
    max_fidelity : int
        What they are trained to.
    """

    def __init__(self, schedule: Schedule, n_first: int, max_fidelity: int) -> None:
        self.schedule = schedule
        self._left = n_first
        self._max_fidelity = max_fidelity
        self._mine: set[int] = set()

    def next(self, propose: Callable[[], Trial | None]) -> Job | None:
        """Hand out the next job, see :class:`~autonas.optimization.Schedule`."""
        if not self._left:
            return self.schedule.next(propose)
        trial = propose()
        if trial is None:
            self._left = 0
            return None
        self._left -= 1
        self._mine.add(trial.number)
        return Job(trial.number, trial.configuration, 0, self._max_fidelity)

    def needs(self, trial: int) -> bool:
        """Say whether a job of a trial may follow."""
        if trial in self._mine:
            return False
        return bool(getattr(self.schedule, "needs", lambda _: True)(trial))

    def report(self, job: Job, loss: float) -> None:
        """Take in how a job ended, see :class:`~autonas.optimization.Schedule`."""
        if job.trial in self._mine:
            self._mine.discard(job.trial)
        else:
            self.schedule.report(job, loss)
