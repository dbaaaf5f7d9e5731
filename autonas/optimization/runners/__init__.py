"""Where a trial runs: in this process, alone or beside others, or in processes of its own."""

from __future__ import annotations

from autonas.optimization.runners.in_process import InProcessRunner
from autonas.optimization.runners.processes import ProcessRunner, WorkersFailed
from autonas.optimization.runners.task import Outcome, Runner, Task
from autonas.optimization.runners.threads import ThreadRunner

__all__ = ["InProcessRunner", "Outcome", "ProcessRunner", "Runner", "Task", "ThreadRunner", "WorkersFailed"]
