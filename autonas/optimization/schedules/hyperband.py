"""Hyperband: brackets of successive halving that start at different rungs."""

from __future__ import annotations

from collections.abc import Callable

from autonas.optimization.interfaces import Job, Trial
from autonas.optimization.schedules._hpbandster import Bracket
from autonas.optimization.schedules.rungs import bracket_sizes, rungs

__all__ = ["Hyperband"]


class Hyperband:
    """Hyperband [1]_ as BOHB runs it [2]_: hpbandster's own brackets, one after the other and round again.

    The first bracket starts with most trials at the lowest rung, the last trains all its trials to the end,
    and then the first one follows again. While a bracket waits for pending jobs the next one is opened, so
    that no worker idles. When there are no more configurations, every open bracket goes on with the trials it
    has.

    Parameters
    ----------
    min_fidelity, max_fidelity : int
        The range of the rungs.
    eta : int
        One trial of ``eta`` goes on to the next rung.

    Notes
    -----
    Where trials fail, hpbandster fills the later rungs of a bracket with new configurations that start there.

    References
    ----------
    .. [1] L. Li et al. Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization. JMLR 18,
       2018, Algorithm 1.
    .. [2] S. Falkner, A. Klein and F. Hutter. BOHB: Robust and Efficient Hyperparameter Optimization at
       Scale. ICML 2018, Section 4.1.
    """

    def __init__(self, min_fidelity: int, max_fidelity: int, eta: int = 3) -> None:
        self.rungs = rungs(min_fidelity, max_fidelity, eta)
        self.eta = eta
        self._opened = 0
        self._brackets: list[Bracket] = []

    def next(self, propose: Callable[[], Trial | None]) -> Job | None:
        """Hand out the next job, see :class:`~autonas.optimization.Schedule`."""
        for bracket in self._brackets:
            job = bracket.next(propose)
            if job is not None:
                return job
        self._brackets = [bracket for bracket in self._brackets if not bracket.finished]
        opened = self._open(self._opened)
        job = opened.next(propose)
        if job is not None:  # else there are no more configurations: the bracket was never there
            self._brackets.append(opened)
            self._opened += 1
        return job

    def report(self, job: Job, loss: float) -> None:
        """Take in how a job ended, see :class:`~autonas.optimization.Schedule`."""
        next(bracket for bracket in self._brackets if job.trial in bracket).report(job, loss)

    def needs(self, trial: int) -> bool:
        """Say whether a job of a trial may follow: only in a bracket that is not finished."""
        return any(trial in bracket for bracket in self._brackets if not bracket.finished)

    def _open(self, index: int) -> Bracket:
        promotions = len(self.rungs) - 1 - index % len(self.rungs)
        sizes = bracket_sizes(len(self.rungs), promotions, self.eta)
        return Bracket(sizes, self.rungs[-promotions - 1 :], self.eta)
