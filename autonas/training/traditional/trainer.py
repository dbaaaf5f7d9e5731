"""Trials of traditional models beside those of networks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from autonas.networks.specs import InputSpec
from autonas.spaces import load_space, values
from autonas.training.checkpoint import Unreadable, load_about, save_model
from autonas.training.loop import Progress
from autonas.training.stack import Single
from autonas.training.traditional.families import is_traditional, load
from autonas.training.traditional.model import Family, Model, Sample
from autonas.training.trial import Side, TrainedNetwork, Trainer

__all__ = ["MixedTrainer"]

Array = npt.NDArray[Any]

#: A traditional model takes at most this share of the time that is left when it starts.
TIME_SHARE = 0.15


class MixedTrainer(Trainer):
    """Train configurations of networks, and fit those of traditional models.

    A traditional model knows no epochs: it is fitted whole when its trial first runs, on the same folds and rows as a
    network, and what it came to is what every higher rung gets, at no cost. A family of the user's that is called like
    one of :data:`~autonas.training.traditional.TRADITIONAL` is a network.
    """

    def is_traditional(self, configuration: Mapping[str, Any]) -> bool:
        """Tell whether a configuration is of a traditional model."""
        return is_traditional(configuration.get("network", self.defaults.get("network")), self.builds)

    def _family(self, configuration: Mapping[str, Any]) -> Family | None:
        return load({**self.defaults, **configuration}["network"]) if self.is_traditional(configuration) else None

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
        """Train a network up to an epoch, or fit a traditional model.

        Parameters
        ----------
        configuration, fidelity, seed, checkpoint, deadline, stop
            As for :class:`~autonas.training.trial.Trainer`.

        Returns
        -------
        dict
            As for a network. In place of epochs ``best_epoch`` and ``curve_epochs`` count rounds: trees of a forest,
            rounds of boosting, steps of an optimizer. A model that the deadline cut short has ``fidelity`` 0: with
            more time it is fitted anew.
        """
        family = self._family(configuration)
        if family is None:
            return super().__call__(
                configuration, fidelity, seed=seed, checkpoint=checkpoint, deadline=deadline, stop=stop
            )
        started = time.monotonic()
        try:
            about = load_about(checkpoint)
        except Unreadable:
            about = None  # fitted anew it will be what it was
        if about is None or about["stopped"]:
            about = self._fit_and_save({**self.defaults, **configuration}, family, seed, checkpoint, deadline, stop)
        return {
            "loss": about["best_loss"],
            "fidelity": 0 if about["stopped"] else fidelity,
            "best_epoch": about["epochs"][int(np.argmin(about["curve"]))],
            "curve": about["curve"],
            "curve_epochs": about["epochs"],
            "n_parameters": about["n_parameters"],
            "multiply_adds": about["multiply_adds"],
            "train_seconds": time.monotonic() - started,
        }

    def estimate_seconds(self, configuration: Mapping[str, Any], epochs: int | None = None) -> float:
        """Estimate how long a training takes; 0 for a traditional model, which keeps to a share of the time."""
        return 0.0 if self.is_traditional(configuration) else super().estimate_seconds(configuration, epochs)

    def _fit_and_save(
        self,
        configuration: Mapping[str, Any],
        family: Family,
        seed: int,
        checkpoint: Path,
        deadline: float | None,
        stop: Callable[[], bool],
    ) -> Mapping[str, Any]:
        clock = _Clock(len(self.folds), deadline, stop)
        models, judged = [], []
        for k in range(len(self.folds)):
            train, valid = (self._sample(configuration, family, k, part) for part in (0, 1))
            models.append(family.fit(_own(configuration), train, valid, seed + k, clock.for_next_fold()))
            judged.append(valid)
        progress, chosen = self._choose(models, judged)
        about = {
            "stopped": clock.stopped,
            "n_parameters": chosen[0].n_parameters,
            "multiply_adds": sum(model.multiply_adds for model in chosen),
        }
        return save_model(checkpoint, progress, **about)

    def _choose(self, models: Sequence[Model], judged: Sequence[Sample]) -> tuple[Progress, Sequence[Model]]:
        """Choose the number of rounds, the same for all folds, by the loss on the rows that each is judged by."""
        stages = [model.stages(valid.numeric, valid.categorical) for model, valid in zip(models, judged, strict=True)]
        progress, best = Progress(), 0
        reached: list[tuple[int, Array]] = []
        for step in zip_longest(*stages):
            # A fold that ended early stays as it is.
            reached = [new or reached[k] for k, new in enumerate(step)]
            outputs = np.concatenate([out for _, out in reached]).astype(np.float32)
            progress.epochs.append(max(n for n, _ in reached))
            progress.curve.append(self.loss(outputs))
            if progress.best_outputs is None or progress.curve[-1] < progress.best_loss:
                progress.best_loss, progress.best_outputs, best = progress.curve[-1], outputs, progress.epochs[-1]
        models = [model.shortened(best) for model in models]
        progress.best_weights = [{n: torch.from_numpy(a) for n, a in model.arrays().items()} for model in models]
        return progress, models

    def _sample(self, configuration: Mapping[str, Any], family: Family, fold: int, part: int) -> Sample:
        """Take the rows that a fold's model learns from (part 0), or those that it is judged by (part 1)."""
        side = self._side_of(configuration, family)
        weight = self._row_weight(configuration, [fold])
        everything = Sample(
            side.rows.numeric.cpu().numpy(),
            side.rows.categorical.cpu().numpy(),
            self.task.cardinalities,
            self.scales[fold].encode(self.task.target),
            self.task.n_classes,
            None if weight is None else weight[0].cpu().numpy(),
        )
        return everything.take(self.folds[fold][part])

    def _side_of(self, configuration: Mapping[str, Any], family: Family) -> Side:
        return self.side(configuration if family.scaled else {})

    def restore(
        self, configuration: Mapping[str, Any], weights: Sequence[Mapping[str, torch.Tensor]]
    ) -> list[TrainedNetwork]:
        """Rebuild a configuration's networks or traditional models, of all folds, from what is stored of them."""
        family = self._family(configuration)
        if family is None:
            return super().restore(configuration, weights)
        preprocessor = self._side_of({**self.defaults, **configuration}, family).preprocessor
        assert isinstance(preprocessor.input_spec, InputSpec)
        columns = preprocessor.input_spec.n_numeric, self.task.cardinalities
        models = [
            family.rebuild({n: t.numpy() for n, t in arrays.items()}, columns, self.task.n_classes)
            for arrays in weights
        ]
        return [
            TrainedNetwork(preprocessor, [scale], Single(model).eval())
            for scale, model in zip(self.scales, models, strict=True)
        ]

    def train_to(
        self,
        configuration: Mapping[str, Any],
        epochs: int,
        *,
        seed: int,
        deadline: float | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> list[dict[str, torch.Tensor]] | None:
        """Train networks for a fixed number of epochs, or fit traditional models for a fixed number of rounds."""
        family = self._family(configuration)
        if family is None:
            return super().train_to(configuration, epochs, seed=seed, deadline=deadline, stop=stop)
        whole = {**self.defaults, **configuration}

        def over() -> bool:
            return stop() or (deadline is not None and time.monotonic() > deadline)

        weights = []
        for k in range(len(self.folds)):
            model = family.fit(_own(whole), self._sample(whole, family, k, 0), None, seed + k, over, rounds=epochs)
            weights.append({n: torch.from_numpy(a) for n, a in model.arrays().items()})
            if over():
                return None
        return weights


class _Clock:
    """Says when to end: each fold has an equal part of what the model may take."""

    def __init__(self, n_folds: int, deadline: float | None, stop: Callable[[], bool]) -> None:
        self.deadline, self.stop, self.folds_left = deadline, stop, n_folds
        self.stopped = False
        now = time.monotonic()
        self.end = math.inf if deadline is None else now + TIME_SHARE * (deadline - now)

    def for_next_fold(self) -> Callable[[], bool]:
        """Make the function that tells the next fold's model whether its time is over."""
        now = time.monotonic()
        end = now + (self.end - now) / self.folds_left
        self.folds_left -= 1

        def over() -> bool:
            late = self.deadline is not None and time.monotonic() > self.deadline
            self.stopped |= late or self.stop()
            return self.stopped or time.monotonic() > end

        return over


def _own(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Take a family's own hyperparameters, without their prefix."""
    name = configuration["network"]
    return {**_defaults(name), **{k.removeprefix(f"{name}:"): v for k, v in configuration.items()}}


@cache
def _defaults(name: str) -> dict[str, Any]:
    """Give the library's own defaults, for what a user's space does not have."""
    return values(load_space(name).get_default_configuration())
