"""The optimizers whose proposals take long; the tests of all optimizers run them by `make test-all`.

That each of them proposes the same for the same trials is held by ``samplers/test_samplers.py``, in every run.
"""

from __future__ import annotations

import pytest

DEAR = {"auto", "bananas", "gp", "pnas", "reinforce", "smac", "tpe"}


def each(optimizers):
    """Mark the dear ones of names, or of pairs of a sampler and a schedule, as slow."""
    marks = {True: [pytest.mark.slow], False: []}
    return [pytest.param(o, marks=marks[(o if isinstance(o, str) else o[0]) in DEAR]) for o in optimizers]
