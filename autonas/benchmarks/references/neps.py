"""NePS (neural-pipeline-search), asked and told."""

from __future__ import annotations

import importlib
import math
from typing import Any

import torch
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter, IntegerHyperparameter

from autonas.benchmarks.references._spaces import is_constant, without_priors
from autonas.benchmarks.references.interface import Evaluate, Problem, quietly, seeded

__all__ = ["search"]

_FIDELITY = "fidelity of the training"


def search(problem: Problem, evaluate: Evaluate) -> None:
    """What NePS itself chooses (``optimizer="auto"``) for a space without priors.

    That is its Hyperband, which samples at random, and its Bayesian optimization where only full trainings are known.
    NePS knows no conditions: it samples all hyperparameters, and those that are not active say nothing.
    """
    space, neps = without_priors(problem.space), _neps()
    with seeded(problem.seed), torch.random.fork_rng(devices=[]):
        torch.manual_seed(problem.seed)
        if len(problem.fidelities) == 1:
            optimizer = quietly(neps.algorithms.bayesian_optimization, _known(space))
        else:
            fidelity = neps.HPOInteger(problem.min_fidelity, problem.max_fidelity, is_fidelity=True)
            optimizer = quietly(neps.algorithms.hyperband, _known(space, **{_FIDELITY: fidelity}), eta=problem.eta)
        _drive(neps.AskAndTell(optimizer), space, problem, evaluate)


def _neps() -> Any:
    """Import it no sooner than it is asked for: it is no dependency of ours."""
    return quietly(importlib.import_module, "neps")


def _drive(optimizer: Any, space: ConfigurationSpace, problem: Problem, evaluate: Evaluate) -> None:
    worst = -math.inf
    while True:
        trial = quietly(optimizer.ask)
        configuration = {name: _value(space[name], x) for name, x in trial.config.items() if name in space}
        loss = evaluate(configuration, trial.config.get(_FIDELITY, problem.max_fidelity))
        failed = math.isinf(loss)
        worst = worst if failed else max(worst, loss)
        # NePS's models take finite numbers only: a failed trial has the worst loss so far.
        quietly(optimizer.tell, trial, loss if not failed else worst if math.isfinite(worst) else 1.0)


def _known(space: ConfigurationSpace, **fidelity: Any) -> Any:
    neps = _neps()
    known = {name: _parameter(neps, hp) for name, hp in space.items() if not is_constant(hp)}
    return neps.SearchSpace({**known, **fidelity})


def _parameter(neps: Any, hyperparameter: Hyperparameter[Any, Any]) -> Any:
    known: Any = hyperparameter
    if isinstance(known, CategoricalHyperparameter):
        return neps.HPOCategorical(list(range(len(known.choices))))
    if isinstance(known, OrdinalHyperparameter):
        return neps.HPOInteger(0, len(known.sequence) - 1)
    kind = neps.HPOInteger if isinstance(known, IntegerHyperparameter) else neps.HPOFloat
    return kind(known.lower, known.upper, log=known.log)


def _value(hyperparameter: Hyperparameter[Any, Any], given: Any) -> Any:
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return hyperparameter.choices[int(given)]
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return hyperparameter.sequence[int(given)]
    return given
