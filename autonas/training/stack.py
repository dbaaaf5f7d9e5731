"""A stack: the networks of several folds, trained as one; or one network that reads images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from autonas.networks.layers import Dropout
from autonas.networks.noise import Noise
from autonas.training.averaging import WeightAverage
from autonas.training.optim import make_optimizer

__all__ = ["Batch", "OfImages", "Rows", "Single", "Stack", "outputs_of"]

Array = npt.NDArray[Any]

#: Rows, and values of images, that outputs are computed of at once.
_ROWS_AT_ONCE, _VALUES_AT_ONCE = 8192, 2**20
#: Rows, on a CPU, for each of torch's threads: what is computed from so many stays in its cache.
_ROWS_OF_A_THREAD = 1024
#: Sets the random numbers of augmentation apart from those of dropout.
_AUGMENTATION = 1


@dataclass(frozen=True)
class Rows:
    """A table or images on the device, as networks read them.

    Attributes
    ----------
    numeric : Tensor of shape (n, n_numeric), or (n, channels, height, width) of images
    categorical : Tensor of shape (n, n_categorical); of images (n, 0)
    """

    numeric: torch.Tensor
    categorical: torch.Tensor

    def __len__(self) -> int:
        return len(self.numeric)

    def take(self, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pick rows for each member: places of shape (n_members, batch) give (n_members, batch, ...) twice."""
        flat = places.reshape(-1)
        both = (self.numeric, self.categorical)
        return tuple(t.index_select(0, flat).view(*places.shape, *t.shape[1:]) for t in both)  # type: ignore[return-value]

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shape of a row: of its numbers or image, and of its categories."""
        return tuple(self.numeric.shape[1:]), tuple(self.categorical.shape[1:])

    @property
    def are_images(self) -> bool:
        """Whether they are images."""
        return self.numeric.ndim == 4

    @property
    def n_bytes(self) -> int:
        """The memory that they take."""
        return sum(t.numel() * t.element_size() for t in (self.numeric, self.categorical))


@dataclass(frozen=True)
class Batch:
    """What one step learns from; every tensor has the leading axes (n_members, batch).

    Rows that are mixed of two have a second target, and what it weighs; ``weight`` is then what is left for the first.
    """

    numeric: torch.Tensor
    categorical: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor | None
    second: tuple[torch.Tensor, torch.Tensor] | None = None


#: Changes a batch in training, by random numbers from a generator.
Augment = Callable[[Batch, np.random.Generator], Batch]


class Single(nn.Module):
    """A network of a family that does not stack, as a stack of one.

    Parameters
    ----------
    network : nn.Module
        On plain batches.
    draws : bool, default=True
        Whether it may draw from torch's global generators in training.
    """

    def __init__(self, network: nn.Module, *, draws: bool = True) -> None:
        super().__init__()
        self.network, self.draws = network, draws

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.network(numeric[0], categorical[0])
        return out[None]


class OfImages(nn.Module):
    """A network that is called with images alone, as one for rows: those have no categories."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.network(images)
        return out


class Stack:
    """The networks of some folds in training: weights, their average, the optimizer, and each fold's rows.

    Parameters
    ----------
    network : nn.Module
        Stacked; see :func:`autonas.networks.specs.stackable`.
    configuration : mapping
        The training hyperparameters.
    rows : Rows
        All rows of all folds.
    train, valid : sequence of ndarray
        For each member the places of the rows that it learns from, and of those that it is judged by.
    target : Tensor of shape (n_members, n)
        In the networks' unit.
    weight : Tensor of shape (n_members, n), optional
        How much each row counts, 1 on average.
    augment : callable, optional
        ``augment(batch, random)`` gives the batch that is learnt from.
    """

    #: Steps that an epoch has at least: on small data a large batch would leave too few steps to learn anything.
    min_steps = 8
    #: Rows that an epoch has at most: on large data the first rung must fit into the time that there is.
    max_rows = 50_000

    def __init__(
        self,
        network: nn.Module,
        configuration: Mapping[str, Any],
        rows: Rows,
        train: Sequence[Array],
        valid: Sequence[Array],
        target: torch.Tensor,
        weight: torch.Tensor | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.device = rows.numeric.device
        self.network = network.to(self.device)
        self.average = WeightAverage(self.network)
        self.optimizer = make_optimizer(self.network, configuration)
        self.rows, self.target, self.weight, self.augment = rows, target, weight, augment
        self.precision = _precision(rows)
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._train = _even(train)
        self._valid = torch.from_numpy(_even(valid)).to(self.device)
        self._n_valid = [len(v) for v in valid]
        self._dropouts = [m for m in network.modules() if isinstance(m, Dropout)]
        self.rows_per_epoch, self.n_batches = self.epoch_of(self._train.shape[1], configuration["batch_size"])

    @classmethod
    def epoch_of(cls, n_rows: int, batch_size: int) -> tuple[int, int]:
        """Say how many of a member's rows an epoch has, and how many batches."""
        rows = min(n_rows, cls.max_rows)
        wanted = max(cls.min_steps, round(rows / batch_size))
        # Batch normalization cannot learn from a batch of one.
        return rows, max(1, min(wanted, rows // 2))

    @property
    def n_members(self) -> int:
        """Networks in the stack."""
        return len(self._train)

    def batches(self, seed: tuple[int, ...], epoch: int) -> Iterator[Batch]:
        """Go through an epoch in batches of equal size, give or take one row, each member in an order of its own.

        The rows of an epoch are a function of the seed and the epoch; successive epochs go through all rows before
        any comes again.
        """
        order = torch.from_numpy(self._order(seed, epoch)).to(self.device, non_blocking=True)
        random = np.random.Generator(np.random.SFC64(np.random.SeedSequence((*seed, epoch, _AUGMENTATION))))
        for places in order.tensor_split(self.n_batches, dim=1):
            weight = None if self.weight is None else self.weight.gather(1, places)
            batch = Batch(*self.rows.take(places), self.target.gather(1, places), weight)
            yield batch if self.augment is None else self.augment(batch, random)

    def _order(self, seed: tuple[int, ...], epoch: int) -> Array:
        n = self._train.shape[1]
        first, last = epoch * self.rows_per_epoch, (epoch + 1) * self.rows_per_epoch
        parts = []
        for turn in range(first // n, (last - 1) // n + 1):
            random = np.random.Generator(np.random.SFC64(np.random.SeedSequence((*seed, turn))))
            shuffled = random.permuted(self._train, axis=1)
            parts.append(shuffled[:, max(first - turn * n, 0) : last - turn * n])
        # A single row is taken twice, for batch normalization.
        order = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return np.repeat(order, 2, axis=1) if order.shape[1] == 1 else order

    def draw_noise(self, seed: tuple[int, ...], factor: float) -> None:
        """Give the dropout layers the random numbers of an epoch; ``factor`` multiplies their rates."""
        noise = Noise(seed, self.device, factor)
        for dropout in self._dropouts:
            dropout.noise = noise

    @torch.no_grad()
    def clip_gradients(self, longest: float) -> None:
        """Shorten each member's gradient to a length."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        if self.n_members == 1:
            nn.utils.clip_grad_norm_(self.parameters, longest)
            return
        squares = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0)
        factors = (longest / (squares.sqrt() + 1e-6)).clamp_(max=1.0)
        for g in gradients:
            g.mul_(factors.view(-1, *[1] * (g.ndim - 1)))

    def judge(self, network: nn.Module | None = None) -> list[Array]:
        """Compute the averaged networks' outputs, or another's, on the rows that each member is judged by."""
        outputs = outputs_of(network or self.average.network, self.rows, self._valid)
        return [out[:n] for out, n in zip(outputs, self._n_valid, strict=True)]

    def snapshot(self) -> dict[str, torch.Tensor]:
        """Copy the averaged weights."""
        return {name: t.clone() for name, t in self.average.network.state_dict().items()}


def _precision(rows: Rows) -> torch.dtype | None:
    """Choose the numbers of half the length that convolutions are computed in, where they are faster; None: float32."""
    if rows.numeric.device.type != "cuda" or not rows.are_images:
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def outputs_of(network: nn.Module, rows: Rows, places: torch.Tensor, batch_size: int | None = None) -> Array:
    """Compute a stacked network's outputs.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    rows : Rows
        On the network's device.
    places : Tensor of shape (n_members, n)
        The rows that each member sees.
    batch_size : int, optional
        Rows of all members at once: bounds the memory. Default: 8,192 of a table, on a CPU 1,024 for each of torch's
        threads; as many images as have a million values. Of each member a multiple of 64.

    Returns
    -------
    ndarray of shape (n_members, n, n_outputs)
    """
    if batch_size is None:
        batch_size = _ROWS_AT_ONCE
        if rows.are_images:
            batch_size = min(batch_size, _VALUES_AT_ONCE // rows.numeric[0].numel())
        elif places.device.type == "cpu":
            batch_size = _ROWS_OF_A_THREAD * torch.get_num_threads()
    of_each = max(1, batch_size // len(places) // 64) * 64
    with torch.inference_mode():
        parts = [network(*rows.take(part)) for part in torch.split(places, of_each, dim=1)]
        return np.asarray(torch.cat(parts, dim=1).cpu().numpy())


def _even(places: Sequence[Array]) -> npt.NDArray[np.int64]:
    """Put rows of different lengths into one array; the shorter ones begin again."""
    longest = max(map(len, places))
    return np.stack([np.resize(p, longest).astype(np.int64) for p in places])
