"""References: other projects' own optimizers, run beside ours. One file each; a new one is one more line here."""

from __future__ import annotations

import contextlib
import copy
import importlib
import importlib.util
from dataclasses import dataclass
from types import MappingProxyType

from autonas._names import unknown_name
from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.references._recorder import Recorder
from autonas.benchmarks.references.interface import BudgetSpent, Drive, Problem, seeded
from autonas.optimization import RunHistory

__all__ = ["PREFIX", "REFERENCES", "Reference", "check_reference", "search_with"]

PREFIX = "ref:"
"""What the name of every reference begins with."""


@dataclass(frozen=True)
class Reference:
    """Another project's optimizer.

    Attributes
    ----------
    drive : str
        ``"module:function"`` in this folder, see :data:`~autonas.benchmarks.references.interface.Drive`.
    package : str
        What has to be importable.
    install : str
        How to get it, where it is no dependency of ours.
    """

    drive: str
    package: str = "autonas"
    install: str = ""


_DEHB = (
    "pip install --no-deps dehb==0.1.2 && pip install loguru pyarrow (its metadata exclude numpy 2; it runs with it)"
)
_NEPS = "pip install 'autonas[benchmarks]' (Python 3.11 or newer)"

REFERENCES = MappingProxyType(
    {
        "ref:random": Reference("random_search:search"),
        "ref:optuna_tpe": Reference("optuna:tpe", "optuna"),
        "ref:optuna_tpe_hyperband": Reference("optuna:tpe_hyperband", "optuna"),
        "ref:hpbandster_hyperband": Reference("hpbandster:hyperband", "hpbandster"),
        "ref:hpbandster_bohb": Reference("hpbandster:bohb", "hpbandster"),
        "ref:smac": Reference("smac:full", "smac"),
        "ref:smac_hyperband": Reference("smac:hyperband", "smac"),
        "ref:dehb": Reference("dehb:search", "dehb", _DEHB),
        "ref:neps": Reference("neps:search", "neps", _NEPS),
    }
)
"""Name to what drives it; imported when it is first used."""


def check_reference(name: str, *, installed: bool = True) -> None:
    """Check that a reference is known, and that its package is there.

    Parameters
    ----------
    name : str
    installed : bool, default=True
        Whether the package has to be there.

    Raises
    ------
    ValueError
        If the name is unknown.
    ImportError
        If the package is missing; the message says how to install it.
    """
    if name not in REFERENCES:
        raise unknown_name("reference", name, REFERENCES)
    reference = REFERENCES[name]
    if installed and importlib.util.find_spec(reference.package) is None:
        raise ImportError(f"{name} needs the package {reference.package!r}: {reference.install}")


def search_with(name: str, benchmark: Benchmark, *, budget: float, seed: int) -> RunHistory:
    """Search a benchmark with another project's optimizer.

    Parameters
    ----------
    name : str
        Of :data:`REFERENCES`.
    benchmark : Benchmark
    budget : float
        Full trainings that may be spent. A configuration pays for the highest fidelity that it got to, however
        often the project trains it; an evaluation that would go beyond the budget ends the search.
    seed : int

    Returns
    -------
    RunHistory
        Each configuration is a trial, with all its results.

    Raises
    ------
    ValueError
        If the name is unknown, or the project cannot search such a space.
    ImportError
        If the project's package is missing.
    SearchFailed
        If the first five trials fail, all by the same cause.

    Examples
    --------
    >>> from ConfigSpace import ConfigurationSpace
    >>> toy = Benchmark(
    ...     "toy", ConfigurationSpace({"x": (0.0, 1.0)}), min_fidelity=1, max_fidelity=1, eta=3, optimum=0.0,
    ...     median=0.5, exact=True, n_seeds=1, evaluate=lambda configuration, *_: (configuration["x"], 1.0))
    >>> len(search_with("ref:random", toy, budget=5, seed=0).trials)
    5
    """
    check_reference(name)
    module, _, function = REFERENCES[name].drive.partition(":")
    recorder = Recorder(benchmark, name, budget, seed)
    problem = Problem(copy.deepcopy(benchmark.space), benchmark.known_fidelities, benchmark.eta, budget, seed)
    # Some draw from the global generators, some already when they are imported.
    with seeded(seed):
        drive: Drive = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    with seeded(seed), contextlib.suppress(BudgetSpent):
        drive(problem, recorder.evaluate)
    return recorder.history
