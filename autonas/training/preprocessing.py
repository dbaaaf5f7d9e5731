"""From a table to what a network reads: imputing, scaling and clipping, fitted on the rows that ``fit`` was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from autonas._names import unknown_name
from autonas.networks.specs import ImageSpec, InputSpec
from autonas.training.data import Table

__all__ = ["BOUND", "PREPROCESSING_KEYS", "AnyPreprocessor", "Features", "Learnt", "Preprocessor"]

Floats = npt.NDArray[np.floating[Any]]

#: The hyperparameters that are read here, with the values meant where a configuration does not name them.
_DEFAULTS = {"scaling": "standard", "clipping": "none", "imputation": "mean"}
PREPROCESSING_KEYS = tuple(_DEFAULTS)

#: No clipping: still no number beyond this, so that float32 holds every square and product of them.
BOUND = 1e4
_N_QUANTILES = 129
_SAMPLE = 10_000
# Fewer training rows than this do not train a code.
_MIN_ROWS = 3


@dataclass(frozen=True)
class Features:
    """What a network reads, row by row.

    Attributes
    ----------
    numeric : ndarray of shape (n_rows, n_numeric), float32
        Scaled; finite; for each column with missing values in training a column of zeros and ones at the end. Of
        images the pixels, (n_rows, channels, height, width), as they are, uint8 or float32.
    categorical : ndarray of shape (n_rows, n_categorical), int64
        Codes below the columns' cardinalities.
    """

    numeric: npt.NDArray[Any]
    categorical: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numeric)


@dataclass(frozen=True)
class Learnt:
    """What a :class:`Preprocessor` learnt.

    Attributes
    ----------
    varies : ndarray of shape (n_numeric,), bool
        The columns that are not constant.
    fill : ndarray
        What stands for a missing number, of each of these.
    scaler : object
        Fitted on these: one of scikit-learn's, or alike.
    clipping : str
        What is done after scaling.
    indicated : ndarray of int
        The columns that have a column of zeros and ones for what is missing.
    codes : list of ndarray
        Of each categorical column, what code becomes of each code.
    """

    varies: npt.NDArray[np.bool_]
    fill: Floats
    scaler: Any
    clipping: str
    indicated: npt.NDArray[np.intp]
    codes: list[npt.NDArray[np.int64]]


class AnyPreprocessor(Protocol):
    """What makes the features of a table, or of images, of the same kind as in training."""

    def transform(self, data: Any, /) -> Features:
        """Turn rows into features, each by itself."""
        ...

    @property
    def input_spec(self) -> InputSpec | ImageSpec:
        """What a network is told of the features."""
        ...


class Preprocessor:
    """Impute, scale and clip numbers; pass categories on.

    Parameters
    ----------
    configuration : mapping
        Read are ``scaling`` ("standard": mean and standard deviation; "robust": median and interquartile
        range; "quantile": ranks mapped to a normal distribution), ``clipping`` ("none"; "hard": at -5 and 5;
        "smooth": x / sqrt(1 + (x/3)^2), within -3 and 3) and ``imputation`` ("mean", "median").
    cardinalities : sequence of int
        For each categorical column the number of codes.

    Notes
    -----
    Statistics are over rows, whatever their weights: scaling conditions the training and estimates nothing. A
    column that is constant or wholly missing in the training rows becomes 0 everywhere. Numbers stay within
    -10,000 and 10,000 even without clipping.

    Where fewer than three training rows have code 0 (missing or never seen), the categories with fewer than
    three rows are mapped to it, if any category remains: else the network would meet unknown categories with
    a code that it never trained. A row counts by its weight in units of the lightest row.

    The scheme of robust scaling and smooth clipping is section 3 of Holzmüller, Grinsztajn and Steinwart
    (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data".

    Examples
    --------
    >>> table = Table(np.array([[0.0], [np.nan], [2.0]]), np.array([[1], [1], [1]]))
    >>> preprocessor = Preprocessor({"scaling": "standard"}, [2]).fit(table)
    >>> preprocessor.transform(table).numeric.round(2)
    array([[-1.22,  0.  ],
           [ 0.  ,  1.  ],
           [ 1.22,  0.  ]], dtype=float32)
    >>> preprocessor.input_spec.n_numeric
    2
    """

    def __init__(self, configuration: Mapping[str, Any], cardinalities: Sequence[int] = ()) -> None:
        for name, known in (("scaling", _SCALERS), ("clipping", _CLIPPINGS), ("imputation", _FILLS)):
            value = configuration.get(name, _DEFAULTS[name])
            if value not in known:
                raise unknown_name(f"value of {name!r}:", value, known)
        self._settings = {name: configuration.get(name, default) for name, default in _DEFAULTS.items()}
        self.cardinalities = tuple(int(n) for n in cardinalities)

    def fit(self, table: Table, sample_weight: npt.NDArray[Any] | None = None) -> Preprocessor:
        """Learn from the training rows.

        Parameters
        ----------
        table : Table
            At least one row.
        sample_weight : ndarray of shape (n_rows,), optional
            Positive. Used to tell rare categories only.

        Returns
        -------
        Preprocessor
            Itself.

        Raises
        ------
        ValueError
            If the table has another number of categorical columns than there are cardinalities.
        """
        if table.categorical.shape[1] != len(self.cardinalities):
            raise ValueError(
                f"The table has {table.categorical.shape[1]} categorical columns, but cardinalities has"
                f" {len(self.cardinalities)} entries; pass TableSchema.cardinalities_."
            )
        numeric = table.numeric.astype(np.float64)
        missing = np.isnan(numeric)
        self._indicated = np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0))
        low, high = np.fmin.reduce(numeric, axis=0), np.fmax.reduce(numeric, axis=0)
        self._varies = low < high
        self._fill = self._fills(numeric[:, self._varies], np.isin(np.flatnonzero(self._varies), self._indicated))
        self._scaler = _SCALERS[self._settings["scaling"]](len(numeric))
        if self._varies.any():
            self._scaler.fit(self._imputed(numeric))
        self._codes = [
            _known_codes(table.categorical[:, j], n, sample_weight) for j, n in enumerate(self.cardinalities)
        ]
        self._quantiles = self._feature_quantiles(numeric, low, high)
        return self

    def transform(self, table: Table) -> Features:
        """Turn rows into features, each by itself.

        Parameters
        ----------
        table : Table
            Of the same columns as in :meth:`fit`.

        Returns
        -------
        Features
            Without missing values.
        """
        categorical = np.empty(table.categorical.shape, np.int64)
        for j, codes in enumerate(self._codes):
            categorical[:, j] = codes[table.categorical[:, j]]
        return Features(self._transform_numeric(table.numeric), categorical)

    @property
    def input_spec(self) -> InputSpec:
        """What a network is told of the features."""
        return InputSpec(self._quantiles.shape[1], self.cardinalities, self._quantiles)

    @property
    def learnt(self) -> Learnt:
        """What :meth:`fit` found, for those who repeat :meth:`transform` elsewhere."""
        clipping = self._settings["clipping"]
        return Learnt(self._varies, self._fill, self._scaler, clipping, self._indicated, self._codes)

    def _fills(self, numeric: Floats, gappy: npt.NDArray[np.bool_]) -> Floats:
        """Compute what stands for a missing number; numpy looks at whole columns much faster than around gaps."""
        whole, around_gaps = _FILLS[self._settings["imputation"]]
        fills = np.empty(numeric.shape[1])
        fills[~gappy] = whole(numeric[:, ~gappy], axis=0)
        fills[gappy] = around_gaps(numeric[:, gappy], axis=0)
        return fills

    def _imputed(self, numeric: Floats) -> Floats:
        """Take the columns that vary, as float64 and without missing values."""
        varying = numeric[:, self._varies].astype(np.float64)
        return np.where(np.isnan(varying), self._fill, varying)

    def _transform_numeric(self, numeric: Floats) -> npt.NDArray[np.float32]:
        n, p = numeric.shape
        features = np.zeros((n, p + len(self._indicated)), np.float32)
        if self._varies.any():
            # Numbers far off the training range may overflow on the way; they end at the bound.
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = self._scaler.transform(self._imputed(numeric))
            scaled = np.clip(np.nan_to_num(scaled, copy=False), -BOUND, BOUND)
            features[:, np.flatnonzero(self._varies)] = _CLIPPINGS[self._settings["clipping"]](scaled)
        features[:, p:] = np.isnan(numeric[:, self._indicated])
        return features

    def _feature_quantiles(self, numeric: Floats, low: Floats, high: Floats) -> npt.NDArray[np.float32]:
        if len(numeric) > _SAMPLE:
            rows = np.linspace(0, len(numeric) - 1, _SAMPLE).astype(np.intp)
            # Every step keeps the order of numbers: extremes of a column give those of its feature.
            numeric = np.vstack([numeric[rows], low, high])
        features = self._transform_numeric(numeric)
        quantiles = np.empty((_N_QUANTILES, features.shape[1]), np.float32)
        for j, column in enumerate(features.T):
            quantiles[:, j] = _spread_quantiles(column)
        quantiles[-1, len(low) :] = 1.0
        return quantiles


class _RobustScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Median and interquartile range; half the range where that is 0, as RealMLP does.

    scikit-learn's own takes 1 in that case, which leaves adult's capital gain unscaled.
    """

    def fit(self, X: Floats, _y: None = None) -> _RobustScaler:
        low, first, self.center_, third, high = np.percentile(X, [0, 25, 50, 75, 100], axis=0)
        scale = np.where(third > first, third - first, (high - low) / 2)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        return self

    def transform(self, X: Floats) -> Floats:
        scaled: Floats = (X - self.center_) / self.scale_
        return scaled


def _spread_quantiles(column: npt.NDArray[np.float32]) -> Floats:
    """Compute quantiles of a column in which a value counts half by its rows and half once.

    Where all values differ these are the usual ones. Where most rows have the same value, such as 0, the usual ones
    would hardly tell the others apart.
    """
    distinct, rows = np.unique(column, return_counts=True)
    reach = np.cumsum(0.5 * rows / len(column) + 0.5 / len(distinct))
    places = np.searchsorted(reach, np.linspace(0, 1, _N_QUANTILES) - 1e-9)
    quantiles: Floats = distinct[np.minimum(places, len(distinct) - 1)]
    return quantiles


def _quantile_scaler(n_rows: int) -> QuantileTransformer:
    # About 30 rows a quantile keep single rows from having a quantile of their own.
    n_quantiles = min(n_rows, max(10, min(n_rows // 30, 1000)))
    return QuantileTransformer(n_quantiles=n_quantiles, output_distribution="normal", subsample=100_000, random_state=0)


def _smooth_clip(x: Floats) -> Floats:
    clipped: Floats = x / np.sqrt(1.0 + (x / 3.0) ** 2)
    return clipped


def _known_codes(
    codes: npt.NDArray[np.int64], n_codes: int, sample_weight: npt.NDArray[Any] | None
) -> npt.NDArray[np.int64]:
    """Make the table from a column's codes to those passed on."""
    known = np.arange(n_codes)
    weight = sample_weight
    if weight is not None:
        weight = weight / weight[weight > 0].min(initial=np.inf)
    rows = np.bincount(codes, weight, n_codes)
    rare = rows < _MIN_ROWS
    if rare[0] and not rare.all():
        known[rare] = 0
    return known


_SCALERS: dict[str, Callable[[int], Any]] = {
    "standard": lambda _: StandardScaler(),
    "robust": lambda _: _RobustScaler(),
    "quantile": _quantile_scaler,
}
_CLIPPINGS: dict[str, Callable[[Floats], Floats]] = {
    "none": lambda x: x,
    "hard": lambda x: np.clip(x, -5.0, 5.0),
    "smooth": _smooth_clip,
}
_FILLS: dict[str, tuple[Callable[..., Floats], Callable[..., Floats]]] = {
    "mean": (np.mean, np.nanmean),
    "median": (np.median, np.nanmedian),
}
