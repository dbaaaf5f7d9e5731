"""The table that everything after reading works on, and what makes it independent of the order of rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Table", "canonical_bytes", "canonical_rows", "fingerprint"]

AnyArray: TypeAlias = npt.NDArray[Any]

# Equal rows are looked for in tables of at most this many cells.
MAX_MERGED_CELLS = 200_000_000


class Data(Protocol):
    """A table, or images."""

    @property
    def arrays(self) -> tuple[AnyArray, ...]:
        """All that it holds, each with an axis of rows in front."""
        ...


@dataclass(frozen=True)
class Table:
    """Rows of a table, typed but not yet scaled or imputed.

    Attributes
    ----------
    numeric : ndarray of shape (n_rows, n_numeric), float32 or float64
        NaN is missing; never infinite. May share memory with the user's own array: not to be written to.
    categorical : ndarray of shape (n_rows, n_categorical), int64
        Codes: 0 is missing or never seen, 1, 2, ... are the known categories.
    """

    numeric: AnyArray
    categorical: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numeric)

    @property
    def arrays(self) -> tuple[AnyArray, ...]:
        """All that it holds."""
        return self.numeric, self.categorical

    def take(self, rows: AnyArray) -> Table:
        """Select rows by their positions or by a mask.

        Parameters
        ----------
        rows : ndarray of int or bool
            Positions in the order wanted, or one truth value for each row.

        Returns
        -------
        Table
            A copy of these rows.
        """
        return Table(self.numeric[rows], self.categorical[rows])


def canonical_rows(
    table: Table, y: AnyArray, sample_weight: npt.NDArray[np.float64] | None = None
) -> tuple[Table, AnyArray, npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Merge equal rows and order them by content, so that fitting sees neither order nor repetition.

    Rows of weight zero go, rows that agree in the table and in ``y`` become one with the sum of their
    weights, and all of them are sorted by their bytes: a total order, though not that of the numbers. NaN
    equals NaN, -0.0 equals 0.0.

    Parameters
    ----------
    table : Table
        The rows.
    y : ndarray of shape (n_rows,)
        Class codes or numbers.
    sample_weight : ndarray of shape (n_rows,), optional
        Not negative. Without it every row has weight 1.

    Returns
    -------
    table, y, sample_weight
        The rows that remain. Neighbours are alike: shuffle before splitting.
    index : ndarray of int
        For each of them the position of the first such row in the input.

    Notes
    -----
    Tables of more than 200 million cells lose their rows of weight zero only.

    Examples
    --------
    >>> table = Table(np.array([[1.0], [0.0], [1.0]]), np.zeros((3, 0), np.int64))
    >>> _, y, weight, index = canonical_rows(table, np.array([0, 1, 0]), np.array([1.0, 1.0, 2.0]))
    >>> y, weight, index
    (array([1, 0]), array([1., 3.]), array([1, 0]))
    """
    if sample_weight is None:
        sample_weight = np.ones(len(table))
    index = np.flatnonzero(sample_weight > 0)
    if len(index) * (table.numeric.shape[1] + table.categorical.shape[1]) > MAX_MERGED_CELLS:
        return table.take(index), y[index], sample_weight[index], index
    kept = table if len(index) == len(table) else table.take(index)
    # The weight comes last, so that sums of fractions do not depend on the order of the rows.
    keys = _rows_as_words(kept.numeric, kept.categorical, y[index], sample_weight[index])
    order = np.argsort(keys.view(f"V{keys.itemsize * keys.shape[1]}").ravel(), kind="stable")
    content, index = keys[order, :-2], index[order]
    starts = np.flatnonzero(np.r_[True, (content[1:] != content[:-1]).any(axis=1)])
    weight = np.add.reduceat(sample_weight[index], starts)
    index = np.minimum.reduceat(index, starts)
    return table.take(index), y[index], weight, index


def _rows_as_words(
    numeric: AnyArray, categorical: AnyArray, y: AnyArray, sample_weight: AnyArray
) -> npt.NDArray[np.uint32]:
    """Lay rows out as words of four bytes: equal rows have equal words, and the last two are the weight."""
    parts = [numeric, categorical, y[:, None].astype(np.float64), sample_weight[:, None].astype(np.float64)]
    words = [np.ascontiguousarray(_one_zero_one_nan(a)).view(np.uint32) for a in parts if a.size]
    return np.ascontiguousarray(np.hstack(words))


def fingerprint(data: Data, y: AnyArray, sample_weight: npt.NDArray[np.float64]) -> str:
    """Give a name to data: equal for equal data, other for other data.

    Parameters
    ----------
    data : Table or Images
        What is learnt from.
    y, sample_weight : ndarray of shape (n_rows,)
        A table and these as :func:`canonical_rows` returns them, for a name that does not depend on the order of the
        rows.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in (*data.arrays, y, sample_weight):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(canonical_bytes(array))
    return digest.hexdigest()


def canonical_bytes(values: AnyArray) -> bytes:
    """Give the bytes of an array: equal values have equal bytes.

    Parameters
    ----------
    values : ndarray
        Numbers.

    Returns
    -------
    bytes
        Row by row.
    """
    return _one_zero_one_nan(values).tobytes()


def _one_zero_one_nan(values: AnyArray) -> AnyArray:
    """Give equal values equal bytes: one NaN, one zero."""
    if values.dtype.kind == "f":
        values = values + values.dtype.type(0)
        values[np.isnan(values)] = np.nan
    return values
