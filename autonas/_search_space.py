"""From an estimator's ``search_space`` to the joint space of a run, and the network families in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import Hyperparameter

from autonas._names import check_names
from autonas.networks import IMAGE_NETWORKS, NETWORKS
from autonas.networks.specs import is_reproducible
from autonas.presets import Preset
from autonas.spaces import NetworkFamily, load_family, load_space, narrow, values
from autonas.training.data import Table
from autonas.training.images import Images
from autonas.training.traditional import TRADITIONAL, is_traditional

__all__ = ["SearchSpace", "resolve_search_space"]

#: Numbers are not embedded in tables of more numeric columns, unless the user's space leaves nothing else.
MAX_EMBEDDED = 128


@dataclass(frozen=True)
class SearchSpace:
    """What a run searches.

    Attributes
    ----------
    own : tuple of NetworkFamily
        Families of the user's. They stand first: where a pickle is read, they load the files that the networks in it
        were built from.
    space : ConfigurationSpace
        The joint space.
    defaults : mapping
        Values of the preset's hyperparameters that the space does not have.
    """

    own: tuple[NetworkFamily, ...]
    space: ConfigurationSpace
    defaults: Mapping[str, Any]

    @property
    def builds(self) -> dict[str, Callable[..., Any]]:
        """How each family is built, by name; for tables and for images."""
        own = {family.name: family.build for family in self.own if family.build is not None}
        return {**NETWORKS, **IMAGE_NETWORKS, **own}

    @property
    def shares_generators(self) -> bool:
        """Whether a family may draw from torch's global generators, so that its trials must run one at a time."""
        return not all(map(is_reproducible, self.builds.values()))

    def runs_one_by_one(self, device: torch.device) -> bool:
        """Say whether no two networks may train at once: on an accelerator neither."""
        return device.type != "cpu" or self.shares_generators

    @property
    def families(self) -> list[str]:
        """The families that are searched, in the space's order."""
        network = self.space.get("network")
        return [str(self.defaults.get("network"))] if network is None else _names(network)

    @property
    def traditional(self) -> list[str]:
        """The traditional models among them."""
        return [name for name in self.families if is_traditional(name, self.builds)]

    def is_traditional(self, configuration: Mapping[str, Any]) -> bool:
        """Tell whether a configuration is of a traditional model."""
        return is_traditional(configuration.get("network", self.defaults.get("network")), self.builds)


def resolve_search_space(given: Any, preset: Preset, table: Table | Images, *, classification: bool) -> SearchSpace:
    """Make the space of a run.

    Parameters
    ----------
    given : None, str, Path, NetworkFamily, list of these, mapping or ConfigurationSpace
        The estimator's ``search_space``.
    preset : Preset
        What is narrowed or replaced.
    table : Table or Images
        The data, whose kind says which families there are. Hyperparameters that could change nothing for it (encodings
        of categories where there are none, sizes above that of the images) are fixed at their defaults, so that no
        sampler spends trials on them, and so are embeddings of numbers on a wide table, where they cost too much.
    classification : bool
        Likewise for what concerns classes only.

    Returns
    -------
    SearchSpace

    Raises
    ------
    ValueError
        For unknown names and values, with what exists.
    """
    if isinstance(given, (str, Path)):
        given = _load(given)
    if isinstance(given, ConfigurationSpace):
        return _joint(given, preset, table, classification=classification)
    if given is None or isinstance(given, Mapping):
        choices = dict(given or {})
        families: list[Any] = [*preset.networks, *_added(choices.get("network"), preset, table)]
    elif isinstance(given, NetworkFamily):
        families, choices = [given], {}
    elif isinstance(given, Sequence) and not isinstance(given, str):
        families, choices = list(given), {}
    else:
        raise ValueError(
            f"search_space={given!r} is none of: None, a dictionary of choices, a name or path or NetworkFamily (or a "
            "list of these), a ConfigurationSpace."
        )
    known = [f if isinstance(f, NetworkFamily) else load_family(f) for f in families]
    space = preset.space(families=known, choices={k: v for k, v in choices.items() if k != "network"})
    if "network" in choices:
        space = narrow(space, {"network": choices["network"]})
    return SearchSpace(tuple(f for f in known if _is_own(f, table)), _fixed(space, table, classification), {})


def _added(network: Any, preset: Preset, table: Table | Images) -> list[str]:
    """List the library's families that a choice of networks names beside the preset's."""
    named = [network] if isinstance(network, str) else network if isinstance(network, Sequence) else []
    return [name for name in _library(table) if name in named and name not in preset.networks]


def _load(source: str | Path) -> Any:
    """Load a YAML file: a joint space if it has the hyperparameter ``network``, else a family."""
    space = load_space(source)
    return space if "network" in space else load_family(source)


def _joint(space: ConfigurationSpace, preset: Preset, table: Table | Images, *, classification: bool) -> SearchSpace:
    names = [Path(preset.networks[0]).stem]
    if "network" in space:
        names = _names(space["network"])
    check_names(f"network for {_kind(table)}:", names, _library(table))
    defaults: dict[str, Any] = {}
    for name in reversed(names):
        defaults |= values(preset.space([name]).get_default_configuration())
    missing = {k: v for k, v in defaults.items() if k not in space}
    return SearchSpace((), _fixed(space, table, classification), missing)


def _names(network: Hyperparameter[Any, Any]) -> list[str]:
    return [str(name) for name in getattr(network, "choices", None) or [network.default_value]]


def _library(table: Table | Images) -> list[str]:
    """List the library's families for a kind of data."""
    return [*IMAGE_NETWORKS] if isinstance(table, Images) else [*NETWORKS, *TRADITIONAL]


def _kind(table: Table | Images) -> str:
    return "images" if isinstance(table, Images) else "tables"


def _is_own(family: NetworkFamily, table: Table | Images) -> bool:
    if family.build is not None:
        return True
    known = _library(table)
    if family.name not in known:
        raise ValueError(
            f"The network family {family.name!r} is not one of the library's for {_kind(table)} "
            f"({', '.join(map(repr, known))}), and its YAML has no key `build`: choose one of them, or add build: "
            '"file.py:function" or "module:function".'
        )
    return False


def _fixed(space: ConfigurationSpace, table: Table | Images, classification: bool) -> ConfigurationSpace:
    idle = [] if classification else ["label_smoothing", "class_weights", "cutmix_alpha"]
    if isinstance(table, Images):
        sizes = _sizes(space, max(table.pixels.shape[2:]))
        return narrow(space, {**_defaults(space, idle), **({"image_size": sizes} if sizes else {})})
    if table.categorical.shape[1] == 0:
        idle += ["category_encoding", "one_hot_max_categories", "embedding_size"]
    if table.numeric.shape[1] == 0:
        idle += ["scaling", "clipping", "imputation", "numeric_embedding"]
    choices = _defaults(space, idle)
    # An embedding makes a vector of each column: on a wide table that is most of the network, and of the time.
    wide = table.numeric.shape[1] > MAX_EMBEDDED
    if wide and "none" in getattr(space.get("numeric_embedding"), "choices", ()):
        choices["numeric_embedding"] = "none"
    return narrow(space, choices)


def _defaults(space: ConfigurationSpace, names: Sequence[str]) -> dict[str, Any]:
    return {name: _native(space[name].default_value) for name in names if name in space}


def _sizes(space: ConfigurationSpace, own: int) -> list[int]:
    """List the image sizes that differ: those below the images' own, and one more, which stands for it."""
    sizes = list(map(_native, getattr(space.get("image_size"), "sequence", ())))
    return [size for size in sizes if size < own] + [size for size in sizes if size >= own][:1]


def _native(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
