"""What a search has found, for people and for tools."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from ConfigSpace import ConfigurationSpace

from autonas.optimization.interfaces import Result, Trial
from autonas.optimization.objectives import check_objectives, last_finite, non_dominated, point_of
from autonas.spaces import values

if TYPE_CHECKING:
    import optuna

    from autonas.optimization._store import Store

__all__ = ["RunHistory"]


class RunHistory:
    """The trials of a run and views of them.

    Parameters
    ----------
    space : ConfigurationSpace
        The space that was searched.
    max_fidelity : int
        What a trial is trained to at most.
    trials : list of Trial, optional
        The trials so far.
    store : Store, optional
        Where they are written; by default nowhere.
    objectives : sequence of str, default=()
        What is to be small beside the loss.

    Attributes
    ----------
    trials : list of Trial
        In the order in which they were proposed.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        max_fidelity: int,
        trials: list[Trial] | None = None,
        store: Store | None = None,
        objectives: Sequence[str] = (),
    ) -> None:
        self.space = space
        self.objectives = tuple(objectives)
        self.max_fidelity = max_fidelity
        self.trials: list[Trial] = [] if trials is None else trials
        self._store = store

    def __getstate__(self) -> dict[str, Any]:
        """Part from the storage: a copy tells of the run as it was, also where the storage's files are not."""
        return {**self.__dict__, "_store": None}

    def __repr__(self) -> str:
        results = sum(len(trial.results) for trial in self.trials)
        return f"<RunHistory of {len(self.trials)} trials and {results} results, fidelity {self.total_fidelity}>"

    @property
    def best(self) -> Trial:
        """The trial with the lowest loss at the highest fidelity that any trial has completed.

        Raises
        ------
        ValueError
            If no trial has completed anything; the message names the first cause.
        """
        trial, _ = self._best()
        return trial

    @property
    def best_loss(self) -> float:
        """The loss of :attr:`best` there."""
        trial, fidelity = self._best()
        return trial.losses[fidelity]

    @property
    def total_fidelity(self) -> int:
        """The fidelity spent: each trial pays for the highest that it got to, in however many pieces."""
        return sum(max((result.fidelity for result in trial.results), default=0) for trial in self.trials)

    @property
    def objective_seconds(self) -> float:
        """Wall time inside the objective."""
        return sum(result.seconds for trial in self.trials for result in trial.results)

    @property
    def wall_seconds(self) -> float:
        """Seconds of search, over all pieces of the run, until the last result."""
        return max((result.finished for trial in self.trials for result in trial.results), default=0.0)

    @property
    def study(self) -> optuna.Study:
        """The run as an Optuna study, for optuna-dashboard, importances and plots.

        From the storage where there is one, else made when asked for, with all trials so far.
        """
        if self._store is not None:
            return self._store.study()
        from optuna.trial import TrialState  # noqa: PLC0415 - Optuna is slow to import

        from autonas.optimization._store import in_memory_study  # noqa: PLC0415

        optuna_states = {
            "failed": TrialState.FAIL,
            "complete": TrialState.COMPLETE,
            "stopped": TrialState.PRUNED,
            "running": TrialState.RUNNING,
        }
        states = [optuna_states[self.state(trial)] for trial in self.trials]
        return in_memory_study(self.trials, states, self.space)

    def state(self, trial: Trial) -> str:
        """Say how far a trial has got.

        Parameters
        ----------
        trial : Trial
            One of :attr:`trials`.

        Returns
        -------
        str
            ``"failed"``, ``"complete"`` (trained to the end), ``"stopped"`` (not further than some rung, so far) or
            ``"running"`` (handed out, no result yet; where the search has ended, it waits for the run to go on).
        """
        if trial.failure is not None:
            return "failed"
        if trial.fidelity >= self.max_fidelity:
            return "complete"
        return "stopped" if trial.results else "running"

    def to_dataframe(self) -> pd.DataFrame:
        """List all results in the order in which they came back.

        Returns
        -------
        pandas.DataFrame
            One row a result. ``total_fidelity`` is what the run had spent by then, ``config:NAME`` the value
            of an active hyperparameter. Of a failed job, ``loss`` is ``inf``.
        """
        rows = []
        configurations = {trial.number: values(trial.configuration) for trial in self.trials}
        for step in self._steps():
            trial, result = step.trial, step.result
            rows.append(
                {
                    "trial": trial.number,
                    "state": self.state(trial),
                    "fidelity": result.fidelity,
                    "loss": result.loss,
                    "cost": result.cost,
                    "seconds": result.seconds,
                    "finished": result.finished,
                    "total_fidelity": step.total_fidelity,
                    "origin": trial.origin,
                    **{f"config:{name}": value for name, value in configurations[trial.number].items()},
                }
            )
        columns = [*_COLUMNS, *(f"config:{name}" for name in self.space)]
        table: pd.DataFrame = pd.DataFrame(rows, columns=columns)
        return table

    def incumbents(self) -> pd.DataFrame:
        """List when the best changed.

        The best is that with the lowest loss at the highest fidelity so far: when a rung is reached for the
        first time its loss replaces the best of the rung below, be it lower or not.

        Returns
        -------
        pandas.DataFrame
            Columns ``trial``, ``fidelity``, ``loss``, ``finished`` (seconds) and ``total_fidelity``, both at
            the change.
        """
        rows: list[dict[str, Any]] = []
        best = (0, math.inf)
        for step in self._steps():
            result = step.result
            if not result.complete or not math.isfinite(result.loss):
                continue
            if (-result.fidelity, result.loss) < (-best[0], best[1]):
                best = (result.fidelity, result.loss)
                rows.append(
                    {
                        "trial": step.trial.number,
                        "fidelity": result.fidelity,
                        "loss": result.loss,
                        "finished": result.finished,
                        "total_fidelity": step.total_fidelity,
                    }
                )
        columns = ["trial", "fidelity", "loss", "finished", "total_fidelity"]
        table: pd.DataFrame = pd.DataFrame(rows, columns=columns)
        return table

    def pareto_front(self, objectives: Sequence[str] | None = None) -> pd.DataFrame:
        """List the trials that no other beats in one objective without losing in another.

        Parameters
        ----------
        objectives : sequence of str, optional
            Numbers that the objective returned beside the loss, which always counts. Default: those of the search.

        Returns
        -------
        pandas.DataFrame
            One row a trial, the smallest loss first: ``trial``, ``fidelity``, ``loss`` and the objectives, all as they
            were at the highest fidelity that it got to.

        Raises
        ------
        ValueError
            If there are no objectives, or no trial has such a number.
        """
        names = check_objectives(self.objectives if objectives is None else objectives)
        if not names:
            raise ValueError("A front needs `objectives`: pass them here, or to the search.")
        found = [(trial, result) for trial in self.trials if (result := last_finite(trial)) is not None]
        for name in names:
            if found and not any(name in result.info for _, result in found):
                raise ValueError(f"No trial has {name!r}; there are {sorted(found[0][1].info)}.")
        points = np.array([point_of(result, names) for _, result in found]).reshape(len(found), 1 + len(names))
        rows: list[dict[str, Any]] = [
            {"trial": trial.number, "fidelity": result.fidelity, **dict(zip(("loss", *names), point, strict=True))}
            for (trial, result), point, on_front in zip(found, points.tolist(), non_dominated(points), strict=True)
            if on_front
        ]
        rows.sort(key=lambda row: row["loss"])
        table: pd.DataFrame = pd.DataFrame(rows, columns=["trial", "fidelity", "loss", *names])
        return table

    def failures(self) -> pd.DataFrame:
        """Group the failed trials by cause, the most frequent first.

        Returns
        -------
        pandas.DataFrame
            Columns ``cause``, ``count``, ``trial`` (the first that failed so) and its ``traceback``.
        """
        groups: dict[str, dict[str, Any]] = {}
        for trial in self.trials:
            if trial.failure is not None:
                cause = trial.failure.cause
                first = {
                    "cause": cause,
                    "count": 0,
                    "trial": trial.number,
                    "traceback": trial.failure.traceback,
                }
                groups.setdefault(cause, first)["count"] += 1
        rows = sorted(groups.values(), key=lambda row: -row["count"])
        table: pd.DataFrame = pd.DataFrame(rows, columns=["cause", "count", "trial", "traceback"])
        return table

    def _best(self) -> tuple[Trial, int]:
        # A trial that failed later may still have the only results there are.
        for among in ([t for t in self.trials if t.failure is None], self.trials):
            found = [
                (-fidelity, loss, trial.number)
                for trial in among
                for fidelity, loss in trial.losses.items()
                if math.isfinite(loss)
            ]
            if found:
                fidelity, _, number = min(found)
                return self.trials[number], -fidelity
        failed = self.failures()
        if len(failed):
            raise ValueError(
                f"There is no best trial: all {failed['count'].sum()} that ran failed, most of them by: "
                f"{failed['cause'][0]}. See `failures()`."
            )
        raise ValueError("There is no best trial: none has completed a job. Raise the limits of the search.")

    def _steps(self) -> Iterator[_Step]:
        told = sorted(
            ((result.told, trial, result) for trial in self.trials for result in trial.results),
            key=lambda step: step[0],
        )
        total = 0
        reached: dict[int, int] = {}
        for _, trial, result in told:
            before = reached.get(trial.number, 0)
            reached[trial.number] = max(before, result.fidelity)
            total += reached[trial.number] - before
            yield _Step(trial, result, total)


@dataclass(frozen=True)
class _Step:
    trial: Trial
    result: Result
    total_fidelity: int


_COLUMNS = [
    "trial",
    "state",
    "fidelity",
    "loss",
    "cost",
    "seconds",
    "finished",
    "total_fidelity",
    "origin",
]
