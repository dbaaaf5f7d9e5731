"""Small problems for the tests of weight sharing."""

from __future__ import annotations

import numpy as np
import torch

from autonas.networks import OutputSpec, cell, mlp_cell, nasbench201
from autonas.networks.specs import ImageSpec, InputSpec
from autonas.one_shot.data import Sample
from autonas.spaces import load_space, values

SPACES = {module.SPACE.name: module.SPACE for module in (nasbench201, cell, mlp_cell)}
OUTPUT = OutputSpec("classification", 3, (0.0, 0.0, 0.0))
_IMAGE = ImageSpec(2, 8, 8, (0.5, 0.5), (0.3, 0.3))
_TABLE = InputSpec(4, (3,), np.linspace(-1, 1, 129, dtype=np.float32)[:, None].repeat(4, 1))


def input_of(name):
    return _TABLE if name == "mlp_cell" else _IMAGE


def configuration_of(name, **changes):
    plain = {"numeric_embedding": "none", "category_encoding": "one_hot", "one_hot_max_categories": 10, "dropout": 0.0}
    small = {"channels": 4, "n_cells": 3 if name == "cell" else 1, "cells_per_stage": 1, "width": 8, "stem": "plain"}
    return {**values(load_space(name).get_default_configuration()), **plain, **small, **changes}


def sample_of(name, n=96, *, classes=3, seed=0, dtype=torch.float32):
    """Rows whose class an operation with weights can learn."""
    rng = np.random.default_rng(seed)
    if name == "mlp_cell":
        numeric = rng.normal(size=(n, 4))
        score = numeric[:, 0] * numeric[:, 1] + numeric[:, 2]
        inputs = torch.tensor(numeric, dtype=dtype)[None], torch.ones(1, n, 1, dtype=torch.long)
    else:
        images = rng.random((n, 2, 8, 8))
        score = images[:, 0, :4].mean((1, 2)) - images[:, 1, 4:].mean((1, 2))
        inputs = (torch.tensor(images, dtype=dtype),)
    ranks = np.argsort(np.argsort(score))
    target = torch.from_numpy(ranks * classes // n) if classes else torch.tensor(score, dtype=dtype)
    return Sample(inputs, target, axis=1 if name == "mlp_cell" else 0)
