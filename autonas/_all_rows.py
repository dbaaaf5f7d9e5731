"""After the search: the networks of the ensemble trained anew, one a member, on all rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from autonas._run_dir import last_good, losses_of, trial_folder
from autonas.optimization import RunHistory, Trial
from autonas.optimization.interfaces import says_disk_full
from autonas.spaces import values
from autonas.training.checkpoint import Unreadable, load_about, load_model, save_model
from autonas.training.ensemble import Ensemble, Ensembled
from autonas.training.images import Images
from autonas.training.loop import Progress
from autonas.training.task import Task
from autonas.training.traditional import MixedTrainer
from autonas.training.trial import Trainer, one_thread

__all__ = ["FOLDER", "OnAllRows", "TimeKept", "growth_of", "trainer_on_all_rows", "trains_on_all_rows"]

#: Where a run_dir keeps these networks.
FOLDER = "all_rows"
#: They are trained in this share of the time limit, at most.
SHARE = 0.2
#: Time is kept for so many members: few ensembles of a search that a minute ends have more that count.
N_MEMBERS = 4
#: A training is expected to take so much longer than it did in the search, with its rows.
MARGIN = 1.1
#: Tables of fewer rows keep the networks of their folds.
SMALL = 1000
#: The folds of a small network, trained as one stack, take so much less time than one by one.
STACKED = 2


def trains_on_all_rows(estimator: Any, trainer: Trainer) -> bool:
    """Say whether a fit trains its ensemble anew on all rows: by default that of a table.

    Not the networks of folds of a small table, whose mean is steadier than one network; not that of images, where one
    training can take most of the time; and not where a front is wanted.
    """
    if not isinstance(estimator.train_on_all, str):
        return bool(estimator.train_on_all)
    steadier = len(trainer.folds) > 1 and len(trainer.task.target) < SMALL
    return not steadier and not isinstance(trainer.task.table, Images) and not estimator.objectives


def trainer_on_all_rows(task: Task, builds: Mapping[str, Callable[..., nn.Module]], **settings: Any) -> MixedTrainer:
    """Make a trainer that learns from all rows of a task; further arguments are those of any trainer."""
    rows = np.arange(len(task.target))
    # Nothing is judged; a fold has to name a row for that all the same.
    return MixedTrainer(task, [(rows, rows[:1])], builds, **settings)


class TimeKept:
    """How long before its deadline a search ends, so that the best of its trials can be trained on all rows.

    A callback of the search: it looks at what these took. Where even one of them takes too long, nothing is kept, and
    the search has all the time.

    Parameters
    ----------
    time_limit : float
        Seconds of the fit.
    trainer : Trainer
        Of the search.
    n_threads : int
        Members trained side by side.
    """

    def __init__(self, time_limit: float, trainer: Trainer, n_threads: int) -> None:
        self._most, self._growth, self._n_threads = SHARE * time_limit, growth_of(trainer), n_threads
        self.seconds = 0.0

    def __call__(self, history: RunHistory, *_: Any) -> None:
        """Take in a result."""
        losses = losses_of(history)
        until = [0.0] * self._n_threads
        for number in sorted(losses, key=lambda n: (losses[n], n))[:N_MEMBERS]:
            first = until.index(min(until))
            end = until[first] + self._growth * _seconds(history.trials[number])
            if end <= self._most:
                until[first] = end
        self.seconds = max(until)


def growth_of(trainer: Trainer) -> float:
    """Say how much longer a training on all rows takes than one on all folds did."""
    learnt_from = sum(len(rows) for rows, _ in trainer.folds) / (STACKED if len(trainer.folds) > 1 else 1)
    return MARGIN * len(trainer.task.target) / learnt_from


@dataclass(frozen=True)
class OnAllRows:
    """Train the members of an ensemble anew, each for the epochs that were best in the search.

    Weights and temperatures stay: they say how far a configuration is to be trusted. A member that cannot be trained to
    the end in time keeps the networks of the search.

    Attributes
    ----------
    trainer : Trainer
        Learns from all rows.
    history : RunHistory
        Of the search.
    folder : Path, optional
        What is trained is kept in there, and what it holds is not trained again.
    deadline : float, optional
        In terms of ``time.monotonic()``.
    growth : float, default=1
        How much longer a training takes than it did in the search.
    stop : callable
        True ends it like the deadline does.
    n_threads : int, default=1
        Members trained side by side.
    tolerant : bool, default=False
        True: a training that fails is a warning, and the member keeps the networks of the search.
    """

    trainer: Trainer
    history: RunHistory
    folder: Path | None = None
    deadline: float | None = None
    growth: float = 1.0
    stop: Callable[[], bool] = lambda: False
    n_threads: int = 1
    tolerant: bool = False

    def __call__(self, ensemble: Ensemble) -> Ensemble:
        """Give the ensemble of the new networks, its members in their order.

        Parameters
        ----------
        ensemble : Ensemble

        Returns
        -------
        Ensemble
        """
        with one_thread(), ThreadPoolExecutor(self.n_threads) as pool:
            heaviest_first = sorted(ensemble.members, key=lambda m: (-m.weight, m.trial))
            made = dict(zip((m.trial for m in heaviest_first), pool.map(self._member, heaviest_first), strict=True))
        return Ensemble([made[member.trial] for member in ensemble.members], ensemble.temperature)

    def _member(self, member: Ensembled) -> Ensembled:
        trial = self.history.trials[member.trial]
        try:
            weights = self._weights(trial)
        except Exception as error:
            if not self.tolerant:
                raise
            said = "the disk is full" if says_disk_full(error) else f"{type(error).__name__}: {error}"
            warnings.warn(
                f"Trial {trial.number} keeps the networks of the search: trained on all rows it failed ({said}).",
                stacklevel=2,
            )
            return member
        if weights is None:
            return member
        networks = self.trainer.restore(values(trial.configuration), weights)
        return replace(member, networks=networks, on_all_rows=True)

    def _weights(self, trial: Trial) -> list[dict[str, torch.Tensor]] | None:
        """Train, or read what was trained before; None if there is no time for it."""
        result = last_good(trial)
        assert result is not None
        epochs = max(1, int(result.info["best_epoch"]))
        folder = None if self.folder is None else trial_folder(self.folder, trial.number)
        if folder is not None and _epochs_of(folder) == epochs:
            return load_model(folder).weights
        if self.deadline is not None and time.monotonic() + self.growth * _seconds(trial) > self.deadline:
            return None
        configuration: dict[str, Any] = values(trial.configuration)
        if "batch_size" in result.info:  # halved for the memory of the GPU
            configuration["batch_size"] = result.info["batch_size"]
        weights = self.trainer.train_to(configuration, epochs, seed=trial.seed, deadline=self.deadline, stop=self.stop)
        if weights is not None and folder is not None:
            save_model(
                folder, Progress(epochs, best_outputs=np.zeros((0, 1), np.float32), best_weights=weights), epoch=epochs
            )
        return weights


def _epochs_of(folder: Path) -> int | None:
    """Say how long the networks in a folder were trained; None if they cannot be read."""
    try:
        about = load_about(folder)
    except Unreadable:
        return None
    return None if about is None else int(about["epoch"])


def _seconds(trial: Trial) -> float:
    """Estimate from the trial's own training how long one to its best epoch takes."""
    result = last_good(trial)
    assert result is not None
    reached = max(1, *result.info["curve_epochs"])  # of a traditional model, rounds; 0 where not one epoch ended
    return float(sum(r.seconds for r in trial.results) * result.info["best_epoch"] / reached)
