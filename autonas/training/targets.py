"""Targets and sample weights, in scikit-learn's words where it has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, assert_all_finite, column_or_1d

__all__ = ["check_regression_target", "check_weight", "encode_classes"]

# What objects become that are of one kind, by the names of pandas.api.types.infer_dtype.
_PLAIN = {
    "integer": np.int64,
    "boolean": np.bool_,
    "floating": np.float64,
    "mixed-integer-float": np.float64,
    "decimal": np.float64,
}


def encode_classes(y: Any, X: Any = None) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Turn class labels of any type into codes.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Integers, strings, booleans, pandas categories, Arrow-backed or nullable Series, whole floats.
    X : array or DataFrame of n_samples rows, optional
        Must be as long.

    Returns
    -------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    codes : ndarray of shape (n_samples,), int64
        Positions in ``classes_``.

    Raises
    ------
    ValueError
        Missing labels, continuous or mixed ones ("Unknown label type"), more than one column, a single class.

    Warns
    -----
    DataConversionWarning
        A column vector of shape (n_samples, 1).

    Examples
    --------
    >>> encode_classes(["no", "yes", "no"])
    (array(['no', 'yes'], dtype='<U3'), array([0, 1, 0]))
    """
    labels = _one_column(y, X)
    check_classification_targets(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y holds the single class {classes[:1].tolist()[0]!r}: a classifier needs at least 2 classes, got 1 class."
        )
    return classes, codes.astype(np.int64)


def check_regression_target(y: Any, X: Any = None) -> npt.NDArray[np.float64]:
    """Turn a numeric target into float64.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Numbers, finite.
    X : array or DataFrame of n_samples rows, optional
        Must be as long.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The same numbers.

    Raises
    ------
    ValueError
        Missing, infinite or complex values, strings, more than one column.

    Warns
    -----
    DataConversionWarning
        A column vector of shape (n_samples, 1).
    """
    values = _one_column(y, X)
    if values.dtype.kind not in "biuf":
        example = values[:1].tolist()[0]
        raise ValueError(
            f"y must hold numbers for regression, got {type(example).__name__} values such as {example!r}."
            " For classes use a classifier; for numbers written as text, pandas.to_numeric(y)."
        )
    return values.astype(np.float64)


def check_weight(sample_weight: Any, X: Any) -> npt.NDArray[np.float64] | None:
    """Check the weights of samples.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), number or None
        A number: the same for all.
    X : array or DataFrame of n_samples rows
        What the weights belong to.

    Returns
    -------
    ndarray of shape (n_samples,), float64, or None
        A copy; None for None.

    Raises
    ------
    ValueError
        Another length, more than one dimension, negative or not finite weights, all of them zero.
    """
    if sample_weight is None:
        return None
    weight: npt.NDArray[np.float64] = np.array(_check_sample_weight(sample_weight, X, dtype=np.float64))
    if (weight < 0).any():
        raise ValueError(f"Negative values in sample_weight, such as {weight.min()}: weights must be >= 0.")
    if not weight.any():
        # scikit-learn before 1.9 lets them pass.
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def _one_column(y: Any, X: Any) -> npt.NDArray[Any]:
    """Give a numpy array of one dimension, without missing values, of a plain dtype if possible."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    if isinstance(y, pd.Series | pd.DataFrame | pd.Index) or hasattr(y, "to_numpy"):
        # In one place: extension arrays (Arrow, nullable, categories) fail inside scikit-learn.
        y = y.to_numpy()
    elif isinstance(y, pd.api.extensions.ExtensionArray):
        y = np.asarray(y, dtype=object)
    values: npt.NDArray[Any] = column_or_1d(y, warn=True)
    check_consistent_length(X, values)
    if pd.isna(values).any():
        raise ValueError(
            f"Input y contains NaN. {int(pd.isna(values).sum())} of its {len(values)} values are missing:"
            " leave these rows out."
        )
    if values.dtype.kind == "O":
        inferred = pd.api.types.infer_dtype(values, skipna=False)
        values = values.astype(_PLAIN.get(inferred, object))
    assert_all_finite(values, input_name="y")
    return values
