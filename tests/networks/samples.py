"""Configurations, specifications and batches for the tests of networks."""

from __future__ import annotations

import numpy as np
import torch

from autonas.networks import NETWORKS, InputSpec, OutputSpec
from autonas.networks.layers import Dropout
from autonas.presets import load_preset
from autonas.spaces import narrow, values

PRESET = load_preset("tabular")
SPACE = PRESET.space([*PRESET.networks, "mlp_cell"])
CLASSES = OutputSpec("classification", 3, (0.5, -1.0, 0.0))
NUMBERS = OutputSpec("regression", 1, (0.0,))


def spec_of(n_numeric, cardinalities=(), n_members=1, seed=0):
    quantiles = np.sort(np.random.default_rng(seed).normal(size=(33, n_numeric)).astype(np.float32), axis=0)
    return InputSpec(n_numeric, tuple(cardinalities), quantiles, n_members)


def configuration_of(network, seed=None, **choices):
    """The default with these choices, or a random configuration; with a family's own names."""
    known = {k if k in SPACE else f"{network}:{k}": v for k, v in choices.items()}
    space = narrow(SPACE, {"network": network, **known})
    space.seed(seed or 0)
    chosen = values(space.get_default_configuration() if seed is None else space.sample_configuration())
    return {name.removeprefix(f"{network}:"): value for name, value in chosen.items()}


def build(configuration, spec, output=CLASSES, seed=0):
    torch.manual_seed(seed)
    return NETWORKS[configuration["network"]](configuration, spec, output)


def batch_of(spec, n=5, seed=0):
    """Inputs of shape (n_members, n, columns), different for each member."""
    generator = torch.Generator().manual_seed(seed)
    shape = (spec.n_members, n)
    codes = [torch.randint(0, c, (*shape, 1), generator=generator) for c in spec.cardinalities]
    none = torch.zeros((*shape, 0), dtype=torch.long)
    return torch.randn(*shape, spec.n_numeric, generator=generator), torch.cat(codes, 2) if codes else none


def stir(network, seed=0):
    """Give all weights and statistics values that no start has, and switch dropout off."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator))
        for b in network.state_dict().values():
            b.add_(0.1 * torch.rand(b.shape, generator=generator))
    for module in network.modules():
        if isinstance(module, Dropout):
            module.p = 0.0
    return network
