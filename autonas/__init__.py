"""AutoNAS: neural networks found, tuned and trained for you, as scikit-learn estimators."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autonas._two_stage import OneShot
    from autonas.estimator import AutoNASClassifier, AutoNASRegressor
    from autonas.networks import IMAGE_NETWORKS, NETWORKS, ImageSpec, InputSpec, OutputSpec
    from autonas.optimization import (
        OPTIMIZERS,
        SAMPLERS,
        SCHEDULES,
        RunHistory,
        SearchFailed,
        search,
    )
    from autonas.spaces import NetworkFamily, load_space, narrow, pin

__all__ = [
    "IMAGE_NETWORKS",
    "NETWORKS",
    "OPTIMIZERS",
    "SAMPLERS",
    "SCHEDULES",
    "AutoNASClassifier",
    "AutoNASRegressor",
    "ImageSpec",
    "InputSpec",
    "NetworkFamily",
    "OneShot",
    "OutputSpec",
    "RunHistory",
    "SearchFailed",
    "load_space",
    "narrow",
    "pin",
    "search",
]

__version__ = "0.1.0"

_WHERE = {
    "OneShot": "autonas._two_stage",
    "AutoNASClassifier": "autonas.estimator",
    "AutoNASRegressor": "autonas.estimator",
    "IMAGE_NETWORKS": "autonas.networks",
    "NETWORKS": "autonas.networks",
    "ImageSpec": "autonas.networks",
    "InputSpec": "autonas.networks",
    "OutputSpec": "autonas.networks",
    "OPTIMIZERS": "autonas.optimization",
    "SAMPLERS": "autonas.optimization",
    "SCHEDULES": "autonas.optimization",
    "RunHistory": "autonas.optimization",
    "SearchFailed": "autonas.optimization",
    "search": "autonas.optimization",
    "NetworkFamily": "autonas.spaces",
    "load_space": "autonas.spaces",
    "narrow": "autonas.spaces",
    "pin": "autonas.spaces",
}
"""Each public name is imported when it is used: a worker process of a search needs no torch."""


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_WHERE[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
