"""Optuna's own sampler and pruner, asked and told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import optuna
from ConfigSpace import CategoricalHyperparameter, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter, IntegerHyperparameter
from optuna.trial import Trial, TrialState

from autonas.benchmarks.references._spaces import follow, is_constant, without_priors
from autonas.benchmarks.references.interface import Evaluate, Problem, quietly
from autonas.optimization._optuna import quiet

__all__ = ["tpe", "tpe_hyperband"]


def tpe(problem: Problem, evaluate: Evaluate) -> None:
    """Optuna's ``TPESampler`` with its defaults, full trainings only.

    On a space with conditions it is told to take them into account (``group``).
    """
    study = _study(problem, optuna.pruners.NopPruner())
    _drive(study, problem, evaluate, (problem.max_fidelity,))


def tpe_hyperband(problem: Problem, evaluate: Evaluate) -> None:
    """Optuna's ``TPESampler`` with its ``HyperbandPruner``.

    The loss is reported at the fidelities where the pruner decides, which are ``min_fidelity * eta**k``: of reports in
    between it would make nothing, but take its time. After the last one it is not asked: there is nothing left to save.
    """
    low, high, steps = problem.min_fidelity, problem.max_fidelity, {problem.max_fidelity}
    rung = low
    while rung < high:
        steps.add(min(f for f in problem.fidelities if f >= rung))
        rung *= problem.eta
    pruner = optuna.pruners.HyperbandPruner(low, high, problem.eta)
    _drive(_study(problem, pruner), problem, evaluate, tuple(sorted(steps)))


def _study(problem: Problem, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    def build() -> optuna.Study:
        sampler = optuna.samplers.TPESampler(seed=problem.seed, group=bool(problem.space.conditions))
        # The pruner assigns brackets by a hash of the study's name, which is random by default.
        return optuna.create_study(study_name=f"seed {problem.seed}", sampler=sampler, pruner=pruner)

    with quiet():
        return quietly(build)


def _drive(study: optuna.Study, problem: Problem, evaluate: Evaluate, steps: tuple[int, ...]) -> None:
    space = without_priors(problem.space)
    while True:
        with quiet():
            trial = study.ask()
            configuration = quietly(follow, space, lambda hp, trial=trial: _suggest(trial, hp))
        state, loss = _train(trial, configuration, evaluate, steps)
        with quiet():
            study.tell(trial, loss if state == TrialState.COMPLETE else None, state=state)


def _train(
    trial: Trial, configuration: Mapping[str, Any], evaluate: Evaluate, steps: tuple[int, ...]
) -> tuple[TrialState, float]:
    loss = math.inf
    for step in steps:
        loss = evaluate(configuration, step)
        if math.isinf(loss):
            return TrialState.FAIL, loss
        if len(steps) > 1:
            trial.report(loss, step)
            if step != steps[-1] and trial.should_prune():
                return TrialState.PRUNED, loss
    return TrialState.COMPLETE, loss


def _suggest(trial: Trial, hyperparameter: Hyperparameter[Any, Any]) -> Any:
    """Choices by their place, which can be anything, and ordinals as integers, which have an order."""
    name, known = hyperparameter.name, hyperparameter
    if is_constant(known):
        return known.default_value
    if isinstance(known, CategoricalHyperparameter):
        return known.choices[trial.suggest_categorical(name, range(len(known.choices)))]
    if isinstance(known, OrdinalHyperparameter):
        return known.sequence[trial.suggest_int(name, 0, len(known.sequence) - 1)]
    number: Any = known
    if isinstance(known, IntegerHyperparameter):
        return trial.suggest_int(name, number.lower, number.upper, log=number.log)
    return trial.suggest_float(name, number.lower, number.upper, log=number.log)
