"""SMAC's forest, asked in our way."""

from __future__ import annotations

import numpy as np
import pytest
from smac.model.random_forest import RandomForest

from autonas.benchmarks.overhead import conditional_space
from autonas.optimization.samplers._vectors import VectorSpace
from autonas.optimization.samplers.smac import _Forest


@pytest.mark.parametrize("log_y", [False, True])
def test_the_forest_says_what_smacs_own_says(log_y):
    space = conditional_space()
    vectors = VectorSpace(space)
    rng = np.random.default_rng(0)
    known, asked = vectors.sample(60, rng), vectors.sample(200, rng)
    losses = rng.normal(size=(60, 1))
    ours, theirs = (
        kind(space, log_y=log_y, n_jobs=1, seed=1).train(known, losses).predict_marginalized(asked)
        for kind in (_Forest, RandomForest)
    )
    for mine, its in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, its)
