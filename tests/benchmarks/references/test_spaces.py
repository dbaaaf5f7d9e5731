from __future__ import annotations

import pytest
from ConfigSpace import (
    AndConjunction,
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    ForbiddenInClause,
    ForbiddenLessThanRelation,
    GreaterThanCondition,
    InCondition,
    Integer,
    Normal,
    OrdinalHyperparameter,
)

from autonas.benchmarks.references._spaces import follow, numbered, with_ordinals, without_priors
from autonas.spaces import configuration_from, values


def ordinals():
    space = ConfigurationSpace(seed=0)
    size, kind = OrdinalHyperparameter("size", ["s", "m", "l"], default_value="m"), Categorical("kind", ["x", "y"])
    one, deep, wide, both = (
        OrdinalHyperparameter("one", [7]),
        Float("deep", (0.0, 1.0)),
        Integer("wide", (1, 9)),
        Float("both", (0.0, 1.0)),
    )
    space.add(size, kind, one, deep, wide, both, Constant("version", 2))
    space.add(InCondition(deep, size, ["s", "l"]), GreaterThanCondition(wide, size, "s"))
    space.add(AndConjunction(EqualsCondition(both, size, "l"), EqualsCondition(both, kind, "x")))
    space.add(ForbiddenAndConjunction(ForbiddenInClause(size, ["s", "m"]), ForbiddenEqualsClause(kind, "y")))
    return space


def test_ordinals_become_their_positions_in_conditions_and_clauses_too():
    space = ordinals()
    changed = numbered(space)
    assert (changed["size"].lower, changed["size"].upper, changed["size"].default_value) == (0, 2, 1)
    assert isinstance(changed["one"], Constant)
    changed.seed(1)
    back = {tuple(with_ordinals(space, values(c)).items()) for c in changed.sample_configuration(200)}
    for found in map(dict, back):
        assert values(configuration_from(space, found)) == found
    assert {found["size"] for found in map(dict, back)} == {"s", "m", "l"}
    for configuration in space.sample_configuration(50):
        plain = values(configuration)
        place = {"s": 0, "m": 1, "l": 2}[plain["size"]]
        again = values(configuration_from(changed, {**plain, "size": place, "one": 0}))
        assert set(again) == set(plain)


def test_a_comparison_of_an_ordinal_is_refused():
    space = ConfigurationSpace()
    a, b = OrdinalHyperparameter("a", [1, 2, 4], default_value=4), OrdinalHyperparameter("b", [1, 2, 4])
    space.add(a, b, ForbiddenLessThanRelation(a, b))
    with pytest.raises(ValueError, match="one of them is ordinal: this optimizer cannot be told"):
        numbered(space)


def test_priors_are_left_out():
    space = ConfigurationSpace()
    space.add(Float("x", (0.1, 0.9), distribution=Normal(0.5, 0.1)), Categorical("kind", ["x", "y"], weights=[1, 9]))
    plain = without_priors(space)
    assert (plain["x"].lower, plain["x"].upper, type(plain["x"]).__name__) == (0.1, 0.9, "UniformFloatHyperparameter")
    assert plain["kind"].probabilities.tolist() == [0.5, 0.5]
    kept = ordinals()
    assert without_priors(kept) == kept
    assert without_priors(kept) is not kept


def test_only_what_is_active_is_chosen_parents_first():
    asked = []

    def choose(hyperparameter):
        asked.append(hyperparameter.name)
        return hyperparameter.default_value

    chosen = follow(ordinals(), choose)
    assert list(chosen) == asked
    assert set(chosen) == {"size", "kind", "one", "version", "wide"}
