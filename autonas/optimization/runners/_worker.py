"""What runs in a worker process: load the objective once, then one task after the other.

Started by :class:`~autonas.optimization.runners.ProcessRunner` as ``python -c "..." SYS_PATH CONNECTION OBJECTIVE``: an
interpreter of its own, which does not run the user's script again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import os
import pickle
import queue
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

import psutil

from autonas.optimization.runners.task import Objective, Outcome, Task, call

__all__ = ["BEGAN", "BROKEN", "ENDED", "READY", "STOP", "main"]

READY, BEGAN, ENDED, BROKEN = "ready", "began", "ended", "broken"
"""What a worker says: it has loaded the objective; a task began, or ended; the objective cannot be loaded."""
STOP = "stop"
"""What it is told beside tasks: ask the objective to end, and end then."""

Tasks: TypeAlias = "queue.SimpleQueue[tuple[Mapping[str, Any], Task] | None]"
"""Values of a configuration, with the task whose job is without it."""


def main(connection_handle: int, objective_handle: int, memory_limit: int | None) -> None:
    """Serve until told to stop, or until nobody is there any more.

    Parameters
    ----------
    connection_handle : int
        File descriptor of the socket to the search.
    objective_handle : int
        File descriptor of the pickled objective.
    memory_limit : int or None
        Bytes that a task may take beyond what the worker has before it.
    """
    # The search decides what ends: a Ctrl-C in a terminal, or a SIGTERM to a whole group, comes here too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    connection = Connection(connection_handle)
    tasks: Tasks = queue.SimpleQueue()
    stopping = threading.Event()
    threading.Thread(target=_listen, args=(connection, tasks, stopping), daemon=True).start()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        try:
            objective = _load(objective_handle)
        except Exception:  # noqa: BLE001 - told where the search waits
            connection.send((BROKEN, traceback.format_exc()))
            return
        connection.send((READY, None))
        while (told := tasks.get()) is not None:
            connection.send((BEGAN, (time.monotonic(), psutil.Process().memory_info().rss)))
            configuration, task = told
            outcome = None
            if task.start_by is None or time.monotonic() < task.start_by:
                with _bounded(memory_limit):
                    outcome = _call(objective, configuration, task, stopping)
            connection.send((ENDED, outcome))


def _call(objective: Objective, configuration: Mapping[str, Any], task: Task, stopping: threading.Event) -> Outcome:
    if "stop" in task.keywords:
        task = dataclasses.replace(task, keywords={**task.keywords, "stop": stopping.is_set})
    return call(objective, configuration, task)


def _listen(connection: Connection, tasks: Tasks, stopping: threading.Event) -> None:
    while True:
        try:
            told = connection.recv()
        except (EOFError, OSError):
            # The search was killed: whoever goes on with the run must be alone with the checkpoints.
            os._exit(1)
        if told == STOP:
            stopping.set()
            tasks.put(None)
        else:
            tasks.put(told)


def _load(handle: int) -> Objective:
    with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as file:
        objective: Objective = pickle.loads(file)  # noqa: S301 - written by the process that started this one
    os.close(handle)
    return objective


@contextlib.contextmanager
def _bounded(memory_limit: int | None) -> Iterator[None]:
    """Let no allocation go beyond the limit: it fails at once, before there is a shortage.

    The limit is on private writable memory (``RLIMIT_DATA``): on the address space it would count what libraries only
    reserve. Where the system has no such limit, the search watches from outside.
    """
    used = None if memory_limit is None else _private_bytes()
    if used is None:
        yield
        return
    import resource  # noqa: PLC0415 - not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = used + memory_limit  # type: ignore[operator]
    resource.setrlimit(resource.RLIMIT_DATA, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _private_bytes() -> int | None:
    """Read what the kernel compares with the limit; None where there is no such file."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) * 1024
