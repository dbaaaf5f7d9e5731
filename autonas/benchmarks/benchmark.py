"""What a benchmark is: a search problem with known answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ConfigSpace import ConfigurationSpace

from autonas.optimization.schedules.rungs import rungs

__all__ = ["Benchmark", "scale"]

Evaluate = Callable[[Mapping[str, Any], int, "int | None"], tuple[float, float]]


@dataclass(frozen=True)
class Benchmark:
    """A search problem with known answers.

    Attributes
    ----------
    name : str
        Family and instance, as in ``"lcbench:126026"``.
    space : ConfigurationSpace
        What is searched.
    min_fidelity, max_fidelity, eta : int
        The fidelities (epochs, or 1 where only full trainings are known), and the factor between rungs.
    optimum : float
        The smallest seed-mean loss at full fidelity.
    median : float
        The median seed-mean loss at full fidelity of configurations drawn at random.
    exact : bool
        Whether these two are of ALL configurations. Otherwise they are estimates, and a search that finds
        better than the best known has a regret below 0.
    n_seeds : int
        Trainings of each configuration that were measured.
    evaluate : callable
        ``evaluate(configuration, fidelity, seed)`` gives loss and cost; ``seed`` None: the means over seeds.
    seed : int or None
        Whose measurement :meth:`objective` gives.
    fidelities : sequence of int
        All that are known, ascending; by default the rungs.

    Notes
    -----
    The **normalized regret** of a configuration is ``min(1, (loss - optimum) / (median - optimum))``, its
    loss being the seed-mean at full fidelity: 0 is the best that there is, 1 a typical random configuration,
    or worse.
    """

    name: str
    space: ConfigurationSpace
    min_fidelity: int
    max_fidelity: int
    eta: int
    optimum: float
    median: float
    exact: bool
    n_seeds: int
    evaluate: Evaluate
    seed: int | None = None
    fidelities: Sequence[int] = ()

    @property
    def known_fidelities(self) -> tuple[int, ...]:
        """All fidelities whose results are known, ascending."""
        return tuple(self.fidelities or rungs(self.min_fidelity, self.max_fidelity, self.eta))

    def objective(self, configuration: Mapping[str, Any], fidelity: int) -> dict[str, float]:
        """Look a training up.

        Parameters
        ----------
        configuration : mapping
            A value for each hyperparameter of the space.
        fidelity : int

        Returns
        -------
        dict
            ``loss``, and ``cost`` in seconds of one training from the start. Both are means over the seeds,
            as HPOBench has it by default, unless :meth:`with_seed` chose one.
        """
        loss, cost = self.evaluate(configuration, fidelity, self.seed)
        return {"loss": loss, "cost": cost}

    def with_seed(self, seed: int) -> Benchmark:
        """Let the objective measure one training, that of seed ``seed % n_seeds``: noisy, as in real life."""
        return replace(self, seed=seed % self.n_seeds)

    def loss(self, configuration: Mapping[str, Any]) -> float:
        """Look up what a configuration is judged by: its mean loss over the seeds at full fidelity."""
        return self.evaluate(configuration, self.max_fidelity, None)[0]

    def regret(self, configuration: Mapping[str, Any]) -> float:
        """Compute a configuration's normalized regret; see the notes of the class."""
        return min(1.0, (self.loss(configuration) - self.optimum) / (self.median - self.optimum))


def scale(losses: npt.NDArray[Any]) -> dict[str, Any]:
    """Take ``optimum`` and ``median`` from the losses of configurations."""
    return {"optimum": float(np.nanmin(losses)), "median": float(np.nanmedian(losses))}
