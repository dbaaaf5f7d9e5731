"""What a worker process is sent: a trainer, and what it needs to be read there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autonas.spaces import NetworkFamily
from autonas.training.trial import one_thread

__all__ = ["InWorkers", "uses_processes"]


def uses_processes(n_jobs: int, client: Any, trial_time_limit: float | None, trial_memory_limit: float | None) -> bool:
    """Say whether trials run in worker processes: side by side, or for the sake of limits that need one."""
    return n_jobs != 1 or client is not None or trial_time_limit is not None or trial_memory_limit is not None


class InWorkers:
    """Train in a process of its own as in this one: one thread a training, so the results are the same bit for bit.

    Parameters
    ----------
    own : sequence of NetworkFamily
        Families of the user's. They stand first: where the pickle is read, they load the files that the networks in it
        are built from.
    trainer : callable
        What trains, as a :class:`~autonas.training.trial.Trainer` does.
    """

    def __init__(self, own: Sequence[NetworkFamily], trainer: Callable[..., dict[str, Any]]) -> None:
        self.own = tuple(own)
        self.trainer = trainer

    def __call__(
        self,
        configuration: Mapping[str, Any],
        fidelity: int,
        *,
        seed: int,
        checkpoint: Path,
        deadline: float | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """Train a configuration up to an epoch, see :class:`~autonas.training.trial.Trainer`."""
        with one_thread():
            return self.trainer(configuration, fidelity, seed=seed, checkpoint=checkpoint, deadline=deadline, stop=stop)
