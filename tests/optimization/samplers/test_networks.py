"""The samplers that stand on networks: BANANAS, PNAS, REINFORCE; and the ensemble itself."""

from __future__ import annotations

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization.samplers._predictors import NetworkEnsemble
from autonas.optimization.samplers.bananas import BANANAS
from autonas.optimization.samplers.pnas import PNAS
from autonas.optimization.samplers.reinforce import Reinforce
from autonas.spaces import values
from tests.optimization.samplers.histories import played, told

CHOICES = list("abcd")
SPACE = ConfigurationSpace(dict.fromkeys("uvwxyz", CHOICES))


def wrong(configuration):
    """Count the values that are not "c"."""
    return sum(value != "c" for value in configuration.values())


def test_the_ensemble_learns_and_knows_where_it_does_not():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 3))
    y = np.sin(3 * x[:, 0]) - x[:, 1]
    ensemble = NetworkEnsemble(x, (y - y.mean()) / y.std(), rng)
    test = rng.uniform(-1, 1, (200, 3))
    truth = (np.sin(3 * test[:, 0]) - test[:, 1] - y.mean()) / y.std()
    predicted = ensemble.predict(test)
    assert predicted.shape == (5, 200)
    assert np.mean((predicted.mean(axis=0) - truth) ** 2) < 0.1
    assert ensemble.predict(3 * test).std(axis=0).mean() > 2 * predicted.std(axis=0).mean()


@pytest.mark.parametrize(("make", "most"), [(BANANAS, 1), (PNAS, 1), (Reinforce, 2)])
def test_it_finds_what_is_good_of_4096(make, most):
    best = [min(played(make(SPACE), SPACE, wrong, 50, seed)[1]) for seed in range(2)]
    assert max(best) <= most


def test_pnas_widens_level_by_level():
    space = ConfigurationSpace(dict.fromkeys("vwxyz", CHOICES[:3]))
    configurations, _ = played(PNAS(space, n_per_level=4), space, wrong, 20)
    levels = [sum(value != "a" for value in c.values()) for c in configurations]
    assert levels == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4


def test_reinforce_is_the_same_trained_on_or_anew():
    configurations, losses = played(Reinforce(SPACE), SPACE, wrong, 30)
    trials = told(SPACE, configurations, losses)
    trained_on = Reinforce(SPACE)
    for n in (9, 14, 22):
        trained_on.suggest(trials[:n], np.random.default_rng(0))
    for other in (trials[::-1], trials):  # a history that it has not seen the beginning of starts anew
        anew = Reinforce(SPACE).suggest(other, np.random.default_rng(1))
        assert values(trained_on.suggest(other, np.random.default_rng(1))) == values(anew)


def test_reinforce_leaves_torchs_generator_alone():
    import torch

    before = torch.get_rng_state()
    played(Reinforce(SPACE), SPACE, wrong, 14)
    assert torch.equal(before, torch.get_rng_state())
