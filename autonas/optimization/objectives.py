"""Several objectives at once: which trials are beaten in none, and what samplers and schedules are told of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ConfigSpace import Configuration, ConfigurationSpace
from scipy.stats import rankdata

from autonas.optimization.interfaces import Job, Result, Sampler, Trial
from autonas.optimization.samplers._moves import between, mutants
from autonas.optimization.samplers._vectors import VectorSpace
from autonas.optimization.samplers.random import Random

__all__ = ["FrontJudge", "Scalarized", "check_objectives", "judge_of", "last_finite", "non_dominated", "point_of"]

Floats = npt.NDArray[np.float64]

#: How much the sum of all objectives counts beside the worst of them (Knowles 2006, equation 2).
_AUGMENTATION = 0.05
#: Of the proposals that a sampler draws at random, this share is made near the front instead.
_NEAR_FRONT = 0.75
#: And of these this share between two neighbours on the front.
_BETWEEN = 0.5
#: So many trials make a front to start from.
_FRONT = 4


def check_objectives(objectives: Sequence[str]) -> tuple[str, ...]:
    """See to it that objectives are names, each once, and not the loss, which always counts."""
    names = (objectives,) if isinstance(objectives, str) else tuple(objectives)
    for name in names:
        if not isinstance(name, str) or not name or name == "loss" or names.count(name) > 1:
            raise ValueError(
                f"`objectives` is {objectives!r}, but must be names of numbers that the objective returns beside "
                "'loss', each once, as in ['n_parameters']."
            )
    return names


def point_of(result: Result, objectives: Sequence[str]) -> tuple[float, ...]:
    """Give the loss of a result and its other objectives; what is missing or no number counts as infinite."""
    return (result.loss, *(_number(result.info.get(name)) for name in objectives))


def _number(value: Any) -> float:
    usable = isinstance(value, (int, float)) and not math.isnan(value)
    return float(value) if usable else math.inf


def last_finite(trial: Trial) -> Result | None:
    """Find the last result of a trial that has a loss; a trial can fail at a higher rung."""
    return next((r for r in reversed(trial.results) if math.isfinite(r.loss)), None)


def non_dominated(points: Sequence[Sequence[float]] | Floats) -> npt.NDArray[np.bool_]:
    """Say which points are on the Pareto front: no other is as good in all objectives and better in one.

    Parameters
    ----------
    points : array-like of shape (n, n_objectives)
        Smaller is better. Of equal points the first counts.

    Returns
    -------
    ndarray of shape (n,), bool

    Examples
    --------
    >>> non_dominated([(1, 5), (2, 2), (3, 3), (5, 1), (2, 2)])
    array([ True,  True, False,  True, False])
    """
    array = np.asarray(points, dtype=np.float64)
    front = np.ones(len(array), dtype=bool)
    for i, point in enumerate(array):
        no_worse = (array <= point).all(axis=1)
        better = (array < point).any(axis=1)
        equal_before = no_worse & ~better & (np.arange(len(array)) < i)
        front[i] = not (no_worse & better).any() and not equal_before.any()
    return front


class Scalarized:
    """A sampler for several objectives, of any sampler for one: each proposal is in a direction of its own.

    For each proposal weights of the objectives are drawn, and the sampler sees, in place of the losses, the augmented
    Chebyshev norm of the weighted objectives. (Knowles 2006, "ParEGO: A Hybrid Algorithm With On-Line Landscape
    Approximation for Expensive Multiobjective Optimization Problems", section 3. There objectives are scaled to their
    ranges; here by their ranks among the results of the same fidelity, since parameters span orders of magnitude.)

    Before its model has data a sampler proposes by chance, and some go on doing so now and then. Once there is a front
    to speak of, three times in four something near it is proposed instead: a search of a few dozen trainings in many
    dimensions hardly gets further. One of the front is mutated (Knowles and Corne 2000, "Approximating the Nondominated
    Front Using the Pareto Archived Evolution Strategy"), or two neighbours on it are recombined, rather those with much
    room between them. Random search stays what it is.

    Parameters
    ----------
    sampler : Sampler
        For one objective.
    objectives : sequence of str
        Beside the loss.
    space : ConfigurationSpace
        What it proposes from.
    """

    def __init__(self, sampler: Sampler, objectives: Sequence[str], space: ConfigurationSpace) -> None:
        self._sampler, self._objectives = sampler, tuple(objectives)
        self._vectors = VectorSpace(space)

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration | dict[str, Any] | None:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`."""
        weights = rng.dirichlet(np.ones(1 + len(self._objectives)))
        suggested: Any = self._sampler.suggest(self._seen(trials, weights), rng)
        by_chance = getattr(suggested, "origin", None) == "random" and not isinstance(self._sampler, Random)
        if by_chance and rng.random() < _NEAR_FRONT and (near := self._near_front(trials, rng)) is not None:
            return near
        if isinstance(suggested, Configuration) and not getattr(suggested, "origin", None):
            suggested.origin = type(self._sampler).__name__.lower()
        return suggested  # type: ignore[no-any-return]

    def _near_front(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration | None:
        """Mutate one of the front, or recombine two neighbours, if there is a front to speak of."""
        fidelity = max((t.fidelity for t in trials), default=0)
        found = [(t, r) for t in trials for r in t.results if r.fidelity == fidelity and math.isfinite(r.loss)]
        points = np.array([point_of(result, self._objectives) for _, result in found]).reshape(len(found), -1)
        front = np.flatnonzero(non_dominated(points))
        if len(front) < _FRONT or not self._vectors.varying.any():
            return None
        front = front[np.argsort(points[front, 0], kind="stable")]
        rows = np.array([found[place][0].configuration.get_array() for place in front])
        if rng.random() < _BETWEEN:
            first = rng.choice(len(front) - 1, p=_room(points[front]))
            child = between(self._vectors, rows[first], rows[first + 1], rng)
            if child is not None:
                return self._vectors.configuration(child, "recombination")
        parent = rows[rng.integers(len(front))]
        return self._vectors.configuration(mutants(self._vectors, parent[None], rng)[0], "mutation")

    def _seen(self, trials: Sequence[Trial], weights: Floats) -> list[Trial]:
        """Copy the trials, each result with what it is worth by the weights."""
        worth: dict[int, float] = {}
        by_fidelity: dict[int, list[Result]] = {}
        for trial in trials:
            for result in trial.results:
                if math.isfinite(result.loss):
                    by_fidelity.setdefault(result.fidelity, []).append(result)
        for results in by_fidelity.values():
            points = np.array([point_of(result, self._objectives) for result in results])
            ranks = (rankdata(points, axis=0) - 1) / max(len(points) - 1, 1)
            weighted = ranks * weights
            scalars = weighted.max(axis=1) + _AUGMENTATION * weighted.sum(axis=1)
            worth |= {id(result): float(scalar) for result, scalar in zip(results, scalars, strict=True)}
        return [
            replace(trial, results=[replace(r, loss=worth.get(id(r), math.inf)) for r in trial.results])
            for trial in trials
        ]


def _room(front: Floats) -> Floats:
    """Weigh the pairs of neighbours on a front by the space between them; what spans magnitudes by its logarithm."""
    scaled = front.copy()
    for column in range(1, front.shape[1]):
        if (front[:, column] > 0).all():
            scaled[:, column] = np.log(front[:, column])
    with np.errstate(invalid="ignore"):  # what is no number has no room beside it
        room: Floats = np.abs(np.diff(scaled, axis=0)).prod(axis=1)
    room[~np.isfinite(room)] = 0
    return room / room.sum() if room.sum() > 0 else np.full(len(room), 1 / len(room))


class FrontJudge:
    """What a schedule is told in place of a loss: how far behind the front of its rung a trial is.

    That is the share of the rung's earlier results that are better in all objectives; between equals the loss decides.
    So trials on the front go on, be they small or good. It follows from the order of results alone, so that a run that
    is resumed goes the same way.

    Parameters
    ----------
    objectives : sequence of str
        Beside the loss.
    """

    def __init__(self, objectives: Sequence[str]) -> None:
        self._objectives = tuple(objectives)
        self._points: dict[int, list[tuple[float, ...]]] = {}

    def __call__(self, job: Job, result: Result) -> float:
        """Judge a result; ``inf`` for a failed one. A ValueError if it lacks an objective."""
        if not math.isfinite(result.loss):
            return math.inf
        missing = [name for name in self._objectives if name not in result.info]
        if missing:
            raise ValueError(
                f"`objectives` names {missing[0]!r}, but the objective returned {['loss', *result.info]}: let it "
                f"return {{'loss': ..., {missing[0]!r}: ...}}."
            )
        point = point_of(result, self._objectives)
        rung = self._points.setdefault(job.to_fidelity, [])
        before = np.array(rung).reshape(len(rung), len(point))
        rung.append(point)
        if not len(before):
            return 0.5
        ahead = ((before <= point).all(axis=1) & (before < point).any(axis=1)).mean()
        # Less than one trial's share, whatever the losses' unit.
        return float(ahead + (before[:, 0] < result.loss).mean() / (len(before) + 1))


def judge_of(objectives: Sequence[str]) -> Callable[[Job, Result], float]:
    """Say what a schedule is told of a result: its loss, where that is the only objective."""
    return FrontJudge(objectives) if objectives else lambda _, result: result.loss
