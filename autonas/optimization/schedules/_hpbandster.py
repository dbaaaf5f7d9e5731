"""hpbandster's own brackets, driven in this process: no name server, no Pyro, no threads."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from autonas.optimization.interfaces import Job, Trial

with warnings.catch_warnings():
    # Code of 2018 warns where it is compiled, and statsmodels, imported with it, changes the process's filters.
    warnings.simplefilter("ignore")
    from hpbandster.core.dispatcher import Job as HpbandsterJob
    from hpbandster.optimizers.iterations import SuccessiveHalving

__all__ = ["Bracket"]


class _Exhausted(Exception):  # noqa: N818 - a signal through hpbandster's code, never an error
    """Raised inside hpbandster when it asks for one configuration more than there are."""


class Bracket:
    """One run of successive halving, by hpbandster.

    Parameters
    ----------
    sizes : sequence of int
        How many trials are trained at each rung.
    fidelities : sequence of int
        The rungs, as many as ``sizes``, ascending.
    eta : int
        One trial of ``eta`` goes on where the bracket has to be cut short.
    """

    def __init__(self, sizes: Sequence[int], fidelities: Sequence[int], eta: int) -> None:
        self._eta = eta
        self._propose: Callable[[], Trial | None] = lambda: None
        self._trials: dict[int, Trial] = {}
        self._ids: dict[int, Any] = {}
        self._reached: dict[int, int] = {}
        self._iteration = SuccessiveHalving(0, list(sizes), list(fidelities), self._sample)

    @property
    def finished(self) -> bool:
        """True when nothing can come of this bracket any more."""
        return bool(self._iteration.is_finished)

    def __contains__(self, trial: int) -> bool:
        return trial in self._trials

    def next(self, propose: Callable[[], Trial | None]) -> Job | None:
        """Hand out the next job, or None while the rung waits for pending jobs or the bracket is finished."""
        self._propose = propose
        while not self.finished:
            try:
                run = self._iteration.get_next_run()
            except _Exhausted:
                self._cut_short()
                continue
            if run is None:
                return None
            config_id, number, fidelity = run
            self._ids[number] = config_id
            return Job(number, self._trials[number].configuration, self._reached.get(number, 0), fidelity)
        return None

    def report(self, job: Job, loss: float) -> None:
        """Pass a loss on; a failed job is a crashed one to hpbandster, and is never promoted."""
        done = HpbandsterJob(self._ids[job.trial], config=job.trial, budget=job.to_fidelity)
        if math.isfinite(loss):
            done.result = {"loss": float(loss)}
        else:
            done.exception = "failed"
        self._reached[job.trial] = job.to_fidelity
        self._iteration.register_result(done)

    def _sample(self, budget: int) -> tuple[int, dict[str, Any]]:  # noqa: ARG002 - hpbandster's signature
        trial = self._propose()
        if trial is None:
            raise _Exhausted
        self._trials[trial.number] = trial
        # To hpbandster a configuration is only a thing to compare: a number will do.
        return trial.number, {}

    def _cut_short(self) -> None:
        """Plan the rungs from here on for the trials that there are."""
        iteration = self._iteration
        here = iteration.actual_num_configs[iteration.stage]
        for stage in range(iteration.stage, len(iteration.num_configs)):
            planned = max(here // self._eta ** (stage - iteration.stage), min(here, 1))
            iteration.num_configs[stage] = min(iteration.num_configs[stage], planned)
