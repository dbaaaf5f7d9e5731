"""Search spaces: load, compose, narrow and pin them, and go between configurations and plain dictionaries.

A space is a :class:`ConfigSpace.ConfigurationSpace`. No function here changes the space that it is given.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ConfigSpace import ConfigurationSpace

from autonas._configurations import configuration_from, enumerate_configurations, values
from autonas._names import unknown_name
from autonas._space_draft import Draft
from autonas._space_edits import canonical, full_name, leaves, narrowed
from autonas._space_files import read_mapping, space_from_mapping

__all__ = [
    "NetworkFamily",
    "available",
    "compose",
    "configuration_from",
    "data_file",
    "enumerate_configurations",
    "load_family",
    "load_space",
    "narrow",
    "pin",
    "split_by_role",
    "values",
    "with_defaults",
]

Source = str | Path
_KINDS = {"search_spaces": "search space", "pipelines": "pipeline", "pipelines/portfolios": "portfolio"}


# ---------------------------------------------------------------------------- load


def available(folder: str) -> dict[str, Path]:
    """List the YAML files that the library brings along.

    Parameters
    ----------
    folder : {"search_spaces", "pipelines", "pipelines/portfolios"}
        Inside the package where it was installed from a wheel, beside it in a checkout.

    Returns
    -------
    dict of str to Path
        Sorted by name.

    Examples
    --------
    >>> "mlp" in available("search_spaces")
    True
    """
    package = Path(__file__).resolve().parent
    inside, beside = package / folder, package.parent / folder
    return {p.stem: p for p in sorted((inside if inside.is_dir() else beside).glob("*.yaml"))}


def data_file(folder: str, name: Source) -> Path:
    """Find a YAML file by the name of one that the library brings along, or by its path.

    Parameters
    ----------
    folder : {"search_spaces", "pipelines", "pipelines/portfolios"}
    name : str or Path
        A text is a path if it has a slash or ends in ``.yaml`` or ``.yml``.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        For an unknown name: the known ones are listed.
    FileNotFoundError
        For a path where there is no file.
    """
    text = os.fspath(name)
    if isinstance(name, Path) or text.endswith((".yaml", ".yml")) or "/" in text or os.sep in text:
        path = Path(text).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {text!r} (looked in {Path.cwd()}).")
        return path
    known = available(folder)
    if text not in known:
        raise unknown_name(_KINDS.get(folder, folder), text, known)
    return known[text]


def load_space(source: Source | ConfigurationSpace) -> ConfigurationSpace:
    """Load a space.

    Parameters
    ----------
    source : str, Path or ConfigurationSpace
        A name in ``search_spaces/``, the path of a file in ConfigSpace's YAML format, or a space (returned as
        it is).

    Returns
    -------
    ConfigurationSpace

    Raises
    ------
    ValueError
        If the name is unknown, or the file is wrong: file, hyperparameter and mend are named.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> load_space("resnet")["n_blocks"].lower
    1
    """
    if isinstance(source, ConfigurationSpace):
        return source
    path = data_file("search_spaces", source)
    return space_from_mapping(read_mapping(path), path)


# ---------------------------------------------------------------------------- network families


@dataclass(frozen=True)
class NetworkFamily:
    """A kind of network: its hyperparameters, and how to build one.

    Attributes
    ----------
    name : str
        The value of the hyperparameter ``network`` that stands for it, and the prefix of its hyperparameters.
    space : ConfigurationSpace
    build : callable or None
        ``build(configuration, input_spec, output_spec) -> nn.Module``; None for the library's own families.
    source : Path or None
        The YAML file that it was loaded from: a worker process loads it anew from there.
    shared : tuple of str or None
        The hyperparameters of preprocessing and training that the family reads, where there are such; None: all.
    """

    name: str
    space: ConfigurationSpace
    build: Callable[..., Any] | None = None
    source: Path | None = None
    shared: tuple[str, ...] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # A function from a user's file has no importable module: another process cannot find it by name.
        if self.source is not None:
            return load_family, (self.source,)
        return NetworkFamily, (self.name, self.space, self.build, None, self.shared)


def load_family(source: Source | NetworkFamily) -> NetworkFamily:
    """Load a network family.

    Parameters
    ----------
    source : str, Path or NetworkFamily
        As for :func:`load_space`. The file may have a key ``build``: ``"module:callable"``, or
        ``"file.py:callable"`` with a file beside the YAML; and a key ``shared``: a list of the hyperparameters of
        preprocessing and training that the family reads, if it does not read all. A NetworkFamily is returned as it is.

    Returns
    -------
    NetworkFamily
        Named after the file.

    Raises
    ------
    ValueError
        If the file is wrong, or its ``build`` cannot be loaded.

    Examples
    --------
    >>> load_family("mlp").name
    'mlp'
    """
    if isinstance(source, NetworkFamily):
        return source
    path = data_file("search_spaces", source)
    mapping = read_mapping(path)
    space = space_from_mapping(mapping, path)
    build = None if mapping.get("build") is None else _load_build(path, mapping["build"])
    shared = mapping.get("shared")
    if shared is not None and not (isinstance(shared, list) and all(isinstance(name, str) for name in shared)):
        raise ValueError(f"{path}: 'shared' is {shared!r}, but must be a list of names of hyperparameters.")
    return NetworkFamily(path.stem, space, build, path.resolve(), None if shared is None else tuple(shared))


def _load_build(path: Path, reference: object) -> Callable[..., Any]:
    where, _, name = str(reference).rpartition(":")
    if not isinstance(reference, str) or not where or not name.isidentifier():
        raise ValueError(f"{path}: build is {reference!r}, but must be 'module:callable' or 'file.py:callable'.")
    try:
        module = _run_file(path.parent / where) if where.endswith(".py") else importlib.import_module(where)
    except (ImportError, OSError) as error:
        raise ValueError(f"{path}: build: {where!r} cannot be loaded: {error}") from error
    build = getattr(module, name, None)
    if not callable(build):
        known = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise ValueError(f"{path}: build: {unknown_name(f'callable of {where!r}:', name, known)}")  # noqa: TRY004
    return cast("Callable[..., Any]", build)


def _run_file(path: Path) -> Any:
    name = f"autonas_family_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look it up there
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------------------- edit


def compose(
    parts: Sequence[ConfigurationSpace], families: Sequence[NetworkFamily], name: str = "autonas"
) -> ConfigurationSpace:
    """Make one space of everything that makes a trained network.

    Parameters
    ----------
    parts : sequence of ConfigurationSpace
        Preprocessing, training: their hyperparameters keep their names, and are active for the families that read
        them.
    families : sequence of NetworkFamily
        The hyperparameter ``network`` chooses among them, the first is its default (a constant where there is
        only one). Their hyperparameters are prefixed (``mlp:n_layers``) and active only for their family.
    name : str
        Of the new space.

    Returns
    -------
    ConfigurationSpace

    Raises
    ------
    ValueError
        If two parts name the same hyperparameter, or two families are called the same.

    Examples
    --------
    >>> space = compose([load_space("training")], [load_family("mlp"), load_family("resnet")])
    >>> list(space["network"].choices)
    ['mlp', 'resnet']
    """
    names = [family.name for family in families]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"The network families are {names}, but there must be one at least, each with its own name.")
    network: dict[str, Any] = {"name": "network", "meta": {"role": "architecture"}}
    if len(names) == 1:
        network |= {"type": "constant", "value": names[0]}
    else:
        network |= {"type": "categorical", "choices": names, "default_value": names[0], "weights": None}
    joint = Draft(name, None, {"network": network})
    drafts = [(part.name or f"part {i}", Draft.of(part)) for i, part in enumerate(parts)]
    for family in families:
        draft = Draft.of(family.space).prefixed(f"{family.name}:")
        if len(names) > 1:
            chosen = {"type": "EQ", "parent": "network", "value": family.name}
            draft.conditions = {n: draft.conditions.get(n, chosen) for n in draft.hyperparameters}
        drafts.append((family.name, draft))
    owners = {"network": "the choice of the network family"}
    for owner, draft in drafts:
        for clash in draft.hyperparameters.keys() & owners.keys():
            raise ValueError(f"Hyperparameter {clash!r} is both in {owner!r} and in {owners[clash]!r}: rename one.")
        owners |= dict.fromkeys(draft.hyperparameters, owner)
        joint.hyperparameters |= draft.hyperparameters
        joint.conditions |= draft.conditions
        joint.forbiddens += draft.forbiddens
    return _read_by_some(joint, [name for part in parts for name in part], families).build()


def _read_by_some(joint: Draft, shared: Sequence[str], families: Sequence[NetworkFamily]) -> Draft:
    """Make each shared hyperparameter active for the families that read it only; drop what none of them reads."""
    readers = {name: [f.name for f in families if f.shared is None or name in f.shared] for name in shared}
    conditions = dict(joint.conditions)
    for name, reading in readers.items():
        own = joint.conditions.get(name)
        # A child is read by those who read its parents, if not by fewer.
        parents = [readers[leaf["parent"]] for leaf in leaves(own)] if own else [[f.name for f in families]]
        if all(set(readers_of_parent) <= set(reading) for readers_of_parent in parents):
            continue
        chosen = {"type": "IN", "parent": "network", "values": reading}
        conditions[name] = {"type": "AND", "conditions": [chosen, own]} if own else chosen
    draft = replace(joint, conditions=conditions)
    # What is active for no value of `network` goes as it does when a space is narrowed.
    return draft if all(readers.values()) else draft.edited({})


def narrow(space: ConfigurationSpace, choices: Mapping[str, Any]) -> ConfigurationSpace:
    """Restrict hyperparameters to some of their values.

    Parameters
    ----------
    space : ConfigurationSpace
    choices : mapping
        Hyperparameter to what is left of it: a tuple ``(lower, upper)`` is a range of numbers (of an ordinal
        of numbers too), a list names the values that stay (it makes an ordinal of a range), anything else is
        the one value that stays. A family's prefix may be left out where the name is unique.

    Returns
    -------
    ConfigurationSpace
        Without the hyperparameters that can no longer be active and the conditions and forbidden clauses that
        no longer decide anything. A default that is no longer legal moves to the nearest value (choices: to
        the first left). Normal hyperparameters keep their mean and deviation, Beta ones their shape over the
        new range. A condition ``!=`` on an inactive parent does not hold.

    Raises
    ------
    ValueError
        For an unknown hyperparameter or choice, a range that leaves the space's, or choices that leave
        nothing legal.

    Examples
    --------
    >>> space = compose([load_space("training")], [load_family("mlp"), load_family("resnet")])
    >>> space = narrow(space, {"learning_rate": (1e-4, 1e-2), "network": ["mlp"], "optimizer": "adamw"})
    >>> space["learning_rate"].upper, space["network"].value, "sgd_learning_rate" in space
    (0.01, 'mlp', False)
    """
    draft = Draft.of(space)
    records: dict[str, Any] = {}
    for key, choice in choices.items():
        name = full_name(space, key)
        if name in records:
            raise ValueError(f"Hyperparameter {name!r} is chosen twice, under {key!r} and another name: remove one.")
        records[name] = narrowed(space[name], draft.hyperparameters[name], choice)
    return draft.edited(records).build(mend_defaults=True)


def pin(space: ConfigurationSpace, choices: Mapping[str, Any]) -> ConfigurationSpace:
    """Fix hyperparameters: each becomes a Constant, and what can no longer be active goes.

    Parameters
    ----------
    space : ConfigurationSpace
    choices : mapping
        Hyperparameter to its value.

    Returns
    -------
    ConfigurationSpace

    Examples
    --------
    >>> pin(load_space("mlp"), {"shape": "funnel"})["shape"].value
    'funnel'
    """
    return narrow(space, {k: [canonical(space[full_name(space, k)], v)] for k, v in choices.items()})


def with_defaults(space: ConfigurationSpace, defaults: Mapping[str, Any]) -> ConfigurationSpace:
    """Give hyperparameters other default values.

    Parameters
    ----------
    space : ConfigurationSpace
    defaults : mapping
        Hyperparameter to its new default.

    Returns
    -------
    ConfigurationSpace

    Raises
    ------
    ValueError
        For an unknown hyperparameter, an illegal value, or a default configuration that is forbidden.
    """
    draft = Draft.of(space)
    for key, value in defaults.items():
        name = full_name(space, key)
        field = "value" if draft.hyperparameters[name]["type"] == "constant" else "default_value"
        draft.hyperparameters[name] = {**draft.hyperparameters[name], field: canonical(space[name], value)}
    return draft.build()


def split_by_role(space: ConfigurationSpace) -> dict[str, list[str]]:
    """Sort hyperparameters by the ``role`` in their ``meta``.

    Parameters
    ----------
    space : ConfigurationSpace

    Returns
    -------
    dict of str to list of str
        ``"architecture"``, ``"training"``, ``"preprocessing"``, ...; ``"other"`` for those without a role.
    """
    roles: dict[str, list[str]] = {}
    for name, hp in space.items():
        roles.setdefault((hp.meta or {}).get("role", "other"), []).append(name)
    return roles
