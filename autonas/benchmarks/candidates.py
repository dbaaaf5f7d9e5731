"""The configurations that a portfolio is chosen from: by hand, and by chance from ranges that have done well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import numpy as np

from autonas.presets import load_preset
from autonas.spaces import configuration_from, values

__all__ = ["BASE", "HAND_MADE", "RANGES", "candidates"]

Configuration = Mapping[str, Any]

BASE: Configuration = MappingProxyType(
    {
        "scaling": "robust",
        "clipping": "smooth",
        "imputation": "median",
        "category_encoding": "one_hot",
        "one_hot_max_categories": 10,
        "embedding_size": 8,
        "numeric_embedding": "piecewise_linear",
        "numeric_embedding_size": 12,
        "n_bins": 64,
        "n_frequencies": 16,
        "frequency_scale": 0.1,
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "beta2": 0.95,
        "weight_decay": 3e-2,
        "batch_size": 256,
        "schedule": "cosine",
        "warmup_fraction": 0.05,
        "regularization_schedule": "constant",
        "label_smoothing": 0.0,
        "class_weights": "none",
        "gradient_clipping": 1.0,
    }
)
"""What all candidates share, where they do not say otherwise: a change of the defaults changes no candidate."""

_MLP = {
    "network": "mlp",
    "mlp:shape": "funnel",
    "mlp:n_layers": 3,
    "mlp:max_width": 256,
    "mlp:activation": "silu",
    "mlp:normalization": "batch",
    "mlp:skip": False,
    "mlp:dropout": 0.1,
}
_REALMLP = {
    "network": "realmlp",
    "realmlp:n_layers": 3,
    "realmlp:width": 256,
    "realmlp:activation": "silu",
    "realmlp:parametric_activation": True,
    "realmlp:feature_scaling": True,
    "realmlp:dropout": 0.15,
    "learning_rate": 2.5e-3,
    "weight_decay": 0.3,
    "warmup_fraction": 0.0,
    "regularization_schedule": "flat_cosine",
    "gradient_clipping": "none",
}
_TABM = {
    "network": "tabm",
    "tabm:variant": "tabm",
    "tabm:k": 16,
    "tabm:n_layers": 3,
    "tabm:width": 128,
    "tabm:activation": "relu",
    "tabm:dropout": 0.1,
    "gradient_clipping": "none",
}
_RESNET = {
    "network": "resnet",
    "resnet:n_blocks": 2,
    "resnet:width": 128,
    "resnet:hidden_factor": 2.0,
    "resnet:normalization": "batch",
    "resnet:activation": "relu",
    "resnet:hidden_dropout": 0.2,
    "resnet:residual_dropout": 0.0,
}
_FT = {
    "network": "ft_transformer",
    "ft_transformer:n_blocks": 2,
    "ft_transformer:width": 32,
    "ft_transformer:n_heads": 4,
    "ft_transformer:ffn_factor": 1.33,
    "ft_transformer:attention_dropout": 0.2,
    "ft_transformer:ffn_dropout": 0.1,
    "ft_transformer:residual_dropout": 0.0,
    "learning_rate": 1e-3,
}
_LINEAR = {"network": "linear", "learning_rate": 1e-2}
_FAMILIES = {family["network"]: family for family in (_MLP, _REALMLP, _TABM, _RESNET, _FT, _LINEAR)}
_PERIODIC = {"numeric_embedding": "periodic", "numeric_embedding_size": 4}
_PLAIN = {"numeric_embedding": "none"}
_EMBEDDED = {"category_encoding": "embedding"}

HAND_MADE: Mapping[str, Configuration] = MappingProxyType(
    {
        "realmlp_bins": {**_REALMLP, "n_bins": 128},
        "realmlp_periodic": {**_REALMLP, **_PERIODIC, "schedule": "coslog4"},
        "mlp_bins": {**_MLP, "n_bins": 128, "weight_decay": 1e-2},
        "tabm_bins": _TABM,
        "mlp_layer_norm": {**_MLP, "n_bins": 128, "weight_decay": 0.3, "mlp:normalization": "layer"},
        "realmlp_periodic_fast": {**_REALMLP, **_PERIODIC, "schedule": "coslog4", "learning_rate": 1e-2},
        "mlp_narrow": {
            **_MLP,
            "n_bins": 128,
            "weight_decay": 1.0,
            "gradient_clipping": "none",
            "mlp:normalization": "none",
            "mlp:max_width": 128,
            "mlp:dropout": 0.3,
        },
        "linear_bins": {**_LINEAR, "n_bins": 32, "weight_decay": 0.1},
        "realmlp_smoothed": {**_REALMLP, **_PERIODIC, "schedule": "coslog4", "label_smoothing": 0.1},
        "tabm_periodic": {**_TABM, **_PERIODIC, "numeric_embedding_size": 12},
        "resnet_bins": _RESNET,
        "realmlp_small_batches": {**_REALMLP, **_PERIODIC, "schedule": "coslog4", "batch_size": 64},
        "mlp_quantile": {**_MLP, **_PLAIN, "scaling": "quantile", "mlp:normalization": "layer"},
        "realmlp_embedded": {**_REALMLP, **_EMBEDDED, "n_bins": 128},
        "ft_transformer_bins": _FT,
        "realmlp_wide": {**_REALMLP, "n_bins": 128, "realmlp:width": 512, "realmlp:dropout": 0.3},
        "realmlp_narrow": {**_REALMLP, **_PERIODIC, "realmlp:width": 64, "realmlp:n_layers": 2, "batch_size": 128},
        "mlp_plain": {**_MLP, **_PLAIN, "scaling": "standard", "clipping": "none", "batch_size": 128},
        "mlp_large_batches": {**_MLP, "n_bins": 128, "batch_size": 512, "learning_rate": 4e-3},
        "mlp_smoothed": {**_MLP, "mlp:normalization": "layer", "weight_decay": 0.3, "label_smoothing": 0.05},
        "tabm_mini": {**_TABM, **_EMBEDDED, "tabm:variant": "tabm_mini", "tabm:k": 32, "n_bins": 32},
        "linear_plain": {**_LINEAR, **_PLAIN, "scaling": "standard", "clipping": "none", "weight_decay": 1e-2},
        "resnet_quantile": {**_RESNET, **_PLAIN, "scaling": "quantile", "resnet:normalization": "layer"},
        "realmlp_mish": {**_REALMLP, "n_bins": 64, "realmlp:activation": "mish", "learning_rate": 1e-2},
        "mlp_deep": {**_MLP, **_PERIODIC, "mlp:n_layers": 5, "mlp:skip": True, "mlp:normalization": "layer"},
        "mlp_small_batches": {**_MLP, "batch_size": 64, "learning_rate": 1e-3, "mlp:normalization": "none"},
        "tabm_plain": {**_TABM, **_PLAIN, "scaling": "quantile", "tabm:width": 256},
        "realmlp_plain": {**_REALMLP, **_PLAIN, "schedule": "coslog4", "learning_rate": 1e-2},
        "ft_transformer_plain": {**_FT, **_PLAIN, "ft_transformer:n_blocks": 3, "ft_transformer:width": 64},
        "resnet_periodic": {**_RESNET, **_PERIODIC, "numeric_embedding_size": 12, "resnet:hidden_dropout": 0.4},
        "mlp_embedded": {**_MLP, **_EMBEDDED, "embedding_size": 16, "mlp:dropout": 0.3, "weight_decay": 0.3},
    }
)
"""Name to what differs from :data:`BASE`, the most promising first."""

RANGES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        # Families that train fast, or have done well, more than once.
        "network": (
            "realmlp",
            "realmlp",
            "realmlp",
            "mlp",
            "mlp",
            "tabm",
            "tabm",
            "resnet",
            "linear",
            "ft_transformer",
        ),
        "scaling": ("robust", "robust", "quantile", "standard"),
        "clipping": ("smooth", "smooth", "none"),
        "category_encoding": ("one_hot", "embedding"),
        "embedding_size": (4, 8, 16),
        "numeric_embedding": ("piecewise_linear", "piecewise_linear", "periodic", "periodic", "none"),
        "numeric_embedding_size": (4, 8, 12, 16),
        "n_bins": (16, 32, 64, 128),
        "n_frequencies": (8, 16, 32),
        "frequency_scale": (0.03, 0.1, 0.3, 1.0),
        "learning_rate": (1e-3, 2e-3, 4e-3, 1e-2),
        "beta2": (0.95, 0.99, 0.999),
        "weight_decay": (1e-3, 1e-2, 0.1, 0.3, 1.0),
        "batch_size": (64, 128, 256, 512),
        "schedule": ("cosine", "cosine", "coslog4", "linear"),
        "warmup_fraction": (0.0, 0.05, 0.1),
        "regularization_schedule": ("constant", "flat_cosine"),
        "label_smoothing": (0.0, 0.0, 0.0, 0.03, 0.1),
        "gradient_clipping": ("none", 1.0),
        "mlp:n_layers": (1, 2, 3, 4),
        "mlp:max_width": (64, 128, 256, 512),
        "mlp:activation": ("silu", "relu", "mish", "selu"),
        "mlp:normalization": ("none", "batch", "layer"),
        "mlp:skip": (False, False, True),
        "mlp:dropout": (0.0, 0.1, 0.2, 0.4),
        "realmlp:n_layers": (2, 3, 4),
        "realmlp:width": (64, 128, 256, 512),
        "realmlp:activation": ("silu", "selu", "mish", "relu"),
        "realmlp:parametric_activation": (True, True, False),
        "realmlp:dropout": (0.0, 0.15, 0.3, 0.5),
        "tabm:variant": ("tabm", "tabm_mini"),
        "tabm:k": (8, 16, 32),
        "tabm:n_layers": (1, 2, 3),
        "tabm:width": (64, 128, 256),
        "tabm:dropout": (0.0, 0.1, 0.3),
        "resnet:n_blocks": (1, 2, 3),
        "resnet:width": (64, 128, 256),
        "resnet:normalization": ("batch", "layer"),
        "resnet:hidden_dropout": (0.1, 0.25, 0.5),
        "ft_transformer:n_blocks": (1, 2),
        "ft_transformer:width": (16, 32, 64),
        "ft_transformer:attention_dropout": (0.0, 0.2, 0.4),
    }
)
"""What random candidates are drawn from; a value that stands twice is drawn twice as often."""


def candidates(draws: int = 64, seed: int = 0) -> dict[str, Configuration]:
    """List the candidates.

    Parameters
    ----------
    draws : int, default=64
        Random ones; more of them leave the first as they are.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    dict of str to mapping
        Label to complete configuration: first the preset's default, whatever that is now, then those made by hand, then
        those drawn. A label ends in a mark of the content, so that results are kept only as long as they are those of
        this very configuration.

    Examples
    --------
    >>> [label.partition("@")[0] for label in candidates(draws=2)][-3:]
    ['mlp_embedded', 'draw_0', 'draw_1']
    """
    space = load_preset("tabular").space()
    made = {name: {**BASE, **configuration} for name, configuration in HAND_MADE.items()}
    rng = np.random.default_rng(seed)
    for number in range(draws):
        drawn = {name: choices[rng.integers(len(choices))] for name, choices in RANGES.items()}
        made[f"draw_{number}"] = {**BASE, **_FAMILIES[drawn["network"]], **drawn}
    complete = {name: values(configuration_from(space, configuration)) for name, configuration in made.items()}
    default = values(space.get_default_configuration())
    # The default is one of those made by hand, perhaps.
    first = next((name for name, configuration in complete.items() if configuration == default), "default")
    return {_label(name, c): c for name, c in {first: default, **complete}.items()}


def _label(name: str, configuration: Configuration) -> str:
    text = json.dumps(configuration, sort_keys=True)
    return f"{name}@{blake2b(text.encode(), digest_size=4).hexdigest()}"
