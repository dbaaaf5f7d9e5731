"""From what users give to plain arrays: reading any table, once a fit, before every configuration.

:func:`check_X` accepts the forms of input, :class:`TableSchema` learns what the columns are and turns them
into a :class:`Table`. Single columns are read in :mod:`autonas.training.columns`, targets in
:mod:`autonas.training.targets`; both and :mod:`autonas.training.table` have their names here as well.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length

from autonas.training.columns import Column, learn_column, read_codes, read_numbers
from autonas.training.table import Table, canonical_bytes, canonical_rows, fingerprint
from autonas.training.targets import check_regression_target, check_weight, encode_classes

__all__ = [
    "Table",
    "TableSchema",
    "canonical_rows",
    "check_X",
    "check_regression_target",
    "check_weight",
    "encode_classes",
    "fingerprint",
]

AnyArray: TypeAlias = npt.NDArray[Any]

# A sparse table is made dense up to this many cells: 0.8 GB of float64.
MAX_DENSE_CELLS = 100_000_000


def check_X(  # noqa: N802  # X is the field's name for a table
    X: Any, estimator: Any = "TableSchema", y: Any = None
) -> pd.DataFrame | AnyArray:
    """Bring any accepted form of input to a DataFrame or to a two-dimensional array.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        A pandas or polars DataFrame (or anything with ``to_pandas()``, such as a pyarrow Table), a numpy
        array of numbers, booleans, strings or objects, nested lists, or a scipy sparse matrix of at most 100
        million cells.
    estimator : str or object
        Who asks: its name or the name of its class is said in the messages.
    y : array-like of shape (n_samples,), optional
        Must be as long as ``X``. What it holds is checked in :mod:`autonas.training.targets`.

    Returns
    -------
    DataFrame or ndarray
        Of two dimensions, with at least one row and one column. Nothing is copied that need not be.

    Raises
    ------
    ValueError
        In scikit-learn's words: one-dimensional or complex data, no rows, no columns, another length of
        ``y``. Also a sparse matrix too large to be made dense.
    TypeError
        A polars LazyFrame.

    Examples
    --------
    >>> check_X([[1, "red"], [2, None]])
    array([[1, 'red'],
           [2, None]], dtype=object)
    """
    name = estimator if isinstance(estimator, str) else type(estimator).__name__
    if hasattr(X, "collect") and hasattr(X, "lazy"):
        raise TypeError(f"X is a {type(X).__name__} that is not computed yet; pass X.collect().")
    if sparse.issparse(X):
        X = _dense(X, name)
    elif type(X).__module__.partition(".")[0] == "polars" and hasattr(X, "columns"):
        # Column by column, because polars' own to_pandas() needs pyarrow.
        X = pd.DataFrame({column: X[column].to_numpy() for column in X.columns})
    elif not isinstance(X, pd.DataFrame) and hasattr(X, "to_pandas") and hasattr(X, "columns"):
        X = X.to_pandas()
    elif not hasattr(X, "__array__"):
        array = np.asarray(X)
        # numpy turns a list of numbers and strings into strings only: keep what each value is.
        X = np.asarray(X, dtype=object) if array.dtype.kind in "US" else array
    if isinstance(X, pd.DataFrame):
        _check_frame(X, name)
    else:
        X = check_array(X, dtype=None, ensure_all_finite=False, estimator=name)
    if y is not None:
        check_consistent_length(X, y)
    checked: pd.DataFrame | AnyArray = X
    return checked


def _dense(X: Any, estimator_name: str) -> AnyArray:
    X = check_array(X, accept_sparse=True, ensure_all_finite=False, estimator=estimator_name)
    if np.prod(X.shape, dtype=float) > MAX_DENSE_CELLS:
        raise ValueError(
            f"X is a sparse matrix of shape {X.shape}: {estimator_name} makes it dense, which it does up to"
            f" {MAX_DENSE_CELLS:,} cells. Reduce its columns first, for example by"
            " sklearn.decomposition.TruncatedSVD or sklearn.feature_selection.SelectKBest."
        )
    dense: AnyArray = X.toarray()
    return dense


def _check_frame(frame: pd.DataFrame, estimator_name: str) -> None:
    for kind, size in zip(("sample", "feature"), frame.shape, strict=True):
        if size == 0:
            raise ValueError(
                f"Found array with 0 {kind}(s) (shape={frame.shape}) while a minimum of 1 is required"
                f" by {estimator_name}."
            )
    complex_columns = [name for name, dtype in zip(frame.columns, frame.dtypes, strict=True) if dtype.kind == "c"]
    if complex_columns:
        raise ValueError(
            f"Complex data not supported: column {complex_columns[0]!r} of X. Split it into its real"
            " and imaginary parts."
        )


class TableSchema:
    """What the columns of a training table are, and how to read further tables alike.

    - Numbers, booleans (0 and 1) and timedeltas (seconds) are numeric. NaN, None, ``pd.NA`` and ``NaT`` are
      missing.
    - Datetimes become years since the training minimum and, where they vary, the place in the year, in the
      week and in the day as sine and cosine (UTC).
    - Strings, pandas categories and objects that are not all numbers are categories by their text. A column
      keeps its ``max_categories`` most frequent ones; where there are more, all others share one code more,
      with categories that were never seen. In other columns a category that was never seen has code 0, as
      missing values.
    - Columns without information in training are dropped: constant, missing in every row, or equal to an
      earlier one. A constant column with some missing values is kept. If none remains, the table has one
      column of zeros.

    Parameters
    ----------
    max_categories : int
        Most categories that one column keeps.

    Attributes
    ----------
    columns_ : list of Column
        Name, kind and categories of every column of the input.
    numeric_names_, categorical_names_ : list of str
        Names of the columns of ``Table.numeric`` and ``Table.categorical``.
    cardinalities_ : tuple of int
        For each column of ``Table.categorical`` the number of codes, with code 0.
    dropped_ : dict of str to str
        Columns of the input of which nothing is kept, with the reason.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [30, 40, None], "colour": ["red", None, "blue"], "unit": ["m"] * 3})
    >>> schema = TableSchema().fit(frame)
    >>> schema.transform(frame).categorical.ravel()
    array([2, 0, 1])
    >>> schema.dropped_
    {'unit': 'constant'}
    """

    columns_: list[Column]
    numeric_names_: list[str]
    categorical_names_: list[str]
    cardinalities_: tuple[int, ...]
    dropped_: dict[str, str]

    def __init__(self, max_categories: int = 255) -> None:
        self.max_categories = max_categories

    def fit(self, X: Any, sample_weight: AnyArray | None = None) -> TableSchema:
        """Learn the columns.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            See :func:`check_X`.
        sample_weight : ndarray of shape (n_samples,), optional
            Rows of weight zero are passed over; the frequency of categories is by weight.

        Returns
        -------
        TableSchema
            Itself.

        Raises
        ------
        ValueError
            Infinite numbers, or a form that :func:`check_X` refuses.
        TypeError
            A column that holds lists, dicts or other things that are neither numbers, text nor times.
        """
        X = check_X(X)
        if sample_weight is not None and not np.all(sample_weight > 0):
            X = X.iloc[sample_weight > 0] if isinstance(X, pd.DataFrame) else X[sample_weight > 0]
            sample_weight = sample_weight[sample_weight > 0]
        self._n_columns = X.shape[1]
        self._names = [*map(str, X.columns)] if isinstance(X, pd.DataFrame) else None
        X = _plain(X)
        if isinstance(X, pd.DataFrame):
            self.columns_ = [
                learn_column(X.iloc[:, i], self._label(i), sample_weight, self.max_categories)
                for i in range(self._n_columns)
            ]
        else:
            self.columns_ = [Column(self._label(i), "numeric") for i in range(self._n_columns)]
        self._choose(X)
        return self

    def transform(self, X: Any) -> Table:
        """Read a table with the columns learnt.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            The same columns in the same order as in :meth:`fit`. Its form and its types may differ as long as
            the values can be read.

        Returns
        -------
        Table
            The columns that are kept.

        Raises
        ------
        ValueError
            Other columns than in :meth:`fit`, infinite numbers, or values that cannot be read as the column's
            kind.
        """
        X = check_X(X)
        self._check_columns(X)
        numeric, categorical, _ = self._read(_plain(X), self._needed)
        if self._numeric_chosen is not None:
            numeric = numeric[:, self._numeric_chosen]
        if not self._needed:
            numeric = np.zeros((len(X), 1), np.float32)
        return Table(numeric, categorical)

    @property
    def needed(self) -> list[int]:
        """The positions of the columns of the input that are read."""
        return self._needed

    @property
    def named(self) -> bool:
        """Whether the columns had names in training: of an array they have not."""
        return self._names is not None

    @property
    def numeric_chosen(self) -> npt.NDArray[np.intp] | None:
        """Which of the numbers that are read are kept, of a datetime not all; None: all."""
        return self._numeric_chosen

    def _label(self, position: int) -> str:
        return f"x{position}" if self._names is None else self._names[position]

    def _check_columns(self, X: pd.DataFrame | AnyArray) -> None:
        names = [*map(str, X.columns)] if isinstance(X, pd.DataFrame) else None
        if names is not None and self._names is not None:
            if lacking := [name for name in self._names if name not in names]:
                raise ValueError(f"X lacks columns that it had in fit: {lacking}. Pass the same columns.")
            if len(names) == len(self._names) and names != self._names:
                where = next(i for i, pair in enumerate(zip(names, self._names, strict=True)) if len({*pair}) > 1)
                raise ValueError(
                    f"Column {where} of X is {names[where]!r}; in fit it was {self._names[where]!r}."
                    " Pass the same columns in the same order."
                )
        if X.shape[1] != self._n_columns:
            raise ValueError(f"X has {X.shape[1]} columns; in fit it had {self._n_columns}. Pass the same columns.")

    def _choose(self, X: pd.DataFrame | AnyArray) -> None:
        """Find the columns that tell something, and remember how to get at them."""
        everything = list(range(self._n_columns))
        numeric, categorical, features = self._read(X, everything)
        numbers_useless = _useless(numeric, np.isnan(numeric))
        # Where a datetime is missing its years say so: parts of it that are constant elsewhere add nothing.
        still = np.fmin.reduce(numeric, axis=0) == np.fmax.reduce(numeric, axis=0)
        for i, (_, part) in enumerate(features):
            if part not in {"", "years"} and still[i]:
                numbers_useless[i] = ("constant", i)
        codes_useless = _useless(categorical, categorical == 0)
        kept = [feature for i, feature in enumerate(features) if i not in numbers_useless]
        categories = [i for i in everything if self.columns_[i].kind == "category"]
        kept_categories = [c for i, c in enumerate(categories) if i not in codes_useless]
        self._needed = sorted({c for c, _ in kept} | set(kept_categories))
        # Of a datetime some features may go while others stay, so that what is read must be narrowed.
        read = [feature for feature in features if feature[0] in set(self._needed)]
        self._numeric_chosen = None if read == kept else np.asarray([read.index(f) for f in kept], dtype=np.intp)
        self.numeric_names_ = [f"{self._label(c)} {part}".rstrip() for c, part in kept] if self._needed else ["none"]
        self.categorical_names_ = [self._label(c) for c in kept_categories]
        self.cardinalities_ = tuple(self.columns_[c].cardinality for c in kept_categories)
        reasons = {features[i][0]: (why, features[j][0]) for i, (why, j) in numbers_useless.items()}
        reasons |= {categories[i]: (why, categories[j]) for i, (why, j) in codes_useless.items()}
        self.dropped_ = {
            self._label(c): why.format(self._label(other))
            for c, (why, other) in sorted(reasons.items())
            if c not in self._needed
        }

    def _read(
        self, X: pd.DataFrame | AnyArray, positions: list[int]
    ) -> tuple[AnyArray, npt.NDArray[np.int64], list[tuple[int, str]]]:
        """Read the columns at these positions: numbers, codes, and the (position, part) of each number."""
        if not isinstance(X, pd.DataFrame) and all(self.columns_[i].kind == "numeric" for i in positions):
            numeric = X if len(positions) == self._n_columns else X[:, positions]
            _refuse_infinite(numeric, [self._label(i) for i in positions])
            return numeric, np.zeros((len(X), 0), np.int64), [(i, "") for i in positions]
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        numbers: list[AnyArray] = []
        codes: list[npt.NDArray[np.int64]] = []
        features: list[tuple[int, str]] = []
        for i in positions:
            column = self.columns_[i]
            if column.kind == "category":
                codes.append(read_codes(frame.iloc[:, i], column))
                continue
            for part, values in read_numbers(frame.iloc[:, i], column).items():
                numbers.append(values)
                features.append((i, part))
        n = len(X)
        numeric = np.stack(numbers, axis=1) if numbers else np.zeros((n, 0), np.float32)
        _refuse_infinite(numeric, [self._label(i) for i, _ in features])
        return numeric, np.stack(codes, axis=1) if codes else np.zeros((n, 0), np.int64), features


def _plain(X: pd.DataFrame | AnyArray) -> pd.DataFrame | AnyArray:
    """Give a float array where all columns are plain numbers: the fast path; else a DataFrame."""
    dtypes = list(X.dtypes) if isinstance(X, pd.DataFrame) else [X.dtype]
    if not all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes):
        return X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    # float32 where it holds every value exactly.
    single = all(np.can_cast(dtype, np.float32, "safe") for dtype in dtypes)
    target = np.float32 if single else np.float64
    return X.to_numpy(dtype=target) if isinstance(X, pd.DataFrame) else X.astype(target, copy=False)


def _refuse_infinite(numeric: AnyArray, names: list[str]) -> None:
    # Beyond float32 as well: the networks compute in it, and squares of float64's largest overflow.
    with np.errstate(invalid="ignore"):
        bad = np.any(np.abs(numeric) > np.finfo(np.float32).max, axis=0)
    if bad.any():
        raise ValueError(
            "Input X contains infinity or a value too large for dtype('float32') in column"
            f" {names[int(np.argmax(bad))]!r}. Replace it by a number, or by NaN for missing."
        )


def _useless(values: AnyArray, missing: npt.NDArray[np.bool_]) -> dict[int, tuple[str, int]]:
    """Columns that tell nothing: position -> (reason, position of the column that tells the same)."""
    absent = set(np.flatnonzero(missing.all(axis=0)))
    constant = set(np.flatnonzero((values == values[:1]).all(axis=0)))
    found: dict[int, tuple[str, int]] = {}
    seen: dict[bytes, int] = {}
    for i in range(values.shape[1]):
        if i in absent:
            found[i] = ("missing in every row", i)
        elif i in constant:
            found[i] = ("constant", i)
        else:
            first = seen.setdefault(hashlib.blake2b(canonical_bytes(values[:, i])).digest(), i)
            if first != i:
                found[i] = ("the same as {!r}", first)
    return found
