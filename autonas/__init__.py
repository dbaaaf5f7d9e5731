"""AutoNAS: neural networks found, tuned and trained for you, as scikit-learn estimators."""

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
