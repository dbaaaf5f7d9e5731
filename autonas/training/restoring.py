"""Trained networks from what is stored of them, without the data that they were trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from autonas.networks.specs import OutputSpec
from autonas.training.images import Images
from autonas.training.preprocessing import AnyPreprocessor
from autonas.training.stack import Rows
from autonas.training.table import Table
from autonas.training.task import Scale
from autonas.training.traditional import MixedTrainer
from autonas.training.trial import Side, TrainedNetwork

__all__ = ["Blueprint", "rebuild"]


@dataclass(frozen=True)
class Blueprint:
    """What the networks of all trials of a run have in common.

    Attributes
    ----------
    images : bool
        Whether they read images.
    cardinalities : tuple of int
        Codes of each categorical column.
    n_classes : int
        0 for regression.
    output_spec : OutputSpec
    scales : list of Scale
        Of each fold.
    defaults : dict
        Values of hyperparameters that a configuration does not name.
    """

    images: bool
    cardinalities: tuple[int, ...]
    n_classes: int
    output_spec: OutputSpec
    scales: list[Scale]
    defaults: dict[str, Any]


def rebuild(
    blueprint: Blueprint,
    configuration: Mapping[str, Any],
    preprocessor: AnyPreprocessor,
    groups: Sequence[int],
    weights: Sequence[Mapping[str, torch.Tensor]],
    builds: Mapping[str, Callable[..., nn.Module]],
    device: torch.device | str = "cpu",
) -> list[TrainedNetwork]:
    """Rebuild a trial's networks, as its trainer's ``restore`` does.

    Parameters
    ----------
    blueprint : Blueprint
    configuration : mapping
        Active hyperparameters.
    preprocessor : Preprocessor or ImagePreprocessor
        Fitted.
    groups : sequence of int
        How many folds each stack has.
    weights : sequence of mapping
        State dictionaries, by stack.
    builds : mapping of str to callable
        The network families by name.
    device : torch.device

    Returns
    -------
    list of TrainedNetwork
    """
    return _Restorer(blueprint, preprocessor, groups, builds, device).restore(configuration, weights)


@dataclass(frozen=True)
class _NoTask:
    """The kind of the data, in place of the data."""

    table: Table | Images
    cardinalities: tuple[int, ...]
    n_classes: int


class _Restorer(MixedTrainer):
    """A trainer that has no data, and builds networks all the same."""

    def __init__(
        self,
        blueprint: Blueprint,
        preprocessor: AnyPreprocessor,
        groups: Sequence[int],
        builds: Mapping[str, Callable[..., nn.Module]],
        device: torch.device | str,
    ) -> None:
        none = Table(np.zeros((0, 0), np.float32), np.zeros((0, len(blueprint.cardinalities)), np.int64))
        table = Images(np.zeros((0, 1, 1, 1), np.uint8)) if blueprint.images else none
        self.task = _NoTask(table, blueprint.cardinalities, blueprint.n_classes)  # type: ignore[assignment]
        self.output_spec, self.scales, self.defaults = blueprint.output_spec, blueprint.scales, blueprint.defaults
        self.builds, self.device = dict(builds), torch.device(device)
        self._preprocessor, self._sizes = preprocessor, groups

    def side(self, _: Mapping[str, Any]) -> Side:
        """Give the preprocessor that was stored."""
        return Side(self._preprocessor, Rows(torch.zeros((0, 0)), torch.zeros((0, 0), dtype=torch.int64)))

    def _groups(self, _: Mapping[str, Any]) -> list[list[int]]:
        ends = np.cumsum(self._sizes).tolist()
        return [[*range(end - size, end)] for end, size in zip(ends, self._sizes, strict=True)]
