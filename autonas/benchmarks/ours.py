"""Our estimators as the harness runs them: they say how far their trials got, and can do without a part of training."""

from __future__ import annotations

import math
from typing import Any

import autonas
from autonas._names import unknown_name
from autonas.optimization import RunHistory
from autonas.training.averaging import WeightAverage
from autonas.training.trial import Trainer

__all__ = ["PARTS", "AutoNASClassifier", "AutoNASRegressor", "switch_off"]

#: What can be switched off, and what no setting of the estimators does.
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


class _Told:
    """What the harness asks a fitted estimator for, beside its predictions."""

    history_: RunHistory

    def bench_info(self) -> dict[str, int]:
        """Count the trials: all, those trained to the end, those that failed; and the epochs of all together."""
        states = [self.history_.state(trial) for trial in self.history_.trials]
        return {
            "runs": len(states),
            "complete": states.count("complete"),
            "failed": states.count("failed"),
            "epochs": self.history_.total_fidelity,
            "max_epochs": self.history_.max_fidelity,
        }


class _Classifier(_Told, autonas.AutoNASClassifier):
    pass


class _Regressor(_Told, autonas.AutoNASRegressor):
    pass


def AutoNASClassifier(without: str | None = None, **settings: Any) -> autonas.AutoNASClassifier:  # noqa: N802 - in its place
    """Make a classifier, without a part if one is named; see :func:`switch_off`."""
    if without is not None:
        switch_off(without)
    return _Classifier(**settings)


def AutoNASRegressor(without: str | None = None, **settings: Any) -> autonas.AutoNASRegressor:  # noqa: N802 - in its place
    """Make a regressor, without a part if one is named; see :func:`switch_off`."""
    if without is not None:
        switch_off(without)
    return _Regressor(**settings)
