"""Spaces for projects that know fewer kinds of hyperparameters than ConfigSpace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace, Constant, OrdinalHyperparameter
from ConfigSpace.hyperparameters import CategoricalHyperparameter, Hyperparameter, NumericalHyperparameter

__all__ = ["follow", "is_constant", "numbered", "with_ordinals", "without_priors"]


def without_priors(space: ConfigurationSpace) -> ConfigurationSpace:
    """Copy a space; normal and beta hyperparameters become uniform between their bounds, choices equally likely."""
    plain = all(
        type(hp).__name__.startswith("Uniform")
        if isinstance(hp, NumericalHyperparameter)
        else not isinstance(hp, CategoricalHyperparameter) or len(set(hp.probabilities.tolist())) == 1
        for hp in space.values()
    )
    source = space if plain else space.remove_hyperparameter_priors()
    return ConfigurationSpace.from_serialized_dict(source.to_serialized_dict())


def follow(space: ConfigurationSpace, choose: Callable[[Hyperparameter[Any, Any]], Any]) -> dict[str, Any]:
    """Choose a value for each hyperparameter that is active, parents first."""
    vector, chosen = np.full(len(space), np.nan), {}
    for name, hyperparameter in space.items():
        if all(condition.satisfied_by_vector(vector) for condition in space.parent_conditions_of[name]):
            chosen[name] = choose(hyperparameter)
            vector[space.index_of[name]] = hyperparameter.to_vector(chosen[name])
    return chosen


def numbered(space: ConfigurationSpace) -> ConfigurationSpace:
    """Copy a space with integers in the place of ordinals: their positions, in conditions and clauses too.

    Raises
    ------
    ValueError
        If a forbidden clause compares an ordinal with another hyperparameter.
    """
    sequences = {hp.name: list(hp.sequence) for hp in space.values() if isinstance(hp, OrdinalHyperparameter)}
    whole = space.to_serialized_dict()
    whole["hyperparameters"] = [
        _integer(entry, sequences[entry["name"]]) if entry["name"] in sequences else entry
        for entry in whole["hyperparameters"]
    ]
    whole["conditions"] = [_translated(entry, sequences) for entry in whole["conditions"]]
    whole["forbiddens"] = [_translated(entry, sequences) for entry in whole["forbiddens"]]
    return ConfigurationSpace.from_serialized_dict(whole)


def with_ordinals(space: ConfigurationSpace, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Put the values of ordinals back in the place of their positions, and drop what is not of the space."""
    return {name: _at(space[name], value) for name, value in configuration.items() if name in space}


def _at(hyperparameter: Hyperparameter[Any, Any], value: Any) -> Any:
    return hyperparameter.sequence[round(value)] if isinstance(hyperparameter, OrdinalHyperparameter) else value


def _integer(entry: dict[str, Any], sequence: list[Any]) -> dict[str, Any]:
    default = sequence.index(entry["default_value"])
    common = {"name": entry["name"], "meta": entry.get("meta")}
    if len(sequence) == 1:
        return {**common, "type": "constant", "value": 0}
    bounds = {"lower": 0, "upper": len(sequence) - 1, "log": False, "default_value": default}
    return {**common, **bounds, "type": "uniform_int"}


def _translated(entry: dict[str, Any], sequences: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Translate a condition or a clause, and those that it is made of."""
    found = dict(entry)
    for parts in ("conditions", "clauses"):
        if parts in found:
            found[parts] = [_translated(part, sequences) for part in found[parts]]
    if {found.get("left"), found.get("right")} & sequences.keys():
        raise ValueError(
            f"The space forbids {found['left']!r} {found['type']} {found['right']!r}, and one of them is ordinal: this "
            "optimizer cannot be told. Make it an integer, or leave the optimizer out."
        )
    sequence = sequences.get(str(found.get("parent", found.get("name"))))
    if sequence is not None:
        if "value" in found:
            found["value"] = sequence.index(found["value"])
        if "values" in found:
            found["values"] = [sequence.index(value) for value in found["values"]]
    return found


def is_constant(hyperparameter: Hyperparameter[Any, Any]) -> bool:
    """Say whether there is nothing to choose."""
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return len(hyperparameter.choices) == 1
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return len(hyperparameter.sequence) == 1
    return isinstance(hyperparameter, Constant)
