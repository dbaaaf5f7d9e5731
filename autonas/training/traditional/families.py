"""The families of traditional models; a new one is one more line here, and a YAML in ``search_spaces/``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from autonas.training.traditional.model import Family

__all__ = ["TRADITIONAL", "is_traditional", "load"]

_HERE = "autonas.training.traditional"

TRADITIONAL = MappingProxyType(
    {
        "hist_gradient_boosting": f"{_HERE}.boosting:HIST_GRADIENT_BOOSTING",
        "random_forest": f"{_HERE}.forest:RANDOM_FOREST",
        "extra_trees": f"{_HERE}.forest:EXTRA_TREES",
        "linear_model": f"{_HERE}.linear_model:LINEAR_MODEL",
    }
)
"""Name to ``"module:family"``; what a family needs of scikit-learn is imported when it is first used."""


def is_traditional(name: object, builds: Mapping[str, Any]) -> bool:
    """Tell whether a name means a traditional model: networks of the same name, ``builds``, go first."""
    return name in TRADITIONAL and name not in builds


def load(name: str) -> Family:
    """Import a family of :data:`TRADITIONAL`."""
    module, _, attribute = TRADITIONAL[name].partition(":")
    family: Family = getattr(importlib.import_module(module), attribute)
    return family
