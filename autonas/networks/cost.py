"""What a network costs: multiplications, and memory in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Shape", "multiply_adds", "saved_bytes", "step_seconds"]

#: What a row has: a number of columns, or the axes of an image.
Shape = int | tuple[int, ...]

_N_ROWS = 2


def multiply_adds(network: nn.Module, numeric: Shape, categorical: Shape, n_members: int | None = None) -> int:
    """Count the multiply-adds of a network's outputs for one row.

    They are counted by computing two rows in evaluation. Only matrix products, convolutions and attention count: the
    rest is proportional to the network's width, not to its square.

    Parameters
    ----------
    network : nn.Module
        Called as ``network(numeric, categorical)``.
    numeric, categorical : int or tuple of int
        Columns of each input, or the shape of a row: (channels, height, width) and 0 for images.
    n_members : int, optional
        Of a stacked network (see :func:`autonas.networks.specs.stackable`): its inputs then have an axis of members in
        front, and the result is for one row in each of them. None: a network on plain batches.

    Returns
    -------
    int

    Examples
    --------
    >>> class Two(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    ...     def forward(self, numeric, categorical):
    ...         return self.layers(numeric)
    >>> multiply_adds(Two(), 3, 0)
    40
    """
    return round(_count(network, numeric, categorical, n_members).count / _N_ROWS)


def saved_bytes(network: nn.Module, numeric: Shape, categorical: Shape, n_members: int | None = None) -> int:
    """Count the memory that each row of a batch takes in training: what a network keeps for its gradients.

    Parameters
    ----------
    network, numeric, categorical, n_members
        As for :func:`multiply_adds`.

    Returns
    -------
    int
        In bytes, without weights, gradients, and masks of dropout.

    Examples
    --------
    >>> class Two(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    ...     def forward(self, numeric, categorical):
    ...         return self.layers(numeric)
    >>> saved_bytes(Two(), 3, 0)  # the input and the hidden layer, four bytes each
    44
    """
    few, many = (_saved(network, _inputs(network, numeric, categorical, n_members, n)) for n in (_N_ROWS, 5 * _N_ROWS))
    return round((many - few) / (4 * _N_ROWS))


def step_seconds(network: nn.Module, numeric: Shape, categorical: Shape, n_members: int, n_rows: int) -> float:
    """Estimate how long one core takes for a training step, of any machine alike: it is counted, not timed.

    The coefficients are least squares on the steps of 55 configurations of all families on four tables, on one core
    whose largest matrix products reach 100 GFLOP/s; nine in ten estimates were between 0.66 and 1.22 of the measured
    time, those of very small transformers as low as 0.42. Networks with convolutions have coefficients of their own,
    from 71 configurations of six families on three sets of images: nine in ten between 0.69 and 1.22.

    Parameters
    ----------
    network : nn.Module
        Stacked, of one member.
    numeric, categorical : int or tuple of int
        Columns of each input, or the shape of a row: (channels, height, width) and 0 for images.
    n_members : int
        Members that are trained together.
    n_rows : int
        Of a batch, for each member.

    Returns
    -------
    float
    """
    counter = _count(network, numeric, categorical, 1)
    rows = n_members * n_rows
    products = 6 * rows * counter.count / _N_ROWS  # forward and backward
    weights = n_members * sum(p.numel() for p in network.parameters())
    traffic = rows * saved_bytes(network, numeric, categorical, 1)
    if not counter.convolutions:
        return 0.7e-3 + products * 1e-11 + weights * 2.2e-9 + traffic * 0.7e-9
    # Convolutions of each channel by itself multiply little and take long; each convolution costs something by itself.
    grouped = 6 * rows * counter.grouped / _N_ROWS
    arithmetic = (products - grouped) * 1e-11 + grouped * 1.5e-10
    overhead = 3e-3 + n_members * counter.convolutions * 0.27e-3
    return overhead + arithmetic + weights * 6.7e-9 + traffic * 0.36e-9


def _count(network: nn.Module, numeric: Shape, categorical: Shape, n_members: int | None) -> _Counter:
    """Compute a few rows, and count what it takes."""
    counter = _Counter()
    with _evaluation(network):
        inputs = _inputs(network, numeric, categorical, n_members)
        with counter:
            network(*inputs)
    return counter


def _saved(network: nn.Module, inputs: tuple[torch.Tensor, torch.Tensor]) -> int:
    own = {t.untyped_storage().data_ptr() for t in (*network.parameters(), *network.buffers())}
    saved: dict[int, torch.UntypedStorage] = {}

    def save(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage
        return tensor

    with _evaluation(network), torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        # The output keeps the graph, and so the storages, alive: no address is given twice.
        out = network(*inputs)
        total = sum(storage.nbytes() for storage in saved.values())
    del out
    return total


@contextmanager
def _evaluation(network: nn.Module) -> Iterator[None]:
    trained = [module for module in network.modules() if module.training]
    network.eval()
    try:
        # With gradients: without, torch computes some modules (nn.TransformerEncoder) in one opaque operation.
        with torch.enable_grad():
            yield
    finally:
        for module in trained:
            module.training = True


def _inputs(
    network: nn.Module, numeric: Shape, categorical: Shape, n_members: int | None, n_rows: int = _N_ROWS
) -> tuple[torch.Tensor, torch.Tensor]:
    parameter = next(network.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    rows = (n_rows,) if n_members is None else (n_members, n_rows)
    shapes = [(*rows, shape) if isinstance(shape, int) else (*rows, *shape) for shape in (numeric, categorical)]
    return torch.zeros(shapes[0], device=device), torch.zeros(shapes[1], dtype=torch.long, device=device)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation that reaches torch's kernels.

    torch.utils.flop_counter does the same, but its first use takes seconds, for imports that nothing here needs.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        #: Multiply-adds; those of convolutions with groups among them; and convolutions.
        self.count, self.grouped, self.convolutions = 0, 0, 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler for us (a hook of torch's own; where it is missing, only time is)."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in {"mm", "bmm"}:
            self.count += out.numel() * args[0].shape[-1]
        elif name in {"addmm", "baddbmm", "_addmm_activation"}:
            self.count += out.numel() * args[1].shape[-1]
        elif name == "convolution":
            transposed, groups = args[6], args[8]
            count = (args[0] if transposed else out).numel() * args[1].shape[1:].numel()
            self.count += count
            self.grouped += count * (groups > 1)
            self.convolutions += 1
        elif name.startswith("_scaled_dot_product"):
            query, key, value = args[:3]
            self.count += query.shape[:-1].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])
        return out
