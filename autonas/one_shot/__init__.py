"""Weight sharing: one supernet in which all architectures of a cell space are trained at once."""

from __future__ import annotations

from autonas.one_shot.search import STRATEGIES, Found, find_architectures
from autonas.one_shot.strategy import Settings
from autonas.one_shot.supernet import Supernet, inherit

__all__ = ["STRATEGIES", "Found", "Settings", "Supernet", "find_architectures", "inherit"]
