"""Wing 1: which configuration, for how long, and what came of it. Knows no network."""

from __future__ import annotations

from autonas.optimization.history import RunHistory
from autonas.optimization.interfaces import Failure, Job, Result, Sampler, Schedule, Trial
from autonas.optimization.optimizers import OPTIMIZERS
from autonas.optimization.samplers import SAMPLERS
from autonas.optimization.schedules import SCHEDULES
from autonas.optimization.search import SearchFailed, search

__all__ = [
    "OPTIMIZERS",
    "SAMPLERS",
    "SCHEDULES",
    "Failure",
    "Job",
    "Result",
    "RunHistory",
    "Sampler",
    "Schedule",
    "SearchFailed",
    "Trial",
    "search",
]
