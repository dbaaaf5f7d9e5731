"""Run tasks side by side in threads of this process."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import queue
import threading
import time
from collections import deque
from collections.abc import Callable

from autonas.optimization.runners.task import Objective, Outcome, Task, never, run

__all__ = ["ThreadRunner"]

_POLL = 0.2
"""Seconds: where a lock cannot be interrupted (Windows) a Ctrl-C waits for no longer than this."""


class ThreadRunner:
    """A runner whose slots are threads, if asked for deterministic whatever each task takes.

    In order, outcomes come back one at a time as their tasks were submitted. What a search knows at each of its
    decisions then follows from the number of threads alone, never from which task was faster. So that a slow task does
    not soon keep the other threads idle, twice as many tasks as there are threads may be outstanding: running, waiting
    for a thread, or done and waiting for their turn to be handed back.

    Out of order, each outcome comes back when it is there, and no task waits for a thread.

    Worth its while for objectives that let go of Python's lock, as torch and numpy do while they compute.

    Parameters
    ----------
    objective : callable
        Called for every task, by several threads at once. If it names ``stop`` it gets a function that is true from
        :meth:`close` on, or once ``stop`` is.
    n_threads : int
        How many tasks run at a time.
    stop : callable, optional
        Once it is true no task is started any more, and those that run are asked to end.
    in_order : bool, default=True

    Notes
    -----
    All methods are for one thread only, that of the search, which closes the runner in the end.
    """

    def __init__(
        self, objective: Objective, n_threads: int, stop: Callable[[], bool] = never, *, in_order: bool = True
    ) -> None:
        self._objective = objective
        self._in_order = in_order
        self._asked_to_stop = stop
        self._n_threads = n_threads
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._submitted = 0
        self._outstanding: deque[int] = deque()
        self._ended: dict[int, Outcome | None] = {}
        # These queues are written in C: unlike threading's conditions they are whole wherever a KeyboardInterrupt
        # breaks in.
        self._tasks: queue.SimpleQueue[tuple[int, Task] | None] = queue.SimpleQueue()
        self._returned: queue.SimpleQueue[tuple[int, Outcome | BaseException | None]] = queue.SimpleQueue()

    @property
    def free(self) -> bool:
        """True while one more task can be outstanding."""
        return len(self._outstanding) < self._n_threads * (2 if self._in_order else 1)

    @property
    def busy(self) -> bool:
        """True while a task is outstanding."""
        return bool(self._outstanding)

    def submit(self, task: Task) -> None:
        """Let a task run as soon as a thread is free."""
        assert self.free
        assert not self._stopping
        if "stop" in task.keywords:
            task = dataclasses.replace(task, keywords={**task.keywords, "stop": self._stop})
        number = self._submitted
        self._submitted += 1
        self._outstanding.append(number)
        self._tasks.put((number, task))
        if len(self._threads) < self._n_threads:
            # A daemon: whoever interrupts `close` too wants the process to end.
            thread = threading.Thread(
                # numpy's error state and the like hold as they do where the search was called.
                target=contextvars.copy_context().run,
                args=(self._work,),
                name=f"autonas-{len(self._threads)}",
                daemon=True,
            )
            self._threads.append(thread)
            thread.start()

    def wait(self) -> list[Outcome]:
        """Wait for the oldest task, or out of order for any.

        Returns
        -------
        list of Outcome
            Its outcome, or nothing if its ``start_by`` passed before a thread was free: then it never ran.

        Raises
        ------
        BaseException
            What ends the process, such as ``KeyboardInterrupt``, as soon as any task has raised it.
        """
        while (number := self._next()) not in self._ended:
            with contextlib.suppress(queue.Empty):
                ended, outcome = self._returned.get(timeout=_POLL)
                if isinstance(outcome, BaseException):
                    raise outcome
                self._ended[ended] = outcome
        self._outstanding.remove(number)
        result = self._ended.pop(number)
        return [] if result is None else [result]

    def _next(self) -> int:
        """Say which task is to be handed back next, be it done or not."""
        oldest = self._outstanding[0]
        return oldest if self._in_order else next(iter(self._ended), oldest)

    def close(self) -> None:
        """End the threads: what waits is dropped, what runs is asked to stop and waited for."""
        self._stopping = True
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_POLL)

    def _stop(self) -> bool:
        return self._stopping or self._asked_to_stop()

    def _work(self) -> None:
        while (item := self._tasks.get()) is not None:
            number, task = item
            if not self._stopping:
                self._returned.put((number, self._run(task)))

    def _run(self, task: Task) -> Outcome | BaseException | None:
        # A task without `start_by` runs in any case, though it may be told to stop at once.
        if task.start_by is not None and (time.monotonic() >= task.start_by or self._asked_to_stop()):
            return None
        try:
            return run(self._objective, task)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the search waits
            return error
