"""A fitted estimator as a program of ``torch.export``, for torch alone: in Python, or compiled for C++."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from autonas._fitting import Fitted
from autonas.export.model import exported_ensemble, trace
from autonas.training.columns import Column
from autonas.training.data import TableSchema

__all__ = ["export_torch"]


def export_torch(
    path: str | Path, fitted: Fitted, classes: npt.NDArray[Any] | None, *, best_only: bool = False
) -> Path:
    """Write a fitted estimator as a program; see :meth:`AutoNASClassifier.export_torch`.

    Parameters
    ----------
    path : str or Path
    fitted : Fitted
    classes : ndarray or None
        The labels; None for regression.
    best_only : bool, default=False

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the ensemble has traditional models, or torch cannot export a network of the user's own.
    """
    model = exported_ensemble(fitted, best_only=best_only)
    about: dict[str, Any] = {"inputs": list(model.inputs)}
    if isinstance(fitted.schema, TableSchema):
        read = [fitted.schema.columns_[i] for i in fitted.schema.needed]
        about["raw"] = [{"name": c.name, "kind": c.kind} for c in read if c.kind != "category"]
        about["codes"] = [_codes(c) for c in read if c.kind == "category"]
    if classes is not None:
        about["classes"] = np.asarray(classes).tolist()
    path = Path(path).expanduser()
    torch.export.save(trace(model), str(path), extra_files={"about.json": json.dumps(about, default=str)})
    return path


def _codes(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "codes": {text: code for code, text in enumerate(column.categories, 1)},
        "missing": 0,
        "other": column.cardinality - 1 if column.has_other else 0,
    }
