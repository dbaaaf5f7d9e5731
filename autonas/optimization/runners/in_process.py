"""Run tasks here, one at a time."""

from __future__ import annotations

from autonas.optimization.runners.task import Objective, Outcome, Task, run

__all__ = ["InProcessRunner"]


class InProcessRunner:
    """A runner with one slot, which is this process.

    Parameters
    ----------
    objective : callable
        Called for every task; ``KeyboardInterrupt`` passes through.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._task: Task | None = None

    @property
    def free(self) -> bool:
        """True while no task waits."""
        return self._task is None

    @property
    def busy(self) -> bool:
        """True while a task waits."""
        return self._task is not None

    def submit(self, task: Task) -> None:
        """Keep a task until :meth:`wait`."""
        assert self._task is None
        self._task = task

    def wait(self) -> list[Outcome]:
        """Run the task."""
        assert self._task is not None
        task, self._task = self._task, None
        return [run(self._objective, task)]
