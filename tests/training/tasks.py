"""Small tasks for the tests of training."""

from __future__ import annotations

import numpy as np

from autonas.training.data import Table
from autonas.training.metrics import resolve_metric
from autonas.training.task import Task


def make_task(n=120, *, classes=3, seed=0, missing=True, weight=None, metric=None):
    """Numbers and categories, learnable; ``classes=0`` is regression."""
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=(n, 4))
    categorical = rng.integers(1, 4, size=(n, 2))
    score = numeric[:, 0] + 0.5 * numeric[:, 1] + (categorical[:, 0] == 1)
    if missing:
        numeric[rng.random(numeric.shape) < 0.05] = np.nan
        categorical[rng.random(categorical.shape) < 0.05] = 0
    if classes:
        target = np.argsort(np.argsort(score)) * classes // n
        labels = np.arange(classes)
    else:
        target, labels = 1e3 + 100 * score, None
    table = Table(numeric=numeric, categorical=categorical)
    return Task(table, (4, 4), target, classes, weight, resolve_metric(metric, labels))
