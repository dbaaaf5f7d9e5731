"""Histories of one fidelity for the tests of single samplers."""

from __future__ import annotations

from autonas.optimization import Result, Trial
from autonas.spaces import configuration_from, values


def told(space, configurations, losses):
    """Trials trained to the end, told in their order."""
    return [
        Trial(i, configuration_from(space, c), "random", 0, [Result(9, float(loss), 1, 1, 1, 2 * i, 2 * i + 1)])
        for i, (c, loss) in enumerate(zip(configurations, losses, strict=True))
    ]


def played(sampler, space, loss, n, seed=0):
    """Let a sampler propose n times, and tell it each loss."""
    import numpy as np

    configurations, losses = [], []
    for number in range(n):
        suggested = sampler.suggest(told(space, configurations, losses), np.random.default_rng([seed, number]))
        configurations.append(values(suggested))
        losses.append(loss(configurations[-1]))
    return configurations, losses
