"""Real tables, as their owners left them: strings, categories, missing cells."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from autonas._names import unknown_name
from autonas.benchmarks._files import find_data

__all__ = ["Dataset", "load_dataset"]


@dataclass(frozen=True)
class Dataset:
    """A table and what is to be predicted.

    Attributes
    ----------
    name : str
    X : DataFrame
        Categorical columns are of pandas' category type, those coded by digits too.
    y : Series
        Classes as text, or numbers.
    classification : bool
    """

    name: str
    X: pd.DataFrame
    y: pd.Series
    classification: bool

    def split(self, seed: int) -> tuple[Dataset, Dataset]:
        """Split into 70 % to learn from and 30 % to judge by, stratified by class or by tenths of the target.

        Parameters
        ----------
        seed : int

        Returns
        -------
        train, test : Dataset
        """
        train, test = self._parts(seed, test_size=0.3)
        return self._take(train), self._take(test)

    def sample(self, n_rows: int, seed: int) -> Dataset:
        """Draw rows, stratified as for a split; all of them if there are no more.

        Parameters
        ----------
        n_rows : int
        seed : int

        Returns
        -------
        Dataset
        """
        return self if len(self.y) <= n_rows else self._take(self._parts(seed, train_size=n_rows)[0])

    def _parts(self, seed: int, **size: float) -> list[np.ndarray]:
        strata = self.y if self.classification else pd.qcut(self.y.rank(method="first"), 10, labels=False)
        parts: list[np.ndarray] = train_test_split(np.arange(len(self.y)), stratify=strata, random_state=seed, **size)
        return parts

    def _take(self, rows: np.ndarray) -> Dataset:
        return replace(
            self,
            X=self.X.iloc[rows].reset_index(drop=True),
            y=self.y.iloc[rows].reset_index(drop=True),
        )


def load_dataset(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Load a table.

    Parameters
    ----------
    name : str
        One that ``index.json`` of the data folder lists under ``tabular``.
    data_dir : str or Path, optional
        The data folder; by default what the environment variable ``AUTONAS_DATA`` says.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If the name is unknown.
    FileNotFoundError
        If a file is not there.
    """
    listed = json.loads(find_data("index.json", data_dir).read_text(encoding="utf-8"))["tabular"]
    entries = {entry["name"]: entry for entry in listed}
    if name not in entries:
        raise unknown_name("data set", name, entries)
    entry = entries[name]
    table = pd.read_csv(find_data(entry["file"], data_dir))
    classification = entry["task"] == "classification"
    X = table.drop(columns=entry["target"]).astype(dict.fromkeys(entry["categorical"], "category"))
    y = table[entry["target"]]
    return Dataset(name, X, y.astype(str).astype(object) if classification else y.astype(float), classification)
