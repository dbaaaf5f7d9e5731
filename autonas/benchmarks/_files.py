"""Where the data of the benchmarks are found."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["find_data"]


def find_data(relative: str, data_dir: str | Path | None = None) -> Path:
    """Find a data file of the benchmarks.

    Parameters
    ----------
    relative : str
        Its path inside the data folder.
    data_dir : str or Path, optional
        The data folder; by default what the environment variable ``AUTONAS_DATA`` says.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If no folder was named, or the file is not in it.
    """
    folder = data_dir or os.environ.get("AUTONAS_DATA")
    if not folder:
        raise FileNotFoundError(
            f"The benchmarks' data ({relative}) are not part of the package: set the environment variable "
            "AUTONAS_DATA to their folder, or pass `data_dir`; the benchmark autonas_mlp:digits needs none."
        )
    path = Path(folder).expanduser() / relative
    if not path.exists():
        source = "`data_dir`" if data_dir else "the environment variable AUTONAS_DATA"
        raise FileNotFoundError(
            f"There is no {path}; {source} is {str(folder)!r}, but must be a folder that has {relative}."
        )
    return path
