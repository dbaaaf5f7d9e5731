"""What the parts of a search hand to each other.

A **sampler** proposes configurations, a **schedule** decides which trial is trained to which fidelity next,
and both see the same :class:`Trial` records. A sampler is a pure function of these records and of the random
generator that it is handed: it keeps no state of its own that matters (caches aside), so a run that was
killed goes on by reading its records back. A schedule is replayed: the recorded events pass through it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from ConfigSpace import Configuration

__all__ = ["Failure", "Job", "Result", "Sampler", "Schedule", "Trial"]


class DiskFull(Exception):  # noqa: N818 - named for what it says
    """A record could not be written, since there is no room."""


def says_disk_full(text: object) -> bool:
    """Say whether an error's text, of whatever library, tells of a full disk."""
    return any(words in str(text) for words in ("No space left on device", "disk is full", "Disk quota exceeded"))


@dataclass(frozen=True)
class Job:
    """One piece of work: train ``trial`` from one fidelity to another."""

    trial: int
    configuration: Configuration
    from_fidelity: int
    to_fidelity: int


@dataclass(frozen=True)
class Failure:
    """Why a trial failed: the exception's type and message in one line, and the traceback."""

    cause: str
    traceback: str = ""


@dataclass(frozen=True)
class Result:
    """What one job came back with.

    Attributes
    ----------
    fidelity : int
        The fidelity that was reached; below the job's ``to_fidelity`` only where the deadline cut it short.
    loss : float
        Smaller is better; ``inf`` for a failed job.
    cost : float
        What this piece cost, as the objective says, else ``seconds``.
    seconds : float
        Wall time inside the objective.
    finished : float
        Seconds of search, over all pieces of the run, when it came back.
    asked, told : int
        Places in the run's one sequence of events: when the job was handed out and when it came back.
    complete : bool
        False where the deadline cut the job short.
    info : mapping
        Whatever else the objective returned; JSON values.
    """

    fidelity: int
    loss: float
    cost: float
    seconds: float
    finished: float
    asked: int
    told: int
    complete: bool = True
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Trial:
    """One configuration and all that came of it."""

    number: int
    configuration: Configuration
    origin: str
    """``"default"``, ``"initial"``, ``"random"``, or what else proposed it, such as ``"kde"`` or ``"portfolio"``."""
    seed: int
    results: list[Result] = field(default_factory=list)
    failure: Failure | None = None

    @property
    def losses(self) -> dict[int, float]:
        """Fidelity to loss, of completed jobs; a failed job counts with ``inf`` at its fidelity."""
        return {r.fidelity: r.loss for r in self.results if r.complete}

    @property
    def fidelity(self) -> int:
        """The highest fidelity completed; 0 before the first."""
        return max((r.fidelity for r in self.results if r.complete), default=0)

    @property
    def loss(self) -> float:
        """The loss at the highest completed fidelity; ``inf`` if it failed, ``nan`` before a result."""
        if self.failure is not None:
            return math.inf
        return self.losses.get(self.fidelity, math.nan)


class Sampler(Protocol):
    """Says which configuration comes next."""

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration | Mapping[str, Any] | None:
        """Propose a configuration, given everything that is known.

        Parameters
        ----------
        trials : sequence of Trial
            All trials so far in the order in which they were proposed, running ones (no result yet) among
            them.
        rng : numpy.random.Generator
            The only source of randomness allowed; it is a function of the run's seed and of the proposal's
            number.

        Returns
        -------
        Configuration, mapping or None
            A legal configuration with active values only. The caller turns down what was proposed before,
            asks again, and in the end draws at random, so a sampler need not watch for repeats. ``None``
            leaves the choice to chance.
        """
        ...


class Schedule(Protocol):
    """Says for how long, and who goes on.

    It may also have a method ``needs(trial) -> bool``, which is false once no job of the trial of that number can
    follow, so that what is kept for one can go.
    """

    def next(self, propose: Callable[[], Trial | None]) -> Job | None:
        """Hand out the next job.

        Parameters
        ----------
        propose : callable
            Makes a new trial, or returns None when there will be no more (limit reached, space exhausted):
            the schedule then goes on with the trials it has.

        Returns
        -------
        Job or None
            None: nothing to do until a pending job is reported (or, with none pending, nothing at all any
            more).
        """
        ...

    def report(self, job: Job, loss: float) -> None:
        """Take in how a job ended; ``loss`` is ``inf`` for a failed one."""
        ...
