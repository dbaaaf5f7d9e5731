"""Data from files: tables, and folders of images by class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from autonas._names import unknown_name

__all__ = [
    "Dataset",
    "features_for",
    "guess_task",
    "image_files",
    "read_data",
    "read_table",
    "require_columns",
    "require_table",
    "write_table",
]

TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".parquet", ".pq")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
#: Whole numbers of at most so many different values are taken for classes.
MOST_CLASSES = 20


@dataclass(frozen=True)
class Dataset:
    """What ``fit`` learns from.

    Attributes
    ----------
    X : DataFrame or list of str
        A table, or paths of images.
    y : Series or list of str
    task : {"classification", "regression"}
    weight : ndarray or None
    about : str
        A sentence for people.
    """

    X: Any
    y: Any
    task: str
    weight: Any
    about: str


def read_table(path: Path) -> pd.DataFrame:
    """Read a table from a file.

    Parameters
    ----------
    path : Path
        CSV (commas, semicolons or tabs; ``.gz`` as well) or parquet. Columns of text that are all dates, as in
        2026-11-24 or 2026-11-24 12:30, are read as dates.

    Returns
    -------
    DataFrame

    Raises
    ------
    FileNotFoundError, ValueError
        In the words of the mend.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r} (looked in {Path.cwd()}).")
    require_table(path)
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
        try:
            return pd.read_parquet(path)
        except ImportError as error:
            raise ImportError("Reading parquet needs pyarrow: pip install pyarrow") from error
        except Exception as error:
            raise ValueError(f"{str(path)!r} cannot be read as parquet: {error}") from error
    try:
        table = pd.read_csv(path, sep="\t" if ".tsv" in name else ",")
        for sep in (";", "\t"):
            if table.shape[1] == 1 and sep in str(table.columns[0]):
                table = pd.read_csv(path, sep=sep)
    except UnicodeDecodeError as error:
        raise ValueError(f"{str(path)!r} is no text in UTF-8 ({error}): save it as CSV in UTF-8.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as CSV ({error}): its first line must name the columns, and every other one "
            "have as many cells."
        ) from error
    return _with_dates(table)


def require_table(path: Path) -> None:
    """Raise a ValueError unless a file's name is that of a table."""
    if not path.name.lower().endswith(TABLES):
        raise ValueError(f"{str(path)!r} is none of {', '.join(TABLES)}: save it as CSV or parquet.")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table, of the kind that the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() in {".parquet", ".pq"}:
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, sep="\t" if ".tsv" in path.name.lower() else ",")


def _with_dates(table: pd.DataFrame) -> pd.DataFrame:
    for name in table.columns:
        column = table[name]
        if column.dtype.kind in "biufmM" or isinstance(column.dtype, pd.CategoricalDtype):
            continue
        texts = column.dropna().astype(str)
        if len(texts) and texts.str.fullmatch(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?").all():
            dates = pd.to_datetime(
                column, errors="coerce", format="ISO8601", utc=bool(texts.str.contains("[+Z]").any())
            )
            if dates.notna().sum() == len(texts):
                table[name] = dates
    return table


def read_data(
    data: Path, target: str | None, task: str, drop: Sequence[str] | None = None, weight: str | None = None
) -> Dataset:
    """Read what ``fit`` learns from.

    Parameters
    ----------
    data : Path
        File of a table, or folder with a folder of images for each class.
    target : str or None
        Column; None for images.
    task : {"auto", "classification", "regression"}
    drop : sequence of str, optional
        Columns to leave out.
    weight : str, optional
        Column of sample weights.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        In the words of the mend.
    """
    if task not in {"auto", "classification", "regression"}:
        raise unknown_name("task", task, ["auto", "classification", "regression"])
    if data.is_dir():
        return _read_image_classes(data, target, task)
    table = read_table(data)
    if target is None:
        raise ValueError(f"--target is missing: which column of {data.name} is to be predicted? {_columns(table)}")
    for name in (target, *(drop or ()), *([] if weight is None else [weight])):
        if name not in table:
            raise ValueError(f"{data.name} has no column {name!r}. {_columns(table)}")
    absent = table[target].isna()
    table = table[~absent].reset_index(drop=True)
    y = table[target]
    weights = None if weight is None else _numbers(table[weight], "--weight", "pass a column of weights, 0 or more")
    X = table.drop(columns=[target, *(drop or ()), *([] if weight is None else [weight])])
    if X.shape[1] == 0 or len(X) == 0:
        raise ValueError(
            f"{data.name} has {len(X)} rows with a target and {X.shape[1]} other columns: nothing to learn."
        )
    found = guess_task(y) if task == "auto" else task
    if found == "regression":
        _numbers(y, "--target", "pass --task classification, or another column")
    what = f"{y.nunique()} classes" if found == "classification" else f"numbers from {y.min():g} to {y.max():g}"
    about = f"{data.name}: {len(X):,} rows, {X.shape[1]} columns; {target!r} is {what} ({found})"
    if task == "auto":
        about += f"; --task {'regression' if found == 'classification' else 'classification'} if that is wrong"
    if absent.any():
        about += f"; {int(absent.sum()):,} rows without {target!r} are left out"
    return Dataset(X, y, found, weights, about + ".")


def _numbers(column: pd.Series[Any], option: str, mend: str) -> npt.NDArray[Any]:
    if column.dtype.kind not in "biuf":
        raise ValueError(f"{option} {column.name} must hold numbers, but has {column.dropna().iloc[0]!r}: {mend}.")
    return np.asarray(column)


def _columns(table: pd.DataFrame) -> str:
    names = [str(name) for name in table.columns]
    return f"Its columns: {', '.join(names[:30])}{', ...' if len(names) > 30 else ''}."


def guess_task(y: pd.Series[Any]) -> str:
    """Tell classes from numbers: text, truth values and few different whole numbers are classes.

    Examples
    --------
    >>> guess_task(pd.Series(["a", "b"])), guess_task(pd.Series([0, 1, 1])), guess_task(pd.Series([0.5, 1.5]))
    ('classification', 'classification', 'regression')
    """
    if y.dtype.kind not in "iuf":
        return "regression" if y.dtype.kind in "mM" else "classification"
    numbers = y.to_numpy(dtype=np.float64)
    few = len(np.unique(numbers)) <= MOST_CLASSES
    return "classification" if few and np.array_equal(numbers, np.round(numbers)) else "regression"


def _read_image_classes(folder: Path, target: str | None, task: str) -> Dataset:
    if target is not None:
        raise ValueError("--target is for tables: of a folder of images each folder in it is a class.")
    if task == "regression":
        raise ValueError("--task regression is for tables: of a folder of images each folder in it is a class.")
    classes = {sub.name: image_files(sub) for sub in sorted(folder.iterdir()) if sub.is_dir()}
    classes = {name: files for name, files in classes.items() if files}
    if len(classes) < 2:
        raise ValueError(
            f"{str(folder)!r} must hold a folder of images for each class, as in {folder.name}/cat/1.png and "
            f"{folder.name}/dog/2.png; found {len(classes)} such folder{'' if len(classes) == 1 else 's'}."
        )
    X = [str(file) for files in classes.values() for file in files]
    y = [name for name, files in classes.items() for _ in files]
    return Dataset(X, y, "classification", None, f"{folder.name}: {len(X):,} images of {len(classes)} classes.")


def image_files(folder: Path) -> list[Path]:
    """List all images in a folder and below."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGES)


def features_for(estimator: Any, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Choose the columns that an estimator was fitted to, in their order; further ones may be there."""
    wanted = getattr(estimator, "feature_names_in_", None)
    if wanted is None:
        if table.shape[1] != estimator.n_features_in_:
            raise ValueError(
                f"{name} has {table.shape[1]} columns, but the run was fitted to {estimator.n_features_in_} without "
                "names: leave the others out."
            )
        return table
    require_columns(table, wanted, name)
    chosen: pd.DataFrame = table.loc[:, list(wanted)]
    return chosen


def require_columns(table: pd.DataFrame, wanted: Iterable[Any], name: str) -> None:
    """Raise a ValueError if a table lacks columns that a fit has."""
    if missing := [str(column) for column in wanted if column not in table]:
        raise ValueError(f"{name} lacks columns that the run was fitted to: {', '.join(missing)}. {_columns(table)}")
