"""Where a trial runs: for now in this process, alone or beside others."""

from __future__ import annotations

from autonas.optimization.runners.in_process import InProcessRunner
from autonas.optimization.runners.task import Outcome, Runner, Task
from autonas.optimization.runners.threads import ThreadRunner

__all__ = ["InProcessRunner", "Outcome", "Runner", "Task", "ThreadRunner"]
