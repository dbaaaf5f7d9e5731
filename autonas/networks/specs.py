"""What a network is told of the data: the shape of its input and of its output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ImageSpec", "InputSpec", "OutputSpec", "is_reproducible", "is_stackable", "reproducible", "stackable"]


@dataclass(frozen=True)
class InputSpec:
    """The input of a tabular network: it is called as ``network(numeric, categorical)``.

    Attributes
    ----------
    n_numeric : int
        Columns of the float32 tensor ``numeric`` of shape (batch, n_numeric): scaled, without missing values.
    cardinalities : tuple of int
        For each column of the int64 tensor ``categorical`` of shape (batch, len(cardinalities)): how many codes there
        are. Code 0 is "missing or never seen", so a column of three known categories has cardinality 4.
    quantiles : ndarray of shape (n_quantiles, n_numeric)
        Evenly spaced quantiles (first: minimum, last: maximum) of the training data's numeric columns, for numeric
        embeddings.
    n_members : int
        Networks that are built as one (see :func:`stackable`).
    """

    n_numeric: int
    cardinalities: tuple[int, ...] = ()
    quantiles: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    n_members: int = 1


@dataclass(frozen=True)
class ImageSpec:
    """The input of an image network: it is called as ``network(images)``.

    Attributes
    ----------
    channels, height, width : int
        Of the tensor ``images`` of shape (batch, channels, height, width), in the unit of the pixels that were given:
        uint8, or float32 after augmentation.
    mean, std : tuple of float
        Of each channel, over the training images, in that unit; no ``std`` is 0.
    """

    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class OutputSpec:
    """The output of a network: a float32 tensor of shape (batch, n_outputs).

    Attributes
    ----------
    task : {"classification", "regression"}
        The outputs are class scores (logits), one for each class; or the standardized target.
    n_outputs : int
        Classes, or 1.
    bias : tuple of float
        What the outputs are worth before anything is learnt: the logarithms of the classes' shares, or 0.
    """

    task: str
    n_outputs: int
    bias: tuple[float, ...]


def stackable(build: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a family that builds ``input_spec.n_members`` networks as one stacked network.

    The networks of a configuration on several folds have the same shapes. A stacked network holds all of them, computes
    them with batched matrix products, and is trained as one: its inputs and its parameters have a leading axis of
    members, it is called as ``network(numeric, categorical)`` with shapes (n_members, batch, ...), and returns
    (n_members, batch, n_outputs). In training it may return more than one opinion a row, (n_members, n_opinions, batch,
    n_outputs): each is then fitted to the target. The layers of :mod:`autonas.networks.layers` work this way.

    A family without the mark builds one network on plain batches. Its folds are then trained one after the other, and
    so are all trials of a search that has such a family: what it draws from torch's global generators (``nn.Dropout``)
    stays reproducible that way. A marked one draws by :class:`autonas.networks.layers.Dropout` alone.
    """
    build.stackable = True  # type: ignore[attr-defined]
    return build


def is_stackable(build: Callable[..., Any]) -> bool:
    """Tell whether a family builds stacked networks."""
    return bool(getattr(build, "stackable", False))


def reproducible(build: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a family whose networks on plain batches draw random numbers by our ``Dropout`` alone once they are built.

    Its trials may then run side by side; see :func:`stackable`.
    """
    build.reproducible = True  # type: ignore[attr-defined]
    return build


def is_reproducible(build: Callable[..., Any]) -> bool:
    """Tell whether a family's networks leave torch's global generators alone in training."""
    return is_stackable(build) or bool(getattr(build, "reproducible", False))
