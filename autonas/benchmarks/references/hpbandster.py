"""hpbandster's own BOHB and Hyperband, driven in this process: no name server, no Pyro, no threads."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.benchmarks.references._spaces import numbered, with_ordinals, without_priors
from autonas.benchmarks.references.interface import Evaluate, Problem, quietly
from autonas.spaces import values

with warnings.catch_warnings():
    # Code of 2018 warns where it is compiled, and statsmodels, imported with it, changes the process's filters.
    warnings.simplefilter("ignore")
    from hpbandster.core.dispatcher import Job
    from hpbandster.optimizers import BOHB, HyperBand
    from hpbandster.optimizers.config_generators import bohb as generators
    from hpbandster.optimizers.config_generators.random_sampling import RandomSampling

__all__ = ["bohb", "hyperband"]

_LOG = logging.getLogger("autonas.benchmarks.references.hpbandster")
_LOG.setLevel(logging.CRITICAL)  # a failed trial is a warning to hpbandster


def bohb(problem: Problem, evaluate: Evaluate) -> None:
    """hpbandster's BOHB [1]_ with its brackets, its model and its defaults.

    Ordinals are integers to it, since it refuses them.

    References
    ----------
    .. [1] S. Falkner, A. Klein and F. Hutter. BOHB: Robust and Efficient Hyperparameter Optimization at Scale. ICML
       2018.
    """
    _drive(BOHB.get_next_iteration, lambda space: generators.BOHB(space, logger=_LOG), problem, evaluate)


def hyperband(problem: Problem, evaluate: Evaluate) -> None:
    """hpbandster's Hyperband: the same brackets, filled at random."""
    _drive(HyperBand.get_next_iteration, lambda space: RandomSampling(space, logger=_LOG), problem, evaluate)


def _drive(
    next_iteration: Callable[..., Any],
    generator_for: Callable[[ConfigurationSpace], Any],
    problem: Problem,
    evaluate: Evaluate,
) -> None:
    space = numbered(without_priors(problem.space))
    space.seed(problem.seed)
    generator = quietly(generator_for, space)  # it draws from numpy's global one, which is seeded by the caller
    master = _master(problem, lambda budget: _native(space, quietly(generator.get_config, budget)))
    number = 0
    while True:
        iteration = next_iteration(master, number, {"logger": _LOG})
        while (run := quietly(iteration.get_next_run)) is not None:
            config_id, configuration, budget = run
            job = Job(config_id, config=configuration, budget=budget)
            loss = evaluate(with_ordinals(problem.space, configuration), budget)
            if math.isfinite(loss):
                job.result = {"loss": loss}
            else:
                job.exception = "failed"
            iteration.register_result(job)
            quietly(generator.new_result, job)
        number += 1


def _master(problem: Problem, get_config: Callable[[float], Any]) -> SimpleNamespace:
    """Stand in for hpbandster's master, whose own would start a server: what its brackets are counted by."""
    # As the constructors of hpbandster.optimizers.BOHB and HyperBand count them.
    low, high, eta = problem.min_fidelity, problem.max_fidelity, problem.eta
    rungs = -int(np.log(low / high) / np.log(eta)) + 1
    return SimpleNamespace(
        max_SH_iter=rungs,
        eta=eta,
        budgets=high * np.power(eta, -np.linspace(rungs - 1, 0, rungs)),
        config_generator=SimpleNamespace(get_config=get_config),
    )


def _native(space: ConfigurationSpace, found: tuple[dict[str, Any], dict[str, Any]]) -> tuple[dict[str, Any], Any]:
    """Make plain Python values of numpy's, which hpbandster hands on."""
    configuration, info = found
    return values(quietly(Configuration, space, values=configuration)), info
