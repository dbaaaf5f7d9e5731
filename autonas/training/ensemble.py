"""Ensembles: chosen from a library of stored predictions, and ready to predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from autonas.training.data import Table
from autonas.training.preprocessing import Features, Preprocessor
from autonas.training.trial import TrainedNetwork

__all__ = ["Ensemble", "Ensembled", "select_ensemble"]

Array = npt.NDArray[Any]


def select_ensemble(
    predictions: Sequence[Array],
    loss: Callable[[Array], float],
    *,
    size: int,
    deadline_passed: Callable[[], bool] = lambda: False,
) -> dict[int, float]:
    """Choose members by greedy forward selection with replacement.

    Start with the single best, then add again and again the one that makes the average of the chosen best; what was
    best on the way counts (Caruana et al. 2004, "Ensemble Selection from Libraries of Models", sections 2.1 and 2.2).

    Parameters
    ----------
    predictions : sequence of ndarray
        Each candidate's predictions on the same validation rows: probabilities or numbers.
    loss : callable
        From (averaged) predictions to the loss.
    size : int
        Members at most, repeats counted. 1: the single best.
    deadline_passed : callable, optional
        Asked between the steps; the selection then ends with what it has.

    Returns
    -------
    dict of int to float
        From a candidate's place to its weight; the weights sum to 1.

    Raises
    ------
    ValueError
        If there is no candidate, or none with a finite loss.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> rmse = lambda p: float(np.sqrt(np.mean((p - y) ** 2)))
    >>> select_ensemble([y + 1, y - 1, y + 5], rmse, size=4)
    {0: 0.5, 1: 0.5}
    """
    if not predictions:
        raise ValueError("There are no predictions to choose from.")
    losses = [loss(p) for p in predictions]
    best = int(np.nanargmin(np.where(np.isfinite(losses), losses, np.inf)))
    if not np.isfinite(losses[best]):
        raise ValueError("No candidate has a finite loss.")
    chosen = [best]
    total = predictions[best].astype(np.float64)
    best_loss, best_length = losses[best], 1
    while len(chosen) < size and not deadline_passed():
        step = [loss((total + p) / (len(chosen) + 1)) for p in predictions]
        choice = int(np.nanargmin(step))
        chosen.append(choice)
        total = total + predictions[choice]
        if step[choice] < best_loss:
            best_loss, best_length = step[choice], len(chosen)
    members, counts = np.unique(chosen[:best_length], return_counts=True)
    return {int(m): float(c) / best_length for m, c in zip(members, counts, strict=True)}


@dataclass(frozen=True)
class Ensembled:
    """One trial in an ensemble: its weight, and its networks, one a fold, which count alike."""

    trial: int
    weight: float
    networks: list[TrainedNetwork]


class Ensemble:
    """A weighted average of networks.

    Parameters
    ----------
    members : sequence of Ensembled
        Their weights sum to 1.
    """

    def __init__(self, members: Sequence[Ensembled]) -> None:
        self.members = list(members)

    def predict(self, table: Table, device: torch.device | str = "cpu") -> Array:
        """Predict probabilities of shape (n, n_classes), or numbers of shape (n,)."""
        features: dict[Preprocessor, Features] = {}
        total: Array | float = 0.0
        for member in self.members:
            for trained in member.networks:
                trained.network.to(device)
                if trained.preprocessor not in features:
                    features[trained.preprocessor] = trained.preprocessor.transform(table)
                prediction = trained.predict(features[trained.preprocessor])
                total = total + prediction * (member.weight / len(member.networks))
        return np.asarray(total)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the accelerator before being stored, so that a machine without one can load it."""
        for member in self.members:
            for trained in member.networks:
                trained.network.cpu()
        return self.__dict__
