"""The supernet: a network of cells with every operation on every edge, and gates that say which of them count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.networks.cells import CellSpace, Edge, Factory, Genotype
from autonas.networks.layers import Dropout
from autonas.networks.noise import Noise
from autonas.networks.operations import Zero
from autonas.networks.specs import ImageSpec, InputSpec, OutputSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Gate", "Gates", "MixedOperation", "Supernet", "inherit"]

Gate = tuple[int, "torch.Tensor | None"]
"""An operation's place and its weight; None: it counts once, and no product is computed."""


class Gates:
    """What is open on each edge; shared by all cells of a supernet."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.open: dict[Edge, Sequence[Gate]] = dict.fromkeys(edges, ())
        #: Weights of the edges themselves, where the supernet has partial channels (PC-DARTS).
        self.edge_weights: dict[Edge, torch.Tensor] = {}


class MixedOperation(nn.Module):
    """All operations of an edge; the output is the weighted sum of those whose gates are open, or None.

    Parameters
    ----------
    edge : Edge
    operations : mapping of str to nn.Module
    gates : Gates
    factory : Factory
        Width, stride and axis of the edge.
    partial : int, default=1
        Only the first of so many equal parts of the channels goes through the operations, the others are handed on
        (Xu et al. 2020, "PC-DARTS", section 3.2): so much less memory. The parts are then shuffled, so that the next
        edge takes others.
    """

    def __init__(
        self, edge: Edge, operations: Mapping[str, nn.Module], gates: Gates, factory: Factory, partial: int = 1
    ) -> None:
        super().__init__()
        self.edge, self.gates, self.partial = edge, gates, partial
        self.stride, self.axis = factory.stride, factory.axis
        self.operations = nn.ModuleList(operations.values())

    def forward(self, x: torch.Tensor) -> torch.Tensor | None:
        gates = self.gates.open[self.edge]
        if not gates:
            return None
        weight = self.gates.edge_weights.get(self.edge)
        if self.partial == 1:
            out = self._mix(x, gates)
        else:
            n = x.shape[self.axis] // self.partial
            taken, rest = x.split([n, x.shape[self.axis] - n], dim=self.axis)  # type: ignore[no-untyped-call]
            rest = F.max_pool2d(rest, 2, 2, ceil_mode=True) if self.stride == 2 else rest
            out = self._shuffled(torch.cat([self._mix(taken, gates), rest], dim=self.axis))
        return out if weight is None else out * weight

    def _mix(self, x: torch.Tensor, gates: Sequence[Gate]) -> torch.Tensor:
        total: torch.Tensor | None = None
        for place, weight in gates:
            operation = self.operations[place]
            if isinstance(operation, Zero) and len(gates) > 1:
                continue  # it adds nothing, whatever its weight
            out: torch.Tensor = operation(x)
            out = out if weight is None else out * weight
            total = out if total is None else total + out
        assert total is not None
        return total

    def _shuffled(self, x: torch.Tensor) -> torch.Tensor:
        axis = self.axis % x.ndim
        shape = x.shape
        split = x.view(*shape[:axis], self.partial, shape[axis] // self.partial, *shape[axis + 1 :])
        return split.transpose(axis, axis + 1).reshape(shape)


class Supernet:
    """One network in which all architectures of a cell space share their weights.

    Parameters
    ----------
    space : CellSpace
        The space: its own macro-architecture and its own operations, all of them on each edge.
    configuration : mapping
        What the architecture leaves open: width, number of cells.
    input_spec, output_spec : InputSpec or ImageSpec, OutputSpec
        What goes in and what comes out. Normalizations in the operations neither scale nor shift: their scales would
        do the gates' work (Liu et al. 2019, "DARTS", section A.1.1).
    partial : int, default=1
        See :class:`MixedOperation`. The width must be divisible by it.

    Attributes
    ----------
    network : nn.Module
        Its parameters are the shared weights.
    gates : Gates
        To be opened before the network is called.
    """

    def __init__(
        self,
        space: CellSpace,
        configuration: Mapping[str, Any],
        input_spec: InputSpec | ImageSpec,
        output_spec: OutputSpec,
        *,
        partial: int = 1,
    ) -> None:
        self.space, self.partial = space, partial
        self.gates = Gates(space.edges)
        self.mixed: list[MixedOperation] = []

        def make_operation(edge: Edge, factory: Factory) -> nn.Module:
            if factory.width % partial:
                raise ValueError(
                    f"partial_channels={partial}, but a cell has {factory.width} channels, which is no multiple of it; "
                    "choose a divisor, or 1 for all channels."
                )
            operations = {name: factory.make(name, factory.width // partial, False) for name in space.operations}
            self.mixed.append(MixedOperation(edge, operations, self.gates, factory, partial))
            return self.mixed[-1]

        self.network = space.assemble(configuration, input_spec, output_spec, make_operation)

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Compute the outputs with the gates as they are."""
        out: torch.Tensor = self.network(*inputs)
        return out

    @property
    def weights(self) -> list[nn.Parameter]:
        """The shared weights."""
        return list(self.network.parameters())

    def mix(self, weights: Mapping[Edge, torch.Tensor]) -> None:
        """Open every gate, with these weights for an edge's operations.

        Parameters
        ----------
        weights : mapping of Edge to Tensor of shape (n_operations,)
        """
        for edge, w in weights.items():
            self.gates.open[edge] = [(place, w[place]) for place in range(len(w))]

    def open_path(self, genotype: Genotype, weights: Mapping[Edge, torch.Tensor] | None = None) -> None:
        """Open one architecture's gates only.

        Parameters
        ----------
        genotype : mapping of Edge to str
        weights : mapping of Edge to Tensor of shape (), optional
            Factors on the operations' outputs, for their gradients.
        """
        genotype = self.space.pruned(genotype)
        for edge in self.space.edges:
            op = genotype.get(edge)
            gate = None if op is None else (self.space.operations.index(op), None if weights is None else weights[edge])
            self.gates.open[edge] = () if gate is None else (gate,)

    def draw_noise(self, seed: tuple[int, ...]) -> None:
        """Give the dropout layers the random numbers of an epoch."""
        noise = Noise(seed, self.weights[0].device)
        for module in self.network.modules():
            if isinstance(module, Dropout):
                module.noise = noise

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Normalize by each batch's own statistics, and compute no gradients: running ones would mix all paths'."""
        modules = [m for m in self.network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        momenta = [m.momentum for m in modules]
        self.network.eval()
        for m in modules:
            m.train()
            m.momentum = 0.0
        try:
            with torch.no_grad():
                yield
        finally:
            self.network.train()
            for m, momentum in zip(modules, momenta, strict=True):
                m.momentum = momentum


def inherit(child: nn.Module, supernet: Supernet, genotype: Genotype) -> None:
    """Give a child network the supernet's weights along its path.

    Parameters
    ----------
    child : nn.Module
        The network of the same configuration with this genotype, built by the space's ``build``.
    supernet : Supernet
        Without partial channels.
    genotype : mapping of Edge to str

    Raises
    ------
    ValueError
        If the supernet has partial channels: a child has all.
    """
    if supernet.partial != 1:
        raise ValueError("A supernet with partial channels has no weights for a child, which has all channels.")
    renamed: Callable[[str], str | None] = _renaming(supernet, supernet.space.pruned(genotype))
    state = {new: t for name, t in supernet.network.state_dict().items() if (new := renamed(name)) is not None}
    known = child.state_dict()
    missing = [name for name in known if name not in state and not _is_affine(name, child)]
    if missing or any(name not in known for name in state):
        odd = (missing + [name for name in state if name not in known])[0]
        raise ValueError(f"The child is not of the supernet's configuration and this genotype: {odd!r} does not fit.")
    child.load_state_dict(state, strict=False)


def _renaming(supernet: Supernet, genotype: Genotype) -> Callable[[str], str | None]:
    """Make the function from a supernet's name of a tensor to the child's; None: the child does not have it."""
    prefixes = {
        name: module.edge for name, module in supernet.network.named_modules() if isinstance(module, MixedOperation)
    }

    def rename(name: str) -> str | None:
        for prefix, edge in prefixes.items():
            if name.startswith(f"{prefix}.operations."):
                place, _, rest = name.removeprefix(f"{prefix}.operations.").partition(".")
                op = genotype.get(edge)
                return f"{prefix}.{rest}" if op is not None and supernet.space.operations[int(place)] == op else None
        return name

    return rename


def _is_affine(name: str, child: nn.Module) -> bool:
    """Say whether a tensor is the scale or shift of a normalization, which the supernet's operations do not have."""
    module, _, tensor = name.rpartition(".")
    return tensor in {"weight", "bias"} and isinstance(child.get_submodule(module), nn.modules.batchnorm._BatchNorm)
