from __future__ import annotations

import itertools

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from scipy.optimize import approx_fprime

from autonas.optimization.samplers._process import Process, _loss, log_improvement
from autonas.optimization.samplers._vectors import VectorSpace
from autonas.optimization.samplers.gp import GP
from autonas.spaces import configuration_from
from tests.optimization.samplers.histories import played, told


def test_it_homes_in():
    space = ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0), "z": ["a", "b", "c"]})

    def loss(c):
        return (c["x"] - 0.3) ** 2 + (c["y"] - 0.6) ** 2 + (c["z"] != "b")

    assert min(played(GP(space), space, loss, 35)[1]) < 2e-3


def test_it_sees_cells_as_graphs():
    """What was seen of paths by way of node 1 says what the same paths by way of node 2 will be."""
    edges = ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")
    space = ConfigurationSpace({f"op_{edge}": ["none", "conv", "pool"] for edge in edges})
    nothing = dict.fromkeys(space, "none")

    def rows(*ways):
        pairs = itertools.product(["conv", "pool"], repeat=2)
        cells = [{**nothing, **dict(zip(way, pair, strict=True))} for pair in pairs for way in ways]
        return np.array([configuration_from(space, cell).get_array() for cell in cells])

    sampler = GP(space)
    seen, unseen = rows(("op_0_1", "op_1_3")), rows(("op_0_2", "op_2_3"))
    losses = np.array([1.0, -2.0, 0.5, 0.5])
    process = Process(sampler._blocks(np.repeat(seen, 3, axis=0)), np.repeat(losses, 3))
    assert process.predict(sampler._blocks(unseen))[0].argmin() == 1
    assert np.corrcoef(process.predict(sampler._blocks(unseen))[0], losses)[0, 1] > 0.9


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
