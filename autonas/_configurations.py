"""Between configurations and plain dictionaries; public through :mod:`autonas.spaces`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import IntegerHyperparameter

from autonas._space_edits import canonical, full_name, native, options

__all__ = ["configuration_from", "enumerate_configurations", "values"]


def values(configuration: Configuration) -> dict[str, Any]:
    """Get the active values of a configuration as native Python values.

    Parameters
    ----------
    configuration : Configuration

    Returns
    -------
    dict
        In the order of the space, parents before children.
    """
    vector = configuration.get_array()
    result: dict[str, Any] = {}
    for (name, hp), x in zip(configuration.config_space.items(), vector.tolist(), strict=True):
        if x != x:  # noqa: PLR0124  NaN: inactive
            continue
        listed = options(hp)
        if listed is not None:
            # Not hp.to_value: numpy would make 1.0 of the 1 in [1, 2.5]. A constant's x is 1, not 0.
            result[name] = native(listed[round(x) if len(listed) > 1 else 0])
        else:
            number: Any = hp
            # ConfigSpace rounds to 13 places, which may step over a bound.
            result[name] = native(min(max(configuration[name], number.lower), number.upper))
    return result


def configuration_from(space: ConfigurationSpace, mapping: Mapping[str, Any]) -> Configuration:
    """Make a legal configuration of a dictionary.

    Parameters
    ----------
    space : ConfigurationSpace
    mapping : mapping
        Active hyperparameters that are missing get their defaults. Values of inactive ones are dropped, so
        that a dictionary can be copied and changed in one place. A family's prefix may be left out where the
        name is unique.

    Returns
    -------
    Configuration

    Raises
    ------
    ValueError
        For an unknown hyperparameter, an illegal value of an active one, or a forbidden combination.

    Examples
    --------
    >>> from autonas.spaces import load_space
    >>> values(configuration_from(load_space("mlp"), {"n_layers": 2}))["n_layers"]
    2
    """
    given = {name if name in space else full_name(space, name): value for name, value in mapping.items()}
    vector = np.full(len(space), np.nan)
    chosen: dict[str, Any] = {}
    for name, hp in space.items():
        if _is_active(space, name, vector):
            chosen[name] = canonical(hp, given[name]) if name in given else native(hp.default_value)
            vector[space.index_of[name]] = hp.to_vector(chosen[name])
    try:
        return Configuration(space, values=chosen)
    except ValueError as error:
        raise ValueError(f"The configuration {chosen} is not legal: {error}") from error


def _is_active(space: ConfigurationSpace, name: str, vector: np.ndarray[Any, Any]) -> bool:
    return all(condition.satisfied_by_vector(vector) for condition in space.parent_conditions_of[name])


def enumerate_configurations(space: ConfigurationSpace, limit: int) -> list[Configuration] | None:
    """List all legal configurations of a small space.

    Parameters
    ----------
    space : ConfigurationSpace
    limit : int
        How many at most.

    Returns
    -------
    list of Configuration or None
        In a fixed order. None if there are more than ``limit``, or a continuous hyperparameter can be active.
    """
    found: list[Configuration] = []
    for vector in _walk(space, list(space), np.full(len(space), np.nan)):
        if vector is None or len(found) == limit:
            return None
        found.append(Configuration(space, values=values(Configuration(space, vector=vector))))
    return found


def _walk(
    space: ConfigurationSpace, names: list[str], vector: np.ndarray[Any, Any]
) -> Iterator[np.ndarray[Any, Any] | None]:
    """Yield the legal vectors, parents decided first; None where a continuous hyperparameter is active."""
    if any(clause.is_forbidden_vector(vector) for clause in space.forbidden_clauses):
        return  # what is still undecided counts as inactive, and cannot take a clause back
    if not names:
        yield vector
        return
    name, *rest = names
    hp: Any = space[name]
    if not _is_active(space, name, vector):
        yield from _walk(space, rest, vector)
        return
    listed = options(hp)
    if listed is None and not isinstance(hp, IntegerHyperparameter):
        yield None
        return
    for value in range(hp.lower, hp.upper + 1) if listed is None else listed:
        longer = vector.copy()
        longer[space.index_of[name]] = hp.to_vector(value)
        yield from _walk(space, rest, longer)
