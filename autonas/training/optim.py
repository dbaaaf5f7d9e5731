"""Optimizers and learning-rate schedules, as a configuration of ``search_spaces/training.yaml`` names them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn, optim

__all__ = ["OPTIMIZERS", "SCHEDULES", "learning_rate_factor", "make_optimizer"]

Parameters = Iterable[nn.Parameter]


def _adamw(params: Any, c: Mapping[str, Any]) -> optim.Optimizer:
    return optim.AdamW(params, lr=c["learning_rate"], betas=(0.9, c["beta2"]), fused=True)


def _nadam(params: Any, c: Mapping[str, Any]) -> optim.Optimizer:
    betas = (0.9, c["beta2"])
    return optim.NAdam(params, lr=c["learning_rate"], betas=betas, decoupled_weight_decay=True, foreach=True)


def _rmsprop(params: Any, c: Mapping[str, Any]) -> optim.Optimizer:
    return optim.RMSprop(params, lr=c["learning_rate"], foreach=True)


def _sgd(params: Any, c: Mapping[str, Any]) -> optim.Optimizer:
    return optim.SGD(
        params, lr=c["sgd_learning_rate"], momentum=c["momentum"], nesterov=bool(c["nesterov"]), fused=True
    )


OPTIMIZERS: dict[str, Callable[[Any, Mapping[str, Any]], optim.Optimizer]] = {
    "adamw": _adamw,
    "nadam": _nadam,
    "rmsprop": _rmsprop,
    "sgd": _sgd,
}

#: Progress in [0, 1] through the whole training, warm-up excluded, to a factor on the learning rate.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
    "linear": lambda t: 1 - t,
}


def make_optimizer(network: nn.Module, configuration: Mapping[str, Any]) -> optim.Optimizer:
    """Make the optimizer of a network; biases and scales of normalization layers get no weight decay.

    Parameters
    ----------
    network : nn.Module
        Its parameters are optimized.
    configuration : mapping
        ``optimizer`` and the hyperparameters that are conditional on it, ``weight_decay``.

    Returns
    -------
    torch.optim.Optimizer
    """
    params = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": configuration["weight_decay"]},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = OPTIMIZERS[configuration["optimizer"]]([g for g in groups if g["params"]], configuration)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer


def learning_rate_factor(configuration: Mapping[str, Any], step: int, total_steps: int) -> float:
    """Compute the factor on the learning rate at a step: a linear warm-up, then the schedule.

    Parameters
    ----------
    configuration : mapping
        ``schedule`` and ``warmup_fraction`` (share of all steps).
    step, total_steps : int
        The step about to be made (0-based), and how many a training to the highest fidelity has: the schedule spans
        all of them whatever the rung, so a trial that is continued equals one that never paused.

    Returns
    -------
    float
        In (0, 1].
    """
    warmup = float(configuration.get("warmup_fraction", 0.0)) * total_steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = float((step - warmup) / max(total_steps - warmup, 1.0))
    return SCHEDULES[configuration["schedule"]](progress)
