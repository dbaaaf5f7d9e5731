"""A network's layers, in the order in which they compute: for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

__all__ = ["Layer", "layers_of"]


@dataclass(frozen=True)
class Layer:
    """A layer, or several of the same kind and size in a row.

    Attributes
    ----------
    name : str
        Its class; of a part of the network, the part's.
    shape : tuple of int
        Of its output for one row.
    n_parameters : int
        Of one of them, in one network of a stack.
    times : int, default=1
        So many in a row.
    """

    name: str
    shape: tuple[int, ...]
    n_parameters: int
    times: int = 1


def layers_of(network: nn.Module, inputs: Sequence[torch.Tensor], n_members: int = 1, most: int = 16) -> list[Layer]:
    """List the layers that have parameters, in the order in which they compute.

    Parameters
    ----------
    network : nn.Module
        Stacked, or on plain batches.
    inputs : sequence of Tensor
        What it is called with: (n_members, batch, ...), or (batch, ...) of a network on plain batches. The number of
        rows should be one that no layer has, such as 7.
    n_members : int, default=1
        Networks in the stack.
    most : int, default=16
        If there are more layers, those of a part of the network count as one, so that there are as few.

    Returns
    -------
    list of Layer

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    >>> for layer in layers_of(network, [torch.zeros(7, 3)]):
    ...     print(layer.times, layer.name, layer.shape, layer.n_parameters)
    1 Linear (8,) 32
    2 Linear (8,) 72
    """
    computed = _computed(network, inputs, n_members)
    depth = max((path.count(".") for path, _ in computed), default=0) + 1
    layers = _merged([layer for _, layer in computed])
    while len(layers) > most and depth > 1:
        depth -= 1
        layers = _merged(_by_part(network, computed, depth))
    return layers


def _computed(network: nn.Module, inputs: Sequence[torch.Tensor], n_members: int) -> list[tuple[str, Layer]]:
    """Call the network, and note each layer with parameters of its own, under its path, when it has computed."""
    found: list[tuple[str, Layer]] = []
    batch = inputs[0].shape[0 if inputs[0].ndim in {2, 4} else 1]

    def note(path: str) -> Any:
        def hook(module: nn.Module, _: Any, out: Any) -> None:
            if isinstance(out, torch.Tensor) and batch in out.shape:
                n = sum(p.numel() for p in module.parameters(recurse=False)) // n_members
                place = out.shape.index(batch)
                # Before the rows stand the networks of the stack, if anything, and then what each has several of.
                kept = (*out.shape[1:place], *out.shape[place + 1 :])
                found.append((path, Layer(type(module).__name__.lstrip("_"), kept, n)))

        return hook

    handles = [
        module.register_forward_hook(note(path))
        for path, module in network.named_modules()
        if any(True for _ in module.parameters(recurse=False)) and not any(True for _ in module.children())
    ]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(*inputs)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return found


def _by_part(network: nn.Module, computed: Sequence[tuple[str, Layer]], depth: int) -> list[Layer]:
    """Take the layers of each part at a depth together: the last one's output, the sum of the parameters."""
    parts: list[tuple[str, Layer]] = []
    for path, layer in computed:
        steps = path.split(".")
        part = ".".join(steps[:depth])
        name = layer.name if len(steps) <= depth else type(network.get_submodule(part)).__name__.lstrip("_")
        if parts and parts[-1][0] == part:
            before = parts.pop()[1]
            layer = replace(layer, n_parameters=before.n_parameters + layer.n_parameters)  # noqa: PLW2901
        parts.append((part, replace(layer, name=name)))
    return [layer for _, layer in parts]


def _merged(layers: Sequence[Layer]) -> list[Layer]:
    merged: list[Layer] = []
    for layer in layers:
        if merged and replace(merged[-1], times=1) == layer:
            merged[-1] = replace(layer, times=merged[-1].times + 1)
        else:
            merged.append(layer)
    return merged
