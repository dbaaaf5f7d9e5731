"""AutoNAS: neural networks found, tuned and trained for you, as scikit-learn estimators."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autonas._version import __version__ as __version__

if TYPE_CHECKING:
    from autonas._loading import load
    from autonas._two_stage import OneShot
    from autonas.estimator import AutoNASClassifier, AutoNASRegressor
    from autonas.networks import IMAGE_NETWORKS, NETWORKS, ImageSpec, InputSpec, OutputSpec
    from autonas.optimization import OPTIMIZERS, SAMPLERS, SCHEDULES, RunHistory, SearchFailed, search
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
    "load",
    "load_space",
    "narrow",
    "pin",
    "search",
]

#: Where the public names are. Torch takes seconds to import: neither `autonas --help` nor a worker process need wait.
_PLACES = {
    "_loading": ("load",),
    "_two_stage": ("OneShot",),
    "estimator": ("AutoNASClassifier", "AutoNASRegressor"),
    "networks": ("IMAGE_NETWORKS", "NETWORKS", "ImageSpec", "InputSpec", "OutputSpec"),
    "optimization": ("OPTIMIZERS", "SAMPLERS", "SCHEDULES", "RunHistory", "SearchFailed", "search"),
    "spaces": ("NetworkFamily", "load_space", "narrow", "pin"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Module(ModuleType):
    """The package, of which ``vars`` lists the public names too: a tool that evaluates text in them finds all."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        for name in __all__:
            getattr(self, name)
        return globals()


sys.modules[__name__].__class__ = _Module
