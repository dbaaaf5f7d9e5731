from __future__ import annotations

import math

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    EqualsCondition,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    UniformFloatHyperparameter,
)

from autonas.optimization import Result, Trial, search
from autonas.optimization.samplers._kernels import ProductKernel
from autonas.optimization.samplers.kde import KDE
from autonas.spaces import configuration_from, values
from tests.optimization.spaces import conditional, objective


def told(space, configurations, losses, fidelity=9):
    return [
        Trial(i, configuration_from(space, c), "random", 0, [Result(fidelity, loss, 1, 1, 1, 2 * i, 2 * i + 1)])
        for i, (c, loss) in enumerate(zip(configurations, losses, strict=True))
    ]


def test_it_is_hpbandsters():
    sampler = KDE(conditional())
    base = type(sampler).__base__
    assert base.__module__ == "hpbandster.optimizers.config_generators.bohb"
    assert (sampler.top_n_percent, sampler.num_samples, sampler.bw_factor, sampler.min_bandwidth) == (
        15,
        64,
        3,
        1e-3,
    )
    assert sampler.random_fraction == pytest.approx(1 / 3)
    with pytest.raises(NotImplementedError, match="Call `suggest"):
        sampler.get_config(1)


def test_most_picks_of_bohb_are_model_based():
    history = search(objective, conditional(), optimizer="bohb", max_fidelity=27, n_trials=120, random_state=0)
    origins = [trial.origin for trial in history.trials]
    assert origins[60:].count("kde") > 30
    assert set(origins[60:]) == {"kde", "random"}


def test_the_model_is_of_the_largest_fidelity_with_enough_results():
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    low = told(space, [{"x": x} for x in np.linspace(0, 1, 40)], np.linspace(1, 0, 40), fidelity=1)
    high = told(space, [{"x": x} for x in np.linspace(0, 1, 8)], np.linspace(0, 1, 8), fidelity=3)
    for trial in high:
        trial.number += 40
    sampler = KDE(space, random_fraction=0)

    def typical(trials):
        return np.median([sampler.suggest(trials, np.random.default_rng(s))["x"] for s in range(20)])

    assert typical(low + high[:3]) > 0.7, "three are too few: the lower fidelity says, the more the better"
    assert typical(low + high) < 0.4


def test_a_bandwidth_of_choices_stays_in_bounds():
    """The case in which hpbandster's kernel turns upside down: good choices at both ends of eight."""
    space = ConfigurationSpace({"c": list(range(8)), "x": (0.0, 1.0)})
    rng = np.random.default_rng(0)
    history = [{"c": int(c), "x": float(x)} for c, x in zip(rng.integers(8, size=80), rng.random(80), strict=True)]
    trials = told(space, history, [float(c["c"] not in (0, 7)) + 0.01 * c["x"] for c in history])
    sampler = KDE(space, random_fraction=0)
    picks = [sampler.suggest(trials, np.random.default_rng(seed))["c"] for seed in range(40)]
    assert np.isin(picks, (0, 7)).mean() > 0.9


def test_where_the_best_draw_is_forbidden_the_next_best_is_taken():
    space = ConfigurationSpace({"a": ["x", "y"], "b": ["x", "y"], "z": (0.0, 1.0)})
    clause = ForbiddenAndConjunction(ForbiddenEqualsClause(space["a"], "y"), ForbiddenEqualsClause(space["b"], "y"))
    space.add(clause)
    rng = np.random.default_rng(0)
    options = [("x", "x"), ("x", "y"), ("y", "x")]
    history = [{"a": a, "b": b, "z": float(rng.random())} for a, b in options * 20]
    # Each alone is good, so the model wants both.
    trials = told(space, history, [-(c["a"] == "y") - (c["b"] == "y") + 0.1 * c["z"] for c in history])
    sampler = KDE(space, random_fraction=0)
    picks = [sampler.suggest(trials, np.random.default_rng(seed)) for seed in range(30)]
    assert {pick.origin for pick in picks} == {"kde"}
    assert ("y", "y") not in {(pick["a"], pick["b"]) for pick in picks}


def test_a_conditional_value_is_learnt_from_those_that_have_it():
    space = ConfigurationSpace()
    space.add(CategoricalHyperparameter("c", ["on", "off"]), UniformFloatHyperparameter("x", 0, 1))
    space.add(EqualsCondition(space["x"], space["c"], "on"))
    rng = np.random.default_rng(0)
    history = [{"c": "on", "x": float(x)} for x in rng.random(40)] + [{"c": "off"}]
    trials = told(space, history, [abs(c.get("x", 9) - 0.8) for c in history])
    sampler = KDE(space, random_fraction=0)
    picks = [values(sampler.suggest(trials, np.random.default_rng(seed))) for seed in range(30)]
    assert np.median([pick["x"] for pick in picks if pick["c"] == "on"]) == pytest.approx(0.8, abs=0.1)


def test_kernel_densities_integrate_to_one():
    data = np.array([[0.4, 0.0], [0.6, 2.0], [np.nan, 1.0]])
    kernel = ProductKernel(data, np.array([0, 3]), 1e-3)
    grid = np.linspace(-3, 4, 2001)
    inner = grid[(grid >= 0) & (grid <= 1)]
    total = 0.0
    for choice in range(3):
        rows = np.column_stack([grid, np.full(len(grid), float(choice))])
        # Where the datum is inactive the kernel is uniform on [0, 1] alone.
        total += np.exp(kernel.log_pdf(rows)).sum() * (grid[1] - grid[0])
    outside = (len(grid) - len(inner)) * (grid[1] - grid[0]) / 3
    assert total - outside == pytest.approx(1, abs=0.01)
    assert np.exp(kernel.log_pdf(np.array([[np.nan, c] for c in range(3)]))).sum() == pytest.approx(1)
    assert kernel.log_pdf(np.array([[np.nan, np.nan]]))[0] == pytest.approx(0)


def test_the_kernel_is_statsmodels_where_both_apply():
    from statsmodels.nonparametric.kernel_density import KDEMultivariate

    rng = np.random.default_rng(0)
    data = np.column_stack([rng.random(30), rng.random(30), rng.integers(2, size=30)])
    ours = ProductKernel(data, np.array([0, 0, 2]), 1e-3)
    theirs = KDEMultivariate(data, var_type="ccu", bw="normal_reference", rng=0)
    assert ours.bw == pytest.approx(np.minimum(theirs.bw, [np.inf, np.inf, 0.5]))
    theirs.bw = ours.bw
    rows = np.column_stack([rng.random(20), rng.random(20), rng.integers(2, size=20)])
    assert np.exp(ours.log_pdf(rows)) == pytest.approx(theirs.pdf(rows))


def test_draws_stay_in_bounds_and_near_the_data():
    rng = np.random.default_rng(0)
    data = np.column_stack([np.full(20, 0.01), rng.integers(4, size=20) // 3 * 3.0])
    kernel = ProductKernel(data, np.array([0, 4]), 1e-3)
    drawn = kernel.sample(np.zeros((500, 2)), 3.0, rng)
    assert drawn.min() >= 0
    assert drawn[:, 0].max() < 0.05
    assert set(drawn[:, 1]) <= {0.0, 1.0, 2.0, 3.0}
    assert np.isin(drawn[:, 1], (0, 3)).mean() > 0.6
    assert math.isclose(kernel.bw[0], 1e-3)
