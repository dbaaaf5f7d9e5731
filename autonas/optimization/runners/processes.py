"""Run tasks in worker processes: what goes wrong in one ends its trial only."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import IO, Any

import cloudpickle
import psutil

from autonas.optimization.interfaces import Failure
from autonas.optimization.runners._worker import BEGAN, BROKEN, ENDED, STOP
from autonas.optimization.runners.task import Objective, Outcome, Task, never
from autonas.spaces import values

__all__ = ["ProcessRunner", "WorkersFailed", "n_cores"]

_POLL = 0.1
"""Seconds between two looks at the clock and at the workers' memory."""
_PATIENCE = 2.0
"""Seconds that a running objective gets to end when the runner is closed."""
_FIRST_GRACE = 10
"""So many times longer than others a task may go on after the deadline if without it there is no result at all."""
_STARTS = 3
"""So many workers in a row die before they have begun, and it is no accident."""
_MIB = 2**20
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from autonas.optimization.runners._worker import main; main(*json.loads(sys.argv[2]))"
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class WorkersFailed(RuntimeError):  # noqa: N818 - named for what it says
    """Worker processes cannot run at all: the objective cannot be loaded there."""


class ProcessRunner:
    """A runner whose slots are processes; outcomes come back as they are there.

    Each worker is an interpreter of its own that gets the objective once. A worker that dies, takes too much memory or
    does not end in time makes a failed job with that cause, and another one takes its place.

    Parameters
    ----------
    objective : callable
        What cloudpickle can pickle: functions of a script or a notebook, too.
    n_jobs : int
        How many tasks run at a time. They share the cores: each has as many threads for its arithmetic as there are
        cores for it, at least one.
    memory_limit : float, optional
        MiB that a task may take beyond what the worker (interpreter, libraries, data) takes before it.
    time_limit : float, optional
        Seconds after which a task is ended.
    stop : callable, optional
        Once it is true the tasks that run are asked to end, and ended if they do not.
    grace : float
        Seconds that a task may go on after its deadline.

    Notes
    -----
    All methods are for one thread only, that of the search, which closes the runner in the end.
    """

    def __init__(
        self,
        objective: Objective,
        n_jobs: int,
        *,
        memory_limit: float | None = None,
        time_limit: float | None = None,
        stop: Callable[[], bool] = never,
        grace: float = math.inf,
    ) -> None:
        self._n_jobs = n_jobs
        self._memory_limit = None if memory_limit is None else int(memory_limit * _MIB)
        self._time_limit = math.inf if time_limit is None else time_limit
        self._stop = stop
        self._stopped: float | None = None
        self._grace = grace
        self._workers: list[_Worker] = []
        self._lost_starts = 0
        self._file = _pickled(objective)

    @property
    def free(self) -> bool:
        """True while a process has nothing to do."""
        return sum(worker.task is not None for worker in self._workers) < self._n_jobs

    @property
    def busy(self) -> bool:
        """True while a task is outstanding."""
        return any(worker.task is not None for worker in self._workers)

    def submit(self, task: Task) -> None:
        """Let a task run in a process that is free; it is made when it is needed."""
        assert self.free
        for worker in [w for w in self._workers if w.task is None]:
            if worker.died or worker.outgrown(self._memory_limit):
                self._remove(worker)
        idle = next((worker for worker in self._workers if worker.task is None), None)
        (idle or self._add()).start(task)

    def wait(self) -> list[Outcome]:
        """Wait until at least one task is not outstanding any more.

        Returns
        -------
        list of Outcome
            Nothing of a task whose ``start_by`` had passed when its worker was ready; nor of one that was ended since
            the search's time is over, if the objective had never been told of a deadline, or since it was to stop.

        Raises
        ------
        WorkersFailed
            If a worker cannot load the objective.
        """
        while True:
            self._look_whether_to_stop()
            outcomes: list[Outcome] = []
            ended = False
            busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
            for ready in multiprocessing.connection.wait(list(busy), timeout=_POLL):
                worker = busy[ready]  # type: ignore[index]
                outcome, over = self._hear(worker)
                outcomes += [outcome] if outcome is not None else []
                ended |= over
            for worker in [w for w in self._workers if w.task is not None]:
                verdict = self._judge(worker)
                if verdict is not None:
                    outcomes += self._end(worker, verdict)
                    ended = True
            if ended:
                return outcomes

    def close(self) -> None:
        """End the processes: what runs is asked to stop, and killed if it does not."""
        for worker in self._workers:
            worker.ask_to_stop()
        end = time.monotonic() + _PATIENCE
        for worker in list(self._workers):
            worker.join(end - time.monotonic())
            self._remove(worker)
        self._file.close()

    def _add(self) -> _Worker:
        worker = _Worker(self._file, max(1, n_cores() // self._n_jobs), self._memory_limit)
        self._workers.append(worker)
        return worker

    def _remove(self, worker: _Worker) -> None:
        worker.kill()
        self._workers.remove(worker)

    def _hear(self, worker: _Worker) -> tuple[Outcome | None, bool]:
        """Take in what a worker says, or that it has died; and whether its task is over."""
        try:
            kind, content = worker.connection.recv()
        except (EOFError, OSError):
            if not worker.ready:
                self._start_again(worker)
                return None, False
            cause = f"WorkerDied: {worker.cause_of_death()}"
            return self._end(worker, cause)[0], True
        if kind == BROKEN:
            raise WorkersFailed(f"The objective cannot be loaded in a worker process:\n{content}")
        worker.ready = True
        self._lost_starts = 0
        if kind == BEGAN:
            worker.began, worker.before = content
            worker.at_first = worker.at_first or worker.before
        elif kind == ENDED:
            task, worker.task = worker.task, None
            assert task is not None
            return None if content is None else dataclasses.replace(content, job=task.job), True
        return None, False

    def _start_again(self, worker: _Worker) -> None:
        """Give the task of a worker that died before it could begin to another one."""
        task = worker.task
        assert task is not None
        self._remove(worker)
        self._lost_starts += 1
        if self._lost_starts >= _STARTS:
            raise WorkersFailed(
                f"{_STARTS} worker processes in a row died while they loaded the objective, the last one so: "
                f"{worker.cause_of_death()}."
            )
        self._add().start(task)

    def _look_whether_to_stop(self) -> None:
        if self._stopped is None and self._stop():
            self._stopped = time.monotonic()
            for worker in self._workers:
                worker.ask_to_stop()

    def _judge(self, worker: _Worker) -> str | None:
        """Say why a task must not go on; empty where it is not to blame."""
        assert worker.task is not None
        now = time.monotonic()
        may_go = worker.task.start_by is not None
        if self._stopped is not None and may_go and now > max(self._stopped, worker.began or 0.0) + _PATIENCE:
            return ""
        if worker.began is None:
            return None
        if now > worker.began + self._time_limit:
            return f"TimeoutError: the trial took longer than `trial_time_limit`, {self._time_limit:g} s"
        if worker.task.deadline is not None:
            grace = self._grace * (1 if may_go else _FIRST_GRACE)
            if now > max(worker.task.deadline, worker.began) + grace:
                # The first one is not tried again: the search would never end.
                failed = not may_go or worker.task.keywords.get("deadline") is not None
                return f"TimeoutError: the trial did not end within {grace:.1f} s after its deadline" if failed else ""
        if self._memory_limit is not None and worker.taken() > self._memory_limit:
            return f"MemoryError: the trial took more than `trial_memory_limit`, {self._memory_limit / _MIB:g} MiB"
        return None

    def _end(self, worker: _Worker, cause: str) -> list[Outcome]:
        """Make the outcome of a task that did not come to an end, and let its worker go."""
        task = worker.task
        assert task is not None
        self._remove(worker)
        if not cause:
            return []
        seconds = 0.0 if worker.began is None else time.monotonic() - worker.began
        job = task.job
        return [Outcome(job, job.to_fidelity, math.inf, seconds, seconds, failure=Failure(cause))]


class _Worker:
    """One process, from the side of the search."""

    def __init__(self, objective: IO[bytes], n_threads: int, memory_limit: int | None) -> None:
        ours, theirs = socket.socketpair()
        handles = theirs.fileno(), objective.fileno()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-c", _START, json.dumps(sys.path), json.dumps([*handles, memory_limit])],
                stdin=subprocess.DEVNULL,
                pass_fds=handles,
                env=_environment(n_threads),
            )
        self.connection = Connection(ours.detach())
        self.task: Task | None = None
        self.began: float | None = None
        self.ready = False
        self.before = 0
        """Bytes when the task began, as the worker says."""
        self.at_first = 0
        """Bytes when its first task began."""

    def start(self, task: Task) -> None:
        """Send a task."""
        self.task, self.began = task, None
        # A configuration has the whole space with it, which no objective gets to see; `stop` is the worker's own.
        job = dataclasses.replace(task.job, configuration=None)  # type: ignore[arg-type]
        keywords = {**task.keywords, "stop": never} if "stop" in task.keywords else task.keywords
        # Where it has just died, that is seen where it is waited for.
        with contextlib.suppress(OSError):
            self.connection.send(
                (values(task.job.configuration), dataclasses.replace(task, job=job, keywords=keywords))
            )

    @property
    def died(self) -> bool:
        """True once the process is no more."""
        return self.process.poll() is not None

    def taken(self) -> int:
        """Bytes taken since the task began."""
        return self._resident() - self.before

    def outgrown(self, memory_limit: int | None) -> bool:
        """Say whether a worker has kept so much of its tasks that it is better replaced."""
        return memory_limit is not None and self.at_first > 0 and self._resident() - self.at_first > memory_limit

    def _resident(self) -> int:
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:  # it has died
            return 0

    def ask_to_stop(self) -> None:
        """Ask what runs to end."""
        try:
            self.connection.send(STOP)
        except OSError:
            self.kill()

    def join(self, seconds: float) -> None:
        """Wait for the process; it may go on then."""
        end = time.monotonic() + seconds
        with contextlib.suppress(EOFError, OSError):
            # What it says meanwhile is read, lest it wait for that.
            while (left := end - time.monotonic()) > 0:
                if self.connection.poll(left):
                    self.connection.recv()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(end - time.monotonic(), 0.0))

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.connection.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def cause_of_death(self) -> str:
        """Say in words how the process ended."""
        code = self.process.wait()
        if code >= 0:
            return f"the worker process ended by itself, with exit code {code}"
        name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"signal {-code}"
        why = {
            "SIGSEGV": " (a segmentation fault)",
            "SIGKILL": " (by the system, where memory was short, or by hand)",
        }
        return f"the worker process was killed by {name}{why.get(name, '')}"


def n_cores() -> int:
    """Count the cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _environment(n_threads: int) -> Mapping[str, str]:
    environment: dict[str, Any] = dict(os.environ)
    for name in _THREADS:
        given = environment.get(name, "")
        # Fewer than there are cores may be what the user wants; more would only wait for each other.
        environment[name] = str(min(int(given), n_threads) if given.isdecimal() and int(given) > 0 else n_threads)
    return environment


def _pickled(objective: Objective) -> IO[bytes]:
    """Write an objective to a file that has no name: it is gone with the processes that read it."""
    try:
        content = cloudpickle.dumps(objective, protocol=5)
    except Exception as error:
        raise ValueError(
            f"`objective` is {objective!r}, which cannot be sent to worker processes ({error}). Leave out what cannot "
            "be pickled, such as open files and locks, or run in this process: `n_jobs=1`."
        ) from error
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the runner
    file.write(content)
    file.flush()
    return file
