"""ASHA on few rungs: what our own best sampler is run under."""

from __future__ import annotations

from autonas.optimization.schedules.asha import ASHA
from autonas.optimization.schedules.rungs import rungs

__all__ = ["ShortASHA"]

_MOST = 3
"""Rungs."""


class ShortASHA(ASHA):
    """:class:`~autonas.optimization.schedules.asha.ASHA` with three rungs at most, the highest ones.

    For a sampler that has learnt what is good: most of its proposals are worth more than a look below a ninth of the
    full training (at ``eta=3``), and each trial there would cost a proposal.

    Parameters
    ----------
    min_fidelity, max_fidelity : int
        The range of the rungs.
    eta : int
        One trial of ``eta`` goes on to the next rung.

    Examples
    --------
    >>> ShortASHA(1, 50, 3).rungs
    [5, 16, 50]
    >>> ShortASHA(10, 50, 3).rungs
    [16, 50]
    """

    def __init__(self, min_fidelity: int, max_fidelity: int, eta: int = 3) -> None:
        lowest = rungs(min_fidelity, max_fidelity, eta)[-_MOST:][0]
        super().__init__(lowest, max_fidelity, eta)
