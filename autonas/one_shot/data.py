"""What a one-shot search learns from: rows for the weights, and other rows for the architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.training.trial import Trainer

__all__ = ["Batch", "Sample", "criterion", "halves"]

Array = npt.NDArray[Any]

#: Steps of an epoch: at least so many, by smaller batches, and at most, so that large data have epochs to look back on.
MIN_STEPS, MAX_STEPS = 8, 400


@dataclass(frozen=True)
class Batch:
    """Some rows: what the network is called with, and what it should say."""

    inputs: tuple[torch.Tensor, ...]
    target: torch.Tensor
    weight: torch.Tensor | None = None


@dataclass(frozen=True)
class Sample:
    """Rows, on the device.

    Attributes
    ----------
    inputs : tuple of Tensor
        What the network is called with, each with the rows along an axis.
    target : Tensor of shape (n,)
        Class codes, or numbers in the network's unit.
    weight : Tensor of shape (n,) or None
        1 on average.
    axis : int
        Of the rows in the inputs: 1 behind a leading axis of members, which tables have, else 0.
    """

    inputs: tuple[torch.Tensor, ...]
    target: torch.Tensor
    weight: torch.Tensor | None = None
    axis: int = 0

    def __len__(self) -> int:
        return len(self.target)

    def take(self, places: Array) -> Batch:
        """Pick rows."""
        index = torch.from_numpy(places).to(self.target.device)
        inputs = tuple(t.index_select(self.axis, index) for t in self.inputs)
        return Batch(inputs, self.target[index], None if self.weight is None else self.weight[index])

    def steps(self, batch_size: int) -> int:
        """Count the batches of an epoch."""
        return min(self._n_batches(batch_size), MAX_STEPS)

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Go through rows in an order of chance: all of them, unless they are very many."""
        parts = np.array_split(rng.permutation(len(self)), self._n_batches(batch_size))
        for places in parts[: self.steps(batch_size)]:
            yield self.take(places)

    def _n_batches(self, batch_size: int) -> int:
        # Batch normalization cannot learn from a batch of one.
        return max(1, min(max(len(self) // batch_size, MIN_STEPS), len(self) // 2))


def criterion(outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Compute the loss: cross entropy of class codes, squared error of numbers.

    Parameters
    ----------
    outputs : Tensor of shape (batch, n_outputs) or (1, batch, n_outputs)
    batch : Batch

    Returns
    -------
    Tensor of shape ()
    """
    outputs = outputs.flatten(0, -2)
    if batch.target.is_floating_point():
        each = (outputs.squeeze(-1) - batch.target).square()
    else:
        each = F.cross_entropy(outputs, batch.target, reduction="none")
    return each.mean() if batch.weight is None else (each * batch.weight).mean()


def halves(trainer: Trainer, configuration: Mapping[str, Any], seed: int) -> tuple[Sample, Sample]:
    """Divide the rows that the first fold learns from: one half for the weights, one for the architecture.

    The rows that a trial is judged by are in neither of them (Liu et al. 2019, "DARTS", section 3.1).

    Parameters
    ----------
    trainer : Trainer
        Knows the data.
    configuration : mapping
        How they are preprocessed.
    seed : int

    Returns
    -------
    learn, judge : Sample
    """
    rows = trainer.side(configuration).rows
    target = torch.from_numpy(trainer.scales[0].encode(trainer.task.target))
    weight = None if trainer.task.weight is None else torch.from_numpy(trainer.task.weight.astype(np.float32))
    places = np.random.default_rng(seed).permutation(trainer.folds[0][0])
    middle = -(-len(places) // 2)
    return _sample(rows, places[:middle], target, weight), _sample(rows, places[middle:], target, weight)


def _sample(rows: Any, places: Array, target: torch.Tensor, weight: torch.Tensor | None) -> Sample:
    index = torch.from_numpy(places)
    device = rows.numeric.device
    own = None if weight is None else (weight[index] / weight[index].mean()).to(device)
    on_device = index.to(device)
    if rows.numeric.ndim > 2:
        return Sample((rows.numeric[on_device],), target[index].to(device), own)
    inputs = rows.numeric[on_device][None], rows.categorical[on_device][None]
    return Sample(inputs, target[index].to(device), own, axis=1)
