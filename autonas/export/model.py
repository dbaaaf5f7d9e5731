"""A fitted ensemble as one module of tensors: raw numbers and codes, or images, in; what the estimator predicts out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from autonas.export.arithmetic import Pixels, TableColumns, TableFeatures, double
from autonas.training.calibration import Temperature
from autonas.training.data import TableSchema
from autonas.training.ensemble import Ensemble, Ensembled
from autonas.training.image_preprocessing import ImagePreprocessor
from autonas.training.images import ImageSchema
from autonas.training.preprocessing import AnyPreprocessor, Preprocessor
from autonas.training.task import Scale
from autonas.training.traditional.model import Model
from autonas.training.trial import TrainedNetwork

__all__ = ["ExportedEnsemble", "best_alone"]


class ExportedEnsemble(nn.Module):
    """An ensemble with its preprocessing.

    Parameters
    ----------
    ensemble : Ensemble
        Of networks alone.
    schema : TableSchema or ImageSchema
        How the estimator reads its input.

    Attributes
    ----------
    inputs : dict of str to Tensor
        The tensors that it is called with, in their order, by name, with an example of each: ``raw``, ``codes``, or
        both.

    Raises
    ------
    ValueError
        If a member is a traditional model, which is no arithmetic on tensors; or if there is nothing to read.
    """

    def __init__(self, ensemble: Ensemble, schema: TableSchema | ImageSchema) -> None:
        super().__init__()
        self.inputs = _inputs(schema)
        for member in ensemble.members:
            if any(isinstance(trained.network, Model) for trained in member.networks):
                raise ValueError(
                    f"Trial {member.trial} of the ensemble is a traditional model, and only networks can be exported: "
                    "pass best_only=True if the best trial is a network, or fit with a pipeline of networks alone."
                )
        self.weights = [member.weight for member in ensemble.members]
        self.temperature = ensemble.temperature.value
        stacks = [trained for member in ensemble.members for trained in member.networks]
        distinct = list(dict.fromkeys(stack.preprocessor for stack in stacks))
        self.columns = TableColumns(schema) if isinstance(schema, TableSchema) else None
        self.features = nn.ModuleList(_features(preprocessor, schema) for preprocessor in distinct)
        self.members = nn.ModuleList(_Member(member, distinct) for member in ensemble.members)

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Predict.

        Parameters
        ----------
        *tensors : Tensor
            Those of ``inputs``. ``raw`` is of shape (n, n_numeric), float64, see :class:`TableColumns`; of images (n,
            channels, height, width), as :class:`ImageSchema` gives them. ``codes`` is of shape (n, n_categorical),
            int64, of the columns of ``cardinalities_``.

        Returns
        -------
        Tensor of shape (n, n_classes), or of shape (n,) for numbers
            float32.
        """
        n = tensors[0].shape[0]
        given = dict(zip(self.inputs, tensors, strict=True))
        raw = given["raw"] if "raw" in given else tensors[0].new_zeros((n, 0), dtype=torch.float64)
        codes = given["codes"] if "codes" in given else tensors[0].new_zeros((n, 0), dtype=torch.int64)
        numeric = raw if self.columns is None else self.columns(raw)
        features = [make(numeric, codes) for make in self.features]
        total = sum(
            double(weight) * member([features[place] for place in member.places])
            for weight, member in zip(self.weights, self.members, strict=True)
        )
        assert isinstance(total, torch.Tensor)
        return _heated(total, self.temperature).float()


def _inputs(schema: TableSchema | ImageSchema) -> dict[str, torch.Tensor]:
    """Name the tensors that are read, with an example of each."""
    n = 3
    if isinstance(schema, ImageSchema):
        kind = torch.uint8 if schema.is_uint8 else torch.float32
        return {"raw": torch.zeros((n, schema.channels, schema.height, schema.width), dtype=kind)}
    n_numeric = sum(schema.columns_[i].kind != "category" for i in schema.needed)
    n_categorical = len(schema.cardinalities_)
    inputs = {}
    if n_numeric:
        inputs["raw"] = torch.zeros((n, n_numeric), dtype=torch.float64)
    if n_categorical:
        inputs["codes"] = torch.zeros((n, n_categorical), dtype=torch.int64)
    if not inputs:
        raise ValueError("Every column of the table was constant in fit: there is nothing that a file could read.")
    return inputs


class _Images(nn.Module):
    def __init__(self, preprocessor: ImagePreprocessor, schema: ImageSchema) -> None:
        super().__init__()
        self.pixels = Pixels(preprocessor, schema.height, schema.width)

    def forward(self, images: torch.Tensor, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.pixels(images), codes


def _features(preprocessor: AnyPreprocessor, schema: TableSchema | ImageSchema) -> nn.Module:
    if isinstance(preprocessor, ImagePreprocessor):
        assert isinstance(schema, ImageSchema)
        return _Images(preprocessor, schema)
    assert isinstance(preprocessor, Preprocessor)
    return TableFeatures(preprocessor)


class _Member(nn.Module):
    """The networks of one trial, which count alike.

    ``places`` says which of the ensemble's features each of its stacks reads.
    """

    def __init__(self, member: Ensembled, preprocessors: Sequence[AnyPreprocessor]) -> None:
        super().__init__()
        self.places = [preprocessors.index(trained.preprocessor) for trained in member.networks]
        self.stacks = nn.ModuleList(_Network(trained) for trained in member.networks)
        self.temperature = member.temperature.value

    def forward(self, features: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
        predicted = [stack(*each) for stack, each in zip(self.stacks, features, strict=True)]
        return _heated(torch.stack(predicted).mean(0), self.temperature)


class _Network(nn.Module):
    """A stack's mean prediction, float64."""

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__()
        self.network = trained.network
        self.scales = list(trained.scales)

    def forward(self, numeric: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        n = len(self.scales)
        numeric, codes = (t.unsqueeze(0).expand(n, *[-1] * t.ndim) for t in (numeric, codes))
        outputs = self.network(numeric, codes).double()
        return torch.stack([_decoded(scale, outputs[k]) for k, scale in enumerate(self.scales)]).mean(0)


def _decoded(scale: Scale, outputs: torch.Tensor) -> torch.Tensor:
    if scale.n_classes:
        return outputs.softmax(1)
    low, high = scale.range
    return (outputs[:, 0] * double(scale.std) + double(scale.mean)).clamp(double(low), double(high))


def _heated(predicted: torch.Tensor, temperature: float) -> torch.Tensor:
    """What :meth:`Temperature.apply` does."""
    if temperature == Temperature().value or predicted.ndim == 1:
        return predicted
    return (predicted.clamp(double(_TINY)).log() / double(temperature)).softmax(1)


_TINY = math.ulp(0.0) * 2**52
"""The smallest number of float64 that has all its digits."""


def best_alone(ensemble: Ensemble, losses: Mapping[int, float]) -> Ensemble:
    """Take the member of the smallest validation loss, calibrated by itself."""
    best = min(ensemble.members, key=lambda member: (losses[member.trial], member.trial))
    return Ensemble([Ensembled(best.trial, 1.0, best.networks, best.temperature)])
