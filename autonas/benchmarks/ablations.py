"""Our estimators with a part of training switched off, to see what it is worth; no setting of theirs does that."""

from __future__ import annotations

import math
from typing import Any

import autonas
from autonas._names import unknown_name
from autonas.training.averaging import WeightAverage
from autonas.training.trial import Trainer

__all__ = ["PARTS", "AutoNASClassifier", "AutoNASRegressor", "switch_off"]

#: What can be switched off.
PARTS = ("stacking", "averaging")


def switch_off(part: str) -> None:
    """Switch a part off, for good in this process.

    Parameters
    ----------
    part : str
        ``"stacking"``: the folds' networks are trained one by one; ``"averaging"``: networks are judged and kept with
        the weights of the last step.

    Raises
    ------
    ValueError
        For another name.
    """
    if part == "stacking":
        Trainer.stack_bytes = 0
    elif part == "averaging":
        WeightAverage.gamma = math.inf
    else:
        raise unknown_name("part", part, PARTS)


def AutoNASClassifier(without: str, **settings: Any) -> autonas.AutoNASClassifier:  # noqa: N802 - in its place
    """Make a classifier without a part; see :func:`switch_off`."""
    switch_off(without)
    return autonas.AutoNASClassifier(**settings)


def AutoNASRegressor(without: str, **settings: Any) -> autonas.AutoNASRegressor:  # noqa: N802 - in its place
    """Make a regressor without a part; see :func:`switch_off`."""
    switch_off(without)
    return autonas.AutoNASRegressor(**settings)
