"""The portfolio: configurations that did well on other data sets, those of similar ones first."""

# ruff: noqa: TRY004  a wrong value in a file is a ValueError whatever its type

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from ConfigSpace import ConfigurationSpace, Constant
from ConfigSpace.hyperparameters import Hyperparameter

from autonas._names import unknown_name
from autonas._space_edits import canonical
from autonas._space_files import check_keys, read_mapping
from autonas.spaces import Source, configuration_from, data_file, values

__all__ = ["FOLDER", "LearntOn", "Portfolio", "greedy", "legal_in", "load_portfolio"]

Array = npt.NDArray[Any]

FOLDER = "pipelines/portfolios"
#: Differences below this are rounding: they decide nothing, so that the order is the same on every machine.
_DIGITS = 9


@dataclass(frozen=True)
class LearntOn:
    """A data set on which the configurations of a portfolio were measured.

    Attributes
    ----------
    name : str
    features : mapping of str to float
        What kind of data set it is: :func:`autonas._metafeatures.features_of`.
    default : float
        The normalized loss of the preset's default there, which a search tries before the portfolio.
    losses : tuple of float
        Of each configuration: 0 is the best that was measured, 1 is no better than the median, or failed.
    """

    name: str
    features: Mapping[str, float]
    default: float
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Portfolio:
    """Configurations to try first.

    Attributes
    ----------
    configurations : tuple of mapping
        Hyperparameters and their values. What a configuration does not name has the value of ``base``, or else the
        search space's default.
    base : mapping
        Values that all configurations share.
    learnt_on : tuple of LearntOn
        The data sets, with what was measured there. None: the order is that of ``configurations``.
    bandwidth : float
        How similar a data set must be to count: the root mean square of the differences of standardized features at
        which its weight has fallen to 0.61. Infinite: all count alike.
    uniform : float
        The weight of the least similar data set, as a share of that of an equal one.
    """

    configurations: tuple[Mapping[str, Any], ...]
    base: Mapping[str, Any] = field(default_factory=dict)
    learnt_on: tuple[LearntOn, ...] = ()
    bandwidth: float = math.inf
    uniform: float = 0.1

    def order(self, features: Mapping[str, float]) -> list[dict[str, Any]]:
        """Put the configurations into the order in which they are worth trying.

        The next one is always that which lowers most the mean, over the data sets that the portfolio was learnt on,
        of the smallest loss so far, and similar data sets count more. So the first do well on similar data sets, and
        those that follow do well where the first did not.

        Parameters
        ----------
        features : mapping of str to float
            Of the data set at hand.

        Returns
        -------
        list of dict
            All of them, the values of ``base`` filled in.
        """
        return [{**self.base, **self.configurations[place]} for place in self.places(features)]

    def places(self, features: Mapping[str, float]) -> list[int]:
        """Give the order as places in ``configurations``."""
        losses = np.array([d.losses for d in self.learnt_on]).reshape(len(self.learnt_on), len(self.configurations))
        default = np.array([dataset.default for dataset in self.learnt_on])
        return [place for place, _ in greedy(losses.T, default, self.weights(features))]

    def weights(self, features: Mapping[str, float]) -> Array:
        """Say how much each data set counts: less the farther its features are; the weights sum to 1."""
        if not self.learnt_on:
            return np.zeros(0)
        names = sorted(self.learnt_on[0].features)
        if missing := [name for name in names if name not in features]:
            raise ValueError(
                f"The portfolio was learnt on the feature {missing[0]!r}, which this version does not have; "
                "learn it anew: python -m autonas benchmark portfolio learn."
            )
        table = np.array([[dataset.features[name] for name in names] for dataset in self.learnt_on])
        # What lies beyond all data sets is no nearer to any of them for it.
        here = np.clip([features[name] for name in names], table.min(axis=0), table.max(axis=0))
        spread = table.std(axis=0)
        distance = np.square((table - here) / np.where(spread > 0, spread, 1.0)).mean(axis=1)
        weights = self.uniform + (1 - self.uniform) * np.exp(-0.5 * distance / self.bandwidth**2)
        return np.asarray(weights / weights.sum())

    def within(self, space: ConfigurationSpace, held: Mapping[str, Any]) -> Portfolio:
        """Restrict to what is legal in a search space.

        Configurations that cannot be made legal (see :func:`legal_in`) are left out, and so are those that are then
        equal to an earlier one, or to the default.

        Parameters
        ----------
        space : ConfigurationSpace
            What is searched.
        held : mapping
            Values of hyperparameters that the space does not have.

        Returns
        -------
        Portfolio
            With complete configurations.
        """
        seen = [values(space.get_default_configuration())]
        kept = []
        for place, configuration in enumerate(self.configurations):
            legal = legal_in(space, configuration, self.base, held)
            if legal is not None and legal not in seen:
                seen.append(legal)
                kept.append(place)
        learnt_on = tuple(
            LearntOn(d.name, d.features, d.default, tuple(d.losses[place] for place in kept)) for d in self.learnt_on
        )
        return Portfolio(tuple(seen[1:]), {}, learnt_on, self.bandwidth, self.uniform)

    def check(self, *spaces: ConfigurationSpace) -> None:
        """See that every configuration is legal in one of some spaces.

        Raises
        ------
        ValueError
            If one has a name or a value that none of them knows.
        """
        known = {name for space in spaces for name in space}
        for place, configuration in enumerate(self.configurations):
            errors = [_error(space, {**self.base, **configuration}, known) for space in spaces]
            if all(errors):
                raise ValueError(f"configurations[{place}] of the portfolio is not legal: {errors[0]}")

    def to_yaml(self, header: str = "") -> str:
        """Write the portfolio as :func:`load_portfolio` reads it: equal portfolios give equal texts."""
        content = {
            "base": _sorted(self.base),
            "configurations": [_sorted(configuration) for configuration in self.configurations],
            "bandwidth": None if math.isinf(self.bandwidth) else self.bandwidth,
            "uniform": self.uniform,
            "learnt_on": [
                {"name": d.name, "default": d.default, "features": _sorted(d.features), "losses": list(d.losses)}
                for d in self.learnt_on
            ],
        }
        comments = "".join(f"# {line}\n" for line in header.splitlines())
        # One line for each configuration, and for each data set's losses.
        return comments + str(yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=math.inf))


def _sorted(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(mapping.items()))


def greedy(losses: Array, start: Array, weights: Array) -> Iterator[tuple[int, float]]:
    """Take again and again what lowers most the weighted mean of the smallest losses so far.

    The gain is submodular, so that after any number of steps it is at least 1 - 1/e, 63 %, of the best possible
    (Nemhauser, Wolsey and Fisher 1978, "An analysis of approximations for maximizing submodular set functions").

    Parameters
    ----------
    losses : ndarray of shape (n_configurations, n_datasets)
    start : ndarray of shape (n_datasets,)
        The smallest losses before the first step.
    weights : ndarray of shape (n_datasets,)
        How much each data set counts.

    Yields
    ------
    place : int
        Of a configuration. Where none lowers anything the one with the smallest weighted mean loss comes first, then
        the one that stands first.
    gain : float
        By how much it lowered the mean.

    Examples
    --------
    >>> losses = np.array([[0.2, 0.9], [0.5, 0.5], [0.8, 0.1]])
    >>> [(place, round(gain, 2)) for place, gain in greedy(losses, np.ones(2), np.full(2, 0.5))]
    [(2, 0.55), (0, 0.3), (1, 0.0)]
    """
    best = np.asarray(start, dtype=float)
    means = np.round(losses @ weights, _DIGITS)
    left = np.arange(len(losses))
    while len(left):
        gains = np.round(np.maximum(best - losses[left], 0) @ weights, _DIGITS)
        chosen = np.lexsort((left, means[left], -gains))[0]
        place = int(left[chosen])
        yield place, float(gains[chosen])
        best = np.minimum(best, losses[place])
        left = np.delete(left, chosen)


def load_portfolio(source: Source) -> Portfolio:
    """Load a portfolio.

    Parameters
    ----------
    source : str or Path
        A name in ``pipelines/portfolios/``, or the path of a YAML file. All that it must have is ``configurations``, a
        list of mappings of hyperparameters to values, as in ``[{network: mlp, "mlp:n_layers": 2}]``; for the rest see
        the attributes of :class:`Portfolio`.

    Returns
    -------
    Portfolio

    Raises
    ------
    ValueError
        For an unknown name, and for a file with a wrong key or value.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> load_portfolio("tabular").configurations[0]["network"]
    'realmlp'
    """
    path = data_file(FOLDER, source)
    content = read_mapping(path)
    check_keys(str(path), content, {"configurations"}, {"base", "bandwidth", "uniform", "learnt_on"})
    configurations = _mappings(path, "configurations", content["configurations"])
    base = content.get("base") or {}
    if not isinstance(base, dict):
        raise ValueError(f"{path}: 'base' is {base!r}, but must be a mapping of hyperparameters to values.")
    learnt_on = _mappings(path, "learnt_on", content.get("learnt_on") or [])
    if len({frozenset(record.get("features") or ()) for record in learnt_on}) > 1:
        raise ValueError(f"{path}: all data sets in 'learnt_on' must have the same features.")
    bandwidth = content.get("bandwidth")
    uniform = content.get("uniform", 0.1)
    if not _is_number(uniform) or not 0 <= uniform <= 1:
        raise ValueError(f"{path}: 'uniform' is {uniform!r}, but must be a number from 0 to 1.")
    if bandwidth is not None and not (_is_number(bandwidth) and bandwidth > 0):
        raise ValueError(f"{path}: 'bandwidth' is {bandwidth!r}, but must be a number > 0, or null.")
    return Portfolio(
        tuple(configurations),
        base,
        tuple(_learnt_on(path, record, len(configurations)) for record in learnt_on),
        math.inf if bandwidth is None else float(bandwidth),
        float(uniform),
    )


def _mappings(path: Path, key: str, content: object) -> list[dict[str, Any]]:
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise ValueError(f"{path}: {key!r} is {content!r}, but must be a list ('- ' before each) of mappings.")
    return content


def _learnt_on(path: Path, record: dict[str, Any], n_configurations: int) -> LearntOn:
    where = f"{path}: learnt_on {record.get('name')!r}"
    check_keys(where, record, {"name", "features", "default", "losses"})
    features, losses = record["features"], record["losses"]
    if not isinstance(features, dict) or not all(map(_is_number, features.values())):
        raise ValueError(f"{where}: 'features' is {features!r}, but must be a mapping of names to numbers.")
    if not isinstance(losses, list) or not all(map(_is_number, [*losses, record["default"]])):
        raise ValueError(f"{where}: 'default' must be a number, and 'losses' a list of numbers.")
    if len(losses) != n_configurations:
        raise ValueError(f"{where}: there are {len(losses)} losses for {n_configurations} configurations.")
    return LearntOn(str(record["name"]), features, float(record["default"]), tuple(map(float, losses)))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def legal_in(
    space: ConfigurationSpace, configuration: Mapping[str, Any], base: Mapping[str, Any], held: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Complete a configuration in a search space.

    Values of hyperparameters that the space has fixed, or does not have, are dropped: the rest of the configuration
    still says something. The network family is no such value.

    Parameters
    ----------
    space : ConfigurationSpace
        What is searched.
    configuration : mapping
        Hyperparameters and their values, which must be legal where they are not dropped.
    base : mapping
        More values, each to be taken where it is legal.
    held : mapping
        Values of hyperparameters that the space does not have.

    Returns
    -------
    dict or None
        None if a value is not legal.
    """
    if "network" not in space and configuration.get("network", held.get("network")) != held.get("network"):
        return None
    free = {name for name, hp in space.items() if not isinstance(hp, Constant)} | ({"network"} & set(space))
    given = {name: value for name, value in configuration.items() if name in free}
    shared = {name: value for name, value in base.items() if name in free and _allows(space[name], value)}
    try:
        return values(configuration_from(space, {**shared, **given}))
    except ValueError:
        return None


def _allows(hyperparameter: Hyperparameter[Any, Any], value: Any) -> bool:
    try:
        canonical(hyperparameter, value)
    except ValueError:
        return False
    return True


def _error(space: ConfigurationSpace, configuration: Mapping[str, Any], known: set[str]) -> ValueError | None:
    """Say what is wrong with a configuration in a space; names that only other spaces know are left aside."""
    for name in configuration:
        if name not in known:
            return unknown_name("hyperparameter", name, known)
    try:
        configuration_from(space, {name: value for name, value in configuration.items() if name in space})
    except ValueError as error:
        return error
    return None
