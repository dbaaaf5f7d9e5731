"""One column of a table: what kind it is, and how its values become numbers or codes."""

from __future__ import annotations

import datetime as dt
import numbers
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["CIRCLE_DECIMALS", "YEAR", "Column", "learn_column", "read_codes", "read_numbers"]

#: A mean year of the Gregorian calendar, in seconds.
YEAR = 365.2425 * 86_400.0
#: Of sine and cosine.
CIRCLE_DECIMALS = 9
_TIMES = {"datetime", "datetime64", "date", "period"}
_TIMEDELTAS = {"timedelta", "timedelta64"}
_NUMBER_TYPES = (bool, np.bool_, numbers.Real, Decimal)
_TEXT_TYPES = (*_NUMBER_TYPES, str, bytes, dt.date, dt.timedelta, np.datetime64, np.timedelta64)


@dataclass(frozen=True)
class Column:
    """What was learnt of one column of the input.

    Attributes
    ----------
    name : str
        Its label in the input; ``x0``, ``x1``, ... for arrays.
    kind : {"numeric", "timedelta", "datetime", "category"}
        How its values are read.
    categories : tuple of str
        For a category: the texts with codes 1, 2, ..., sorted.
    has_other : bool
        For a category: whether all other texts share one code more, the last.
    origin : float
        For a datetime: the training minimum in seconds since 1970.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    has_other: bool = False
    origin: float = 0.0

    @property
    def cardinality(self) -> int:
        """Number of codes, with 0 for missing or never seen."""
        return 1 + len(self.categories) + self.has_other


def learn_column(
    series: pd.Series[Any], name: str, sample_weight: npt.NDArray[np.float64] | None, max_categories: int
) -> Column:
    """Find the kind of a column and learn its categories or its origin.

    Parameters
    ----------
    series : Series
        The values in training.
    name : str
        What to call it.
    sample_weight : ndarray, optional
        Weights of the rows; the most frequent categories are those of most weight.
    max_categories : int
        Most categories to keep.

    Returns
    -------
    Column
        What was learnt.

    Raises
    ------
    TypeError
        Values that are neither numbers, text nor times.
    """
    kind = _kind(series, name)
    if kind == "datetime":
        seconds = _epoch_seconds(series, name)
        known = seconds[~np.isnan(seconds)]
        return Column(name, kind, origin=float(known.min()) if len(known) else 0.0)
    if kind != "category":
        return Column(name, kind)
    codes, texts = _factorize(series, name)
    present = codes >= 0
    weight = None if sample_weight is None else sample_weight[present]
    frequency = pd.Series(np.bincount(codes[present], weight, len(texts)), index=texts, dtype=float)
    # Sorted by text, so that the stable sort breaks ties by it.
    frequency = frequency.groupby(level=0).sum()
    order = np.argsort(-frequency.to_numpy(), kind="stable")
    kept = frequency.index[order[:max_categories]].tolist()
    return Column(name, kind, categories=tuple(sorted(kept)), has_other=len(kept) < len(frequency))


def read_codes(series: pd.Series[Any], column: Column) -> npt.NDArray[np.int64]:
    """Read a column as categories.

    Parameters
    ----------
    series : Series
        The values.
    column : Column
        What was learnt in training.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        0 for missing (and never seen, unless ``column.has_other``), then the categories in their order.
    """
    codes, texts = _factorize(series, column.name)
    known = pd.Index(column.categories, dtype=object).get_indexer(pd.Index(texts, dtype=object)) + 1
    if column.has_other:
        known[known == 0] = column.cardinality - 1
    # One entry more, at the end, where the code -1 of missing values looks.
    read: npt.NDArray[np.int64] = np.append(known, 0).astype(np.int64)[codes]
    return read


def read_numbers(series: pd.Series[Any], column: Column) -> dict[str, npt.NDArray[Any]]:
    """Read a column as numbers.

    Parameters
    ----------
    series : Series
        The values.
    column : Column
        What was learnt in training.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,), float64
        For a datetime one entry for each part of it, else a single one under the empty name. NaN is missing.

    Raises
    ------
    ValueError
        Values that cannot be read as the column's kind.
    """
    if column.kind == "datetime":
        return _calendar(_epoch_seconds(series, column.name), column.origin)
    if series.dtype.kind == "O":
        # pandas.to_numeric would read some of them as missing.
        _refuse_other_types(series, column.name)
    try:
        if column.kind == "timedelta":
            seconds = pd.to_timedelta(series.astype(object) if series.dtype.kind == "O" else series)
            return {"": seconds.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)}
        if series.dtype.kind not in "biuf":
            # Times as text, so that they are refused and not read as nanoseconds.
            series = pd.to_numeric(series.astype(str if series.dtype.kind in "mM" else object))
        return {"": series.to_numpy(dtype=np.float64, na_value=np.nan)}
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {column.name!r} of X was {column.kind} in fit and cannot be read so now: {error}."
            " Convert it to the type that it had in fit."
        ) from error


def _kind(series: pd.Series[Any], name: str) -> str:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype):
        return "category"
    if dtype.kind in "biuf":
        return "numeric"
    if dtype.kind in "mM":
        return "datetime" if dtype.kind == "M" else "timedelta"
    values = series.astype(object) if isinstance(dtype, pd.ArrowDtype) else series
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred in _TIMES:
        return "datetime"
    if inferred in _TIMEDELTAS:
        return "timedelta"
    if inferred in {"string", "bytes"}:
        return "category"
    _refuse_other_types(values, name)
    types = set(map(type, values[values.notna()]))
    return "numeric" if all(issubclass(t, _NUMBER_TYPES) for t in types) else "category"


def _refuse_other_types(values: pd.Series[Any], name: str) -> None:
    for value in values[values.notna()]:
        if not isinstance(value, _TEXT_TYPES):
            # "must be a string or a number" is what scikit-learn's checks look for.
            raise TypeError(
                f"Column {name!r} of X holds a {type(value).__name__}, {value!r:.60}: an argument must be"
                " a string or a number, a boolean, a date or missing. Split it into columns of these, convert"
                f" it by X[{name!r}].astype(str), or leave it out."
            )


def _factorize(series: pd.Series[Any], name: str) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Code of each row (-1: missing) and the text of each code; two codes may share a text."""
    try:
        codes, values = pd.factorize(series)
    except TypeError as error:
        _refuse_other_types(series, name)
        raise TypeError(f"Column {name!r} of X cannot be read as categories: {error}.") from error
    return codes, [_text(value) for value in values]


def _text(value: Any) -> str:
    """Give the name of a category: 1, 1.0 and True are the same one, as they are for Python and pandas."""
    if isinstance(value, bool | np.bool_ | numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real | Decimal) and float(value).is_integer():
        return str(int(float(value)))
    return str(value)


def _epoch_seconds(series: pd.Series[Any], name: str) -> npt.NDArray[np.float64]:
    """Seconds since 1970 in UTC; a time without zone counts as UTC."""
    try:
        if isinstance(series.dtype, pd.PeriodDtype):
            series = series.dt.to_timestamp()
        elif series.dtype.kind == "O" and pd.api.types.infer_dtype(series, skipna=True) == "period":
            series = series.map(lambda period: period.to_timestamp(), na_action="ignore")
        elif series.dtype.kind in "biuf":
            # Numbers would be read as nanoseconds; their text is refused.
            series = series.astype(str)
        times = pd.to_datetime(series.astype(object) if series.dtype.kind == "O" else series, utc=True)
        since = times - pd.Timestamp(0, tz="UTC")
        seconds: npt.NDArray[np.float64] = since.dt.total_seconds().to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {name!r} of X holds datetimes, of which some cannot be read: {error}."
            f" Convert it by pandas.to_datetime(X[{name!r}])."
        ) from error
    return seconds


def _calendar(seconds: npt.NDArray[np.float64], origin: float) -> dict[str, npt.NDArray[np.float64]]:
    """Elapsed years, and the place in the year, week and day on a circle.

    Sine and cosine are rounded: their last digits differ between libraries, and equal days are to stay equal.
    """
    parts = {"years": (seconds - origin) / YEAR}
    # 1970-01-01 was a Thursday: four days on, a week starts with Monday.
    day = np.floor(seconds / 86_400.0)
    fractions = {
        "season": np.mod(seconds, YEAR) / YEAR,
        "weekday": np.mod(day - 4.0, 7.0) / 7.0,
        "time of day": seconds / 86_400.0 - day,
    }
    for name, fraction in fractions.items():
        for kind, circle in (("sine", np.sin), ("cosine", np.cos)):
            parts[f"{name} ({kind})"] = np.asarray(circle(2.0 * np.pi * fraction)).round(CIRCLE_DECIMALS)
    return parts
