"""What a network is told of the data: the shape of its input and of its output."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["InputSpec", "OutputSpec"]


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
    """

    n_numeric: int
    cardinalities: tuple[int, ...] = ()
    quantiles: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


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
