from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from scipy.optimize import approx_fprime

from autonas.optimization.samplers._process import _loss, log_improvement
from autonas.optimization.samplers._vectors import VectorSpace
from autonas.optimization.samplers.gp import GP
from tests.optimization.samplers.histories import played, told


def test_it_homes_in():
    space = ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0), "z": ["a", "b", "c"]})

    def loss(c):
        return (c["x"] - 0.3) ** 2 + (c["y"] - 0.6) ** 2 + (c["z"] != "b")

    assert min(played(GP(space), space, loss, 35)[1]) < 2e-3


def test_the_gradient_is_right():
    rng = np.random.default_rng(0)
    points = rng.random((12, 3))
    squares = np.array([(points[:, None, j] - points[None, :, j]) ** 2 for j in range(3)])
    targets, prior = rng.normal(size=12), np.array([0.0, 0.0, 0.0, -2.0])
    for _ in range(3):
        at = rng.normal(size=4)
        _, gradient = _loss(at, squares, targets, prior)
        assert gradient == pytest.approx(
            approx_fprime(at, lambda x: _loss(x, squares, targets, prior)[0], 1e-6), rel=1e-3, abs=1e-4
        )


def test_improvement_is_a_number_everywhere():
    found = log_improvement(0.0, np.array([-1.0, 0.0, 4.9, 5.1, 30.0, 1e3]), np.ones(6))
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()
    assert found[1] == pytest.approx(np.log(1 / np.sqrt(2 * np.pi)))


def test_a_long_history_is_cut_to_the_best_and_the_latest():
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    rows = VectorSpace(space).sample(300, np.random.default_rng(0))[:, 0]
    trials = told(space, [{"x": x} for x in rows.tolist()], np.abs(rows - 0.25))
    found = [GP(space, n_rows=60).suggest(trials, np.random.default_rng(seed))["x"] for seed in range(5)]
    assert np.median(found) == pytest.approx(0.25, abs=0.03)
