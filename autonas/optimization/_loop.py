"""The loop of a search: events in one sequence, each written down as it happens."""

from __future__ import annotations

import math
import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autonas.optimization.history import RunHistory
from autonas.optimization.interfaces import DiskFull, Job, Result, Schedule, Trial, says_disk_full
from autonas.optimization.proposals import Proposals
from autonas.optimization.runners import Outcome, Runner, Task
from autonas.optimization.runners.task import never

if TYPE_CHECKING:
    from autonas.optimization._store import Store

__all__ = ["Limits", "Loop", "SearchFailed"]

_HOPELESS = 5
"""So many trials fail alike, from the first on, and the search gives up."""


class SearchFailed(RuntimeError):  # noqa: N818 - named for what it says
    """The first trials all failed by the same cause.

    Attributes
    ----------
    history : RunHistory
        What there is.
    """

    def __init__(self, message: str, history: RunHistory) -> None:
        super().__init__(message)
        self.history = history


@dataclass(frozen=True)
class Limits:
    """What ends a search; ``inf`` where nothing does."""

    n_trials: float
    seconds: float
    total_fidelity: float

    @property
    def by_time_alone(self) -> bool:
        """Whether how far a search gets depends on how fast the machine is, whatever else."""
        return math.isfinite(self.seconds) and math.isinf(self.n_trials) and math.isinf(self.total_fidelity)


@dataclass
class Loop:
    """One search: hand out jobs while there is a place for them, take in what comes back."""

    history: RunHistory
    proposals: Proposals
    schedule: Schedule
    runner: Runner
    limits: Limits
    stop: Callable[[], bool] = never
    settled: Callable[[Trial], Any] | None = None
    callbacks: Sequence[Callable[[RunHistory, Trial, Result], Any]] = ()
    accepted: frozenset[str] = frozenset()
    checkpoints: Path | None = None
    store: Store | None = None
    judge: Callable[[Job, Result], float] = lambda _, result: result.loss
    """What the schedule is told of a result."""
    clock: Callable[[], float] = lambda: time.monotonic()  # noqa: PLW0108 - what it is then, not what it is now
    started: float = field(default_factory=time.monotonic)
    """When the search began, by that clock; what an earlier piece of the run took is put before it."""

    _events: int = 0
    """Events so far: jobs handed out and jobs that came back."""
    _asked: dict[int, Job] = field(default_factory=dict)
    """Jobs that have not come back, by the place of the event at which they were handed out."""
    _stopped: bool = False
    """No job starts any more."""
    _left: bool = False
    """A callback has ended the search: not even for what is running will it wait."""
    _proposed: Trial | None = None
    """The newest trial, as long as its first job has not started."""
    _spent: int = 0
    _full: bool = False
    """The disk is full."""
    _settled: set[int] = field(default_factory=set)

    def replay(self, jobs: Mapping[int, Job]) -> None:
        """Lead an earlier piece of the run through the schedule, event by event.

        Parameters
        ----------
        jobs : mapping of int to Job
            Jobs that were handed out, by the place of that event.

        Raises
        ------
        ValueError
            If the schedule would have done something else.
        """
        trials = iter(self.history.trials)
        events: list[tuple[int, Job, Result | None]] = [(place, job, None) for place, job in jobs.items()]
        events += [(r.told, jobs[r.asked], r) for trial in self.history.trials for r in trial.results]
        known = -1
        for place, job, result in sorted(events, key=lambda event: event[0]):
            self._events = place + 1
            if result is None:
                new = [next(trials)] if job.trial > known else []
                known = max(known, job.trial)
                handed_out = self.schedule.next(lambda new=new: new.pop() if new else None)  # type: ignore[misc]
                if handed_out is None or _key(handed_out) != _key(job):
                    raise ValueError(
                        f"The run cannot be resumed: at event {place} its record has trained {_key(job)} "
                        "(trial, from fidelity, to fidelity), where the schedule now hands out "
                        f"{handed_out and _key(handed_out)}. Start anew in another `run_dir`."
                    )
                self._asked[place] = job
            elif result.complete:
                asked = self._asked.pop(result.asked)
                self.schedule.report(asked, self.judge(asked, result))
        self._spent = self.history.total_fidelity
        self.started -= self.history.wall_seconds

    def run(self) -> None:
        """Search until a limit is reached or nothing is left to do."""
        self._settle()
        try:
            self._run()
            self._end()
        except DiskFull:
            self._warn_of_full_disk()

    def _run(self) -> None:
        # What an earlier piece of the run handed out and did not see back comes first.
        waiting = list(self._asked.values())
        while True:
            while self.runner.free and waiting and not self._over(waiting[0]):
                self._submit(waiting.pop(0))
            while self.runner.free and not waiting and not self._over():
                job = self.schedule.next(self._propose)
                if job is None or self._over(job):
                    break
                self._start(job)
            if not self.runner.busy:
                break
            for outcome in self.runner.wait():
                self._tell(outcome)
            if self._left:
                break

    def _over(self, job: Job | None = None) -> bool:
        """Say whether the search has ended, or would by this job."""
        late = self.stop() or self.clock() - self.started >= self.limits.seconds
        if late and not self._nothing_yet():
            self._stopped = True
        if job is not None and math.isfinite(self.limits.total_fidelity):
            running = sum(self._cost(other) for other in self._asked.values() if other is not job)
            cost = self._cost(job)
            if self._spent + running + cost > self.limits.total_fidelity:
                if not self._events:
                    raise ValueError(
                        f"`max_total_fidelity` is {self.limits.total_fidelity:g}, less than the first job "
                        f"costs, which is {cost}; raise it, or lower `min_fidelity` or `max_fidelity`."
                    )
                self._stopped = True
        return self._stopped

    def _nothing_yet(self) -> bool:
        """Say whether a job starts in any case, because the search must not come back with nothing at all."""
        return not self.runner.busy and not any(trial.results for trial in self.history.trials)

    def _cost(self, job: Job) -> int:
        """Count the fidelity that a job will spend: a piece that the deadline cut short is paid already."""
        return job.to_fidelity - max(job.from_fidelity, self._reached(job.trial))

    def _reached(self, number: int) -> int:
        return max((result.fidelity for result in self.history.trials[number].results), default=0)

    def _propose(self) -> Trial | None:
        if len(self.history.trials) >= self.limits.n_trials:
            return None
        self._proposed = self.proposals.propose()
        if self._proposed is not None:
            self.history.trials.append(self._proposed)
        return self._proposed

    def _start(self, job: Job) -> None:
        place = self._events
        self._events += 1
        self._proposed = None
        self._asked[place] = job
        if self.store is not None:
            self.store.asked(self.history.trials[job.trial], job, place)
        checkpoint = self._checkpoint(job.trial)
        if checkpoint is not None and job.from_fidelity == 0:
            # Left behind where the machine went down before the history was on disk: of another configuration.
            shutil.rmtree(checkpoint, ignore_errors=True)
        self._submit(job)

    def _checkpoint(self, number: int) -> Path | None:
        return None if self.checkpoints is None else self.checkpoints / f"{number:05d}"

    def _submit(self, job: Job) -> None:
        trial = self.history.trials[job.trial]
        seconds = self.limits.seconds
        deadline = self.started + seconds if math.isfinite(seconds) else None
        keywords = {
            "seed": trial.seed,
            "checkpoint": self._checkpoint(trial.number),
            "deadline": deadline,
            "stop": self.stop,
        }
        start_by = None if self._nothing_yet() else self.started + seconds
        self.runner.submit(Task(job, {name: keywords[name] for name in self.accepted}, start_by, deadline))

    def _tell(self, outcome: Outcome) -> None:
        if outcome.failure is not None and says_disk_full(outcome.failure.cause):
            # Not the trial's fault: it runs again when there is room.
            if not self._full:
                self._warn_of_full_disk()
            self._full = self._stopped = True
            return
        job = outcome.job
        trial = self.history.trials[job.trial]
        asked = next(place for place, pending in self._asked.items() if pending.trial == job.trial)
        result = Result(
            fidelity=outcome.fidelity,
            loss=outcome.loss,
            cost=outcome.cost,
            seconds=outcome.seconds,
            finished=self.clock() - self.started,
            asked=asked,
            told=self._events,
            complete=outcome.complete,
            info=outcome.info,
        )
        self._events += 1
        self._spent += max(result.fidelity - self._reached(job.trial), 0)
        trial.results.append(result)
        trial.failure = outcome.failure
        if self.store is not None:
            self.store.told(trial, result)
        if result.complete:
            del self._asked[asked]
            self.schedule.report(job, self.judge(job, result))
        else:
            # The deadline cut it short: it stays handed out, and goes on when there is more time.
            self._stopped = True
        if self._closed(trial) and self.store is not None:
            self._finish(trial)
        for callback in self.callbacks:
            if callback(self.history, trial, result):
                self._left = True
        self._settle()
        self._give_up_if_hopeless(trial)

    def _settle(self) -> None:
        """Tell of trials that no job will follow."""
        if self.settled is None:
            return
        needs = getattr(self.schedule, "needs", lambda _: True)
        waiting = {job.trial for job in self._asked.values()}
        for trial in self.history.trials:
            if trial.number in self._settled or trial.number in waiting or not trial.results:
                continue
            if self._closed(trial) or not needs(trial.number):
                self._settled.add(trial.number)
                self.settled(trial)

    def _warn_of_full_disk(self) -> None:
        warnings.warn(
            "The disk is full: the search has ended early. Make room, and the same call goes on from here.",
            stacklevel=4,
        )

    def _give_up_if_hopeless(self, trial: Trial) -> None:
        if trial.failure is None:
            return
        told = [t for t in self.history.trials if t.results]
        causes = {t.failure.cause if t.failure else None for t in told}
        if len(told) == _HOPELESS and causes == {trial.failure.cause}:
            self._end()
            raise SearchFailed(
                f"The first {_HOPELESS} trials all failed by the same cause: {trial.failure.cause}\n"
                f"{trial.failure.traceback}",
                self.history,
            )

    def _closed(self, trial: Trial) -> bool:
        return self.history.state(trial) in ("failed", "complete")

    def _end(self) -> None:
        """End regularly: what was stopped early is so for good, unless the run is given more."""
        if self._proposed is not None:  # its first job would have cost too much
            self.history.trials.pop()
            self._proposed = None
        if self.store is not None:
            for trial in self.history.trials:
                if trial.results:  # else it was handed out, no more, and will run when the run goes on
                    self._finish(trial)

    def _finish(self, trial: Trial) -> None:
        from optuna.trial import TrialState  # noqa: PLC0415 - Optuna is slow to import

        assert self.store is not None
        states = {"failed": TrialState.FAIL, "complete": TrialState.COMPLETE}
        self.store.finish(trial, states.get(self.history.state(trial), TrialState.PRUNED))


def _key(job: Job) -> tuple[int, int, int]:
    return job.trial, job.from_fidelity, job.to_fidelity
