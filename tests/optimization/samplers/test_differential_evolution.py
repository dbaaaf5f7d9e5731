from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization.samplers.differential_evolution import DifferentialEvolution
from tests.optimization.samplers.histories import played, told

SPACE = ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0), "z": ["a", "b", "c"]})


def test_the_population_gathers_at_the_bottom():
    def loss(c):
        return (c["x"] - 0.3) ** 2 + (c["y"] - 0.6) ** 2 + (c["z"] != "b")

    losses = played(DifferentialEvolution(SPACE), SPACE, loss, 150)[1]
    assert min(losses) < 0.01
    assert np.median(losses[-30:]) < 0.3 * np.median(losses[:30])


def test_of_a_population_in_one_place_all_children_are_there():
    """Differences of equals are nothing; only a value out of bounds would be drawn anew."""
    trials = told(SPACE, [{"x": 0.25, "y": 0.5, "z": "c"}] * 9 + [{"x": 0.75, "y": 0.5, "z": "c"}], range(10))
    sampler = DifferentialEvolution(SPACE)
    found = [sampler.suggest(trials, np.random.default_rng(seed)) for seed in range(50)]
    assert {c["z"] for c in found if c.origin != "random"} == {"c"}
    assert {c["y"] for c in found if c.origin != "random"} == {0.5}


def test_three_others_are_needed():
    with pytest.raises(ValueError, match="`population_size` is 3, but must be >= 4"):
        DifferentialEvolution(SPACE, population_size=3)
