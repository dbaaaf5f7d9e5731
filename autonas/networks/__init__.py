"""The network families: one file each, with the stem of its YAML in ``search_spaces/``.

A family is a function ``build(configuration, input_spec, output_spec) -> nn.Module``; the network is called as
``network(numeric, categorical)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from autonas.networks import ft_transformer, linear, mlp, realmlp, resnet, tabm
from autonas.networks.inputs import TabularInput
from autonas.networks.specs import InputSpec, OutputSpec

__all__ = ["NETWORKS", "Build", "InputSpec", "OutputSpec", "TabularInput"]

Build = Callable[[Mapping[str, Any], InputSpec, OutputSpec], nn.Module]

NETWORKS: dict[str, Build] = {
    "mlp": mlp.build,
    "resnet": resnet.build,
    "realmlp": realmlp.build,
    "tabm": tabm.build,
    "linear": linear.build,
    "ft_transformer": ft_transformer.build,
}
