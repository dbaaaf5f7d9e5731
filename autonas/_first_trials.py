"""The configurations that a fit tries before its optimizer is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ConfigSpace import Configuration, OrdinalHyperparameter
from ConfigSpace.hyperparameters import NumericalHyperparameter

from autonas._metafeatures import features_of
from autonas._search_space import SearchSpace
from autonas.portfolio import FOLDER, load_portfolio
from autonas.presets import Preset
from autonas.spaces import available, configuration_from, split_by_role, values
from autonas.training.images import Images
from autonas.training.task import Task

__all__ = ["family_configurations", "portfolio_configurations", "smaller_configurations"]

#: Where the record of a run keeps those of the portfolio.
KEY = "tried_first"
#: A front begins with the default, and with it made smaller by these shares of the way to the smallest.
SMALLER = 0.25, 0.5, 0.75, 1.0


def family_configurations(chosen: SearchSpace) -> list[Configuration]:
    """Give each family that no portfolio knows once, with its defaults: the user's own, and traditional models.

    A short search must not miss them.

    Parameters
    ----------
    chosen : SearchSpace
        What is searched.

    Returns
    -------
    list of Configuration
        Of origin ``"default"`` or ``"traditional"``, in the space's order.
    """
    if "network" not in chosen.space:
        return []
    origins = {family.name: "default" for family in chosen.own} | dict.fromkeys(chosen.traditional, "traditional")
    configurations = []
    for name in chosen.families:
        if name in origins:
            configurations.append(configuration_from(chosen.space, {"network": name}))
            configurations[-1].origin = origins[name]
    return configurations


def smaller_configurations(chosen: SearchSpace, seconds: Callable[[Mapping[str, Any]], float]) -> list[Configuration]:
    """Make the default smaller in steps: with its tuned training, a front that begins with them spans all sizes.

    Parameters
    ----------
    chosen : SearchSpace
        What is searched.
    seconds : callable
        Estimates what a configuration's training takes: a hyperparameter whose least value makes it longer (a stride)
        is left as it is.

    Returns
    -------
    list of Configuration
        Of origin ``"default"``; the largest first.
    """
    space = chosen.space
    default = space.get_default_configuration()
    given, most = values(default), seconds(values(default))
    shrinking = [
        name
        for name in split_by_role(space).get("architecture", ())
        if name in given
        and (least := _reduced(space[name], given[name], 1.0)) != given[name]
        and seconds(values(configuration_from(space, {**given, name: least}))) <= most
    ]
    made: dict[Configuration, None] = {}
    for share in SMALLER:
        reduced = {name: _reduced(space[name], given[name], share) for name in shrinking}
        configuration = configuration_from(space, {**given, **reduced})
        configuration.origin = "default"
        made[configuration] = None
    made.pop(default, None)
    return [*made]


def _reduced(hyperparameter: Any, value: Any, share: float) -> Any:
    """Move a number or an ordered choice a share of the way to the least; what has no order stays."""
    if isinstance(hyperparameter, OrdinalHyperparameter):
        sequence = list(hyperparameter.sequence)
        return sequence[round(sequence.index(value) * (1 - share))]
    if isinstance(hyperparameter, NumericalHyperparameter):
        return hyperparameter.to_value(hyperparameter.to_vector(value) * (1 - share))
    return value


def portfolio_configurations(
    given: str | Path | None, record: dict[str, Any], preset: Preset, chosen: SearchSpace, task: Task
) -> list[Configuration]:
    """Put the portfolio's configurations into the order for a task.

    Parameters
    ----------
    given : str, Path or None
        The estimator's ``portfolio``.
    record : dict
        What ``run_dir`` keeps of the fit; they are added to it. A run that goes on finds them there, and keeps them,
        whatever the file has become.
    preset : Preset
        Names a portfolio.
    chosen : SearchSpace
        What is searched.
    task : Task
        The data.

    Returns
    -------
    list of Configuration
        Of origin ``"portfolio"``.

    Raises
    ------
    ValueError
        For an unknown name or a wrong file, and for images, which have none of the features that a portfolio goes by.
    FileNotFoundError
        If there is no such file.
    """
    source = preset.portfolio if given == "default" else given
    if source is not None and isinstance(task.table, Images):
        raise ValueError(
            f"portfolio={str(source)!r}, but X holds images: a portfolio is ordered by the features of a table; pass "
            "portfolio=None, and configurations to begin with as initial_configurations."
        )
    if KEY not in record and source is not None:
        portfolio = load_portfolio(source)
        if source not in available(FOLDER):
            # A user's own may have a slip; what is not in the searched space would be left out without a word.
            portfolio.check(preset.space(), chosen.space)
        record[KEY] = portfolio.within(chosen.space, chosen.defaults).order(features_of(task))
    configurations = []
    for given_values in record.get(KEY, ()):
        try:
            configurations.append(configuration_from(chosen.space, given_values))
        except ValueError:  # another space than the run's: the search will say how it differs
            continue
        configurations[-1].origin = "portfolio"
    return configurations
