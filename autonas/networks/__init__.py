"""The network families: one file each, with the stem of its YAML in ``search_spaces/``.

A family is a function ``build(configuration, input_spec, output_spec) -> nn.Module``. A network for tables is called as
``network(numeric, categorical)``, one for images as ``network(images)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from autonas.networks import (
    cell,
    chain_cnn,
    ft_transformer,
    linear,
    macro,
    mlp,
    mlp_cell,
    mobile,
    multibranch_cnn,
    nasbench201,
    realmlp,
    resnet,
    tabm,
)
from autonas.networks.inputs import TabularInput
from autonas.networks.specs import ImageSpec, InputSpec, OutputSpec

__all__ = [
    "IMAGE_NETWORKS",
    "NETWORKS",
    "Build",
    "ImageBuild",
    "ImageSpec",
    "InputSpec",
    "OutputSpec",
    "TabularInput",
]

Build = Callable[[Mapping[str, Any], InputSpec, OutputSpec], nn.Module]
ImageBuild = Callable[[Mapping[str, Any], ImageSpec, OutputSpec], nn.Module]

NETWORKS: dict[str, Build] = {
    "mlp": mlp.build,
    "resnet": resnet.build,
    "realmlp": realmlp.build,
    "tabm": tabm.build,
    "linear": linear.build,
    "ft_transformer": ft_transformer.build,
    "mlp_cell": mlp_cell.build,
}

IMAGE_NETWORKS: dict[str, ImageBuild] = {
    "chain_cnn": chain_cnn.build,
    "multibranch_cnn": multibranch_cnn.build,
    "mobile": mobile.build,
    "macro": macro.build,
    "cell": cell.build,
    "nasbench201": nasbench201.build,
}
