"""Spaces for the tests: made by hand, and made up by hypothesis."""

from __future__ import annotations

import numpy as np
from ConfigSpace import (
    AndConjunction,
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    ForbiddenLessThanRelation,
    GreaterThanCondition,
    InCondition,
    NormalFloatHyperparameter,
    OrConjunction,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from hypothesis import strategies as st


def conditional() -> ConfigurationSpace:
    """Fifteen hyperparameters of all kinds, about eleven of them active at once."""
    space = ConfigurationSpace()
    space.add(
        CategoricalHyperparameter("network", ["mlp", "resnet", "linear"]),
        CategoricalHyperparameter("optimizer", ["sgd", "adam"]),
        CategoricalHyperparameter("activation", ["relu", "gelu", None, True]),
        CategoricalHyperparameter("pair", [("x", 1), ("y", 2)]),
        OrdinalHyperparameter("depth", [1, 2, 4, 8]),
        Constant("constant", 3),
        UniformIntegerHyperparameter("layers", 1, 8),
        UniformIntegerHyperparameter("width", 8, 1024, log=True),
        UniformIntegerHyperparameter("batch_size", 16, 512, log=True),
        UniformFloatHyperparameter("learning_rate", 1e-5, 1e-1, log=True),
        UniformFloatHyperparameter("weight_decay", 0, 1),
        UniformFloatHyperparameter("dropout", 0, 0.5),
        UniformFloatHyperparameter("momentum", 0, 1),
        UniformFloatHyperparameter("beta", 0.5, 0.999),
        NormalFloatHyperparameter("noise", mu=0.0, sigma=1.0, lower=-3.0, upper=3.0),
    )
    space.add(
        EqualsCondition(space["momentum"], space["optimizer"], "sgd"),
        EqualsCondition(space["beta"], space["optimizer"], "adam"),
        InCondition(space["layers"], space["network"], ["mlp", "resnet"]),
        GreaterThanCondition(space["width"], space["layers"], 2),
        EqualsCondition(space["depth"], space["network"], "linear"),
        AndConjunction(
            EqualsCondition(space["noise"], space["network"], "mlp"),
            EqualsCondition(space["noise"], space["optimizer"], "adam"),
        ),
    )
    space.add(
        ForbiddenAndConjunction(
            ForbiddenEqualsClause(space["activation"], "gelu"),
            ForbiddenEqualsClause(space["optimizer"], "sgd"),
        ),
        ForbiddenLessThanRelation(space["weight_decay"], space["dropout"]),
    )
    return space


def small() -> ConfigurationSpace:
    """Seven legal configurations."""
    space = ConfigurationSpace()
    space.add(
        CategoricalHyperparameter("a", ["x", "y", "z"]),
        UniformIntegerHyperparameter("n", 1, 3),
        OrdinalHyperparameter("o", ["low", "high"]),
    )
    space.add(EqualsCondition(space["n"], space["a"], "x"), EqualsCondition(space["o"], space["a"], "y"))
    space.add(
        ForbiddenAndConjunction(ForbiddenEqualsClause(space["a"], "y"), ForbiddenEqualsClause(space["o"], "high"))
    )
    space.add(CategoricalHyperparameter("b", [True, False]))
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(space["a"], "x"), ForbiddenEqualsClause(space["b"], False)))
    return space


def single() -> ConfigurationSpace:
    """One configuration."""
    return ConfigurationSpace({"c": 1, "k": ["only"]})


HAND_MADE = {"conditional": conditional, "small": small, "single": single}


def objective(configuration, fidelity):
    """Something to minimize on any space, better with fidelity, the same each time."""
    total = 1 / fidelity
    for name, value in configuration.items():
        if isinstance(value, float):
            total += abs(value - 0.3)
        else:
            total += sum(map(ord, f"{name}{value}")) % 7 / 7
    return total


@st.composite
def hyperparameters(draw, name):
    kind = draw(st.sampled_from(["float", "log", "int", "logint", "choice", "ordinal", "constant"]))
    low = draw(st.integers(1, 50))
    high = low + draw(st.integers(1, 500))
    some = draw(st.integers(1, 4))
    return {
        "float": lambda: UniformFloatHyperparameter(name, -low, high),
        "log": lambda: UniformFloatHyperparameter(name, low / 1e6, high, log=True),
        "int": lambda: UniformIntegerHyperparameter(name, -low, high),
        "logint": lambda: UniformIntegerHyperparameter(name, low, high, log=True),
        "choice": lambda: CategoricalHyperparameter(name, [None, "a", (1, 2), 3.5, True][: some + 1]),
        "ordinal": lambda: OrdinalHyperparameter(name, list(range(low, low + some))),
        "constant": lambda: Constant(name, low),
    }[kind]()


@st.composite
def spaces(draw):
    """A space with conditions on earlier hyperparameters and a forbidden clause or two."""
    space = ConfigurationSpace()
    count = draw(st.integers(1, 7))
    # Names shuffle the order that ConfigSpace gives them.
    for place in draw(st.permutations(range(count))):
        space.add(draw(hyperparameters(f"h{place}")))
    names = sorted(space)
    for child, parent in zip(names[1:], names, strict=False):
        if draw(st.booleans()):
            value = _some_value(draw, space[parent])
            condition = EqualsCondition(space[child], space[parent], value)
            if draw(st.booleans()) and parent != names[0]:
                other = EqualsCondition(space[child], space[names[0]], _some_value(draw, space[names[0]]))
                condition = draw(st.sampled_from([AndConjunction, OrConjunction]))(condition, other)
            space.add(condition)
    for name in names:
        values = getattr(space[name], "choices", ())
        # The default stays legal, so something is.
        others = [value for value in values if value != space[name].default_value]
        if others and draw(st.booleans()):
            space.add(ForbiddenEqualsClause(space[name], draw(st.sampled_from(others))))
    return space


def _some_value(draw, hyperparameter):
    rng = np.random.RandomState(draw(st.integers(0, 100)))
    value = hyperparameter.sample_value(seed=rng)
    for choice in getattr(hyperparameter, "choices", ()):
        if choice == value:
            return choice
    return value
