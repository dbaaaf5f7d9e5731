"""One call of the objective: what goes in, what comes out, and what can go wrong."""

from __future__ import annotations

import inspect
import json
import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from autonas.optimization.interfaces import Failure, Job
from autonas.spaces import values

__all__ = ["Outcome", "Runner", "Task", "accepted_keywords", "call", "never", "run"]

Objective = Callable[..., Any]

KEYWORDS = ("seed", "checkpoint", "deadline", "stop")
"""What an objective gets beside the configuration and the fidelity, if its signature has a place for it."""


@dataclass(frozen=True)
class Task:
    """All that is needed to run a job; can be sent to another process.

    Attributes
    ----------
    job : Job
        What to train.
    keywords : mapping
        Those of :data:`KEYWORDS` that the objective takes. A runner that can make use of ``stop`` puts in its own.
    start_by : float, optional
        A task that has to wait for its turn is no longer started from this moment of ``time.monotonic()`` on.
    deadline : float, optional
        When the search's time is over, whether the objective is told or not.
    """

    job: Job
    keywords: Mapping[str, Any]
    start_by: float | None = None
    deadline: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a task."""

    job: Job
    fidelity: int
    loss: float
    cost: float
    seconds: float
    complete: bool = True
    info: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None


class Runner(Protocol):
    """A place where tasks run."""

    @property
    def free(self) -> bool:
        """True while one more task can be taken."""
        ...

    @property
    def busy(self) -> bool:
        """True while a task is outstanding."""
        ...

    def submit(self, task: Task) -> None:
        """Take a task."""
        ...

    def wait(self) -> list[Outcome]:
        """Wait until at least one task is not outstanding any more; of one that was never started nothing comes."""
        ...


def never() -> bool:
    """Say that nobody wants the objective to end early: the ``stop`` of one that runs where the search waits."""
    return False


def accepted_keywords(objective: Objective) -> frozenset[str]:
    """Say which of :data:`KEYWORDS` an objective takes.

    Raises
    ------
    ValueError
        If it is not callable with a configuration and a fidelity.
    """
    if not callable(objective):
        raise ValueError(  # noqa: TRY004 - all arguments fail alike
            f"`objective` is {objective!r}, but must be callable: objective(configuration, fidelity)."
        )
    try:
        signature = inspect.signature(objective)
    except (TypeError, ValueError):  # some builtins have none
        return frozenset()
    parameters = signature.parameters.values()
    everything = any(p.kind is p.VAR_KEYWORD for p in parameters)
    named = {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    accepted = frozenset(name for name in KEYWORDS if everything or name in named)
    try:
        signature.bind({}, 1, **dict.fromkeys(accepted))
    except TypeError as error:
        raise ValueError(
            f"`objective` has the signature {signature}, but is called as objective(configuration, fidelity) "
            f"with any of the keywords {', '.join(KEYWORDS)} that it names: {error}."
        ) from error
    return accepted


def run(objective: Objective, task: Task) -> Outcome:
    """Call the objective; an exception makes a failed job, except those that end the process."""
    return call(objective, values(task.job.configuration), task)


def call(objective: Objective, configuration: Mapping[str, Any], task: Task) -> Outcome:
    """Do the same where only the configuration's values are at hand."""
    job = task.job
    start = time.perf_counter()
    try:
        if task.keywords.get("checkpoint") is not None:
            Path(task.keywords["checkpoint"]).mkdir(parents=True, exist_ok=True)
        returned = objective(dict(configuration), job.to_fidelity, **task.keywords)
        return _read(returned, job, time.perf_counter() - start)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is recorded with its cause
        cause = traceback.format_exception_only(type(error), error)[0].strip().splitlines()[0]
        failure = Failure(cause, traceback.format_exc())
        seconds = time.perf_counter() - start
        return Outcome(job, job.to_fidelity, math.inf, seconds, seconds, failure=failure)


def _read(returned: Any, job: Job, seconds: float) -> Outcome:
    content: dict[str, Any] = dict(returned) if isinstance(returned, Mapping) else {"loss": returned}
    if "loss" not in content:
        raise ValueError(f"The objective returned {returned!r}, which has no 'loss'; add it.")
    loss = _number(content.pop("loss"), "loss")
    cost = _number(content.pop("cost", seconds), "cost")
    fidelity = content.pop("fidelity", job.to_fidelity)
    if int(fidelity) != fidelity or not 0 <= fidelity <= job.to_fidelity:
        raise ValueError(
            f"The objective returned the fidelity {fidelity!r}, but was asked to train from "
            f"{job.from_fidelity} to {job.to_fidelity}; return the fidelity reached, or leave it out."
        )
    complete = fidelity == job.to_fidelity
    info = json.loads(json.dumps(content, default=_jsonable)) if content else {}
    if complete and not math.isfinite(loss):
        failure = Failure(f"The loss is not finite: {loss}")
        return Outcome(job, job.to_fidelity, math.inf, cost, seconds, True, info, failure)
    return Outcome(job, int(fidelity), loss, cost, seconds, complete, info)


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The objective returned {value!r} as {name}, but it must be a number.") from error


def _jsonable(value: Any) -> Any:
    """Turn what numpy or torch hold into Python's own, and anything else into text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
