"""What ``fit`` puts together before it searches, for measurements of single trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from autonas._search_space import SearchSpace
    from autonas.benchmarks.datasets import Dataset
    from autonas.training.data import TableSchema
    from autonas.training.trial import Trainer

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A data set ready for any configuration.

    Attributes
    ----------
    trainer : Trainer
    chosen : SearchSpace
    schema : TableSchema
        Reads further rows of the data set.
    classes : ndarray or None
        The labels; None for regression.
    """

    trainer: Trainer
    chosen: SearchSpace
    schema: TableSchema
    classes: npt.NDArray[Any] | None


def prepare(data: Dataset, *, validation: str | int = "auto", seed: int = 0, max_epochs: int | None = None) -> Prepared:
    """Put it together, with the default pipeline.

    Parameters
    ----------
    data : Dataset
    validation : str or int, default="auto"
        As for the estimators.
    seed : int, default=0
        Of the folds.
    max_epochs : int, optional
        By default by the data's size, as in every search without a time limit.

    Returns
    -------
    Prepared
    """
    from autonas._budget import default_max_epochs  # noqa: PLC0415  torch is slow to import
    from autonas._search_space import resolve_search_space  # noqa: PLC0415
    from autonas.presets import load_preset  # noqa: PLC0415
    from autonas.training.data import (  # noqa: PLC0415
        TableSchema,
        canonical_rows,
        check_regression_target,
        encode_classes,
    )
    from autonas.training.metrics import resolve_metric  # noqa: PLC0415
    from autonas.training.task import Task  # noqa: PLC0415
    from autonas.training.trial import Trainer  # noqa: PLC0415
    from autonas.training.validation import make_folds  # noqa: PLC0415

    classes, target = encode_classes(data.y) if data.classification else (None, check_regression_target(data.y))
    schema = TableSchema().fit(data.X)
    table, target, weight, _ = canonical_rows(schema.transform(data.X), target)
    preset = load_preset("tabular")
    chosen = resolve_search_space(None, preset, table, classification=data.classification)
    task = Task(
        table,
        schema.cardinalities_,
        target,
        0 if classes is None else len(classes),
        None if np.ptp(weight) == 0 else weight,
        resolve_metric(None, classes),
    )
    folds = make_folds(
        preset.validation if validation == "auto" else validation,
        data.X,
        target,
        classification=data.classification,
        random_state=seed,
    )
    longest = max_epochs or default_max_epochs(sum(len(rows) for rows, _ in folds))
    return Prepared(
        Trainer(task, folds, chosen.builds, max_epochs=longest, defaults=chosen.defaults), chosen, schema, classes
    )
