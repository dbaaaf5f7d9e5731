"""Which rows are learnt from, and which are judged by."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedKFold

from autonas._names import unknown_name

__all__ = ["Fold", "default_validation", "is_splitter", "make_folds"]

Array = npt.NDArray[Any]
#: Row numbers to learn from, and row numbers to judge by.
Fold = tuple[Array, Array]

#: Below this many rows, one held-out part says too little about a configuration.
CV_BELOW = 2_500
#: With a time limit folds are for more rows, if it is long enough to train five networks a configuration: for so many
#: rows a second of it, up to so many rows.
CV_PER_SECOND, CV_AT_MOST = 55, 10_000
#: Five trainings of a table of more cells take too long.
CV_CELLS = 1_000_000
N_FOLDS = 5
HOLDOUT = 0.2


def is_splitter(validation: Any) -> bool:
    """Tell whether ``validation`` is a splitter of the user's own (strings have a method ``split`` too)."""
    return hasattr(validation, "split") and not isinstance(validation, str)


def default_validation(shape: Sequence[int], time_limit: float | None = None) -> str:
    """Choose between folds and a held-out part.

    Folds leave no row out, and tell configurations apart better, but cost five trainings each.

    Parameters
    ----------
    shape : sequence of int
        Of the data: rows, and what a row has.
    time_limit : float, optional
        Seconds of the fit.

    Returns
    -------
    {"cv", "holdout"}

    Examples
    --------
    >>> [default_validation((4_000, 10), time_limit) for time_limit in (None, 60, 240)]
    ['holdout', 'holdout', 'cv']
    """
    most = max(CV_BELOW, min(CV_PER_SECOND * (time_limit or 0), CV_AT_MOST))
    return "cv" if shape[0] < most and math.prod(shape) <= CV_CELLS else "holdout"


def make_folds(validation: Any, X: Any, y: Array, *, classification: bool, random_state: int) -> list[Fold]:
    """Split the rows for validation.

    Parameters
    ----------
    validation : {"auto", "holdout", "cv"}, int or splitter
        ``"holdout"``: a fifth of the rows is held out. ``"cv"``: five folds. An int: that many folds. ``"auto"``: as
        :func:`default_validation` says. A splitter is any object of scikit-learn with ``split(X, y)``.
    X : array or DataFrame
        Handed to a splitter.
    y : ndarray of shape (n,)
        Class codes or targets. Folds are stratified: by class, or by tenths of the target's range of ranks.
    classification : bool
        Whether ``y`` holds class codes.
    random_state : int
        Seed of the shuffling.

    Returns
    -------
    list of (ndarray, ndarray)
        A class with one row only is learnt from in a holdout, never held out.

    Raises
    ------
    ValueError
        If there are fewer rows than folds, or the argument is none of the above.
    """
    n = len(y)
    if is_splitter(validation):
        folds = [(np.asarray(a), np.asarray(b)) for a, b in validation.split(X, y)]
        if not folds or any(len(a) == 0 or len(b) == 0 for a, b in folds):
            raise ValueError(f"validation={validation!r} gives no split with rows on both sides for {n} rows.")
        return folds
    strata = y if classification else _tenths(y)
    if isinstance(validation, (int, np.integer)) and not isinstance(validation, bool):
        if not 2 <= validation <= n:
            raise ValueError(
                f"validation={validation} folds need at least 2 folds and as many rows, got {n} rows; "
                'pass a smaller number, or "holdout".'
            )
        return _stratified(strata, int(validation), random_state)
    if validation == "auto":
        validation = default_validation((n, *np.shape(X)[1:]))
    if validation == "cv":
        return _stratified(strata, min(N_FOLDS, n), random_state)
    if validation == "holdout":
        train, valid = _stratified(strata, min(round(1 / HOLDOUT), n), random_state)[0]
        alone = np.bincount(strata)[strata[valid]] == 1
        if classification and alone.any() and not alone.all():
            train, valid = np.sort(np.r_[train, valid[alone]]), valid[~alone]
        return [(train, valid)]
    raise unknown_name("validation", validation, ["auto", "holdout", "cv", "an int", "a splitter"])


def _stratified(strata: Array, n_folds: int, random_state: int) -> list[Fold]:
    stratify = np.bincount(strata).max() >= n_folds
    splitter = (StratifiedKFold if stratify else KFold)(n_folds, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        # Rare classes cannot be in every fold; they are spread as far as they go.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(np.zeros(len(strata)), strata))


def _tenths(y: Array) -> Array:
    ranks = np.argsort(np.argsort(y, kind="stable"), kind="stable")
    return ranks * min(10, max(1, len(y) // 10)) // max(len(y), 1)
