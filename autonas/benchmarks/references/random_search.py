"""Random search, written without our sampler, schedule and loop: what the harness itself is checked by."""

from __future__ import annotations

from autonas.benchmarks.references.interface import Evaluate, Problem
from autonas.spaces import values

__all__ = ["search"]


def search(problem: Problem, evaluate: Evaluate) -> None:
    """Train configurations drawn from the space to the end, one after the other."""
    problem.space.seed(problem.seed)
    while True:
        evaluate(values(problem.space.sample_configuration()), problem.max_fidelity)
