"""The search of a fit: in one stage or in two."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ConfigSpace import Configuration
from sklearn.base import clone

from autonas._all_rows import TimeKept
from autonas._budget import affordable, choose_epochs, estimating, reserve
from autonas._first_trials import family_configurations, portfolio_configurations, smaller_configurations
from autonas._interrupts import Interrupts
from autonas._latency import LATENCY, WithLatency
from autonas._progress import Limits, Progress, showing
from autonas._run_dir import Housekeeping, write_fit_record
from autonas._search_space import SearchSpace
from autonas._stored import Keeper
from autonas._two_stage import Comparison, OneShot, OneShotResult, find_cells, smallest_loss, with_random_cells
from autonas._workers import InWorkers, uses_processes
from autonas.networks.cells import CELL
from autonas.optimization import RunHistory, search
from autonas.presets import Preset
from autonas.training.trial import Trainer, one_thread

__all__ = ["Searching"]

#: So many trials are trained to the end before the schedule begins: the default, and the first of the portfolio.
FULL_FIRST = 6


@dataclass(frozen=True)
class Searching:
    """All that a search of a fit needs but the space.

    Attributes
    ----------
    estimator : AutoNASClassifier or AutoNASRegressor
        Its parameters say how.
    preset : Preset
        Names a portfolio.
    trainer : Trainer
        The objective.
    run_dir : Path
        Where the run lives.
    record : dict
        What is kept of the fit there.
    deadline : float or None
        Of the whole fit, in terms of ``time.monotonic()``.
    interrupts : Interrupts
        Say whether to end.
    keeper : Keeper or None
        Keeps what predicting needs.
    kept : TimeKept or None
        How much time is kept for training on all rows.
    """

    estimator: Any
    preset: Preset
    trainer: Trainer
    run_dir: Path
    record: dict[str, Any]
    deadline: float | None
    interrupts: Interrupts
    keeper: Keeper | None = None
    kept: TimeKept | None = None

    def run(self, chosen: SearchSpace, time_limit: float | None, first: Sequence[Mapping[str, Any]] = ()) -> RunHistory:
        """Choose epochs and first trials, and search.

        Parameters
        ----------
        chosen : SearchSpace
            What is searched.
        time_limit : float or None
            Seconds until the deadline from where nothing of it was spent on another stage.
        first : sequence of mapping
            What another stage wants tried right after the default, and as long.

        Returns
        -------
        RunHistory
        """
        estimator, trainer = self.estimator, self.trainer
        min_epochs, trainer.max_epochs = choose_epochs(estimator, self.record, trainer, chosen, time_limit, first)
        objectives = tuple(estimator.objectives or ())
        # The preset's was learnt for the loss alone, and would take most of a short search of a front.
        given = None if objectives and estimator.portfolio == "default" else estimator.portfolio
        portfolio = portfolio_configurations(given, self.record, self.preset, chosen, trainer.task)
        write_fit_record(self.run_dir, self.record)
        smaller: list[Configuration] = []
        one_by_one = chosen.runs_one_by_one(trainer.device)
        processes = {
            name: getattr(estimator, name) for name in ("n_jobs", "client", "trial_time_limit", "trial_memory_limit")
        }
        in_processes = uses_processes(**processes)
        if objectives:
            seconds = estimating(trainer, chosen, builds_own=not in_processes)
            smaller = smaller_configurations(chosen, seconds)
        trains: Any = WithLatency(trainer) if LATENCY in objectives else trainer
        limits = Limits(self.deadline, estimator.time_limit, estimator.n_trials)
        progress = Progress(limits, trainer.task.metric.name, chosen.is_traditional)
        with one_thread() as n_threads, showing(progress, int(estimator.verbose)) as shown:
            return search(
                InWorkers(chosen.own, trains) if in_processes else trains,
                chosen.space,
                optimizer=estimator.optimizer,
                objectives=objectives,
                min_fidelity=min_epochs,
                max_fidelity=trainer.max_epochs,
                full_first=min(FULL_FIRST, 1 + len(first) + len(smaller) + len(portfolio)),
                n_trials=estimator.n_trials,
                time_limit=self._seconds_left(),
                n_threads=1 if one_by_one or in_processes else n_threads,
                **processes,
                stop=self._over,
                settled=Housekeeping(self.run_dir, objectives),
                run_dir=self.run_dir,
                storage=estimator.storage,
                initial_configurations=(
                    *first,
                    *smaller,
                    *(estimator.initial_configurations or ()),
                    *family_configurations(chosen),
                    *portfolio,
                ),
                accepts=affordable(trainer, chosen, estimator.time_limit, builds_own=not in_processes),
                random_state=self.record["seed"],
                callbacks=(
                    *(() if self.keeper is None else (self.keeper.improved,)),
                    *(() if self.kept is None else (self.kept,)),
                    *shown,
                    *(estimator.callbacks or ()),
                ),
            )

    def run_two_stages(self, settings: OneShot, chosen: SearchSpace) -> tuple[SearchSpace, RunHistory, OneShotResult]:
        """Find cells by weight sharing, then search all the rest with them.

        Parameters
        ----------
        settings : OneShot
            Of stage one; with ``compare_to_random`` half of the budget goes to a search with random cells.
        chosen : SearchSpace
            What is searched.

        Returns
        -------
        search_space : SearchSpace
            What stage two searched.
        history : RunHistory
            Of stage two.
        result : OneShotResult
            Of stage one, with the comparison.
        """
        write_fit_record(self.run_dir, self.record)
        began = time.monotonic()
        kept_back = 0.0 if self.deadline is None else reserve(self.estimator)
        left = None if self.deadline is None else max(self.deadline - kept_back - began, 0.0)
        half = left if left is None or not settings.compare_to_random else left / 2
        seconds = None if half is None else settings.share * half
        seed = self.record["seed"]
        with self.interrupts.at_once():
            found, result = find_cells(settings, self.trainer, chosen, self.run_dir, seed=seed, seconds=seconds)
        choice = f"{result.family}:{CELL}"
        first = _first_of_stage_two(found, choice, result.cells, result.default_cell)
        if not settings.compare_to_random:
            return found, self.run(found, _left(self.deadline), first), result
        middle = None if half is None else began + half + kept_back
        history = replace(self, deadline=middle, kept=None).run(found, _left(middle), first)
        baseline = replace(
            self,
            # The baseline's history stays in its own folder, whatever storage the run has.
            estimator=clone(self.estimator).set_params(storage=None),
            run_dir=self.run_dir / "random_cells",
            record=dict(self.record),
            keeper=None,
            kept=None,
        )
        baseline.run_dir.mkdir(exist_ok=True)
        drawn, random_cells = with_random_cells(chosen, found, settings.n_architectures, seed)
        first = _first_of_stage_two(drawn, choice, random_cells, result.default_cell)
        other = baseline.run(drawn, _left(self.deadline), first)
        result.comparison = Comparison(
            smallest_loss(history, choice, result.cells),
            smallest_loss(other, choice, random_cells),
            result.seconds + history.wall_seconds,
            other.wall_seconds,
        )
        return found, history, result

    def _over(self) -> bool:
        if self.kept is not None and self.kept.seconds and self.deadline is not None:
            end = self.deadline - reserve(self.estimator) - self.kept.seconds
            if time.monotonic() > end:
                return True
        return self.interrupts.stop()

    def _seconds_left(self) -> float | None:
        if self.deadline is None:
            return None
        return max(1.0, self.deadline - reserve(self.estimator) - time.monotonic())


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), 1.0)


def _first_of_stage_two(
    space: SearchSpace, choice: str, cells: Sequence[str], default_cell: str
) -> list[Mapping[str, Any]]:
    """Say what follows the best cell: the default one, the best with mirrored images, and the runner-up.

    The first makes sure that cells that are no good do no harm; the second is what changes most in how images are
    trained on, and is wrong for some (digits), so it is tried.
    """
    first: list[Mapping[str, Any]] = []
    if default_cell not in cells:
        first.append({choice: default_cell})
    if True in getattr(space.space.get("flip"), "choices", ()):
        first.append({"flip": True})
    return [*first, *({choice: cell} for cell in cells[1:2])]
