"""The training loop: the only one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.training.averaging import WeightAverage
from autonas.training.optim import learning_rate_factor, make_optimizer

__all__ = ["Batchable", "Member", "NonFiniteLossError", "Progress", "predict", "train"]

Array = npt.NDArray[Any]


class NonFiniteLossError(RuntimeError):
    """The training loss or a prediction is no number any more: the configuration diverges."""


@dataclass(frozen=True)
class Batchable:
    """Rows on the device: what goes in, what should come out, and how much each row counts (None: all the same)."""

    numeric: torch.Tensor
    categorical: torch.Tensor
    target: torch.Tensor | None = None
    weight: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.numeric)

    def take(self, rows: torch.Tensor) -> Batchable:
        """Pick rows, in the order given."""
        fields = (self.numeric, self.categorical, self.target, self.weight)
        return Batchable(*(None if f is None else f.index_select(0, rows) for f in fields))  # type: ignore[arg-type]

    def slices(self, n_batches: int) -> Iterator[Batchable]:
        """Cut into batches of equal size, give or take one row: no tiny batch comes last."""
        fields = (self.numeric, self.categorical, self.target, self.weight)
        columns = [[None] * n_batches if f is None else f.tensor_split(n_batches) for f in fields]
        for batch in zip(*columns, strict=True):
            yield Batchable(*batch)


class Member:
    """One network in training on one fold: weights, their average, the optimizer.

    Parameters
    ----------
    network : nn.Module
        Called as ``network(numeric, categorical)``.
    configuration : mapping
        The training hyperparameters.
    train, valid : Batchable
        Rows to learn from, and rows to judge by.
    """

    #: Steps that an epoch has at least: on small data a large batch would leave too few steps to learn anything.
    min_steps = 8

    def __init__(
        self,
        network: nn.Module,
        configuration: Mapping[str, Any],
        train: Batchable,
        valid: Batchable,
    ) -> None:
        self.network = network.to(train.numeric.device)
        self.average = WeightAverage(self.network)
        self.optimizer = make_optimizer(self.network, configuration)
        # Batch normalization cannot learn from a batch of one: a single row is taken twice.
        self.train = (
            train if len(train) > 1 else train.take(torch.zeros(2, dtype=torch.long, device=train.numeric.device))
        )
        self.valid = valid
        wanted = max(self.min_steps, round(len(train) / configuration["batch_size"]))
        self.n_batches = max(1, min(wanted, len(train) // 2))


@dataclass
class Progress:
    """Where a training stands, and the best that it has seen.

    Attributes
    ----------
    epoch : int
        Epochs finished.
    curve : list of float
        The validation loss after each epoch.
    best_loss : float
        The smallest of them.
    best_outputs : ndarray
        The outputs on the validation rows then, the folds' one after the other.
    best_weights : list of dict
        The averaged weights then, by member.
    stopped : bool
        The deadline came before the last epoch asked for.
    """

    epoch: int = 0
    curve: list[float] | None = None
    best_loss: float = np.inf
    best_outputs: Array | None = None
    best_weights: list[dict[str, torch.Tensor]] | None = None
    stopped: bool = False

    @property
    def best_epoch(self) -> int:
        """The number of epochs after which the validation loss was best."""
        return int(np.argmin(self.curve)) + 1 if self.curve else 0


def train(
    members: Sequence[Member],
    configuration: Mapping[str, Any],
    progress: Progress,
    *,
    to_epoch: int,
    max_epochs: int,
    seed: int,
    loss: Callable[[Array], float],
    classification: bool,
    deadline: float | None = None,
    watch: Callable[[Sequence[Member]], None] | None = None,
) -> Progress:
    """Train the members side by side, epoch by epoch, from ``progress.epoch`` to ``to_epoch``.

    All randomness of an epoch is a function of the seed, the member and the epoch, so a training that paused and went
    on equals one that did not, bit for bit.

    Parameters
    ----------
    members : sequence of Member
        One a fold; changed in place.
    configuration : mapping
        The training hyperparameters.
    progress : Progress
        Where the members stand; changed in place.
    to_epoch, max_epochs : int
        Where to stop, and where the learning-rate schedule ends.
    seed : int
        Of the trial.
    loss : callable
        From the validation outputs of all members, one after the other, to the validation loss.
    classification : bool
        Cross entropy; else squared error.
    deadline : float, optional
        In terms of ``time.monotonic()``; looked at before every batch. What was reached is then evaluated if nothing
        was before.
    watch : callable, optional
        Called with the members after each epoch, to look at them.

    Returns
    -------
    Progress
        The same object.

    Raises
    ------
    NonFiniteLossError
        If the training loss or a validation output is not finite.
    """
    criterion = _cross_entropy if classification else _squared_error
    smoothing = float(configuration.get("label_smoothing", 0.0))
    clip = configuration.get("gradient_clipping", "none")
    progress.curve = progress.curve or []
    devices = [members[0].train.numeric.device] if members[0].train.numeric.is_cuda else []
    with torch.random.fork_rng(devices=devices):
        for epoch in range(progress.epoch, to_epoch):
            for k, member in enumerate(members):
                torch.manual_seed(int(np.random.SeedSequence((seed, k, epoch)).generate_state(1)[0]))
                member.network.train()
                total = torch.zeros((), device=member.train.numeric.device)
                shuffled = member.train.take(torch.randperm(len(member.train)).to(total.device))
                for i, batch in enumerate(shuffled.slices(member.n_batches)):
                    if deadline is not None and time.monotonic() > deadline:
                        progress.stopped = True
                        return progress if progress.curve else _evaluate(members, progress, loss)
                    step = epoch * member.n_batches + i
                    factor = learning_rate_factor(configuration, step, max_epochs * member.n_batches)
                    for group in member.optimizer.param_groups:
                        group["lr"] = group["initial_lr"] * factor
                    batch_loss = criterion(member.network(batch.numeric, batch.categorical), batch, smoothing)
                    member.optimizer.zero_grad()
                    batch_loss.backward()  # type: ignore[no-untyped-call]
                    if clip != "none":
                        nn.utils.clip_grad_norm_(member.network.parameters(), float(clip))
                    member.optimizer.step()
                    member.average.update(step + 1)
                    total += batch_loss.detach()
                if not torch.isfinite(total):
                    raise NonFiniteLossError(f"The training loss is {total.item()} in epoch {epoch + 1}.")
            progress.epoch = epoch + 1
            _evaluate(members, progress, loss)
            if watch is not None:
                watch(members)
    return progress


def _evaluate(members: Sequence[Member], progress: Progress, loss: Callable[[Array], float]) -> Progress:
    outputs = np.concatenate([predict(m.average.network, m.valid) for m in members])
    if not np.isfinite(outputs).all():
        raise NonFiniteLossError(f"The network's outputs are not finite after epoch {progress.epoch}.")
    value = loss(outputs)
    assert progress.curve is not None
    progress.curve.append(value)
    if progress.best_outputs is None or value < progress.best_loss:
        progress.best_loss, progress.best_outputs = value, outputs
        progress.best_weights = [
            {name: t.clone() for name, t in m.average.network.state_dict().items()} for m in members
        ]
    return progress


def predict(network: nn.Module, rows: Batchable, batch_size: int = 8192) -> Array:
    """Compute a network's outputs on rows.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    rows : Batchable
        On the network's device.
    batch_size : int
        Rows at once: bounds the memory.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    with torch.inference_mode():
        n_batches = max(1, -(-len(rows) // batch_size))
        parts = [network(b.numeric, b.categorical) for b in rows.slices(n_batches)]
        return np.asarray(torch.cat(parts).cpu().numpy())


def _cross_entropy(outputs: torch.Tensor, batch: Batchable, smoothing: float) -> torch.Tensor:
    assert batch.target is not None
    if batch.weight is None:
        return F.cross_entropy(outputs, batch.target, label_smoothing=smoothing)
    each = F.cross_entropy(outputs, batch.target, label_smoothing=smoothing, reduction="none")
    return (each * batch.weight).mean()


def _squared_error(outputs: torch.Tensor, batch: Batchable, _: float) -> torch.Tensor:
    assert batch.target is not None
    each = (outputs.squeeze(1) - batch.target).square()
    return each.mean() if batch.weight is None else (each * batch.weight).mean()
