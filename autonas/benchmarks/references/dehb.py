"""DEHB of its authors' own package, asked and told."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from typing import Any

from ConfigSpace import Configuration

from autonas.benchmarks.references._spaces import without_priors
from autonas.benchmarks.references.interface import Evaluate, Problem, quietly, seeded
from autonas.spaces import values

__all__ = ["search"]


def search(problem: Problem, evaluate: Evaluate) -> None:
    """DEHB [1]_ with its defaults; where only full trainings are known, which it refuses, its package's own DE.

    Raises
    ------
    ValueError
        If the space has forbidden clauses, which it does not know.

    References
    ----------
    .. [1] N. Awad, N. Mallik and F. Hutter. DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
       Hyperparameter Optimization. IJCAI 2021.
    """
    if problem.space.forbidden_clauses:
        raise ValueError("The space has forbidden clauses, which DEHB does not know: leave `ref:dehb` out.")
    # No dependency of ours, so imported no sooner than now; loguru comes with it.
    dehb, loguru = quietly(importlib.import_module, "dehb"), quietly(importlib.import_module, "loguru")
    # It writes a log and its state where it is told to, else into the current folder.
    with tempfile.TemporaryDirectory(prefix="autonas-") as folder, seeded(problem.seed):
        common = {"cs": without_priors(problem.space), "seed": problem.seed, "output_path": folder}
        try:
            if len(problem.fidelities) == 1:
                _evolve(dehb.DE, common, problem, evaluate)
            else:
                _hyperband(dehb.DEHB, common, problem, evaluate)
        finally:
            loguru.logger.remove()  # its file in that folder


def _hyperband(kind: Callable[..., Any], common: dict[str, Any], problem: Problem, evaluate: Evaluate) -> None:
    bounds = {"min_fidelity": problem.min_fidelity, "max_fidelity": problem.max_fidelity, "eta": problem.eta}
    optimizer = quietly(kind, f=None, n_workers=1, save_freq="end", log_level="ERROR", **bounds, **common)
    while True:
        job = quietly(optimizer.ask)
        loss = evaluate(values(job["config"]), job["fidelity"])
        quietly(optimizer.tell, job, {"fitness": loss, "cost": job["fidelity"]})


def _evolve(kind: Callable[..., Any], common: dict[str, Any], problem: Problem, evaluate: Evaluate) -> None:
    """Let DE evaluate what it likes: it cannot be asked. The factors are those that DEHB has by default."""

    def judged(configuration: Configuration, **_: Any) -> dict[str, float]:
        return {"fitness": evaluate(values(configuration), problem.max_fidelity), "cost": 1.0}

    optimizer = quietly(kind, f=judged, mutation_factor=0.5, crossover_prob=0.5, **common)
    quietly(optimizer.run, generations=10**9)
