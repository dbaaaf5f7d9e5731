"""What the network of a configuration amounts to, without training it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from autonas._names import unknown_name
from autonas.networks import IMAGE_NETWORKS, NETWORKS
from autonas.networks.cost import multiply_adds
from autonas.networks.specs import ImageSpec, InputSpec, OutputSpec, is_stackable

__all__ = ["NetworkSize", "describe_network"]


@dataclass(frozen=True)
class NetworkSize:
    """The size of one network.

    Attributes
    ----------
    n_parameters : int
        Weights that are learnt.
    multiply_adds : int
        Multiplications, each with an addition, of the outputs for one row or one image: half of the "FLOPs" of those
        who count the two apart. See :func:`autonas.networks.cost.multiply_adds`.
    """

    n_parameters: int
    multiply_adds: int


def describe_network(
    configuration: Mapping[str, Any],
    input_spec: InputSpec | ImageSpec,
    output_spec: OutputSpec,
    build: Callable[..., nn.Module] | None = None,
) -> NetworkSize:
    """Count the parameters and the multiply-adds of a configuration's network, without training it.

    Parameters
    ----------
    configuration : mapping
        A configuration of the searched space, such as the estimators' ``best_configuration_``, or the family's own
        values with its name under ``network``. Families for tables read ``numeric_embedding`` too, and what depends on
        it.
    input_spec : InputSpec or ImageSpec
        The table's columns, or the images' size.
    output_spec : OutputSpec
    build : callable, optional
        Of a family of one's own: ``build(configuration, input_spec, output_spec) -> nn.Module``.

    Returns
    -------
    NetworkSize
        Of one network, whatever ``input_spec.n_members`` is.

    Raises
    ------
    ValueError
        If the family is unknown, or a value that it reads is missing.

    Examples
    --------
    >>> from autonas.spaces import load_space
    >>> configuration = {"network": "chain_cnn", **load_space("chain_cnn").get_default_configuration()}
    >>> images = ImageSpec(channels=1, height=28, width=28, mean=(127.0,), std=(80.0,))
    >>> describe_network(configuration, images, OutputSpec("classification", 10, (0.0,) * 10)).n_parameters
    285778
    """
    name = configuration.get("network")
    families: Mapping[str, Callable[..., nn.Module]] = IMAGE_NETWORKS if isinstance(input_spec, ImageSpec) else NETWORKS
    if build is None:
        if name is None:
            raise ValueError(
                "The configuration has no value for 'network': add the family's name, or pass its `build`."
            )
        if name not in families:
            what = "images" if isinstance(input_spec, ImageSpec) else "tables"
            raise unknown_name(f"network family for {what}", name, families)
        build = families[name]
    own = {key.removeprefix(f"{name}:"): value for key, value in dict(configuration).items()}
    one = input_spec if isinstance(input_spec, ImageSpec) else replace(input_spec, n_members=1)
    with torch.random.fork_rng(devices=[]):
        try:
            network = build(own, one, output_spec)
        except KeyError as error:
            raise ValueError(
                f"The configuration has no value for {error}, which the family {name!r} reads: add it, or take a "
                "configuration of the whole space."
            ) from error
    if isinstance(one, ImageSpec):
        count = multiply_adds(_OfImages(network), (one.channels, one.height, one.width), 0)
    else:
        count = multiply_adds(network, one.n_numeric, len(one.cardinalities), 1 if is_stackable(build) else None)
    return NetworkSize(sum(p.numel() for p in network.parameters() if p.requires_grad), count)


class _OfImages(nn.Module):
    """A network of images, called as one of tables."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, numeric: torch.Tensor, _categorical: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.network(numeric)
        return out
