"""Presets: which preprocessing, networks, training space, validation and ensemble a kind of data uses."""

# ruff: noqa: TRY004  a wrong value in a file is a ValueError whatever its type

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from autonas._space_files import check_keys, read_mapping
from autonas.spaces import (
    NetworkFamily,
    Source,
    compose,
    data_file,
    load_family,
    load_space,
    narrow,
    with_defaults,
)

__all__ = ["Preset", "load_preset"]


@dataclass(frozen=True)
class Preset:
    """What ``pipelines/<name>.yaml`` says.

    Attributes
    ----------
    name : str
        The stem of the file.
    preprocessing, training : str or Path
        Search spaces: names, or paths of YAML files.
    networks : tuple of str or Path
        Network families; the first is the default.
    defaults : mapping
        Default values that differ from the search spaces', as in ``{"mlp:n_layers": 2}``.
    validation : str or int
        ``"auto"``, ``"holdout"``, ``"cv"`` or a number of folds.
    ensemble_size : int
        Networks in the ensemble at most.
    portfolio : str, Path or None
        The configurations tried after the default: a name in ``pipelines/portfolios/``, or a path.
    one_shot : str, Path or None
        The family of cells that the two-stage mode searches, where the user names none.
    """

    name: str
    preprocessing: Source
    networks: tuple[Source, ...]
    training: Source
    defaults: Mapping[str, Any] = field(default_factory=dict)
    validation: str | int = "auto"
    ensemble_size: int = 16
    portfolio: Source | None = None
    one_shot: Source | None = None

    def families(self) -> list[NetworkFamily]:
        """Load the network families."""
        return [load_family(network) for network in self.networks]

    def space(
        self,
        families: Sequence[Source | NetworkFamily] | None = None,
        choices: Mapping[str, Any] | None = None,
    ) -> ConfigurationSpace:
        """Compose the joint space of preprocessing, network and training.

        Parameters
        ----------
        families : sequence of str, Path or NetworkFamily, optional
            Instead of the preset's networks.
        choices : mapping, optional
            What is left of some hyperparameters, as for :func:`autonas.spaces.narrow`.

        Returns
        -------
        ConfigurationSpace
            Its default configuration is the preset's tuned default, as far as ``choices`` leave it.

        Raises
        ------
        ValueError
            For unknown names, wrong files and impossible choices.

        Examples
        --------
        >>> space = load_preset("tabular").space(choices={"network": "mlp", "mlp:n_layers": (1, 3)})
        >>> space["mlp:n_layers"].upper
        3
        """
        loaded = self.families() if families is None else [load_family(family) for family in families]
        space = compose([load_space(self.preprocessing), load_space(self.training)], loaded, name=self.name)
        # A default for a network that was replaced says nothing any more.
        replaced = {Path(n).stem for n in self.networks} - {family.name for family in loaded}
        defaults = {k: v for k, v in self.defaults.items() if k.partition(":")[0] not in replaced}
        return narrow(with_defaults(space, defaults), choices or {})


def load_preset(source: Source) -> Preset:
    """Load a preset.

    Parameters
    ----------
    source : str or Path
        A name in ``pipelines/``, or the path of a YAML file. Paths inside the file start from its folder.

    Returns
    -------
    Preset

    Raises
    ------
    ValueError
        For an unknown name, and for a file with a wrong key or value.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> load_preset("tabular").networks
    ('realmlp', 'mlp', 'resnet', 'tabm', 'ft_transformer', 'linear')
    """
    path = data_file("pipelines", source)
    content = read_mapping(path)
    check_keys(
        str(path),
        content,
        {"preprocessing", "networks", "training"},
        {"defaults", "validation", "ensemble_size", "portfolio", "one_shot"},
    )
    networks = content.pop("networks")
    if not isinstance(networks, list) or not networks:
        raise ValueError(f"{path}: 'networks' is {networks!r}, but must be a list of names or paths: [mlp, resnet].")
    content = {key: value for key, value in content.items() if value is not None}
    for key in ("preprocessing", "training"):
        content[key] = _beside(path, key, content.get(key))
    if "one_shot" in content:
        content["one_shot"] = _beside(path, "one_shot", content["one_shot"])
    if "portfolio" in content:
        content["portfolio"] = _beside(path, "portfolio", content["portfolio"], "a portfolio")
    if not isinstance(content.get("defaults", {}), dict):
        raise ValueError(f"{path}: 'defaults' is {content['defaults']!r}, but must be a mapping of names to values.")
    size = content.get("ensemble_size", 1)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ValueError(f"{path}: 'ensemble_size' is {size!r}, but must be an integer of 1 or more.")
    folds = content.get("validation", "auto")
    if folds not in {"auto", "holdout", "cv"} and not (type(folds) is int and folds >= 2):
        raise ValueError(f"{path}: 'validation' is {folds!r}, but must be 'auto', 'holdout', 'cv' or 2 or more folds.")
    return Preset(path.stem, networks=tuple(_beside(path, "networks", n) for n in networks), **content)


def _beside(path: Path, key: str, value: object, kind: str = "a search space") -> Source:
    if not isinstance(value, str):
        raise ValueError(f"{path}: {key!r} has {value!r}, but must name {kind} or the path of one.")
    beside = path.parent / value
    return beside if beside.is_file() else value
