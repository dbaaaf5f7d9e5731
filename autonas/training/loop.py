"""The training loop: the only one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.training.optim import dropout_factor, set_step
from autonas.training.stack import Batch, Single, Stack

__all__ = ["NonFiniteLossError", "Progress", "train"]

Array = npt.NDArray[Any]
#: From outputs, target, weight and label smoothing to a loss.
Criterion = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None, float], torch.Tensor]

#: A full training is judged about this many times.
EVALUATIONS = 27
#: A training ends when this share of it, and so many evaluations, have passed since its best, and its curve rises.
PATIENCE = 1 / 3
MIN_EVALUATIONS = 5


class NonFiniteLossError(RuntimeError):
    """The training loss or a prediction is no number any more: the configuration diverges."""


@dataclass
class Progress:
    """Where a training stands, and the best that it has seen.

    Attributes
    ----------
    epoch : int
        Epochs finished.
    curve : list of float
        The validation loss each time it was judged.
    epochs : list of int
        After how many epochs that was.
    best_loss : float
        The smallest of them.
    best_outputs : ndarray
        The outputs on the validation rows then, the folds' one after the other.
    best_weights : list of dict
        The averaged weights then, by stack.
    stopped : bool
        The deadline came before the last epoch asked for.
    """

    epoch: int = 0
    curve: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    best_loss: float = np.inf
    best_outputs: Array | None = None
    best_weights: list[dict[str, torch.Tensor]] | None = None
    stopped: bool = False

    @property
    def best_epoch(self) -> int:
        """The number of epochs after which the validation loss was best."""
        return self.epochs[int(np.argmin(self.curve))] if self.curve else 0

    def is_past_its_best(self, max_epochs: int) -> bool:
        """Extrapolate the learning curve: say whether training on to ``max_epochs`` would be in vain.

        It would be where the best is long past and a line through the curve since then, drawn on to the last epoch,
        does not fall: the network overfits.
        """
        since = len(self.curve) - 1 - int(np.argmin(self.curve)) if self.curve else 0
        if since < MIN_EVALUATIONS or self.epoch - self.best_epoch < PATIENCE * max_epochs:
            return False
        slope = np.polyfit(self.epochs[-since:], self.curve[-since:], 1)[0]
        return bool(slope >= 0)


def train(
    stacks: Sequence[Stack],
    configuration: Mapping[str, Any],
    progress: Progress,
    *,
    to_epoch: int,
    max_epochs: int,
    seed: int,
    loss: Callable[[Array], float] | None,
    classification: bool,
    deadline: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    watch: Callable[[Sequence[Stack]], None] | None = None,
) -> Progress:
    """Train the stacks side by side, epoch by epoch, from ``progress.epoch`` to ``to_epoch``.

    A training whose validation loss has long been rising ends early: see :meth:`Progress.is_past_its_best`.

    All randomness of an epoch is a function of the seed, the stack and the epoch, so a training that paused and went
    on equals one that did not, bit for bit.

    Parameters
    ----------
    stacks : sequence of Stack
        The networks of all folds; changed in place.
    configuration : mapping
        The training hyperparameters.
    progress : Progress
        Where the stacks stand; changed in place.
    to_epoch, max_epochs : int
        Where to stop, and where the schedules end.
    seed : int
        Of the trial.
    loss : callable
        From the validation outputs of all members, one after the other, to the validation loss. None: nothing is
        judged, and a training ends where it is asked to.
    classification : bool
        Cross entropy; else squared error.
    deadline : float, optional
        In terms of ``time.monotonic()``; looked at before every batch. What was reached is then evaluated if nothing
        was before.
    stop : callable, optional
        Looked at like the deadline: true ends the training.
    watch : callable, optional
        Called with the stacks after each evaluation, to look at them.

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
    every = max(1, max_epochs // EVALUATIONS)
    for epoch in range(progress.epoch, to_epoch):
        if progress.is_past_its_best(max_epochs):
            break
        for k, stack in enumerate(stacks):
            with _randomness(stack, (seed, k, epoch)):
                total = torch.zeros((), device=stack.device)
                # Anew in each epoch: its state is none that a checkpoint would have to hold.
                scaler = torch.amp.GradScaler("cuda", init_scale=2.0**10, enabled=stack.precision == torch.float16)
                stack.network.train()
                stack.draw_noise((seed, k, epoch), dropout_factor(configuration, epoch / max_epochs))
                for i, batch in enumerate(stack.batches((seed, k), epoch)):
                    if stop() or (deadline is not None and time.monotonic() > deadline):
                        progress.stopped = True
                        if loss is not None and not progress.curve:
                            _evaluate(stacks, progress, loss)
                        return progress
                    step = epoch * stack.n_batches + i
                    set_step(stack.optimizer, configuration, step, max_epochs * stack.n_batches)
                    with torch.autocast(stack.device.type, stack.precision, enabled=stack.precision is not None):
                        outputs = stack.network(batch.numeric, batch.categorical)
                    batch_loss = _batch_loss(criterion, outputs.float(), batch, smoothing)
                    stack.optimizer.zero_grad()
                    scaler.scale(batch_loss).backward()  # type: ignore[no-untyped-call]
                    if clip != "none":
                        scaler.unscale_(stack.optimizer)
                        stack.clip_gradients(float(clip))
                    scaler.step(stack.optimizer)
                    scaler.update()
                    stack.average.update(step + 1)
                    total += batch_loss.detach()
            if not torch.isfinite(total):
                raise NonFiniteLossError(f"The training loss is {total.item()} in epoch {epoch + 1}.")
        progress.epoch = epoch + 1
        if loss is not None and (progress.epoch % every == 0 or progress.epoch == to_epoch):
            _evaluate(stacks, progress, loss)
            if watch is not None:
                watch(stacks)
    return progress


@contextmanager
def _randomness(stack: Stack, seed: tuple[int, ...]) -> Iterator[None]:
    """Seed torch's global generators for a network that may draw from them, and put them back; ours never do."""
    if not (isinstance(stack.network, Single) and stack.network.draws):
        yield
        return
    with torch.random.fork_rng(devices=[stack.device] if stack.device.type == "cuda" else []):
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        yield


def _evaluate(stacks: Sequence[Stack], progress: Progress, loss: Callable[[Array], float]) -> None:
    outputs = np.concatenate([out for stack in stacks for out in stack.judge()])
    if not np.isfinite(outputs).all():
        raise NonFiniteLossError(f"The network's outputs are not finite after epoch {progress.epoch}.")
    value = loss(outputs)
    progress.curve.append(value)
    progress.epochs.append(progress.epoch)
    if progress.best_outputs is None or value < progress.best_loss:
        progress.best_loss, progress.best_outputs = value, outputs
        progress.best_weights = [stack.snapshot() for stack in stacks]


def _batch_loss(criterion: Criterion, outputs: torch.Tensor, batch: Batch, smoothing: float) -> torch.Tensor:
    loss = criterion(outputs, batch.target, batch.weight, smoothing)
    return loss if batch.second is None else loss + criterion(outputs, *batch.second, smoothing)


def _cross_entropy(
    outputs: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, smoothing: float
) -> torch.Tensor:
    target, weight = _opinions(outputs, target, weight)
    each = F.cross_entropy(
        outputs.flatten(0, -2),
        target.flatten(),
        label_smoothing=smoothing,
        reduction="mean" if weight is None else "none",
    )
    # The members' losses are summed: each learns as it would alone.
    return len(outputs) * (each if weight is None else (each * weight.flatten()).mean())


def _squared_error(outputs: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, _: float) -> torch.Tensor:
    target, weight = _opinions(outputs, target, weight)
    each = (outputs.squeeze(-1) - target).square()
    return len(outputs) * (each if weight is None else each * weight).mean()


def _opinions(
    outputs: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Repeat targets and weights for each opinion of a network that has several on a row."""
    if outputs.ndim == 4:
        n_opinions = outputs.shape[1]
        target = target[:, None].expand(-1, n_opinions, -1)
        weight = None if weight is None else weight[:, None].expand(-1, n_opinions, -1)
    return target, weight
