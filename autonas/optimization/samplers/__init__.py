"""Samplers: which configuration next? One file each; a new one is one more line here."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["SAMPLERS"]

SAMPLERS = MappingProxyType(
    {
        "random": "autonas.optimization.samplers.random:Random",
        "kde": "autonas.optimization.samplers.kde:KDE",
        "tpe": "autonas.optimization.samplers.tpe:TPE",
        "smac": "autonas.optimization.samplers.smac:SMAC",
    }
)
"""Name to ``"module:class"``; a class is built as ``Sampler(space)`` and imported when it is first used."""
