from __future__ import annotations

import numpy as np
from ConfigSpace import ConfigurationSpace

from autonas.optimization import Result, Trial
from autonas.optimization.samplers.auto import Auto, _pooled
from autonas.spaces import configuration_from
from tests.optimization.samplers.histories import played

SPACE = ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})


def trial(number, x, y, losses):
    results = [
        Result(fidelity, loss, 1, 1, 1, 10 * number + place, 10 * number + place + 1)
        for place, (fidelity, loss) in enumerate(losses.items())
    ]
    return Trial(number, configuration_from(SPACE, {"x": x, "y": y}), "random", 0, results)


def test_fidelities_are_pooled():
    found = {3: (np.ones((2, 1)), np.array([1.0, 2.0])), 1: (np.zeros((1, 1)), np.array([5.0]))}
    rows, heights, losses = _pooled(found)
    assert rows[:, 0].tolist() == [0, 1, 1]
    assert heights.tolist() == [0, 1, 1]
    assert losses.tolist() == [5, 1, 2]
    assert _pooled({7: found[3]})[1].tolist() == [1, 1], "a fidelity that is alone is the highest"


def test_short_trainings_tell_where_full_ones_are_few():
    """x matters at both fidelities; only 3 were trained to the end, none of them where x is good."""
    rng = np.random.default_rng(0)
    trials = []
    for number, (x, y) in enumerate(rng.random((30, 2))):
        losses = {1: 2 + (x - 0.2) ** 2 + 0.01 * y}
        if x > 0.6 and sum(9 in t.losses for t in trials) < 3:
            losses[9] = losses[1] - 1
        trials.append(trial(number, x, y, losses))
    sampler = Auto(SPACE, random_fraction=0)
    found = [sampler.suggest(trials, np.random.default_rng(seed))["x"] for seed in range(10)]
    assert np.mean(np.array(found) < 0.5) >= 0.8


def test_it_homes_in():
    space = ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0), "z": ["a", "b", "c"]})

    def loss(c):
        return (c["x"] - 0.3) ** 2 + (c["y"] - 0.6) ** 2 + (c["z"] != "b")

    assert min(played(Auto(space), space, loss, 35)[1]) < 3e-3
