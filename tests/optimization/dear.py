"""The optimizers whose proposals take long; the tests of all optimizers run them by `make test-all`.

That each of them proposes the same for the same trials is held by ``samplers/test_samplers.py``, in every run.
"""

from __future__ import annotations

import pytest

DEAR = {"auto", "bananas", "gp", "pnas", "reinforce", "smac", "tpe"}


def each(optimizers, cheap=None):
    """Mark the dear ones of names, or of pairs of a sampler and a schedule, as slow; or all that are not cheap."""

    def is_dear(optimizer):
        sampler = optimizer if isinstance(optimizer, str) else optimizer[0]
        return sampler in DEAR if cheap is None else sampler not in cheap

    return [pytest.param(optimizer, marks=[pytest.mark.slow] if is_dear(optimizer) else []) for optimizer in optimizers]
