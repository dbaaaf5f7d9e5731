"""Spaces as plain data: what loading, composing and narrowing have in common.

ConfigSpace's objects cannot be edited, so every edit goes through a :class:`Draft`: ConfigSpace's own
serialized form with each condition under the name of its child. ``Draft.build`` makes a fresh space of it,
and keeps clear of four faults of ConfigSpace 1.2 (``tests/test_spaces.py`` shows each).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import Constant
from ConfigSpace.read_and_write.dictionary import (
    CONDITION_DECODERS,
    FORBIDDEN_DECODERS,
    HYPERPARAMETER_DECODERS,
)

from autonas._space_edits import (
    Tree,
    canonical,
    domain_of,
    frozen,
    joined,
    leaves,
    relation_bites,
    renamed,
    verdict,
    with_child,
    without_child,
)

__all__ = ["Draft"]


@dataclass
class Draft:
    """A space that is being edited.

    Attributes
    ----------
    name, meta
        Of the space.
    hyperparameters : dict of str to record
    conditions : dict of str to tree
        The condition of each child that has one; in an AND or OR the parts stand under ``conditions``.
    forbiddens : list of tree
    """

    name: str | None = None
    meta: dict[Any, Any] | None = None
    hyperparameters: dict[str, Tree] = field(default_factory=dict)
    conditions: dict[str, Tree] = field(default_factory=dict)
    forbiddens: list[Tree] = field(default_factory=list)

    @classmethod
    def of(cls, space: ConfigurationSpace) -> Draft:
        """Take a space apart; it stays as it is."""
        record = space.to_serialized_dict()
        return cls(
            space.name,
            space.meta,
            {hp["name"]: hp for hp in record["hyperparameters"]},
            {next(leaves(c))["child"]: without_child(c) for c in record["conditions"]},
            list(record["forbiddens"]),
        )

    def prefixed(self, prefix: str) -> Draft:
        """Put a prefix before every name."""
        return Draft(
            self.name,
            self.meta,
            {prefix + n: renamed(hp, prefix) for n, hp in self.hyperparameters.items()},
            {prefix + n: renamed(tree, prefix) for n, tree in self.conditions.items()},
            [renamed(tree, prefix) for tree in self.forbiddens],
        )

    def edited(self, records: Mapping[str, Tree]) -> Draft:
        """Replace the records of some hyperparameters by narrower ones; drop what can no longer happen."""
        after = {**self.hyperparameters, **records}
        active: dict[str, bool | Tree] = {}

        def activity(tree: Tree) -> bool | Tree:
            if "conditions" in tree:
                return joined(tree["type"], "conditions", map(activity, tree["conditions"]))
            parent = tree["parent"]
            holds = verdict(tree, self.hyperparameters[parent], after[parent])
            # A literal that always holds still asks for its parent to be active.
            return active[parent] if holds is True or active[parent] is False else holds

        def bite(tree: Tree) -> bool | Tree:
            if "clauses" in tree:
                return joined(tree["type"], "clauses", map(bite, tree["clauses"]))
            if "left" in tree:
                left, right = tree["left"], tree["right"]
                possible = active[left] and active[right] and relation_bites(tree, after[left], after[right])
                return tree if possible else False
            name = tree["name"]
            holds = verdict(tree, self.hyperparameters[name], after[name])
            if holds is True and active[name] is not True:
                domain = domain_of(after[name])
                at_least = {"type": "CLAUSE_GE", "value": after[name].get("lower")}
                holds = {"name": name, **({"type": "IN", "values": domain} if domain else at_least)}
            return holds if active[name] else False

        for name in self.hyperparameters:  # parents come before their children
            active[name] = activity(self.conditions[name]) if name in self.conditions else True
        forbiddens = [bite(tree) for tree in self.forbiddens]
        if True in forbiddens:
            clause = self.forbiddens[forbiddens.index(True)]
            raise ValueError(f"Nothing legal is left: the space forbids {_text(clause)}.")
        return Draft(
            self.name,
            self.meta,
            {n: hp for n, hp in after.items() if active[n]},
            {n: tree for n, tree in active.items() if isinstance(tree, dict)},
            [tree for tree in forbiddens if isinstance(tree, dict)],
        )

    def build(self, *, mend_defaults: bool = False) -> ConfigurationSpace:
        """Make the space.

        Parameters
        ----------
        mend_defaults : bool
            Where the default configuration is forbidden, move to the nearest legal one instead of raising.

        Raises
        ------
        ValueError
            Naming the hyperparameter, condition or forbidden clause that is at fault.
        """
        space = ConfigurationSpace(name=self.name, meta=self.meta)
        space.add(
            [
                _tried(HYPERPARAMETER_DECODERS, hp, space, f"hyperparameter {n!r}")
                for n, hp in self.hyperparameters.items()
            ]
        )
        if circle := self._circle():
            raise ValueError(f"the conditions run in a circle through {circle}.")
        conditions = {child: self._with_active_parents(tree) for child, tree in self.conditions.items()}
        space.add(
            [
                _tried(CONDITION_DECODERS, with_child(tree, child), space, f"the condition of {child!r}")
                for child, tree in _told_apart(conditions).items()
            ]
        )
        _order_conditions(space)
        clauses = [
            _tried(FORBIDDEN_DECODERS, _as_strict(c), space, f"the forbidden clause {_text(c)}")
            for c in self.forbiddens
        ]
        for clause in clauses:
            clause.set_vector_idx(space.index_of)

        def bites(configuration: Configuration) -> list[Tree]:
            vector = configuration.get_array()
            return [t for t, c in zip(self.forbiddens, clauses, strict=True) if c.is_forbidden_vector(vector)]

        if broken := bites(space.get_default_configuration()):
            if not mend_defaults:
                raise ValueError(f"the default configuration is forbidden by {_text(broken[0])}: change a default.")
            return self._with_legal_defaults(space, bites).build()
        space.add(clauses)
        _order_conditions(space)
        return space

    def _circle(self) -> list[str]:
        """Name the hyperparameters whose conditions lead back to themselves, and those below them."""
        parents = {n: {leaf["parent"] for leaf in leaves(tree)} for n, tree in self.conditions.items()}
        while free := {n for n, of in parents.items() if not of & parents.keys()}:
            parents = {n: of for n, of in parents.items() if n not in free}
        return sorted(parents)

    def _with_active_parents(self, tree: Tree) -> Tree:
        """Write ``!=`` so that it fails for an inactive parent; ConfigSpace takes NaN != value for true."""
        if "conditions" in tree:
            return {**tree, "conditions": [self._with_active_parents(t) for t in tree["conditions"]]}
        parent, value = tree["parent"], tree.get("value")
        if tree["type"] != "NEQ" or parent not in self.conditions:
            return tree
        domain = domain_of(self.hyperparameters[parent])
        if domain is not None:
            return {
                "type": "IN",
                "parent": parent,
                "values": [v for v in domain if frozen(v) != frozen(value)],
            }
        sides = [{"type": kind, "parent": parent, "value": value} for kind in ("LT", "GT")]
        return {"type": "OR", "conditions": sides}

    def _with_legal_defaults(self, space: ConfigurationSpace, bites: Callable[[Configuration], list[Tree]]) -> Draft:
        """Take over, from the legal one nearest to the default of many samples, what the clauses look at."""
        involved = {
            leaf[k] for t in self.forbiddens for leaf in leaves(t) for k in ("name", "left", "right") if k in leaf
        }
        for name in reversed(list(self.hyperparameters)):
            if name in involved and name in self.conditions:
                involved |= {leaf["parent"] for leaf in leaves(self.conditions[name])}
        default = space.get_default_configuration()
        space.seed(0)
        legal = [c for c in space.sample_configuration(2000) if not bites(c)]
        if not legal:
            raise ValueError(
                "Nothing legal is left in 2000 samples: the space's forbidden clauses contradict the choices."
            )
        nearest = min(legal, key=lambda c: sum(c.get(n) != default.get(n) for n in involved))
        defaults = {
            n: {**self.hyperparameters[n], "default_value": canonical(space[n], nearest[n])}
            for n in involved
            if n in nearest and not isinstance(space[n], Constant)
        }
        return Draft(self.name, self.meta, {**self.hyperparameters, **defaults}, self.conditions, self.forbiddens)


def _tried(decoders: Mapping[str, Any], tree: Tree, space: ConfigurationSpace, what: str) -> Any:
    try:
        return _decode(decoders, tree, space)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{what}: {error}") from error


def _text(tree: Tree) -> str:
    if "clauses" in tree:
        return "(" + f" {tree['type'].lower()} ".join(map(_text, tree["clauses"])) + ")"
    signs = {"EQUALS": "==", "IN": "in", "EQ": "==", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
    sign = signs[tree["type"].removeprefix("CLAUSE_").removeprefix("RELATION_")]
    if "left" in tree:
        return f"{tree['left']} {sign} {tree['right']}"
    return f"{tree['name']} {sign} {tree.get('value', tree.get('values'))!r}"


def _as_strict(tree: Tree) -> Tree:
    """Write `<=` and `>=` as two clauses: ConfigSpace samples `<=` as `>=`, and prints at each `>=`."""
    if "clauses" in tree:
        return {**tree, "clauses": [_as_strict(part) for part in tree["clauses"]]}
    if tree["type"] not in {"CLAUSE_LE", "CLAUSE_GE"}:
        return tree
    kinds = ({"CLAUSE_LE": "CLAUSE_LT", "CLAUSE_GE": "CLAUSE_GT"}[tree["type"]], "EQUALS")
    return {"type": "OR", "clauses": [{**tree, "type": kind} for kind in kinds]}


def _told_apart(conditions: Mapping[str, Tree]) -> dict[str, Tree]:
    """Write some ORs with a part twice: ConfigSpace takes (a and b) of one child for (a or b) of another."""

    def shape(tree: Tree, *, kinds: bool) -> str:
        if "conditions" not in tree:
            return repr(tree)
        return f"{tree['type'] * kinds}({','.join(sorted(shape(t, kinds=kinds) for t in tree['conditions']))})"

    def doubled(tree: Tree) -> Tree:
        parts = [doubled(t) for t in tree.get("conditions", ())]
        return {**tree, "conditions": parts + parts[:1] * (tree["type"] == "OR")} if parts else tree

    seen: dict[str, set[str]] = {}
    for tree in conditions.values():
        seen.setdefault(shape(tree, kinds=False), set()).add(shape(tree, kinds=True))
    return {n: doubled(t) if len(seen[shape(t, kinds=False)]) > 1 else t for n, t in conditions.items()}


def _order_conditions(space: ConfigurationSpace) -> None:
    """Let sampling decide on parents first: ConfigSpace sorts conditions by their shallowest parent."""
    dag = space._dag

    def depth(node: Any) -> int:
        return max(dag.nodes[name].maximum_depth for name in node.node_parents())

    dag.minimum_conditions.sort(key=depth)
    for nodes in dag.change_hp_lookup.values():
        nodes.sort(key=depth)


def _decode(decoders: Mapping[str, Any], tree: Tree, space: ConfigurationSpace) -> Any:
    def decode(item: Tree, into: ConfigurationSpace, again: Any) -> Any:
        return decoders[item["type"]]({k: v for k, v in item.items() if k != "type"}, into, again)

    return decode(tree, space, decode)
