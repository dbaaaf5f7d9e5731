"""ConfigSpace in Optuna's words; imported only where Optuna is used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import optuna
from ConfigSpace import CategoricalHyperparameter, Constant, OrdinalHyperparameter
from ConfigSpace.hyperparameters import FloatHyperparameter, Hyperparameter, IntegerHyperparameter
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

__all__ = ["choices_of", "distribution", "parameter", "quiet"]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from announcing studies, and leave the user's verbosity as it was."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def choices_of(hyperparameter: Hyperparameter[Any, Any]) -> list[Any] | None:
    """List the values of a categorical, ordinal or constant hyperparameter; None for numbers."""
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return list(hyperparameter.choices)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return list(hyperparameter.sequence)
    if isinstance(hyperparameter, Constant):
        return [hyperparameter.value]
    return None


def distribution(hyperparameter: Hyperparameter[Any, Any]) -> BaseDistribution:
    """Convert a hyperparameter; of priors, only uniform and log-uniform ones have a counterpart.

    Parameters
    ----------
    hyperparameter : Hyperparameter
        Of any kind that ConfigSpace knows.

    Returns
    -------
    optuna.distributions.BaseDistribution
        Of choices that Optuna cannot hold, the ``repr``.

    Raises
    ------
    TypeError
        For a kind of hyperparameter that is not ConfigSpace's own.
    """
    choices = choices_of(hyperparameter)
    if choices is not None:
        plain = [choice.item() if hasattr(choice, "item") else choice for choice in choices]
        holdable = all(choice is None or isinstance(choice, (bool, int, float, str)) for choice in plain)
        # 1, 1.0 and True are equal, so Optuna would mix them up.
        distinct = holdable and len(set(plain)) == len(plain)
        return CategoricalDistribution(plain if distinct else [repr(choice) for choice in plain])
    log = bool(getattr(hyperparameter, "log", False))
    if isinstance(hyperparameter, FloatHyperparameter):
        return FloatDistribution(float(hyperparameter.lower), float(hyperparameter.upper), log=log)
    if isinstance(hyperparameter, IntegerHyperparameter):
        return IntDistribution(int(hyperparameter.lower), int(hyperparameter.upper), log=log)
    raise TypeError(
        f"Hyperparameter {hyperparameter.name!r} is a {type(hyperparameter).__name__}, which has no "
        "counterpart in Optuna; use a float, integer, categorical or ordinal one."
    )


def parameter(distribution: BaseDistribution, value: Any, vector: float) -> Any:
    """Give a value as Optuna holds it.

    Parameters
    ----------
    distribution : BaseDistribution
        Of the hyperparameter, as of :func:`distribution`.
    value : object
        Native value.
    vector : float
        The value in ConfigSpace's vector: of choices, the place among them.
    """
    if isinstance(distribution, CategoricalDistribution):
        # A constant is 1 in ConfigSpace's vectors.
        return distribution.choices[min(int(vector), len(distribution.choices) - 1)]
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    # ConfigSpace rounds floats, by which they may leave the bounds by less than they are precise.
    return type(value)(min(max(value, distribution.low), distribution.high))
