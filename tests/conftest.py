"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real data sets, where the environment variable AUTONAS_DATA says."""
    folder = os.environ.get("AUTONAS_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data sets: set the environment variable AUTONAS_DATA to their folder")
    return Path(folder)
