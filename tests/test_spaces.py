"""Spaces: loading with errors that help, and edits that keep every configuration legal."""

import itertools
import math
import pickle

import numpy as np
import pytest
import yaml
from ConfigSpace import (
    AndConjunction,
    BetaFloatHyperparameter,
    BetaIntegerHyperparameter,
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    ForbiddenGreaterThanEqualsClause,
    ForbiddenLessThanEqualsClause,
    GreaterThanCondition,
    NormalFloatHyperparameter,
    NormalIntegerHyperparameter,
    NotEqualsCondition,
    OrConjunction,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonas.spaces import (
    NetworkFamily,
    available,
    compose,
    configuration_from,
    enumerate_configurations,
    load_family,
    load_space,
    narrow,
    pin,
    split_by_role,
    values,
    with_defaults,
)

NAMES = sorted(available("search_spaces"))


@pytest.fixture
def joint():
    parts = [load_space("tabular_preprocessing"), load_space("training")]
    return compose(parts, [load_family("mlp"), load_family("resnet")])


def sampled(space, n=200, seed=0):
    space.seed(seed)
    return [values(c) for c in space.sample_configuration(n)]


# ------------------------------------------------------------------ an oracle of its own


def choices_of(hp):
    if "lower" in hp:
        return list(range(hp["lower"], hp["upper"] + 1))
    return hp.get("choices", hp.get("sequence", [hp.get("value")]))


def holds(literal, hp, value):
    kind = literal["type"].removeprefix("CLAUSE_")
    if kind == "IN":
        return value in literal["values"]
    if kind in {"EQ", "EQUALS", "NEQ"}:
        return (value == literal["value"]) == (kind != "NEQ")
    rank = hp["sequence"].index if "sequence" in hp else int
    return compare(kind, rank(value), rank(literal["value"]))


def compare(kind, a, b):
    return {"LT": a < b, "LE": a <= b, "EQ": a == b, "GT": a > b, "GE": a >= b}[kind]


def is_true(tree, hps, chosen):
    if tree["type"] in {"AND", "OR"}:
        parts = [is_true(t, hps, chosen) for t in tree.get("conditions", tree.get("clauses"))]
        return all(parts) if tree["type"] == "AND" else any(parts)
    if "left" in tree:
        if tree["left"] not in chosen or tree["right"] not in chosen:
            return False
        return compare(tree["type"].removeprefix("RELATION_"), chosen[tree["left"]], chosen[tree["right"]])
    name = tree.get("parent", tree.get("name"))
    return name in chosen and holds(tree, hps[name], chosen[name])


def all_legal(spec):
    """Every legal configuration of a finite spec; parents stand before their children in it."""
    hps = {hp["name"]: hp for hp in spec["hyperparameters"]}
    conditions = {child_of(t): t for t in spec["conditions"]}
    found = {}
    for combination in itertools.product(*map(choices_of, hps.values())):
        chosen = {}
        for name, value in zip(hps, combination, strict=True):
            if name not in conditions or is_true(conditions[name], hps, chosen):
                chosen[name] = value
        if not any(is_true(t, hps, chosen) for t in spec["forbiddens"]):
            found[key(chosen)] = chosen
    return found


def child_of(tree):
    return tree["child"] if "child" in tree else child_of(tree["conditions"][0])


def key(chosen):
    return tuple(sorted((k, repr(v)) for k, v in chosen.items()))


KINDS = [
    {"type": "categorical", "choices": ["a", "b", "c"], "default_value": "b"},
    {"type": "categorical", "choices": [True, False]},
    {"type": "ordinal", "sequence": [4, 1, 2], "default_value": 1},
    {"type": "uniform_int", "lower": 1, "upper": 3},
    {"type": "constant", "value": 2},
]


@st.composite
def specs(draw):
    """Draw a finite space in ConfigSpace's YAML form, with every kind of condition and forbidden clause."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=5))
    hps = [kind | {"name": f"h{i}", "meta": {"role": f"r{i}"}} for i, kind in enumerate(kinds)]

    def literal(i, kinds, prefix=""):
        options = choices_of(hps[i])
        ordered = hps[i]["type"] in {"ordinal", "uniform_int"}
        kind = draw(
            st.sampled_from(
                kinds
                + ([prefix + k for k in (("LT", "LE", "GT", "GE") if prefix else ("LT", "GT"))] if ordered else [])
            )
        )
        if kind == "IN":
            return {"type": "IN", "values": draw(st.lists(st.sampled_from(options), min_size=1, unique=True))}
        return {"type": kind, "value": draw(st.sampled_from(options))}

    def tree(make, parts_key, depth=1):
        if depth and draw(st.integers(0, 2)) == 0:
            parts = [tree(make, parts_key, depth - 1) for _ in range(draw(st.integers(2, 3)))]
            return {"type": draw(st.sampled_from(["AND", "OR"])), parts_key: parts}
        return make()

    conditions = []
    for child in range(1, len(hps)):
        if draw(st.booleans()):

            def condition(child=child):
                parent = draw(st.integers(0, child - 1))
                return {
                    "child": f"h{child}",
                    "parent": f"h{parent}",
                    **literal(parent, ["EQ", "NEQ", "IN"]),
                }

            conditions.append(tree(condition, "conditions", 2))

    def clause():
        i, j = (draw(st.integers(0, len(hps) - 1)) for _ in range(2))
        numbers = all(isinstance(choices_of(hps[k])[0], int) for k in (i, j))
        if numbers and i != j and draw(st.booleans()):
            kind = draw(st.sampled_from(["LT", "LE", "EQ", "GT", "GE"]))
            return {"type": f"RELATION_{kind}", "left": f"h{i}", "right": f"h{j}"}
        return {"name": f"h{i}", **literal(i, ["EQUALS", "IN"], "CLAUSE_")}

    forbiddens = [tree(clause, "clauses") for _ in range(draw(st.integers(0, 2)))]
    return {"hyperparameters": hps, "conditions": conditions, "forbiddens": forbiddens}


EXAMPLES = 120
relaxed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def loaded(spec, folder):
    """The space of a spec, or None where its default is forbidden (which the loader must then say)."""
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    try:
        return load_space(path)
    except ValueError as error:
        assert "the default configuration is forbidden by" in str(error)  # noqa: PT017
        return None


@relaxed
@given(spec=specs())
def test_enumeration_equals_brute_force_and_samples_are_legal(spec, tmp_path):
    space = loaded(spec, tmp_path)
    if space is None:
        return
    legal = all_legal(spec)
    assert legal[key(values(space.get_default_configuration()))]
    found = enumerate_configurations(space, limit=len(legal))
    assert {key(values(c)) for c in found} == set(legal)
    assert len(found) == len(legal)
    assert enumerate_configurations(space, limit=len(legal) - 1) is None
    assert all(key(v) in legal for v in sampled(space, 50))
    for configuration in found[:20]:
        assert configuration_from(space, values(configuration)) == configuration


@relaxed
@given(spec=specs())
def test_yaml_round_trip(spec, tmp_path):
    space = loaded(spec, tmp_path)
    if space is None:
        return
    path = tmp_path / "again.yaml"
    space.to_yaml(path)
    assert load_space(path) == space


@relaxed
@given(spec=specs(), data=st.data())
def test_narrowing_keeps_exactly_the_legal_configurations_that_were_chosen(spec, data, tmp_path):
    space = loaded(spec, tmp_path)
    if space is None:
        return
    before = repr(space)
    choices, kept = {}, {}
    for hp in spec["hyperparameters"]:
        if data.draw(st.booleans()):
            allowed = data.draw(st.lists(st.sampled_from(choices_of(hp)), min_size=1, unique=True))
            form = data.draw(st.sampled_from(["list", "range", "pin"]))
            if form == "range" and hp["type"] in {"uniform_int", "ordinal"}:
                choices[hp["name"]] = min(allowed), max(allowed)
                allowed = [v for v in choices_of(hp) if min(allowed) <= v <= max(allowed)]
            elif form == "pin":
                choices[hp["name"]], allowed = allowed[0], allowed[:1]
            else:
                choices[hp["name"]] = allowed
            kept[hp["name"]] = allowed
    wanted = {k for k, v in all_legal(spec).items() if all(v[n] in allowed for n, allowed in kept.items() if n in v)}
    try:
        small = narrow(space, choices)
    except ValueError as error:
        assert "Nothing legal" in str(error)  # noqa: PT017
        assert not wanted
        return
    assert repr(space) == before
    assert {key(values(c)) for c in enumerate_configurations(small, 10_000)} == wanted
    assert all(key(v) in wanted for v in sampled(small, 50))
    default = values(space.get_default_configuration())
    if key(default) in wanted:
        assert values(small.get_default_configuration()) == default
    assert all(hp.meta == {"role": f"r{name[1:]}"} for name, hp in small.items())


# ------------------------------------------------------------------ what is shipped


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_space_is_sound(name):
    space = load_space(name)
    default = space.get_default_configuration()
    assert configuration_from(space, {}) == default
    for v in sampled(space):
        assert values(configuration_from(space, v)) == v
    assert "other" not in split_by_role(space)
    text = available("search_spaces")[name].read_text()
    assert text.count("#") > len(space) / 3  # each is explained, though some share a comment


def test_roles(joint):
    roles = split_by_role(joint)
    assert {"network", "mlp:n_layers", "resnet:width"} <= set(roles["architecture"])
    assert {"learning_rate", "mlp:dropout"} <= set(roles["training"])
    assert "scaling" in roles["preprocessing"]
    assert sum(map(len, roles.values())) == len(joint)
    assert split_by_role(ConfigurationSpace({"x": (0, 1)})) == {"other": ["x"]}


# ------------------------------------------------------------------ loading


def test_a_space_is_returned_as_it_is():
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    assert load_space(space) is space


FLOAT = {"name": "lr", "type": "uniform_float", "lower": 0.1, "upper": 1.0}
CHOICE = {"name": "kind", "type": "categorical", "choices": ["a", "b"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds a list, but must be a mapping"),
        ("", "holds nothing, but must be a mapping"),
        ("a: [", "is not YAML"),
        ({"hyperparameter": []}, "Unknown key 'hyperparameter'; did you mean 'hyperparameters'"),
        ({"name": "x"}, "the key 'hyperparameters' is missing"),
        ({"hyperparameters": {"lr": 1}}, "'hyperparameters' is a mapping, but must be a list"),
        ({"hyperparameters": [{**FLOAT, "uper": 1}]}, "'lr': Unknown key 'uper'; did you mean 'upper'"),
        ({"hyperparameters": [{**FLOAT, "default": 1}]}, "did you mean 'default_value'"),
        (
            {"hyperparameters": [{"name": "lr", "type": "uniform_float", "lower": 1}]},
            "'lr': the key 'upper' is missing",
        ),
        (
            {"hyperparameters": [{**FLOAT, "type": "uniform"}]},
            "'lr': Unknown type 'uniform'; did you mean 'uniform_",
        ),
        ({"hyperparameters": [{"name": "lr"}]}, "'lr': the key 'type' is missing"),
        (
            "hyperparameters: [{name: lr, type: uniform_float, lower: 1e-4, upper: 1.0}]",
            "'lr': lower is the text '1e-4'",
        ),
        ("hyperparameters: [{name: lr, type: uniform_float, lower: 1e-4, upper: 1.0}]", "write 1.0e-4."),
        ("hyperparameters: [{name: lr, type: uniform_float, lower: 1.0, upper: 1.5e3}]", r"write 1\.5e\+3\."),
        ({"hyperparameters": [{**FLOAT, "lower": "low"}]}, "'lr': lower is 'low', but must be a number"),
        ({"hyperparameters": [{**FLOAT, "default_value": 5.0}]}, "'lr': Illegal default value 5.0"),
        ({"hyperparameters": [{**FLOAT, "lower": 2.0}]}, "'lr': "),
        (
            {"hyperparameters": [{**CHOICE, "default_value": "c"}]},
            "'kind': The default value has to be one of",
        ),
        ({"hyperparameters": [{**CHOICE, "name": True}]}, "put it in quotes"),
        ({"hyperparameters": [FLOAT, FLOAT]}, "two hyperparameters 'lr'"),
        (
            {
                "hyperparameters": [FLOAT, CHOICE],
                "conditions": [{"child": "lr", "parent": "kid", "type": "EQ", "value": "a"}],
            },
            "condition 1: parent: Unknown hyperparameter 'kid'; did you mean 'kind'",
        ),
        (
            {
                "hyperparameters": [FLOAT, CHOICE],
                "conditions": [{"child": "lr", "parent": "kind", "type": "EQ", "value": "z"}],
            },
            "the condition of 'lr': .*illegal value 'z'",
        ),
        (
            {
                "hyperparameters": [FLOAT, CHOICE],
                "conditions": [{"child": "lr", "parent": "kind", "type": "EQ", "vlue": "a"}],
            },
            "condition 1: Unknown key 'vlue'; did you mean 'value'",
        ),
        (
            {
                "hyperparameters": [FLOAT, CHOICE],
                "conditions": [{"child": "lr", "parent": "kind", "type": "=="}],
            },
            "condition 1: Unknown type '=='",
        ),
        (
            {"hyperparameters": [FLOAT, CHOICE], "conditions": [{"type": "AND", "conditions": []}]},
            "must be a list of two or more",
        ),
        (
            {
                "hyperparameters": [FLOAT, CHOICE],
                "conditions": [{"child": "lr", "parent": "kind", "type": "EQ", "value": v} for v in "ab"],
            },
            "'lr' has two conditions: join them",
        ),
        (
            {
                "hyperparameters": [FLOAT, CHOICE],
                "conditions": [
                    {"child": "lr", "parent": "kind", "type": "EQ", "value": "a"},
                    {"child": "kind", "parent": "lr", "type": "GT", "value": 0.5},
                ],
            },
            r"run in a circle through \['kind', 'lr'\]",
        ),
        (
            {"hyperparameters": [CHOICE], "forbiddens": [{"name": "kind", "type": "EQUALS", "value": "a"}]},
            "the default configuration is forbidden by kind == 'a': change a default",
        ),
        (
            {"hyperparameters": [CHOICE], "forbiddens": [{"name": "kin", "type": "EQUALS", "value": "a"}]},
            "forbidden clause 1: name: Unknown hyperparameter 'kin'",
        ),
        (
            {"hyperparameters": [CHOICE], "forbiddens": [{"name": "kind", "type": "IN", "values": "b"}]},
            "'values' is 'b', but must be a list",
        ),
    ],
)
def test_a_wrong_file_is_named_with_the_fault_and_the_mend(content, message, tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    with pytest.raises(ValueError, match=message) as caught:
        load_space(path)
    assert str(path) in str(caught.value)


def test_a_space_of_every_kind_comes_back_from_yaml(tmp_path):
    space = every_kind()
    space.to_yaml(tmp_path / "every.yaml")
    # Not ==: ConfigSpace's normal and Beta hyperparameters are unequal to their copies.
    assert load_space(tmp_path / "every.yaml").to_serialized_dict() == {
        **space.to_serialized_dict(),
        "name": "every",
    }


def test_unknown_names_and_missing_files(tmp_path):
    with pytest.raises(ValueError, match="Unknown search space 'mpl'; did you mean 'mlp'"):
        load_space("mpl")
    with pytest.raises(FileNotFoundError, match="no file 'nothing"):
        load_space("nothing.yaml")
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_space(tmp_path / "nothing")


# ------------------------------------------------------------------ network families


def write_family(folder, build, code="def build(c, i, o):\n    return c, i, o\n"):
    (folder / "mine.py").write_text(code)
    (folder / "my_net.yaml").write_text(yaml.safe_dump({"build": build, "hyperparameters": [FLOAT]}))
    return folder / "my_net.yaml"


def test_a_family_brings_its_build_function(tmp_path):
    family = load_family(write_family(tmp_path, "mine.py:build"))
    assert family.name == "my_net"
    assert family.build(1, 2, 3) == (1, 2, 3)
    assert list(family.space) == ["lr"]
    again = pickle.loads(pickle.dumps(family))
    assert again.space == family.space
    assert again.build(1, 2, 3) == (1, 2, 3)
    assert load_family(family) is family


def test_a_family_may_name_a_module_or_nothing(tmp_path):
    assert load_family(write_family(tmp_path, "math:hypot")).build is math.hypot
    assert load_family("mlp").build is None
    family = NetworkFamily("own", ConfigurationSpace({"x": (0, 3)}), math.hypot)
    again = pickle.loads(pickle.dumps(family))
    assert again == family
    assert "own:x" in compose([], [family])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("mine.py:biuld", "Unknown callable of 'mine.py': 'biuld'; did you mean 'build'"),
        ("other.py:build", "'other.py' cannot be loaded"),
        ("no_such_module_at_all:build", "'no_such_module_at_all' cannot be loaded"),
        ("build", "must be 'module:callable' or 'file.py:callable'"),
        (3, "build is 3, but must be"),
    ],
)
def test_a_wrong_build_is_explained(build, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load_family(write_family(tmp_path, build))


# ------------------------------------------------------------------ composing


def test_composing(joint):
    assert joint["network"].choices == ("mlp", "resnet")
    assert joint["network"].default_value == "mlp"
    for v in sampled(joint):
        other = {"mlp": "resnet", "resnet": "mlp"}[v["network"]]
        assert not any(name.startswith(f"{other}:") for name in v)
        assert ("mlp:width_2" in v) == (v.get("mlp:shape") == "free" and v["mlp:n_layers"] > 1)
        assert values(configuration_from(joint, v)) == v


def test_a_single_family_needs_no_choice():
    space = compose([load_space("training")], [load_family("resnet")])
    assert isinstance(space["network"], Constant)
    assert not space.parents_of["resnet:n_blocks"]
    assert space["network"].meta == {"role": "architecture"}


def test_a_family_may_read_some_of_the_shared_hyperparameters():
    """What no other family reads is active for none; a child is never active without its parent."""
    parts = [load_space("tabular_preprocessing"), load_space("training")]
    forest = NetworkFamily("forest", ConfigurationSpace({"n": (1, 9)}), shared=("class_weights", "no such name"))
    lines = NetworkFamily("lines", ConfigurationSpace({"p": (0.0, 1.0)}), shared=("scaling", "clipping"))
    whole = compose(parts, [load_family("mlp")])
    space = compose(parts, [load_family("mlp"), forest, lines])
    for v in sampled(space):
        if v["network"] == "forest":
            assert set(v) == {"network", "class_weights", "forest:n"}
        elif v["network"] == "lines":
            assert set(v) == {"network", "lines:p", "scaling"} | ({"clipping"} if v["scaling"] != "quantile" else set())
        else:
            assert values(configuration_from(whole, v)) == v
    alone = compose(parts, [forest, lines])
    assert set(alone) == {"network", "class_weights", "scaling", "clipping", "forest:n", "lines:p"}
    assert set(compose(parts, [forest])) == {"network", "class_weights", "forest:n"}
    assert set(narrow(space, {"network": ["forest", "lines"]})) == set(alone)


def test_forbidden_clauses_go_with_what_no_family_reads():
    part = ConfigurationSpace({"a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"]})
    part.add(ForbiddenAndConjunction(ForbiddenEqualsClause(part["a"], "y"), ForbiddenEqualsClause(part["b"], "y")))
    space = compose([part], [NetworkFamily("own", ConfigurationSpace({"n": (1, 9)}), shared=("b", "c"))])
    assert set(space) == {"network", "b", "c", "own:n"}
    assert space.forbidden_clauses == []


def test_what_a_family_shares_must_be_a_list(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("hyperparameters: []\nshared: scaling\n")
    with pytest.raises(ValueError, match="'shared' is 'scaling', but must be a list of names"):
        load_family(path)
    path.write_text("hyperparameters: []\nshared: [scaling]\n")
    assert load_family(path).shared == pickle.loads(pickle.dumps(load_family(path))).shared == ("scaling",)
    family = NetworkFamily("mine", load_space("mlp"), shared=("scaling",))
    assert pickle.loads(pickle.dumps(family)).shared == ("scaling",)


def test_forbidden_clauses_are_composed():
    space = ConfigurationSpace({"a": [1, 2, 3], "b": [1, 2, 3]})
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(space["a"], 2), ForbiddenEqualsClause(space["b"], 3)))
    joint = compose([], [NetworkFamily("x", space), NetworkFamily("y", space)])
    assert len(joint.forbidden_clauses) == 2
    assert not any((v.get("x:a"), v.get("x:b")) == (2, 3) for v in sampled(joint))
    assert len(enumerate_configurations(joint, 100)) == 16
    # Narrowed so far that the clause decides nothing, or everything.
    assert len(narrow(joint, {"x:a": [1, 3]}).forbidden_clauses) == 1
    assert narrow(joint, {"x:a": 2})["x:b"].default_value == 1
    with pytest.raises(ValueError, match=r"Nothing legal is left: the space forbids \(x:a == 2 and x:b == 3\)"):
        narrow(joint, {"network": "x", "x:a": 2, "x:b": 3})
    assert len(enumerate_configurations(narrow(joint, {"x:a": 2, "x:b": 3}), 100)) == 8  # only y is left


def test_a_default_that_becomes_forbidden_moves_to_a_legal_one():
    space = ConfigurationSpace({"a": [1, 2], "b": [1, 2, 3], "c": (0.0, 1.0)})
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(space["a"], 2), ForbiddenEqualsClause(space["b"], 1)))
    small = narrow(space, {"a": 2})
    assert small.get_default_configuration()["b"] in {2, 3}
    assert small["c"].default_value == space["c"].default_value


def test_names_that_clash():
    training = load_space("training")
    with pytest.raises(ValueError, match="both in 'training' and in 'training': rename one"):
        compose([training, training], [load_family("mlp")])
    with pytest.raises(ValueError, match="'network' is both"):
        compose([ConfigurationSpace({"network": [1, 2]})], [load_family("mlp")])
    with pytest.raises(ValueError, match="each with its own name"):
        compose([training], [load_family("mlp"), load_family("mlp")])
    with pytest.raises(ValueError, match="one at least"):
        compose([training], [])


# ------------------------------------------------------------------ narrowing


def test_the_example_that_users_type(joint):
    space = narrow(joint, {"learning_rate": (1e-4, 1e-2), "network": ["mlp", "resnet"]})
    assert (space["learning_rate"].lower, space["learning_rate"].upper) == (1e-4, 1e-2)
    assert space["learning_rate"].log
    assert set(space) == set(joint)


def test_children_that_cannot_be_active_go_with_all_below_them(joint):
    space = narrow(joint, {"network": ["resnet"], "optimizer": "adamw", "numeric_embedding": ["none", "periodic"]})
    assert not any(n.startswith("mlp:") for n in space)
    assert not {"sgd_learning_rate", "momentum", "nesterov", "n_bins"} & set(space)
    assert "frequency_scale" in space
    unconditional = set(space.unconditional_hyperparameters)
    assert {"learning_rate", "beta2", "resnet:width"} <= unconditional


def test_a_condition_that_always_holds_passes_its_parents_on(joint):
    space = narrow(joint, {"n_layers": (4, 6), "shape": "free"})
    assert [str(c) for c in space.parent_conditions_of["mlp:width_4"]] == ["mlp:width_4 | network == 'mlp'"]
    space = narrow(space, {"network": "mlp", "n_layers": [4, 5]})
    assert "mlp:width_6" not in space
    assert space["mlp:n_layers"].sequence == (4, 5)
    assert {len([n for n in v if "width" in n]) for v in sampled(space)} == {4, 5}


def test_names_without_the_prefix(joint):
    assert narrow(joint, {"n_layers": 2})["mlp:n_layers"].value == 2
    with pytest.raises(ValueError, match="'activation' may mean 'mlp:activation' or 'resnet:activation'"):
        narrow(joint, {"activation": "relu"})
    with pytest.raises(ValueError, match="'mlp:n_layers' is chosen twice"):
        narrow(joint, {"n_layers": 2, "mlp:n_layers": 3})


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"learning_rat": 1}, "Unknown hyperparameter 'learning_rat'; did you mean 'learning_rate'"),
        (
            {"learning_rate": (1e-9, 1e-2)},
            "'learning_rate' is 1e-09, but must be a number from 0.0001 to 0.03",
        ),
        ({"learning_rate": (1e-2, 1e-3)}, "two numbers, the lower one first"),
        ({"learning_rate": (1e-3,)}, "two numbers"),
        ({"learning_rate": ("a", "b")}, "two numbers"),
        ({"learning_rate": "1e-3"}, "is '1e-3', but must be a number from"),
        ({"learning_rate": True}, "is True, but must be a number"),
        ({"learning_rate": float("nan")}, "is nan, but must be a number"),
        ({"learning_rate": []}, "nothing is left"),
        ({"n_layers": 2.5}, "'mlp:n_layers' is 2.5, but must be an integer from 1 to 6"),
        ({"n_layers": [2, 9]}, "is 9, but must be an integer from 1 to 6"),
        ({"optimizer": "adam"}, "'optimizer' is 'adam', but must be one of 'adamw', 'nadam'"),
        ({"optimizer": ["adamw", "adam"]}, "is 'adam', but must be one of"),
        ({"optimizer": ("adamw", "nadam")}, "write a list to name the values"),
        ({"nesterov": (0, 1)}, "has no range, since its values are not ordered numbers"),
        ({"batch_size": (40, 60)}, "'batch_size' are .40, 60.: nothing is left"),
    ],
)
def test_impossible_choices_are_explained(choices, message, joint):
    with pytest.raises(ValueError, match=message):
        narrow(joint, choices)


def test_defaults_follow(joint):
    space = narrow(
        joint,
        {
            "learning_rate": (4e-3, 1e-2),
            "batch_size": (32, 64),
            "n_layers": [1, 2, 6],
            "mlp:activation": ["gelu", "mish"],
        },
    )
    assert space["learning_rate"].default_value == 4e-3
    assert space["batch_size"].sequence == (32, 64)
    assert space["batch_size"].default_value == 64
    assert space["mlp:n_layers"].default_value == 2
    assert space["mlp:activation"].default_value == "gelu"
    assert narrow(joint, {"learning_rate": (1e-3, 1e-3)})["learning_rate"].value == 1e-3


def test_numpy_choices(joint):
    space = narrow(
        joint,
        {
            "n_layers": (np.int64(2), np.int64(3)),
            "batch_size": np.array([64, 128]),
            "dropout": np.float32(0.5),
        },
    )
    assert (space["mlp:n_layers"].lower, space["mlp:n_layers"].upper) == (2, 3)
    assert type(space["mlp:dropout"].value) is float
    assert space["batch_size"].sequence == (64, 128)


def every_kind():
    meta = {"role": "training"}
    return ConfigurationSpace(
        {
            "uf": UniformFloatHyperparameter("uf", 1e-3, 1e3, log=True, meta=meta),
            "ui": UniformIntegerHyperparameter("ui", 1, 100, log=True, meta=meta),
            "nf": NormalFloatHyperparameter("nf", 0.0, 2.0, -5.0, 5.0, meta=meta),
            "ni": NormalIntegerHyperparameter("ni", 5, 2, 0, 10, meta=meta),
            "bf": BetaFloatHyperparameter("bf", 2, 3, 0.0, 10.0, meta=meta),
            "bi": BetaIntegerHyperparameter("bi", 2, 3, 0, 10, meta=meta),
            "c": CategoricalHyperparameter("c", [None, True, (1, 2), 1.5], weights=[1, 2, 3, 0], meta=meta),
            "l": CategoricalHyperparameter("l", [(1, 2), (3, 4)], meta=meta),
            "m": CategoricalHyperparameter("m", [1, 2.5], meta=meta),
            "o": OrdinalHyperparameter("o", ["small", "medium", "large"], "medium", meta=meta),
            "k": Constant("k", (7, 8), meta=meta),
        }
    )


def test_every_kind_of_hyperparameter():
    space = every_kind()
    for v in sampled(space):
        assert values(configuration_from(space, v)) == v
        assert type(v["m"]) is type({1: 1, 2.5: 2.5}[v["m"]])
        assert {type(x) for x in v.values()} <= {int, float, str, bool, tuple, type(None)}
    small = narrow(
        space,
        {
            "uf": (1, 10),
            "ui": (2, 3),
            "nf": (-1, 4),
            "ni": [3, 4, 9],
            "bf": (9, 10),
            "bi": (0, 4),
            "c": [None, (1, 2)],
            "l": (3, 4),
            "o": ["medium", "large"],
            "k": (7, 8),
        },
    )
    assert small["c"].weights == (1, 3)
    assert small["l"].value == (3, 4)
    assert small["nf"].mu == 0.0
    assert small["ni"].sequence == (3, 4, 9)
    assert small["o"].default_value == "medium"
    assert narrow(space, {"c": 1.5})["c"].value == 1.5
    assert narrow(space, {"c": [1.5]}).get_default_configuration()["c"] == 1.5
    for v in sampled(small):
        configuration_from(space, v)
    assert all(hp.meta == {"role": "training"} for hp in small.values())


def test_pin(joint):
    space = pin(joint, {"optimizer": "sgd", "momentum": 0.9, "network": "mlp", "gradient_clipping": "none"})
    assert all(isinstance(space[n], Constant) for n in ("optimizer", "momentum", "network", "gradient_clipping"))
    assert "learning_rate" not in space
    with pytest.raises(ValueError, match="must be one of"):
        pin(joint, {"optimizer": ["sgd"]})
    everything = pin(joint, values(joint.get_default_configuration()))
    assert len(enumerate_configurations(everything, 1)) == 1


def test_pinned_conditional_parents_still_decide():
    space = ConfigurationSpace({"a": [0, 1], "b": [0, 1], "c": [0, 1]})
    space.add(EqualsCondition(space["b"], space["a"], 1), EqualsCondition(space["c"], space["b"], 1))
    small = pin(space, {"b": 1})
    assert {("c" in v) == (v["a"] == 1) for v in sampled(small)} == {True}


def test_with_defaults(joint):
    space = with_defaults(joint, {"n_layers": 2, "network": "resnet"})
    assert space["mlp:n_layers"].default_value == 2
    assert space.get_default_configuration()["network"] == "resnet"
    assert joint["mlp:n_layers"].default_value == 3
    with pytest.raises(ValueError, match="must be an integer from 1 to 6"):
        with_defaults(joint, {"n_layers": 7})


# ------------------------------------------------------------------ configurations


def test_configuration_from_fills_and_drops(joint):
    v = values(
        configuration_from(joint, {"network": "resnet", "mlp:n_layers": 3, "width": np.int64(64), "momentum": 0.9})
    )
    assert v["resnet:width"] == 64
    assert v["resnet:n_blocks"] == 2
    assert not {"momentum", "mlp:n_layers"} & set(v)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"optimiser": "adamw"}, "Unknown hyperparameter 'optimiser'; did you mean 'optimizer'"),
        ({"optimizer": "adam"}, "'optimizer' is 'adam', but must be one of 'adamw'"),
        ({"learning_rate": 7}, "'learning_rate' is 7, but must be a number from 0.0001 to 0.03"),
    ],
)
def test_configuration_from_explains(mapping, message, joint):
    with pytest.raises(ValueError, match=message):
        configuration_from(joint, mapping)


def test_forbidden_configurations_are_refused():
    space = ConfigurationSpace({"a": [1, 2], "b": [1, 2]})
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(space["a"], 2), ForbiddenEqualsClause(space["b"], 2)))
    with pytest.raises(ValueError, match=r"is not legal.*b == 2"):
        configuration_from(space, {"a": 2, "b": 2})


def test_lists_stand_for_tuples():
    space = every_kind()
    assert values(configuration_from(space, {"c": [1, 2]}))["c"] == (1, 2)


def test_a_continuous_space_is_not_enumerated(joint):
    assert enumerate_configurations(joint, 1000) is None
    space = ConfigurationSpace({"a": [0, 1], "x": (0.0, 1.0)})
    space.add(EqualsCondition(space["x"], space["a"], 1))
    assert enumerate_configurations(space, 10) is None
    assert len(enumerate_configurations(pin(space, {"a": 0}), 10)) == 1
    assert len(enumerate_configurations(ConfigurationSpace(), 1)) == 1


# ------------------------------------------------------------------ faults of ConfigSpace


def illegal_share(space):
    space.seed(0)
    return np.mean([not _is_legal(space, c) for c in space.sample_configuration(500)])


def _is_legal(space, configuration):
    try:
        space._check_configuration_rigorous(configuration)
    except ValueError:
        return False
    return True


def binary(names):
    space = ConfigurationSpace()
    space.add([CategoricalHyperparameter(n, [0, 1]) for n in names])
    return space


def test_parents_of_different_depth_are_decided_first():
    space = binary("abcd")
    a, b, c, d = (space[n] for n in "abcd")
    space.add(EqualsCondition(b, a, 1), EqualsCondition(c, b, 1))
    space.add(AndConjunction(EqualsCondition(d, a, 1), EqualsCondition(d, c, 1)))
    assert illegal_share(space) > 0.05, "ConfigSpace has mended it: drop _order_conditions"
    assert illegal_share(narrow(space, {})) == 0


def test_and_is_not_taken_for_or():
    space = binary("abxy")
    a, b, x, y = (space[n] for n in "abxy")
    space.add(AndConjunction(EqualsCondition(x, a, 1), EqualsCondition(x, b, 1)))
    space.add(OrConjunction(EqualsCondition(y, a, 1), EqualsCondition(y, b, 1)))
    assert illegal_share(space) > 0.05, "ConfigSpace has mended it: drop _told_apart"
    assert illegal_share(narrow(space, {})) == 0


def test_unequal_does_not_hold_for_an_inactive_parent():
    space = ConfigurationSpace()
    a, b, x, n, y = (
        CategoricalHyperparameter("a", [1, 0]),
        CategoricalHyperparameter("b", [0, 1]),
        CategoricalHyperparameter("x", [0, 1]),
        UniformIntegerHyperparameter("n", 1, 3),
        CategoricalHyperparameter("y", [0, 1]),
    )
    space.add(a, b, x, n, y)
    space.add(
        EqualsCondition(b, a, 1),
        NotEqualsCondition(x, b, 1),
        EqualsCondition(n, a, 1),
        NotEqualsCondition(y, n, 2),
    )
    assert any("x" in dict(c) for c in space.sample_configuration(50) if c["a"] == 0), "drop _with_active_parents"
    for v in sampled(narrow(space, {})):
        assert ("x" in v) == (v.get("b") == 0)
        assert ("y" in v) == (v.get("n") in {1, 3})


def test_greater_than_on_ordinals_goes_by_place():
    space = ConfigurationSpace()
    order, child = OrdinalHyperparameter("size", [512, 256, 128]), CategoricalHyperparameter("x", [0, 1])
    space.add(order, child, GreaterThanCondition(child, order, 512))
    small = narrow(space, {"size": [256, 128]})
    assert not small.parents_of["x"]
    assert "x" not in pin(space, {"size": 512})


def test_clauses_with_equality_are_sampled_right_and_silent(capsys):
    space = ConfigurationSpace({"n": UniformIntegerHyperparameter("n", 1, 9, 5), "m": (1, 9)})
    space.add(ForbiddenLessThanEqualsClause(space["n"], 3))
    assert {c["n"] for c in space.sample_configuration(300)} != {4, 5, 6, 7, 8, 9}, "drop _as_strict"
    space = narrow(space, {})
    assert {v["n"] for v in sampled(space)} == {4, 5, 6, 7, 8, 9}
    space.add(ForbiddenGreaterThanEqualsClause(space["n"], 7))
    assert {v["n"] for v in sampled(narrow(space, {"n": (2, 8)}))} == {4, 5, 6}
    capsys.readouterr()
    configuration_from(narrow(space, {}), {"n": 5})
    assert not capsys.readouterr().out
