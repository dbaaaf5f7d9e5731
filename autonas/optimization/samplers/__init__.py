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
        "evolution": "autonas.optimization.samplers.evolution:Evolution",
        "tournament": "autonas.optimization.samplers.evolution:Tournament",
        "local_search": "autonas.optimization.samplers.local_search:LocalSearch",
        "reinforce": "autonas.optimization.samplers.reinforce:Reinforce",
        "bananas": "autonas.optimization.samplers.bananas:BANANAS",
        "gp": "autonas.optimization.samplers.gp:GP",
        "pnas": "autonas.optimization.samplers.pnas:PNAS",
        "differential_evolution": "autonas.optimization.samplers.differential_evolution:DifferentialEvolution",
        "auto": "autonas.optimization.samplers.auto:Auto",
    }
)
"""Name to ``"module:class"``; a class is built as ``Sampler(space)`` and imported when it is first used."""
