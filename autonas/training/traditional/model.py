"""What traditional models have in common: what they learn from, and how they are asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

__all__ = ["LEAST", "Family", "Fit", "Model", "Rebuild", "Sample", "column_range"]

Array = npt.NDArray[Any]

#: No probability is below this: the log loss that guides the search counts no smaller ones.
LEAST = 1e-7


@dataclass(frozen=True)
class Sample:
    """Rows to learn from, or to be judged by.

    Attributes
    ----------
    numeric : ndarray of shape (n, n_numeric), float32
        Without missing values.
    categorical : ndarray of shape (n, n_categorical), int64
        Codes.
    cardinalities : tuple of int
        Codes of each categorical column.
    target : ndarray of shape (n,)
        Class codes, or standardized numbers.
    n_classes : int
        0 for regression. Some classes may have no row.
    weight : ndarray of shape (n,) or None
        How much each row counts, 1 on average.
    """

    numeric: Array
    categorical: Array
    cardinalities: tuple[int, ...]
    target: Array
    n_classes: int
    weight: Array | None = None

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Array) -> Sample:
        """Pick rows."""
        weight = None if self.weight is None else self.weight[rows]
        numeric, categorical, target = self.numeric[rows], self.categorical[rows], self.target[rows]
        return Sample(numeric, categorical, self.cardinalities, target, self.n_classes, weight)


class Model(nn.Module, ABC):
    """A fitted model that is asked like a network, and is kept as arrays.

    It has no parameters in torch's sense, and computes on the CPU.
    """

    #: How far it was grown: trees, rounds of boosting, or iterations.
    n_rounds: int
    #: Numbers that it learnt.
    n_parameters: int
    #: What predicting one row costs, in multiplications and additions of a network that take about the same time.
    multiply_adds: int

    @abstractmethod
    def outputs(self, numeric: Array, categorical: Array) -> Array:
        """Compute log-probabilities of shape (n, n_classes), or standardized numbers of shape (n, 1)."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """Give all that was learnt, for :data:`Rebuild`."""

    def stages(self, numeric: Array, categorical: Array) -> Iterator[tuple[int, Array]]:
        """Give the outputs after some numbers of rounds, each with its number; the last are those of the whole."""
        yield self.n_rounds, self.outputs(numeric, categorical)

    def shortened(self, n_rounds: int) -> Model:
        """Make what it was after a number of rounds that :meth:`stages` gave."""
        assert n_rounds >= self.n_rounds
        return self

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        """Compute outputs as a network does."""
        outputs = self.outputs(numeric.cpu().numpy(), categorical.cpu().numpy())
        return torch.from_numpy(outputs.astype(np.float32)).to(numeric.device)


class Fit(Protocol):
    """How a family learns; all but the deadline follows from the arguments."""

    def __call__(
        self,
        own: Mapping[str, Any],
        train: Sample,
        valid: Sample | None,
        seed: int,
        over: Callable[[], bool],
        rounds: int | None = None,
    ) -> Model:
        """Fit a model.

        Parameters
        ----------
        own : mapping
            The family's own hyperparameters.
        train : Sample
            One row at least.
        valid : Sample or None
            Tells a family that grows when to stop.
        seed : int
            Of the fold's model.
        over : callable
            Asked as often as the family can stop: true ends the growth with what there is.
        rounds : int, optional
            Grow for so many rounds, whatever the configuration says.
        """
        ...


Rebuild = Callable[[Mapping[str, Array], tuple[int, tuple[int, ...]], int], Model]
"""From arrays, the numbers of columns (numeric; codes of each categorical one) and of classes to the model.

Raises a ValueError for arrays that are no such model.
"""


@dataclass(frozen=True)
class Family:
    """A kind of traditional model.

    Attributes
    ----------
    fit : Fit
        How it learns.
    rebuild : callable
        How it comes back from arrays.
    scaled : bool
        Whether it reads the scaling and clipping of numbers; trees look at their order only.
    """

    fit: Fit
    rebuild: Rebuild
    scaled: bool = False


def column_range(cardinalities: tuple[int, ...]) -> Array:
    """Give the first of each column's codes where the codes of all columns are counted through."""
    return np.cumsum([0, *cardinalities])[:-1].astype(np.int64)
