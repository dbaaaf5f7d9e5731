"""Small images, and a small network for them, for the tests of training and of the estimators."""

from __future__ import annotations

import numpy as np
from ConfigSpace import ConfigurationSpace
from torch import nn

from autonas.networks.images import ImageHead, ImageInput
from autonas.networks.layers import Dropout
from autonas.networks.specs import reproducible
from autonas.presets import load_preset
from autonas.spaces import NetworkFamily, values
from autonas.training.images import Images
from autonas.training.metrics import resolve_metric
from autonas.training.task import Task


@reproducible
def build(configuration, input_spec, output_spec):
    width = configuration["width"]
    return nn.Sequential(
        ImageInput(input_spec),
        nn.Conv2d(input_spec.channels, width, 3, stride=2, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        Dropout(0.1),
        ImageHead(width, output_spec),
    )


def small_family(make=build):
    return NetworkFamily("small", ConfigurationSpace({"width": (4, 8)}), make)


def configuration_of(**choices):
    """The preset's default, of the small family, with these choices."""
    return values(load_preset("image").space([small_family()], choices).get_default_configuration())


def make_images(n=60, *, classes=3, size=(8, 8), channels=1, seed=0, dtype=np.uint8):
    """Images (n, height, width, channels) with a column as bright as the class; ``classes=0``: as the number."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, n) if classes else rng.uniform(100, 200, n)
    share = target / (classes - 1) if classes else (target - 100) / 100
    pixels = rng.integers(0, 50, (n, *size, channels))
    pixels[np.arange(n), :, rng.integers(0, size[1], n)] += (200 * share).astype(int)[:, None, None]
    return pixels.astype(dtype), target


def make_task(n=60, *, classes=3, weight=None, **options):
    X, y = make_images(n, classes=classes, **options)
    pixels = np.ascontiguousarray(np.moveaxis(X, 3, 1))
    metric = resolve_metric(None, np.arange(classes) if classes else None)
    return Task(Images(pixels), (), y, classes, weight, metric)
