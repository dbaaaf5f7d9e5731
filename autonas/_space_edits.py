"""What becomes of one hyperparameter, one condition or one forbidden clause when a space is narrowed.

All of them are handled in ConfigSpace's serialized form, plain dictionaries, since its objects point at each
other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    Hyperparameter,
    IntegerHyperparameter,
    OrdinalHyperparameter,
)

from autonas._names import unknown_name

__all__ = [
    "Tree",
    "canonical",
    "domain_of",
    "frozen",
    "full_name",
    "joined",
    "leaves",
    "narrowed",
    "native",
    "options",
    "relation_bites",
    "renamed",
    "verdict",
    "with_child",
    "without_child",
]

Tree = dict[str, Any]
"""A hyperparameter, a condition (without its child) or a forbidden clause in serialized form."""


def native(value: Any) -> Any:
    """Turn numpy's scalars into Python's own, inside tuples and lists too."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (tuple, list)):
        return type(value)(map(native, value))
    return value


def options(hyperparameter: Hyperparameter[Any, Any]) -> tuple[Any, ...] | None:
    """List the values that are named one by one; None for a range."""
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return tuple(hyperparameter.choices)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return tuple(hyperparameter.sequence)
    if isinstance(hyperparameter, Constant):
        return (hyperparameter.value,)
    return None


def canonical(hyperparameter: Hyperparameter[Any, Any], value: Any) -> Any:
    """Turn a value into the legal native one that it means, or raise a ValueError that says what is legal."""
    hp: Any = hyperparameter
    value = native(value)
    listed = options(hp)
    if listed is not None:
        for option in map(native, listed):
            # JSON gives tuples back as lists.
            if frozen(option) == frozen(value):
                return option
        allowed = "one of " + ", ".join(repr(native(v)) for v in listed)
    else:
        whole = isinstance(hp, IntegerHyperparameter)
        if _is_number(value) and hp.lower <= value <= hp.upper and (not whole or float(value).is_integer()):
            return int(value) if whole else float(value)
        allowed = f"{'an integer' if whole else 'a number'} from {native(hp.lower)} to {native(hp.upper)}"
    raise ValueError(f"The value of hyperparameter {hp.name!r} is {value!r}, but must be {allowed}.")


def frozen(value: Any) -> Any:
    """Make tuples of lists, so that both compare equal."""
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else value


def full_name(names: Iterable[str], name: str) -> str:
    """Find a hyperparameter by its name, or by what stands after the family's prefix where that is unique."""
    names = list(names)
    if name in names:
        return name
    found = [n for n in names if n.partition(":")[2] == name]
    if len(found) > 1:
        raise ValueError(f"Hyperparameter {name!r} may mean {' or '.join(map(repr, found))}: write one of them.")
    if not found:
        raise unknown_name("hyperparameter", name, names)
    return found[0]


# ---------------------------------------------------------------------------- one hyperparameter


def narrowed(hyperparameter: Hyperparameter[Any, Any], record: Tree, choice: Any) -> Tree:
    """Restrict one hyperparameter's record to a choice: a tuple is a range, a list a subset, else a pin."""
    hp: Any = hyperparameter
    listed = options(hp)
    if isinstance(choice, (set, frozenset)):
        choice = sorted(choice, key=repr)
    if isinstance(choice, (np.ndarray, range)):
        choice = list(choice)
    if isinstance(choice, tuple) and not _contains(listed or (), choice):
        kept = _range(hp, listed, choice)
        if listed is None and kept[0] < kept[1]:
            default = min(max(native(hp.default_value), kept[0]), kept[1])
            return {**record, "lower": kept[0], "upper": kept[1], "default_value": default}
        kept = kept[:1] if listed is None else kept
    elif isinstance(choice, list) and not _contains(listed or (), choice):
        kept = [canonical(hp, v) for v in choice]
        kept = sorted(set(kept)) if listed is None else [v for v in map(native, listed) if _contains(kept, v)]
    else:
        kept = [canonical(hp, choice)]
    if not kept:
        raise ValueError(f"The choices for hyperparameter {hp.name!r} are {choice!r}: nothing is left of it.")
    return _listed_record(hp, record, kept)


def _contains(values: Iterable[Any], value: Any) -> bool:
    return any(frozen(native(v)) == frozen(native(value)) for v in values)


def _range(hp: Any, listed: tuple[Any, ...] | None, choice: tuple[Any, ...]) -> list[Any]:
    """Both ends of a range, checked; of an ordinal or constant number, the values that lie within."""
    ends = list(map(native, choice))
    if len(ends) != 2 or not all(map(_is_number, ends)) or not ends[0] <= ends[1]:
        raise ValueError(
            f"The range of hyperparameter {hp.name!r} is {choice!r}, but must be two numbers, the lower "
            "one first; write a list to name the values one by one."
        )
    if listed is None:
        return [canonical(hp, end) for end in ends]
    if isinstance(hp, CategoricalHyperparameter) or not all(_is_number(native(v)) for v in listed):
        raise ValueError(
            f"Hyperparameter {hp.name!r} has no range, since its values are not ordered numbers: "
            f"name those that you want of {list(map(native, listed))} in a list."
        )
    return [v for v in map(native, listed) if ends[0] <= v <= ends[1]]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _listed_record(hp: Any, record: Tree, kept: list[Any]) -> Tree:
    common = {"name": hp.name, "meta": record["meta"]}
    if len(kept) == 1:
        return {"type": "constant", "value": kept[0], **common}
    default = native(hp.default_value)
    if not isinstance(hp, CategoricalHyperparameter):
        # Numbers stay comparable: the default moves to its nearest neighbour.
        near = _contains(kept, default) or not _is_number(default)
        default = default if near else min(kept, key=lambda v: abs(v - default))
    default = default if _contains(kept, default) else kept[0]
    if not isinstance(hp, CategoricalHyperparameter):
        return {"type": "ordinal", "sequence": kept, "default_value": default, **common}
    weights = [w for c, w in zip(hp.choices, hp.weights or (), strict=False) if _contains(kept, c)]
    return {
        **record,
        "choices": kept,
        "weights": weights if any(weights) else None,
        "default_value": default,
    }


# ---------------------------------------------------------------- conditions and forbidden clauses

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "NEQ": operator.ne,
    "LT": operator.lt,
    "LE": operator.le,
    "GT": operator.gt,
    "GE": operator.ge,
    "IN": lambda value, values: value in values,
}


def domain_of(record: Tree) -> list[Any] | None:
    """List the values of a record that are named one by one; None for a range."""
    if record["type"] == "constant":
        return [record["value"]]
    domain: list[Any] | None = record.get("choices", record.get("sequence"))
    return domain


def verdict(literal: Tree, before: Tree, after: Tree) -> bool | Tree:
    """Say whether a literal holds always, never, or how it reads over a hyperparameter's narrowed values."""
    kind = literal["type"].removeprefix("CLAUSE_").replace("EQUALS", "EQ")
    given = literal["values"] if kind == "IN" else [literal["value"]]
    domain = domain_of(after)
    if domain is None:
        return _verdict_on_range(literal, kind, given, after)
    order = [frozen(v) for v in before["sequence"]].index if "sequence" in before else _same
    operand = [order(frozen(v)) for v in given]
    right = operand if kind == "IN" else operand[0]
    kept = [v for v in domain if _COMPARE[kind](order(frozen(v)), right)]
    if len(kept) in {0, len(domain)}:
        return bool(kept)
    if all(_contains(domain, v) for v in given):
        return literal
    return {**{k: v for k, v in literal.items() if k != "value"}, "type": "IN", "values": kept}


def _same(value: Any) -> Any:
    return value


def _verdict_on_range(literal: Tree, kind: str, given: list[Any], after: Tree) -> bool | Tree:
    lower, upper = after["lower"], after["upper"]
    within = [v for v in given if lower <= v <= upper]
    if kind == "IN":
        if not within:
            return False
        whole = after["type"].endswith("int") and len(set(within)) == upper - lower + 1
        return whole or {**literal, "values": within}
    if kind in {"EQ", "NEQ"}:
        return literal if within else kind == "NEQ"
    ends = [_COMPARE[kind](end, given[0]) for end in (lower, upper)]
    return ends[0] if ends[0] == ends[1] else literal


def joined(kind: str, key: str, parts: Iterable[bool | Tree]) -> bool | Tree:
    """Join what is left of an AND or an OR, without the parts that are always or never so."""
    decisive = kind == "OR"
    kept: list[Tree] = []
    for part in parts:
        if part is decisive:
            return decisive
        if isinstance(part, dict) and part not in kept:
            kept.append(part)
    if len(kept) > 1:
        return {"type": kind, key: kept}
    return kept[0] if kept else not decisive


def leaves(tree: Tree) -> Iterator[Tree]:
    """Yield the literals of a condition or forbidden clause."""
    parts = tree.get("conditions") or tree.get("clauses")
    if not parts:
        yield tree
    for part in parts or ():
        yield from leaves(part)


def renamed(tree: Tree, prefix: str) -> Tree:
    """Put a prefix before every hyperparameter's name."""
    tree = dict(tree)
    for key in {"name", "parent", "left", "right"} & tree.keys():
        tree[key] = prefix + tree[key]
    for key in {"conditions", "clauses"} & tree.keys():
        tree[key] = [renamed(part, prefix) for part in tree[key]]
    return tree


def without_child(tree: Tree) -> Tree:
    """Leave the child out of a condition and its parts."""
    tree = {k: v for k, v in tree.items() if k != "child"}
    if "conditions" in tree:
        tree["conditions"] = [without_child(t) for t in tree["conditions"]]
    return tree


def with_child(tree: Tree, child: str) -> Tree:
    """Write the child into a condition and its parts, as ConfigSpace wants it."""
    tree = {**tree, "child": child}
    if "conditions" in tree:
        tree["conditions"] = [with_child(t, child) for t in tree["conditions"]]
    return tree


def relation_bites(relation: Tree, left: Tree, right: Tree) -> bool:
    """Say whether a forbidden relation of two hyperparameters can still come true; True if not known."""
    sides = []
    for record in (left, right):
        ends = domain_of(record) or [record["lower"], record["upper"]]
        if not all(map(_is_number, ends)):
            return True
        sides.append((min(ends), max(ends)))
    (low, high), (low_right, high_right) = sides
    kind = relation["type"].removeprefix("RELATION_")
    if kind == "EQ":
        return bool(low <= high_right and low_right <= high)
    return bool(_COMPARE[kind](low, high_right) if kind in {"LT", "LE"} else _COMPARE[kind](high, low_right))
