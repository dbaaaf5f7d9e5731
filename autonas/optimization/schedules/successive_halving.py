"""Successive halving: Hyperband's widest bracket, again and again."""

from __future__ import annotations

from autonas.optimization.schedules._hpbandster import Bracket
from autonas.optimization.schedules.hyperband import Hyperband

__all__ = ["SuccessiveHalving"]


class SuccessiveHalving(Hyperband):
    """Successive halving [1]_: many trials at the lowest rung, one of ``eta`` goes on, until one is left.

    Parameters
    ----------
    min_fidelity, max_fidelity : int
        The range of the rungs.
    eta : int
        One trial of ``eta`` goes on to the next rung.

    References
    ----------
    .. [1] K. Jamieson and A. Talwalkar. Non-stochastic Best Arm Identification and Hyperparameter
       Optimization. AISTATS 2016.
    """

    def _open(self, index: int) -> Bracket:  # noqa: ARG002
        return super()._open(0)
