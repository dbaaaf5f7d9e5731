"""Run tasks on a Dask cluster."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import distributed

from autonas.optimization.interfaces import Failure
from autonas.optimization.runners.task import Objective, Outcome, Task, call, never
from autonas.spaces import values

__all__ = ["ClusterRunner"]

_POLL = 0.2
"""Seconds between two looks at ``stop``, here and in a task."""
_REFRESH = 1.0
"""Seconds between two looks at how many workers there are."""

Files = dict[str, bytes]
"""A checkpoint on its way: names of files below its folder, and their content."""


class ClusterRunner:
    """A runner whose slots are the threads of a cluster's workers; outcomes come back as they are there.

    The objective travels once a worker. Checkpoints are read and written where the search keeps them if all workers
    see that folder; else they travel with task and outcome. Tasks of a worker that is lost run again on another one,
    from their checkpoint.

    Parameters
    ----------
    objective : callable
        What cloudpickle can pickle.
    client : distributed.Client
        Stays open.
    checkpoints : Path, optional
        The folder above those of the trials.
    stop : callable, optional
        Once it is true the tasks that run are asked to end.
    grace : float
        Seconds that a task may go on after its deadline; then it counts as failed, and nobody waits for it.
    """

    def __init__(
        self,
        objective: Objective,
        client: distributed.Client,
        *,
        checkpoints: Path | None = None,
        stop: Callable[[], bool] = never,
        grace: float = math.inf,
    ) -> None:
        self._client = client
        self._stop = stop
        self._grace = grace
        self._name = f"autonas-{uuid.uuid4().hex[:8]}"
        self._event = distributed.Event(f"{self._name}-stop", client=client)
        self._told = False
        self._tasks: dict[distributed.Future, Task] = {}
        self._slots, self._looked = 0, -math.inf
        self._objective = objective
        self._sent = client.scatter(objective, broadcast=True, hash=False)
        self._shared = checkpoints is not None and self._sees(checkpoints)

    @property
    def free(self) -> bool:
        """True while a worker's thread has nothing to do."""
        if time.monotonic() > self._looked + _REFRESH:
            self._slots = sum(self._client.nthreads().values())
            self._looked = time.monotonic()
        # With no worker there yet, the first task waits for one.
        return len(self._tasks) < max(self._slots, 1)

    @property
    def busy(self) -> bool:
        """True while a task is outstanding."""
        return bool(self._tasks)

    def submit(self, task: Task) -> None:
        """Let a task run on the cluster."""
        # A configuration has the whole space with it; the clock and `stop` are another host's own.
        job = dataclasses.replace(task.job, configuration=None)  # type: ignore[arg-type]
        keywords = {name: value for name, value in task.keywords.items() if name not in ("deadline", "stop")}
        folder = task.keywords.get("checkpoint")
        future = self._client.submit(
            _work,
            self._sent,
            values(task.job.configuration),
            Task(job, keywords),
            {name: _wall(at) for name, at in (("start_by", task.start_by), ("deadline", task.deadline))},
            {name: task.keywords[name] is not None for name in ("deadline", "stop") if name in task.keywords},
            f"{self._name}-stop",
            None if folder is None or self._shared else _packed(folder),
            key=f"{self._name}-{task.job.trial}-{task.job.to_fidelity}-{uuid.uuid4().hex[:8]}",
            pure=False,
        )
        self._tasks[future] = task

    def wait(self) -> list[Outcome]:
        """Wait until at least one task is not outstanding any more."""
        while True:
            if not self._told and self._stop():
                self._told = True
                self._event.set()
            done = [future for future in self._tasks if future.done()]
            late = [future for future in self._tasks if future not in done and self._late(self._tasks[future])]
            if done or late:
                outcomes = [self._outcome(future, self._tasks.pop(future)) for future in done]
                outcomes += [self._given_up(future, self._tasks.pop(future)) for future in late]
                return [outcome for outcome in outcomes if outcome is not None]
            _wait_for_any(list(self._tasks))

    def close(self) -> None:
        """Ask what runs to stop, and forget it; the cluster stays."""
        if self._tasks:
            self._event.set()
            self._client.cancel(list(self._tasks), force=True)
        self._tasks.clear()
        self._sent.release()

    def _sees(self, folder: Path) -> bool:
        """Find out whether all workers see a folder of this host."""
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{self._name}"
        probe.touch()
        try:
            return all(self._client.run(probe.exists).values())
        finally:
            probe.unlink()

    def _late(self, task: Task) -> bool:
        if task.deadline is None:
            return False
        return time.monotonic() > task.deadline + self._grace * (1 if task.start_by is not None else 10)

    def _given_up(self, future: distributed.Future, task: Task) -> Outcome:
        future.cancel(force=True)
        return _failed(task, f"TimeoutError: the trial did not end within {self._grace:.1f} s after its deadline")

    def _outcome(self, future: distributed.Future, task: Task) -> Outcome | None:
        try:
            came = future.result()
        except distributed.KilledWorker as error:
            return _failed(task, f"WorkerDied: {error.allowed_failures + 1} workers in a row died with this trial")
        except distributed.CancelledError:
            # All workers that had the objective are gone: it is sent anew.
            self._sent = self._client.scatter(self._objective, broadcast=True, hash=False)
            self.submit(task)
            return None
        if came is None:
            return None
        outcome: Outcome = came[0]
        files: Files | None = came[1]
        if files is not None:
            _unpack(files, task.keywords["checkpoint"])
        return dataclasses.replace(outcome, job=task.job)


def _wait_for_any(futures: list[distributed.Future]) -> None:
    try:
        distributed.wait(futures, timeout=_POLL, return_when="FIRST_COMPLETED")
    except (TimeoutError, distributed.CancelledError):
        return


def _failed(task: Task, cause: str) -> Outcome:
    return Outcome(task.job, task.job.to_fidelity, math.inf, 0.0, 0.0, failure=Failure(cause))


def _wall(moment: float | None) -> float | None:
    """Turn a moment of this host's clock into one that other hosts know."""
    return None if moment is None or math.isinf(moment) else time.time() + moment - time.monotonic()


def _work(
    objective: Objective,
    configuration: Mapping[str, Any],
    task: Task,
    moments: Mapping[str, float | None],
    accepted: Mapping[str, bool],
    event: str,
    files: Files | None,
) -> tuple[Outcome, Files | None] | None:
    """Run a task in a worker; None if it comes too late."""
    start_by, deadline = moments["start_by"], moments["deadline"]
    if start_by is not None and time.time() >= start_by:
        return None
    keywords = dict(task.keywords)
    if "deadline" in accepted:
        given = accepted["deadline"] and deadline is not None
        keywords["deadline"] = time.monotonic() + deadline - time.time() if given else None  # type: ignore[operator]
    if "stop" in accepted:
        keywords["stop"] = _Stop(event)
    with _folder_for(files) as folder:
        if folder is not None:
            keywords["checkpoint"] = folder
        outcome = call(objective, configuration, dataclasses.replace(task, keywords=keywords))
        return outcome, None if folder is None else _packed(folder)


@contextmanager
def _folder_for(files: Files | None) -> Iterator[Path | None]:
    if files is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="autonas-") as folder:
        _unpack(files, Path(folder))
        yield Path(folder)


class _Stop:
    """Ask the scheduler whether to end, now and then."""

    def __init__(self, event: str) -> None:
        self._event = distributed.Event(event)
        self._looked, self._is_set = -math.inf, False

    def __call__(self) -> bool:
        if not self._is_set and time.monotonic() > self._looked + _POLL:
            self._is_set = bool(self._event.is_set())
            self._looked = time.monotonic()
        return self._is_set


def _packed(folder: Path) -> Files:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(Path(folder).rglob("*")) if f.is_file()}


def _unpack(files: Files, folder: Path) -> None:
    """Write files, each first beside, then in its place."""
    for name, content in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.tmp")
        draft.write_bytes(content)
        draft.replace(path)
