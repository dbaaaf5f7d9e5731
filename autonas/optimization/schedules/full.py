"""No multi-fidelity: every trial is trained to the end at once."""

from __future__ import annotations

from collections.abc import Callable

from autonas.optimization.interfaces import Job, Trial
from autonas.optimization.schedules.rungs import check_fidelities

__all__ = ["Full"]


class Full:
    """Train every trial to ``max_fidelity`` in one piece.

    Parameters
    ----------
    min_fidelity : int
        Not used; there, so that schedules are interchangeable.
    max_fidelity : int
        What every trial is trained to.
    eta : int
        Not used.
    """

    def __init__(self, min_fidelity: int, max_fidelity: int, eta: int = 3) -> None:
        check_fidelities(min_fidelity, max_fidelity, eta)
        self.max_fidelity = max_fidelity

    def next(self, propose: Callable[[], Trial | None]) -> Job | None:
        """Hand out a new trial, see :class:`~autonas.optimization.Schedule`."""
        trial = propose()
        if trial is None:
            return None
        return Job(trial.number, trial.configuration, 0, self.max_fidelity)

    def needs(self, trial: int) -> bool:  # noqa: ARG002 - as other schedules
        """Say whether a job of a trial may follow: never."""
        return False

    def report(self, job: Job, loss: float) -> None:
        """Take in how a job ended: nothing follows from it here."""
