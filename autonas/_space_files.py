"""Read a space from YAML, and say in the user's words what is wrong with it."""

# ruff: noqa: TRY004  a wrong value in a file is a ValueError whatever its type

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ConfigSpace import ConfigurationSpace
from ConfigSpace.read_and_write.dictionary import HYPERPARAMETER_ENCODERS

from autonas._names import unknown_name
from autonas._space_draft import Draft
from autonas._space_edits import leaves, without_child

__all__ = ["check_keys", "read_mapping", "space_from_mapping"]

_TOP = {"name", "hyperparameters", "conditions", "forbiddens", "build", "shared"}
_WRITTEN_BY_CONFIGSPACE = {"python_module_version", "format_version", "json_format_version"}
_NUMBERS = ("lower", "upper", "mu", "sigma", "alpha", "beta", "default_value")

_CONDITIONS = {
    **{kind: {"child", "parent", "value"} for kind in ("EQ", "NEQ", "LT", "GT")},
    "IN": {"child", "parent", "values"},
    **{kind: {"conditions"} for kind in ("AND", "OR")},
}
_FORBIDDENS = {
    **{kind: {"name", "value"} for kind in ("EQUALS", "CLAUSE_LT", "CLAUSE_LE", "CLAUSE_GT", "CLAUSE_GE")},
    "IN": {"name", "values"},
    **{kind: {"clauses"} for kind in ("AND", "OR")},
    **{f"RELATION_{kind}": {"left", "right"} for kind in ("LT", "LE", "EQ", "GT", "GE")},
}


_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where PyYAML was built with it: ten times as fast."""


class _Loader(_Safe):  # type: ignore[misc]
    """Safe YAML, and the tuples that ``ConfigurationSpace.to_yaml`` writes and ``from_yaml`` cannot read."""


def _tuple(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> tuple[Any, ...]:
    return tuple(loader.construct_sequence(node, deep=True))


_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _tuple)


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that must be a mapping."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  it is a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {_kind(content)}, but must be a mapping of keys to values.")
    return content


def check_keys(where: str, mapping: Mapping[Any, Any], required: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Raise a ValueError for a key that is not known (the nearest is named) or is missing."""
    required = set(required)
    known = required | set(optional)
    for key in mapping:
        if key not in known:
            raise ValueError(f"{where}: {unknown_name('key', key, known)}")
    if missing := sorted(required - set(mapping)):
        raise ValueError(f"{where}: the key {missing[0]!r} is missing.")


def space_from_mapping(mapping: Mapping[str, Any], path: Path) -> ConfigurationSpace:
    """Make the space of a file's content; ``path`` is for the errors."""
    check_keys(str(path), mapping, {"hyperparameters"}, _TOP | _WRITTEN_BY_CONFIGSPACE)
    draft = Draft(mapping.get("name") or path.stem)
    for record in _records(mapping, "hyperparameters", path):
        name = str(record.get("name"))
        _check_hyperparameter(f"{path}: hyperparameter {name!r}", record)
        if name in draft.hyperparameters:
            raise ValueError(f"{path}: there are two hyperparameters {name!r}: rename one.")
        draft.hyperparameters[name] = {"meta": None, **record}
    names = list(draft.hyperparameters)
    for i, tree in enumerate(_records(mapping, "conditions", path), 1):
        child = _check_tree(f"{path}: condition {i}", tree, names, _CONDITIONS)
        if child in draft.conditions:
            raise ValueError(f"{path}: {child!r} has two conditions: join them in one of type AND or OR.")
        draft.conditions[child] = without_child(tree)
    for i, tree in enumerate(_records(mapping, "forbiddens", path), 1):
        _check_tree(f"{path}: forbidden clause {i}", tree, names, _FORBIDDENS)
        draft.forbiddens.append(tree)
    try:
        return draft.build()
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _records(mapping: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    records = mapping.get(key) or []
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise ValueError(f"{path}: {key!r} is {_kind(records)}, but must be a list ('- ' before each) of mappings.")
    return records


def _kind(value: object) -> str:
    names = {type(None): "nothing", dict: "a mapping", list: "a list", str: "text"}
    return names.get(type(value), repr(value))


def _check_hyperparameter(where: str, record: dict[str, Any]) -> None:
    signatures = {kind: inspect.signature(cls) for cls, (kind, _) in HYPERPARAMETER_ENCODERS.items()}
    _check_type(where, record, signatures)
    parameters = signatures[record["type"]].parameters
    required = {name for name, p in parameters.items() if p.default is p.empty}
    check_keys(where, record, required | {"type"}, parameters)
    if not isinstance(record["name"], str):
        raise ValueError(f"{where}: its name is {_kind(record['name'])}, but must be text: put it in quotes.")
    if "lower" not in required:
        return
    for key in _NUMBERS:
        value = record.get(key, 0)
        if isinstance(value, str) and _as_number(value) is not None:
            raise ValueError(
                f"{where}: {key} is the text {value!r}, since YAML wants a point and a sign in a number with "
                f"an exponent: write {_with_point(value)}."
            )
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError(f"{where}: {key} is {value!r}, but must be a number.")


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _with_point(text: str) -> str:
    """Write a number as YAML 1.1 wants it: ``1e-4`` as ``1.0e-4``, ``1.5e3`` as ``1.5e+3``."""
    mantissa, _, exponent = text.strip().strip("'\"").lower().partition("e")
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    if not exponent:
        return mantissa
    return f"{mantissa}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _check_type(where: str, record: Mapping[str, Any], known: Iterable[str]) -> None:
    if "type" not in record:
        raise ValueError(f"{where}: the key 'type' is missing; it is one of {', '.join(map(repr, known))}.")
    if record["type"] not in set(known):
        raise ValueError(f"{where}: {unknown_name('type', record['type'], known)}")


def _check_tree(where: str, tree: Any, names: list[str], known: Mapping[str, set[str]]) -> str:
    """Check the keys and names of a condition or forbidden clause; get the child of a condition."""
    if not isinstance(tree, dict):
        raise ValueError(f"{where}: {tree!r} is not a mapping.")
    _check_type(where, tree, known)
    keys = known[tree["type"]]
    check_keys(where, tree, {*keys, "type"}, {"child"} if "conditions" in keys else ())
    for key in {"child", "parent", "name", "left", "right"} & tree.keys():
        if tree[key] not in names:
            raise ValueError(f"{where}: {key}: {unknown_name('hyperparameter', tree[key], names)}")
    if "values" in keys and not isinstance(tree["values"], (list, tuple)):
        raise ValueError(f"{where}: 'values' is {tree['values']!r}, but must be a list.")
    for key in keys & {"conditions", "clauses"}:
        if not isinstance(tree[key], list) or len(tree[key]) < 2:
            raise ValueError(f"{where}: {key!r} of {tree['type']} must be a list of two or more.")
        for part in tree[key]:
            _check_tree(where, part, names, known)
    children = {leaf.get("child") for leaf in leaves(tree)} | ({tree["child"]} if "child" in tree else set())
    if len(children) > 1:
        raise ValueError(f"{where}: its parts have different children, {sorted(map(str, children))}.")
    return str(children.pop())
