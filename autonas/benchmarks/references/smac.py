"""SMAC3's own facades, asked and told."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

from smac import HyperparameterOptimizationFacade, MultiFidelityFacade, Scenario
from smac.intensifier.hyperband_utils import determine_hyperband_for_multifidelity
from smac.runhistory import StatusType, TrialValue

from autonas.benchmarks.references._spaces import without_priors
from autonas.benchmarks.references.interface import Evaluate, Problem, quietly
from autonas.spaces import values

__all__ = ["full", "hyperband"]


def full(problem: Problem, evaluate: Evaluate) -> None:
    """SMAC's facade for hyperparameter optimization [1]_ as it comes, full trainings only.

    References
    ----------
    .. [1] M. Lindauer et al. SMAC3: A Versatile Bayesian Optimization Package for Hyperparameter Optimization. JMLR 23,
       2022.
    """
    _drive(HyperparameterOptimizationFacade, problem, evaluate, {"n_trials": max(int(problem.budget), 1)})


def hyperband(problem: Problem, evaluate: Evaluate) -> None:
    """SMAC's multi-fidelity facade with its own Hyperband.

    How many trials there will be is what SMAC's own arithmetic says for the budget; its initial design is a quarter of
    them at most.
    """
    low, high = problem.min_fidelity, problem.max_fidelity
    plan = determine_hyperband_for_multifidelity(problem.budget * high, low, high, problem.eta)
    settings = {"min_budget": low, "max_budget": high, "n_trials": max(int(plan["n_trials"]), 1)}
    _drive(MultiFidelityFacade, problem, evaluate, settings, eta=problem.eta)


def _drive(facade: Any, problem: Problem, evaluate: Evaluate, settings: dict[str, Any], **intensifier: Any) -> None:
    worst = -math.inf
    # SMAC writes where it is told to, else into the current folder.
    with tempfile.TemporaryDirectory(prefix="autonas-") as folder:
        scenario = Scenario(
            without_priors(problem.space),
            deterministic=True,
            seed=problem.seed,
            output_directory=Path(folder),
            **settings,
        )
        optimizer = quietly(
            facade,
            scenario,
            intensifier=facade.get_intensifier(scenario, **intensifier),
            logging_level=False,
            overwrite=True,
        )
        while True:
            try:
                asked = quietly(optimizer.ask)
            except StopIteration:  # no configuration is new
                return
            loss = evaluate(values(asked.config), asked.budget or problem.max_fidelity)
            failed = math.isinf(loss)
            worst = worst if failed else max(worst, loss)
            # SMAC's model takes finite numbers only: a failed trial has the worst loss so far.
            cost = loss if not failed else worst if math.isfinite(worst) else 1.0
            status = StatusType.CRASHED if failed else StatusType.SUCCESS
            quietly(optimizer.tell, asked, TrialValue(cost=cost, status=status), save=False)
