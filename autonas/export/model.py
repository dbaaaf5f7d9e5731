"""A fitted ensemble as one module of tensors: raw numbers and codes, or images, in; what the estimator predicts out."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import nn

from autonas._fitting import Fitted
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

__all__ = ["ExportedEnsemble", "exported_ensemble", "trace"]


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
            if any(isinstance(m, Model) for trained in member.networks for m in trained.network.modules()):
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
        self.members = nn.ModuleList(_Member(member) for member in ensemble.members)
        # Which of the features each stack of each member reads.
        self.places = [[distinct.index(stack.preprocessor) for stack in member.networks] for member in ensemble.members]

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
        predicted = [
            member([features[place] for place in places])
            for member, places in zip(self.members, self.places, strict=True)
        ]
        mean = torch.stack([weight * p for weight, p in zip(map(double, self.weights), predicted, strict=True)]).sum(0)
        return _heated(mean, self.temperature).float()


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


def exported_ensemble(fitted: Fitted, *, best_only: bool) -> ExportedEnsemble:
    """Make the module of a fitted estimator, on the CPU, to be traced.

    Parameters
    ----------
    fitted : Fitted
    best_only : bool
        Only the member of the smallest validation loss, calibrated by itself.

    Returns
    -------
    ExportedEnsemble
        Its networks are copies.
    """
    ensemble = fitted.ensemble
    if best_only:
        best = min(ensemble.members, key=lambda member: (fitted.losses[member.trial], member.trial))
        ensemble = Ensemble([Ensembled(best.trial, 1.0, best.networks, best.temperature)])
    return copy.deepcopy(ExportedEnsemble(ensemble, fitted.schema)).cpu().eval().requires_grad_(requires_grad=False)


def trace(model: ExportedEnsemble) -> torch.export.ExportedProgram:
    """Have torch write down what a model does, for any number of rows.

    Parameters
    ----------
    model : ExportedEnsemble
        On the CPU, in evaluation mode.

    Returns
    -------
    torch.export.ExportedProgram

    Raises
    ------
    ValueError
        If a network decides something by the values of tensors.
    """
    rows = torch.export.Dim("rows", min=1)
    example = tuple(model.inputs.values())
    try:
        with torch.no_grad():
            return torch.export.export(model, example, dynamic_shapes=(tuple({0: rows} for _ in example),))
    except Exception as error:
        raise ValueError(
            f"torch cannot export the networks: {type(error).__name__}: {str(error).strip()[:500]}. If one of your own "
            "is among them, see that it is built from torch's operations and decides nothing by the values of tensors; "
            "else please report it."
        ) from error


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
    """The networks of one trial, which count alike."""

    def __init__(self, member: Ensembled) -> None:
        super().__init__()
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
    """Calibrate, as :meth:`Temperature.apply` does."""
    if temperature == Temperature().value or predicted.ndim == 1:
        return predicted
    return (predicted.clamp(double(_TINY)).log() / double(temperature)).softmax(1)


_TINY = math.ulp(0.0) * 2**52
"""The smallest number of float64 that has all its digits."""
