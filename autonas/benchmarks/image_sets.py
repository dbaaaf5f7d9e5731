"""Real image sets, split as their makers split them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autonas._names import unknown_name
from autonas.benchmarks._files import find_data

__all__ = ["ImageSet", "load_images"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ImageSet:
    """Images and what is to be predicted.

    Attributes
    ----------
    name : str
    X, X_test : ndarray of shape (n, height, width) or (n, height, width, 3), uint8
    y, y_test : ndarray of shape (n,)
        Class numbers, or numbers.
    """

    name: str
    X: Array
    y: Array
    X_test: Array
    y_test: Array


def load_images(name: str, data_dir: str | Path | None = None) -> ImageSet:
    """Load a set of images.

    Parameters
    ----------
    name : str
        One that ``index.json`` of the data folder lists under ``images``.
    data_dir : str or Path, optional
        The data folder; by default what the environment variable ``AUTONAS_DATA`` says.

    Returns
    -------
    ImageSet

    Raises
    ------
    ValueError
        If the name is unknown.
    FileNotFoundError
        If a file is not there.
    """
    listed = json.loads(find_data("index.json", data_dir).read_text(encoding="utf-8"))["images"]
    entries = {entry["name"]: entry["file"] for entry in listed}
    if name not in entries:
        raise unknown_name("image set", name, entries)
    with np.load(find_data(entries[name], data_dir)) as file:
        return ImageSet(name, file["X_train"], file["y_train"], file["X_test"], file["y_test"])
