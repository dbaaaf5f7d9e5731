"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples each time, so that a change is judged by what it changes; `make test-all` draws new ones. No test
# depends on how fast the machine is, so none has a deadline.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real data sets, where the environment variable AUTONAS_DATA says."""
    folder = os.environ.get("AUTONAS_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data sets: set the environment variable AUTONAS_DATA to their folder")
    return Path(folder)
