"""From trials to what predicts: the ensemble, and each trial of the Pareto front by itself."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autonas._run_dir import N_CANDIDATES, last_good, losses_of, trial_folder
from autonas.optimization import RunHistory, SearchFailed, Trial
from autonas.spaces import values
from autonas.training.checkpoint import Unreadable, load_model, load_outputs
from autonas.training.ensemble import Ensemble, Ensembled, mix
from autonas.training.images import Images
from autonas.training.metrics import resolve_metric
from autonas.training.thresholds import Decision, tune_decision
from autonas.training.trial import Trainer

__all__ = ["Assembled", "Assembling", "Validated"]

Array = npt.NDArray[Any]

#: Multiply-adds of predicting a row by the whole ensemble, at most: about 50 ms for 1,000 rows on two cores of
#: 60 GFLOP/s each. Counted, not timed, so that the same run ends with the same ensemble on any machine.
MAX_COST = 2e6
#: The same of images, whose networks need many more: about 4 s for 1,000 images.
MAX_IMAGE_COST = 2e8


@dataclass(frozen=True)
class Validated:
    """What an ensemble says of the validation rows, and what is true.

    Attributes
    ----------
    target : ndarray of shape (n,)
        Class codes, or numbers.
    predictions : ndarray
        Probabilities of shape (n, n_classes), or numbers of shape (n,).
    weight : ndarray of shape (n,) or None
        Sample weights.
    """

    target: Array
    predictions: Array
    weight: Array | None = None


@dataclass(frozen=True)
class Assembled:
    """What predicts.

    Attributes
    ----------
    ensemble : Ensemble
    decision : Decision
        How probabilities become classes.
    validated : Validated, optional
        What it says of the validation rows; None where that was not kept.
    objectives : mapping of str to float
        Of a trial on the front: ``loss`` and the objectives.
    """

    ensemble: Ensemble
    decision: Decision
    validated: Validated | None = None
    objectives: Mapping[str, float] = field(default_factory=dict)


class Assembling:
    """Choose among the trials of a run, and put their networks together.

    Parameters
    ----------
    trainer : Trainer
    history : RunHistory
    run_dir : Path
    deadline : float or None
        In terms of ``time.monotonic()``; choosing then ends with what it has.
    tune : bool
        Whether to tune the decision for the metric.
    """

    def __init__(
        self, trainer: Trainer, history: RunHistory, run_dir: Path, deadline: float | None, *, tune: bool
    ) -> None:
        self.trainer, self.history, self.run_dir = trainer, history, run_dir
        self.deadline, self.tune = deadline, tune
        self.losses = losses_of(history)

    def ensemble(self, size: int) -> Assembled:
        """Choose the ensemble.

        Parameters
        ----------
        size : int
            Members at most; 1: the single best.

        Returns
        -------
        Assembled

        Raises
        ------
        SearchFailed
            If there is no network.
        """
        candidates = sorted(self.losses, key=lambda n: (self.losses[n], n))[:N_CANDIDATES]
        stored = {n: outputs for n in candidates if (outputs := self._outputs(n)) is not None}
        if not stored:
            causes = [t.failure.cause for t in self.history.trials if t.failure is not None]
            reason = f"every trial failed, the first with: {causes[0]}" if causes else "no trial came to a result"
            if self.losses:
                reason = f"there are {len(self.losses)} trials with a result, but the networks of none can be read"
            raise SearchFailed(f"No network could be trained: {reason}", self.history)
        numbers = [*stored][: 1 if size == 1 else N_CANDIDATES]
        return self._mixed(numbers, [stored[n] for n in numbers], size)

    def front(self) -> list[Assembled]:
        """Make each trial of the Pareto front ready to predict by itself, the smallest loss first."""
        if not self.history.objectives:
            return []
        made = []
        for row in self.history.pareto_front().to_dict("records"):
            number = int(row["trial"])
            outputs = self._outputs(number)
            if outputs is not None:
                alone = self._mixed([number], [outputs], 1)
                objectives = {name: float(row[name]) for name in ("loss", *self.history.objectives)}
                made.append(replace(alone, objectives=objectives))
        return made

    def _mixed(self, numbers: Sequence[int], outputs: Sequence[Array], size: int) -> Assembled:
        trainer, task = self.trainer, self.trainer.task
        target, weight = trainer.valid_target, trainer.valid_weight
        mixture = mix(
            (trainer.decode(out) for out in outputs),
            # Decisions are tuned afterwards; what they need is good probabilities.
            resolve_metric("log_loss", np.arange(task.n_classes)) if self.tune else task.metric,
            target,
            weight,
            size=size,
            costs=[_cost(self.history.trials[n]) for n in numbers],
            max_cost=MAX_IMAGE_COST if isinstance(task.table, Images) else MAX_COST,
            deadline_passed=self._late,
        )
        members = []
        for place, share in mixture.weights.items():
            trial = self.history.trials[numbers[place]]
            weights = load_model(trial_folder(self.run_dir, trial.number)).weights
            networks = trainer.restore(values(trial.configuration), weights)
            members.append(Ensembled(trial.number, share, networks, mixture.temperatures[place]))
        decision = Decision(np.ones(task.n_classes))
        if self.tune:
            assert task.metric.of_decisions is not None
            decision = tune_decision(mixture.predictions, target, weight, task.metric.of_decisions, self._late)
        validated = Validated(target, mixture.predictions, weight)
        return Assembled(Ensemble(members, mixture.temperature), decision, validated)

    def _late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def _outputs(self, number: int) -> Array | None:
        try:
            return load_outputs(trial_folder(self.run_dir, number))
        except Unreadable as error:
            warnings.warn(f"Trial {number} is left out of the ensemble: {error}.", stacklevel=2)
            return None


def _cost(trial: Trial) -> float:
    """Multiply-adds of predicting a row with all networks of a trial."""
    result = last_good(trial)
    assert result is not None
    return float(result.info.get("multiply_adds", 0.0))
