"""Schedules: for how long, and who goes on? One file each; a new one is one more line here."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["SCHEDULES"]

SCHEDULES = MappingProxyType(
    {
        "full": "autonas.optimization.schedules.full:Full",
        "successive_halving": "autonas.optimization.schedules.successive_halving:SuccessiveHalving",
        "hyperband": "autonas.optimization.schedules.hyperband:Hyperband",
        "asha": "autonas.optimization.schedules.asha:ASHA",
        "short_asha": "autonas.optimization.schedules.short_asha:ShortASHA",
    }
)
"""Name to ``"module:class"``; a class is built as ``Schedule(min_fidelity, max_fidelity, eta)`` and imported
when it is first used."""
