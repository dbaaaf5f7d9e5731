"""What kind of data set it is, in a few numbers: cheap, and the same whenever the data are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autonas.training.table import Table
from autonas.training.task import Task

__all__ = ["features_of"]

Array = npt.NDArray[Any]

#: What is counted column by column, or learnt, is so on this many rows and numeric columns at most.
MAX_ROWS = 1_000
MAX_COLUMNS = 100
#: Columns of more categories are no input of the landmarks.
MAX_CATEGORIES = 10
#: A column is tied if one value has more than this share of its rows.
TIED = 0.1
N_NEIGHBOURS = 5


def features_of(task: Task) -> dict[str, float]:
    """Describe a data set.

    Parameters
    ----------
    task : Task
        Its table and target. Sample weights do not matter.

    Returns
    -------
    dict of str to float
        ``regression`` (1, or 0 for classes); natural logarithms of ``rows``, ``columns``, ``rows_per_column`` and
        ``classes`` (0 for regression); ``majority``, the share of the largest class (0 for regression);
        ``categorical``, the share of the columns; ``missing``, the share of the cells; ``tied``, the share of the
        numeric columns in which one value has more than a tenth of the rows. Then two landmarks (Pfahringer, Bensusan
        and Giraud-Carrier 2000, "Meta-learning by landmarking various learning algorithms"): the share of the target's
        variance that simple learners explain on rows that they have not seen, ``linear`` a ridge regression and
        ``neighbours`` the mean of the five nearest rows, where each class is a variable. All are rounded: they must
        not depend on the machine.
    """
    table, n_rows = task.table, len(task.table)
    assert isinstance(table, Table)
    n_numeric, n_categorical = table.numeric.shape[1], table.categorical.shape[1]
    n_columns = n_numeric + n_categorical
    classes = np.bincount(task.target, minlength=task.n_classes) if task.n_classes else np.zeros(0)
    missing = np.isnan(table.numeric).sum() + (table.categorical == 0).sum()
    # Neighbouring rows of a table in canonical order are alike.
    rows = np.random.default_rng(0).permutation(n_rows)[:MAX_ROWS]
    columns = np.unique(np.linspace(0, n_numeric - 1, min(n_numeric, MAX_COLUMNS)).astype(int))
    sample = Table(table.numeric[np.ix_(rows, columns)].astype(np.float64), table.categorical[rows])
    linear, neighbours = _landmarks(sample, task.cardinalities, task.target[rows], task.n_classes)
    features = {
        "regression": float(not task.n_classes),
        "rows": math.log(n_rows),
        "columns": math.log(n_columns),
        "rows_per_column": math.log(n_rows / n_columns),
        "classes": math.log(max(task.n_classes, 1)),
        "majority": classes.max(initial=0) / n_rows,
        "categorical": n_categorical / n_columns,
        "missing": missing / (n_rows * n_columns),
        "tied": float(np.mean([_is_tied(column) for column in sample.numeric.T])) if n_numeric else 0.0,
        "linear": linear,
        "neighbours": neighbours,
    }
    return {name: round(float(value), 3) for name, value in features.items()}


def _is_tied(column: Array) -> bool:
    counts = np.unique(column[~np.isnan(column)], return_counts=True)[1]
    return bool(counts.max(initial=0) > TIED * len(column))


def _landmarks(sample: Table, cardinalities: tuple[int, ...], target: Array, n_classes: int) -> tuple[float, float]:
    """Learn from one half of the rows, and judge on the other."""
    half = (len(target) + 1) // 2
    x = _inputs(sample, cardinalities, half)
    y = np.eye(n_classes)[target] if n_classes else _standardized(target[:, None].astype(np.float64), half)
    y = y - y[:half].mean(axis=0)
    x, x_new, y, y_new = x[:half], x[half:], y[:half], y[half:]
    if not x.size or not np.square(y_new).sum():
        return 0.0, 0.0
    center = x.mean(axis=0)
    slopes = np.linalg.solve((x - center).T @ (x - center) + 10.0 * np.eye(x.shape[1]), (x - center).T @ y)
    # Rounded, so that equal distances are equal whatever the order of a sum.
    distances = np.square(x).sum(axis=1) - 2 * x_new @ x.T
    nearest = np.argsort(distances.round(6), axis=1, kind="stable")[:, :N_NEIGHBOURS]
    return _explained((x_new - center) @ slopes, y_new), _explained(y[nearest].mean(axis=1), y_new)


def _inputs(sample: Table, cardinalities: tuple[int, ...], half: int) -> Array:
    numeric = sample.numeric
    parts = [_standardized(numeric, half)] if numeric.size else []
    for codes, n_codes in zip(sample.categorical.T, cardinalities, strict=True):
        if n_codes <= MAX_CATEGORIES + 1:
            parts.append(np.eye(n_codes)[codes])
    return np.hstack(parts) if parts else np.zeros((len(numeric), 0))


def _standardized(columns: Array, half: int) -> Array:
    """Scale by the first half of the rows; what is missing becomes the mean."""
    known = ~np.isnan(columns[:half])
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, columns[:half], 0).sum(axis=0) / n_known
    spread = np.sqrt(np.where(known, np.square(columns[:half] - mean), 0).sum(axis=0) / n_known)
    scaled = (columns - mean) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.clip(np.nan_to_num(scaled, nan=0.0), -3.0, 3.0))


def _explained(predicted: Array, truth: Array) -> float:
    return float(np.clip(1 - np.square(predicted - truth).sum() / np.square(truth).sum(), 0, 1))
