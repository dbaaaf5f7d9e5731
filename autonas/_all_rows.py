"""After the search: the networks of the ensemble trained anew on all rows, those that judged them among these."""

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

from autonas._run_dir import last_good, trial_folder
from autonas.optimization import RunHistory, Trial
from autonas.spaces import values
from autonas.training.checkpoint import Unreadable, load_about, load_model, save_model
from autonas.training.ensemble import Ensemble, Ensembled
from autonas.training.loop import Progress
from autonas.training.task import Task
from autonas.training.traditional import MixedTrainer
from autonas.training.trial import Trainer, one_thread

__all__ = ["FOLDER", "OnAllRows", "trainer_on_all_rows"]

#: Where a run_dir keeps these networks.
FOLDER = "all_rows"


def trainer_on_all_rows(task: Task, builds: Mapping[str, Callable[..., nn.Module]], **settings: Any) -> MixedTrainer:
    """Make a trainer that learns from all rows of a task; further arguments are those of any trainer."""
    rows = np.arange(len(task.target))
    # Nothing is judged; a fold has to name a row for that all the same.
    return MixedTrainer(task, [(rows, rows[:1])], builds, **settings)


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
            said = f"{type(error).__name__}: {error}"
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
        if self.deadline is not None and time.monotonic() + _seconds(trial) > self.deadline:
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
    reached = max(result.info["curve_epochs"])  # of a traditional model, rounds
    return float(sum(r.seconds for r in trial.results) * result.info["best_epoch"] / reached)
