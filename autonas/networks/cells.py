"""Cell search spaces: a small graph of operations, repeated to make a network.

A network is assembled from cells by one function, whoever decides what stands on a cell's edges: a configuration puts
one operation on each (a child network), a supernet (:mod:`autonas.one_shot`) puts all of them there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from autonas.networks.specs import ImageSpec, InputSpec, OutputSpec

__all__ = ["CELL", "Cell", "CellSpace", "Edge", "Factory", "Genotype", "MakeOperation", "cell_space_of", "of_cells"]

#: Operations that add nothing, or hand their input on; neither learns anything.
NONE, SKIP = "none", "skip_connect"
#: The hyperparameter that stands for all those of the cells, where there are some cells to choose from, each a text.
CELL = "cell"


@dataclass(frozen=True, order=True)
class Edge:
    """A place in a cell where an operation stands: from an earlier node to a later one.

    Attributes
    ----------
    cell : str
        The kind of cell; cells of a kind are alike throughout the network.
    source, target : int
        Nodes; the first ones are the cell's inputs.
    """

    cell: str
    source: int
    target: int

    @property
    def name(self) -> str:
        """Its name among the modules of a cell."""
        return f"{self.source}_{self.target}"


Genotype = Mapping[Edge, str]
"""A cell's architecture: the edges that are there, and the operation on each."""


@dataclass(frozen=True)
class Factory:
    """Makes the operations for one edge of one cell of a network.

    Attributes
    ----------
    make : callable
        ``make(name, width, affine)`` gives a module that keeps the width; ``affine``: normalizations scale and shift.
    width : int
        Channels of a feature map, or units.
    stride : int
        1, or 2 where the operation halves the resolution.
    axis : int
        Of the width in the operation's input.
    """

    make: Callable[[str, int, bool], nn.Module]
    width: int
    stride: int = 1
    axis: int = 1


MakeOperation = Callable[[Edge, Factory], "nn.Module | None"]
"""Decides what stands on an edge; None: nothing, and the edge is not there."""

Build = TypeVar("Build", bound=Callable[..., nn.Module])

Assemble = Callable[[Mapping[str, Any], Any, OutputSpec, MakeOperation], nn.Module]


@dataclass(frozen=True)
class CellSpace:
    """A family whose architecture is one or more cells.

    The hyperparameters of a cell where every edge has an operation are ``op_SOURCE_TARGET``. Where a node keeps only
    some of its inputs (``n_kept``) they are, for a node of number N of the cell called C, ``C_N_inputs`` ("0,2": the
    nodes that it reads) and ``C_N_op_1``, ``C_N_op_2`` in the order of these.

    Attributes
    ----------
    name : str
        The family.
    assemble : callable
        ``assemble(configuration, input_spec, output_spec, make_operation)`` builds the network.
    operations : tuple of str
        What can stand on an edge.
    cells : tuple of str
        The kinds of cells.
    n_inputs, n_nodes : int
        Nodes of a cell that are inputs, and nodes that are computed.
    n_kept : int or None
        Inputs of each computed node; None: all earlier nodes.
    """

    name: str
    assemble: Assemble
    operations: tuple[str, ...]
    cells: tuple[str, ...] = ("cell",)
    n_inputs: int = 1
    n_nodes: int = 3
    n_kept: int | None = None

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges that there can be."""
        return tuple(
            Edge(cell, source, target) for cell in self.cells for target in self.targets for source in range(target)
        )

    @property
    def targets(self) -> range:
        """The computed nodes."""
        return range(self.n_inputs, self.n_inputs + self.n_nodes)

    def build(
        self, configuration: Mapping[str, Any], input_spec: ImageSpec | InputSpec, output_spec: OutputSpec
    ) -> nn.Module:
        """Build the network of a configuration."""
        genotype = self.pruned(self.genotype(configuration))

        def make_operation(edge: Edge, factory: Factory) -> nn.Module | None:
            return factory.make(genotype[edge], factory.width, True) if edge in genotype else None

        return self.assemble(configuration, input_spec, output_spec, make_operation)

    def genotype(self, configuration: Mapping[str, Any]) -> dict[Edge, str]:
        """Read the cells of a configuration.

        Parameters
        ----------
        configuration : mapping
            With the family's hyperparameters, without prefix.

        Returns
        -------
        dict of Edge to str
        """
        if CELL in configuration:
            return self.read(configuration[CELL])
        if self.n_kept is None:
            return {edge: str(configuration[_op(edge)]) for edge in self.edges}
        genotype = {}
        for cell in self.cells:
            for target in self.targets:
                sources = map(int, str(configuration[f"{cell}_{target}_inputs"]).split(","))
                for place, source in enumerate(sources, 1):
                    genotype[Edge(cell, source, target)] = str(configuration[f"{cell}_{target}_op_{place}"])
        return genotype

    def values(self, genotype: Genotype) -> dict[str, Any]:
        """Name the hyperparameters that make a genotype, without prefix: the inverse of :meth:`genotype`."""
        if self.n_kept is None:
            return {_op(edge): genotype[edge] for edge in self.edges}
        values: dict[str, Any] = {}
        for cell in self.cells:
            for target in self.targets:
                edges = sorted(e for e in genotype if (e.cell, e.target) == (cell, target))
                values[f"{cell}_{target}_inputs"] = ",".join(str(e.source) for e in edges)
                values |= {f"{cell}_{target}_op_{place}": genotype[e] for place, e in enumerate(edges, 1)}
        return values

    def write(self, genotype: Genotype) -> str:
        """Write a genotype as a text: the inverse of :meth:`read`."""
        parts = []
        for edge in sorted(genotype):
            prefix = f"{edge.cell} " if len(self.cells) > 1 else ""
            parts.append(f"{prefix}{edge.source}>{edge.target} {genotype[edge]}")
        return ", ".join(parts)

    def read(self, text: str) -> dict[Edge, str]:
        """Read a genotype from a text.

        Parameters
        ----------
        text : str
            As in ``"0>1 silu, 0>2 none, 1>2 relu, ..."``; with several kinds of cells the kind before each.

        Returns
        -------
        dict of Edge to str

        Raises
        ------
        ValueError
            If the space has no such edge or operation.
        """
        genotype = {}
        for part in text.split(", "):
            match = re.fullmatch(r"(?:(\w+) )?(\d+)>(\d+) (\w+)", part)
            edge = Edge(match[1] or self.cells[0], int(match[2]), int(match[3])) if match else None
            if match is None or edge not in self.edges or match[4] not in self.operations:
                example = ", ".join(self.write(self.random(np.random.default_rng(0))).split(", ")[:2])
                raise ValueError(
                    f"{part!r} is no edge of a cell of {self.name!r}; they are written like '{example}, ...'."
                )
            genotype[edge] = match[4]
        return genotype

    def input_choices(self, target: int) -> list[str]:
        """List which nodes a computed node may read."""
        assert self.n_kept is not None
        return [",".join(map(str, pair)) for pair in combinations(range(target), self.n_kept)]

    def random(self, rng: np.random.Generator) -> dict[Edge, str]:
        """Draw a genotype, all alike likely."""
        genotype: dict[Edge, str] = {}
        for cell in self.cells:
            for target in self.targets:
                n = target if self.n_kept is None else self.n_kept
                for source in sorted(rng.choice(target, n, replace=False).tolist()):
                    genotype[Edge(cell, source, target)] = str(rng.choice(self.choosable))
        return genotype

    @property
    def choosable(self) -> list[str]:
        """The operations that a genotype may have: where a node chooses its inputs, none of them is "none"."""
        return [op for op in self.operations if self.n_kept is None or op != NONE]

    def pruned(self, genotype: Genotype) -> dict[Edge, str]:
        """Put "none" on the edges that lie on no way from an input to the output: they would learn for nothing."""
        pruned = dict(genotype)
        if self.n_kept is not None:  # every node reads, and is part of the output
            return pruned
        for cell in self.cells:
            edges = [edge for edge in self.edges if edge.cell == cell and genotype[edge] != NONE]
            reached, wanted = set(range(self.n_inputs)), {self.targets[-1]}
            for edge in sorted(edges, key=lambda e: e.target):
                if edge.source in reached:
                    reached.add(edge.target)
            for edge in sorted(edges, key=lambda e: -e.target):
                if edge.target in wanted:
                    wanted.add(edge.source)
            pruned |= {e: NONE for e in edges if e.source not in reached or e.target not in wanted}
        return pruned

    def is_connected(self, genotype: Genotype) -> bool:
        """Say whether something that learns lies on a way from an input to the output of every kind of cell."""
        return all(self._learns(genotype, cell) for cell in self.cells)

    def _learns(self, genotype: Genotype, cell: str) -> bool:
        reached, learnt = set(range(self.n_inputs)), set()
        for edge in sorted((e for e in genotype if e.cell == cell), key=lambda e: (e.target, e.source)):
            if edge.source in reached and genotype[edge] != NONE:
                reached.add(edge.target)
                if edge.source in learnt or _has_weights(genotype[edge]):
                    learnt.add(edge.target)
        # The output is the last node; where nodes choose their inputs it is all of them together.
        return self.targets[-1] in learnt if self.n_kept is None else bool(learnt)

    def discretize(self, scores: Mapping[Edge, npt.NDArray[Any]], *, max_skips: int | None = None) -> dict[Edge, str]:
        """Choose the operations with the highest scores.

        Where a node chooses its inputs it keeps the edges whose best operation other than "none" scores highest (Liu et
        al. 2019, "DARTS: Differentiable Architecture Search", section 2.4).

        Parameters
        ----------
        scores : mapping of Edge to ndarray
            A number for each of :attr:`operations`.
        max_skips : int, optional
            So many skip connections a cell has at most: the highest-scoring ones (Liang et al. 2019, "DARTS+", section
            3.2); the other edges get the next best operation. The cell then also has something that learns.

        Returns
        -------
        dict of Edge to str
        """
        scores = {edge: np.asarray(score, dtype=np.float64).copy() for edge, score in scores.items()}
        if self.n_kept is not None and NONE in self.operations:
            for score in scores.values():
                score[self.operations.index(NONE)] = -np.inf
        genotype = self._highest(scores)
        if max_skips is None:
            return genotype
        for cell in self.cells:
            while self._n_skips(genotype, cell) > max_skips:
                self._give_up(scores, [e for e, op in genotype.items() if e.cell == cell and op == SKIP], SKIP)
                genotype = self._highest(scores)
            while not self._learns(genotype, cell):
                self._let_learn(scores, [edge for edge in genotype if edge.cell == cell])
                genotype = self._highest(scores)
        return genotype

    def _n_skips(self, genotype: Genotype, cell: str) -> int:
        return sum(op == SKIP for edge, op in genotype.items() if edge.cell == cell)

    def _give_up(self, scores: Mapping[Edge, npt.NDArray[Any]], edges: Sequence[Edge], operation: str) -> None:
        """Take an operation from the edge where it leads by least."""
        place = self.operations.index(operation)

        def lead(edge: Edge) -> float:
            return float(scores[edge][place] - np.delete(scores[edge], place).max())

        scores[min(edges, key=lambda edge: (lead(edge), edge))][place] = -np.inf

    def _let_learn(self, scores: Mapping[Edge, npt.NDArray[Any]], edges: Sequence[Edge]) -> None:
        """Leave operations with weights only: on the direct way from an input to the output, if that is there."""
        direct = [e for e in edges if e.source < self.n_inputs and e.target == self.targets[-1]]
        without = [place for place, op in enumerate(self.operations) if not _has_weights(op)]
        for edge in direct or edges:
            scores[edge][without] = -np.inf

    def _highest(self, scores: Mapping[Edge, npt.NDArray[Any]]) -> dict[Edge, str]:
        genotype = {}
        for cell in self.cells:
            for target in self.targets:
                edges = [Edge(cell, source, target) for source in range(target)]
                ranked = sorted(edges, key=lambda edge: (-scores[edge].max(), edge))
                for edge in sorted(ranked[: self.n_kept]):
                    genotype[edge] = self.operations[int(scores[edge].argmax())]
        return genotype


def _op(edge: Edge) -> str:
    return f"op_{edge.name}"


def _has_weights(operation: str) -> bool:
    return operation not in (NONE, SKIP) and "pool" not in operation


class Cell(nn.Module):
    """A graph of operations: each node is the sum of what comes in along its edges.

    Parameters
    ----------
    space : CellSpace
        Its nodes.
    kind : str
        Of :attr:`CellSpace.cells`.
    factory : callable
        ``factory(edge)`` gives the :class:`Factory` of an edge.
    make_operation : callable
        See :data:`MakeOperation`.
    concatenate : bool, default=False
        The output: all computed nodes side by side, or the last.
    """

    def __init__(
        self,
        space: CellSpace,
        kind: str,
        factory: Callable[[Edge], Factory],
        make_operation: MakeOperation,
        *,
        concatenate: bool = False,
    ) -> None:
        super().__init__()
        self.targets, self.concatenate = space.targets, concatenate
        made = {edge: make_operation(edge, factory(edge)) for edge in space.edges if edge.cell == kind}
        self.operations = nn.ModuleDict({edge.name: op for edge, op in made.items() if op is not None})

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        states = list(inputs)
        for target in self.targets:
            names = [(source, f"{source}_{target}") for source in range(target)]
            parts = [self.operations[name](states[source]) for source, name in names if name in self.operations]
            # A supernet leaves out edges that have no gate open.
            parts = [part for part in parts if part is not None]
            states.append(sum(parts[1:], start=parts[0]))
        return torch.cat(states[self.targets[0] :], dim=1) if self.concatenate else states[-1]


def of_cells(space: CellSpace) -> Callable[[Build], Build]:
    """Mark a family's function ``build`` as that of a cell space, which weight sharing can search.

    Parameters
    ----------
    space : CellSpace

    Returns
    -------
    callable
        The decorator.
    """

    def mark(build: Build) -> Build:
        build.cell_space = space  # type: ignore[attr-defined]
        return build

    return mark


def cell_space_of(build: Callable[..., Any]) -> CellSpace | None:
    """Give the cell space of a family, or None where its architecture is none of cells."""
    return getattr(build, "cell_space", None)
