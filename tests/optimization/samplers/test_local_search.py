from __future__ import annotations

import numpy as np
from ConfigSpace import ConfigurationSpace, OrdinalHyperparameter

from autonas.optimization.samplers.local_search import LocalSearch
from autonas.spaces import values
from tests.optimization.samplers.histories import played, told


def grid():
    space = ConfigurationSpace()
    space.add(*[OrdinalHyperparameter(name, list(range(10))) for name in "xy"])
    return space


def test_it_climbs_down_to_the_bottom():
    space = grid()

    def loss(c):
        return abs(c["x"] - 7) + abs(c["y"] - 2)

    configurations, losses = played(LocalSearch(space, n_first=3), space, loss, 40)
    assert min(losses) == 0
    incumbents = np.minimum.accumulate(losses)
    for number in range(3, np.argmin(losses) + 1):
        best = configurations[int(np.argmin(losses[:number]))]
        near = abs(configurations[number]["x"] - best["x"]) + abs(configurations[number]["y"] - best["y"])
        assert near == 1, "a neighbour of the best so far"
    assert incumbents[-1] == 0


def test_where_all_neighbours_are_tried_the_next_best_goes_on():
    space = grid()
    cross = [(5, 5), (4, 5), (6, 5), (5, 4), (5, 6)]
    trials = told(space, [{"x": x, "y": y} for x, y in cross], [0, 1, 2, 3, 4])
    sampler = LocalSearch(space, n_first=5)
    found = {tuple(values(sampler.suggest(trials, np.random.default_rng(seed))).values()) for seed in range(40)}
    assert found == {(3, 5), (4, 4), (4, 6)}, "the untried neighbours of (4, 5)"


def test_numbers_have_an_end_too():
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    sampler = LocalSearch(space, n_first=2)
    near = [{"x": 0.5}, {"x": 0.9}, *({"x": 0.5 + i / 1000} for i in range(1, 3))]
    for more in range(3):
        trials = told(space, near + [{"x": 0.4 + i / 1000} for i in range(more)], range(len(near) + more))
        found = [sampler.suggest(trials, np.random.default_rng(seed))["x"] for seed in range(60)]
        assert len(set(found)) > 50
        if more == 0:
            assert abs(np.median(found) - 0.5) < 0.1
    # All of them have had four steps of x: chance goes on.
    assert {sampler.suggest(trials, np.random.default_rng(0)).origin} == {"random"}
