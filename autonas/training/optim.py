"""Optimizers and learning-rate schedules, as a configuration of ``search_spaces/training.yaml`` names them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn, optim

__all__ = [
    "OPTIMIZERS",
    "REGULARIZATION_SCHEDULES",
    "SCHEDULES",
    "dropout_factor",
    "learning_rate_factor",
    "make_optimizer",
    "set_step",
]

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

#: Progress in [0, 1] through the whole training, warm-up excluded, to a factor on the learning rate. "coslog4" has four
#: waves, each twice as long as the last (RealMLP, Holzmüller et al. 2024, "Better by Default", section 3).
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
    "linear": lambda t: 1 - t,
    "coslog4": lambda t: 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t))),
}

#: The same to a factor on dropout and weight decay; "flat_cosine" falls to zero in the second half.
REGULARIZATION_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "flat_cosine": lambda t: 1.0 if t < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * t - 1))),
}


def make_optimizer(network: nn.Module, configuration: Mapping[str, Any]) -> optim.Optimizer:
    """Make the optimizer of a network, with a group of parameters for each learning rate and weight decay.

    Biases and scales of normalization layers get no weight decay. Parameters of :mod:`autonas.networks.layers` say so
    by their marks ``decays`` and ``learning_rate_factor``; of others, vectors do not decay.

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
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for p in network.parameters():
        if p.requires_grad:
            key = float(getattr(p, "learning_rate_factor", 1.0)), bool(getattr(p, "decays", p.ndim > 1))
            groups.setdefault(key, []).append(p)
    decay = configuration["weight_decay"]
    optimizer = OPTIMIZERS[configuration["optimizer"]](
        [{"params": params, "weight_decay": decay * decays} for (_, decays), params in groups.items()], configuration
    )
    for group, (factor, _) in zip(optimizer.param_groups, groups, strict=True):
        group["initial_lr"] = group["lr"] * factor
        # A smaller rate of learning is not to be one of decay as well.
        group["initial_weight_decay"] = group["weight_decay"] / factor
    return optimizer


def set_step(optimizer: optim.Optimizer, configuration: Mapping[str, Any], step: int, total_steps: int) -> None:
    """Set learning rates and weight decays for a step.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Of :func:`make_optimizer`.
    configuration : mapping
        ``schedule``, ``warmup_fraction``, ``regularization_schedule``.
    step, total_steps : int
        The step about to be made (0-based), and how many a training to the highest fidelity has.
    """
    rate = learning_rate_factor(configuration, step, total_steps)
    decay = _regularization(configuration)(step / total_steps)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * rate
        group["weight_decay"] = group["initial_weight_decay"] * decay


def dropout_factor(configuration: Mapping[str, Any], progress: float) -> float:
    """Compute the factor on the rates of dropout at a share of the training in [0, 1)."""
    return _regularization(configuration)(progress)


def _regularization(configuration: Mapping[str, Any]) -> Callable[[float], float]:
    return REGULARIZATION_SCHEDULES[configuration.get("regularization_schedule", "constant")]


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
        In [0, 1].
    """
    warmup = float(configuration.get("warmup_fraction", 0.0)) * total_steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = float((step - warmup) / max(total_steps - warmup, 1.0))
    return SCHEDULES[configuration["schedule"]](progress)
