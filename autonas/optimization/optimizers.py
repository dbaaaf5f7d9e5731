"""Optimizers: a sampler and a schedule under one name."""

from __future__ import annotations

import copy
import functools
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ConfigSpace import ConfigurationSpace

from autonas._names import unknown_name
from autonas.optimization.interfaces import Sampler, Schedule
from autonas.optimization.samplers import SAMPLERS
from autonas.optimization.schedules import SCHEDULES

__all__ = ["OPTIMIZERS", "resolve"]

OPTIMIZERS = MappingProxyType(
    {
        "random": ("random", "full"),
        "hyperband": ("random", "hyperband"),
        "bohb": ("kde", "hyperband"),
        "tpe": ("tpe", "hyperband"),
        "smac": ("smac", "hyperband"),
        "asha": ("random", "asha"),
        "evolution": ("evolution", "full"),
        "tournament": ("tournament", "full"),
        "local_search": ("local_search", "full"),
        "reinforce": ("reinforce", "full"),
        "bananas": ("bananas", "full"),
        "gp": ("gp", "full"),
        "pnas": ("pnas", "full"),
        "dehb": ("differential_evolution", "hyperband"),
        "auto": ("auto", "short_asha"),
    }
)
"""Name to the names of its sampler and its schedule."""


def resolve(
    optimizer: object, space: ConfigurationSpace, *, min_fidelity: int, max_fidelity: int, eta: int
) -> tuple[Sampler, Schedule, str]:
    """Build the sampler and the schedule that are meant.

    Parameters
    ----------
    optimizer : str or pair
        A name of :data:`OPTIMIZERS`, or a sampler and a schedule. Each of these is a name (of
        :data:`~autonas.optimization.SAMPLERS`, :data:`~autonas.optimization.SCHEDULES`), an object, or a
        class or function that makes one: ``sampler(space)``, ``schedule(min_fidelity, max_fidelity, eta)``.
    space : ConfigurationSpace
        The space of the sampler.
    min_fidelity, max_fidelity, eta : int
        The rungs of the schedule.

    Returns
    -------
    sampler : Sampler
    schedule : Schedule
    name : str
        ``"sampler x schedule"``: what a run that is resumed must agree on.

    Raises
    ------
    ValueError
        For a name that is not known, or something else that cannot be meant.

    Examples
    --------
    >>> resolve("asha", ConfigurationSpace({"x": (0.0, 1.0)}), min_fidelity=1, max_fidelity=9, eta=3)[2]
    'random x asha'
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", optimizer, OPTIMIZERS)
        optimizer = OPTIMIZERS[optimizer]
    if not isinstance(optimizer, (tuple, list)) or len(optimizer) != 2:
        raise ValueError(
            f"`optimizer` is {optimizer!r}, but must be one of {', '.join(map(repr, OPTIMIZERS))}, or a pair "
            "(sampler, schedule)."
        )
    sampler, sampler_name = _build("sampler", optimizer[0], SAMPLERS, "suggest", (space,))
    rungs = (min_fidelity, max_fidelity, eta)
    schedule, schedule_name = _build("schedule", optimizer[1], SCHEDULES, "next", rungs)
    return sampler, schedule, f"{sampler_name} x {schedule_name}"


def _build(kind: str, given: Any, known: Mapping[str, str], method: str, arguments: tuple[Any, ...]) -> tuple[Any, str]:
    if isinstance(given, str):
        if given not in known:
            raise unknown_name(kind, given, known)
        module, _, name = known[given].partition(":")
        return getattr(importlib.import_module(module), name)(*arguments), given
    if hasattr(given, method) and not isinstance(given, type):
        # A schedule changes as it goes, and the same object may be handed to another search; a sampler does not.
        return copy.deepcopy(given) if kind == "schedule" else given, _qualified(type(given))
    if not callable(given):
        raise ValueError(  # noqa: TRY004 - all arguments fail alike
            f"The {kind} of `optimizer` is {given!r}, but must be one of {', '.join(map(repr, known))}, "
            f"a class or function that makes one, or an object with a method `{method}`."
        )
    made = given(*arguments)
    if not hasattr(made, method):
        raise ValueError(f"{given!r} of `optimizer` made {made!r}, which has no method `{method}`.")
    return made, _qualified(given)


def _qualified(made_by: Any) -> str:
    if isinstance(made_by, functools.partial):
        options = ", ".join(f"{name}={value!r}" for name, value in sorted(made_by.keywords.items()))
        return f"{_qualified(made_by.func)}({options})"
    return f"{made_by.__module__}.{made_by.__qualname__}"
