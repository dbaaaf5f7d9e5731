"""Where a trial runs: for now in this process."""

from __future__ import annotations

from autonas.optimization.runners.in_process import InProcessRunner
from autonas.optimization.runners.task import Outcome, Runner, Task

__all__ = ["InProcessRunner", "Outcome", "Runner", "Task"]
