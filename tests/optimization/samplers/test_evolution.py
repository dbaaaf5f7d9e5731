from __future__ import annotations

import numpy as np
from ConfigSpace import ConfigurationSpace

from autonas.optimization.samplers.evolution import Evolution, Tournament
from tests.optimization.samplers.histories import told

SPACE = ConfigurationSpace({"x": list(range(1000)), "y": list(range(1000))})


def parents(sampler, losses):
    """Propose many times; trial i has x = y = i, and a child keeps one of them."""
    trials = told(SPACE, [{"x": i, "y": i} for i in range(len(losses))], losses)
    found = [sampler.suggest(trials, np.random.default_rng(seed)) for seed in range(200)]
    n = len(losses)
    return [(c["x"] if c["x"] < n else c["y"]) if c.origin != "random" else None for c in found]


def test_the_oldest_dies_however_good():
    losses = [0.0] + [float(i) for i in range(1, 21)]
    found = parents(Evolution(SPACE, population_size=20, sample_size=20), losses)
    assert found.count(1) > 190, "the best of all but the first, when each is in the tournament"
    assert parents(Evolution(SPACE, population_size=21, sample_size=21), losses).count(0) > 190


def test_the_sample_gives_others_a_chance():
    found = parents(Evolution(SPACE, population_size=20, sample_size=5), list(range(20)))
    share = found.count(0) / len(found)
    assert 0.1 < share < 0.4, "a quarter"
    assert max(found) < 20


def test_without_ageing_the_best_stays():
    losses = [0.0] + [1.0 + i % 7 for i in range(80)]
    found = parents(Tournament(SPACE, population_size=20, sample_size=20), losses)
    assert found.count(0) > 180, "1 of 25 children has a new x below 81, which is then taken for its parent"
    assert parents(Evolution(SPACE, population_size=20, sample_size=20), losses).count(0) < 5


def test_random_until_there_is_a_population():
    assert set(parents(Evolution(SPACE, population_size=20), list(range(19)))) == {None}
    assert None not in parents(Evolution(SPACE, population_size=20), list(range(20)))
