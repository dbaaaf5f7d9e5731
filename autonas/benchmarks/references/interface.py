"""What the harness hands to an optimizer of another project, and what it wants back."""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from ConfigSpace import ConfigurationSpace

__all__ = ["BudgetSpent", "Drive", "Evaluate", "Problem", "quietly", "seeded"]

T = TypeVar("T")


class BudgetSpent(Exception):  # noqa: N818 - a signal that ends a search, never an error
    """Raised by ``evaluate`` in place of an evaluation that the budget does not allow."""


@dataclass(frozen=True)
class Problem:
    """What is searched.

    Attributes
    ----------
    space : ConfigurationSpace
        A copy of the optimizer's own: it may be seeded.
    fidelities : tuple of int
        All that are known, ascending: epochs after which the loss can be looked at.
    eta : int
        The factor between rungs.
    budget : float
        Full trainings that may be spent, for those that want to know beforehand.
    seed : int
    """

    space: ConfigurationSpace
    fidelities: tuple[int, ...]
    eta: int
    budget: float
    seed: int

    @property
    def min_fidelity(self) -> int:
        """The lowest fidelity."""
        return self.fidelities[0]

    @property
    def max_fidelity(self) -> int:
        """A full training."""
        return self.fidelities[-1]


Evaluate = Callable[[Mapping[str, Any], float], float]
"""``evaluate(configuration, fidelity)`` gives the loss, ``inf`` where the evaluation failed or the configuration is
forbidden. A fidelity that is not known is rounded down to one that is."""

Drive = Callable[[Problem, Evaluate], None]
"""Lets an optimizer search until ``evaluate`` raises :class:`BudgetSpent`, or it knows nothing more to try."""


def quietly(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Call another project's code, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators of Python and numpy for code that draws from them, and put them back."""
    kept, kept_numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)
