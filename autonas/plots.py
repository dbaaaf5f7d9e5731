"""Drawings of what a search has found. They need matplotlib, which is not among the library's requirements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autonas._network_plot import plot_network
from autonas._prediction_plots import plot_confusion, plot_reliability, plot_residuals
from autonas._run_plots import (
    hyperparameter_importance,
    plot_importance,
    plot_learning_curves,
    plot_parallel_coordinates,
    plot_pareto_front,
    plot_performance,
)

__all__ = [
    "hyperparameter_importance",
    "plot_cell",
    "plot_confusion",
    "plot_importance",
    "plot_learning_curves",
    "plot_network",
    "plot_parallel_coordinates",
    "plot_pareto_front",
    "plot_performance",
    "plot_reliability",
    "plot_residuals",
]

#: Dark on white, and told apart with any kind of colour vision (after Okabe and Ito 2008, "Color Universal Design").
_COLOURS = ("#0063a0", "#b34700", "#00735a", "#a03c78", "#6b5b00", "#4b3ca0", "#8c2d2d", "#2d6e8c")
#: More operations than colours: the lines differ.
_LINES = ("-", "--", "-.", ":")
_PLAIN = "#8c8c8c"


def plot_cell(edges: Sequence[tuple[str, str, str]], ax: Any = None) -> Any:
    """Draw a cell as a graph: the nodes on a line, so that every edge leads to the right, operations on the edges.

    Parameters
    ----------
    edges : sequence of (str, str, str)
        For each edge the node that it comes from, the node that it leads to, and the name of its operation: an empty
        one is drawn thin and grey (the nodes that a cell's output joins). Several edges may join the same nodes.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own, as large as the cell asks for.

    Returns
    -------
    matplotlib.axes.Axes
        Its figure can be saved: ``ax.figure.savefig("cell.png")``.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If there is no edge, an edge is not three names, or edges run in a circle.

    Examples
    --------
    >>> ax = plot_cell([("0", "1", "conv_3x3"), ("0", "2", "skip"), ("1", "2", "pool")])
    >>> sorted(text.get_text() for text in ax.texts)
    ['0', '1', '2', 'conv_3x3', 'pool', 'skip']
    """
    edges = _checked(edges)
    nodes = _in_order(edges)
    arcs = _arcs(edges, nodes)
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415 - slow, and not everybody has it
        from matplotlib.patches import FancyArrowPatch  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("plot_cell draws with matplotlib, which is not installed: pip install matplotlib") from error
    low, high = min(a.apex for a in arcs) - 0.3, max(a.apex for a in arcs) + 0.3
    if ax is None:
        # An edge between neighbours is as long as the longest name that stands on it.
        unit = max(1.1, 0.45 + 0.085 * max(len(a.operation) for a in arcs))
        _, ax = plt.subplots(figsize=(unit * len(nodes), unit * (high - low)), layout="constrained")
    names = sorted({a.operation for a in arcs if a.operation})
    box = {"boxstyle": "round,pad=0.35", "facecolor": "#f2f2f2", "edgecolor": "#404040"}
    # Nodes first: the arrows end at their boxes.
    boxes = [
        ax.text(x, 0, name, ha="center", va="center", fontsize=9, zorder=1, bbox=box).get_bbox_patch()
        for x, name in enumerate(nodes)
    ]
    for arc in arcs:
        number = names.index(arc.operation) if arc.operation else 0
        colour = _COLOURS[number % len(_COLOURS)] if arc.operation else _PLAIN
        arrow = FancyArrowPatch(
            (arc.source, 0),
            (arc.target, 0),
            connectionstyle=f"arc3,rad={-arc.bend}",
            arrowstyle="-|>",
            mutation_scale=11,
            patchA=boxes[arc.source],
            patchB=boxes[arc.target],
            shrinkA=1,
            shrinkB=1,
            linewidth=1.5 if arc.operation else 0.9,
            linestyle=_LINES[number // len(_COLOURS) % len(_LINES)],
            color=colour,
            zorder=2,
        )
        ax.add_patch(arrow)
        if arc.operation:
            paper = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none"}
            middle = (arc.source + arc.target) / 2
            ax.text(middle, arc.apex, arc.operation, ha="center", va="center", fontsize=8, color=colour, bbox=paper)
    ax.set(xlim=(-0.5, len(nodes) - 0.5), ylim=(low, high), aspect="equal")
    ax.set_axis_off()
    return ax


@dataclass(frozen=True)
class _Arc:
    """An edge between the nodes at ``source`` and ``target``; ``bend`` times its length is how far it is pulled up."""

    source: int
    target: int
    operation: str
    bend: float

    @property
    def apex(self) -> float:
        """The height of its middle: a quadratic Bezier curve passes half-way between its ends and what pulls it."""
        return self.bend * (self.target - self.source) / 2


def _checked(edges: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    checked = [tuple(edge) for edge in edges if not isinstance(edge, str)]
    if not checked or len(checked) < len(edges):
        raise ValueError(f"edges is {edges!r}, but must be (source, target, operation) for each edge, one at least.")
    for edge in checked:
        if len(edge) != 3 or not all(isinstance(name, str) for name in edge):
            raise ValueError(f"edges has {edge!r}, but every edge must be (source, target, operation), three names.")
    return [(source, target, operation) for source, target, operation in checked]


def _in_order(edges: Sequence[tuple[str, str, str]]) -> list[str]:
    """List the nodes so that every edge leads to a later one, otherwise as they come."""
    waiting = list(dict.fromkeys(node for edge in edges for node in edge[:2]))
    order: list[str] = []
    while waiting:
        ready = [n for n in waiting if all(source in order for source, target, _ in edges if target == n)]
        if not ready:
            raise ValueError(f"edges has a circle among the nodes {waiting}, but a cell must have an order: cut it.")
        order.append(ready[0])
        waiting.remove(ready[0])
    return order


def _arcs(edges: Sequence[tuple[str, str, str]], nodes: Sequence[str]) -> list[_Arc]:
    """Bend the edges past the nodes in between, above or below, so that they cross little."""
    place = {name: x for x, name in enumerate(nodes)}
    arcs: list[_Arc] = []
    # Long ones first: they cross most. Edges without operation last: they go where there is room.
    order = sorted(edges, key=lambda e: (not e[2], place[e[0]] - place[e[1]]))
    for source, target, operation in order:
        i, j = place[source], place[target]
        same = [a for a in arcs if (a.source, a.target) == (i, j)]
        if j - i == 1 and not same:
            arcs.append(_Arc(i, j, operation, 0.0))
            continue
        above, below = ([a for a in arcs if a.bend * side > 0] for side in (1, -1))
        side, others = (1, above) if _clashes(above, i, j) <= _clashes(below, i, j) else (-1, below)
        level = sum((a.source, a.target) == (i, j) for a in others)
        # Steeper the longer they are, so that arcs from the same node part at once.
        arcs.append(_Arc(i, j, operation, side * (0.35 + 0.05 * (j - i) + 0.35 * level + (0.25 if j - i == 1 else 0))))
    return arcs


def _clashes(arcs: Sequence[_Arc], i: int, j: int) -> tuple[int, int]:
    """Count the arcs that one from ``i`` to ``j`` would cross or lie on, then all."""
    crossed = [a for a in arcs if a.source < i < a.target < j or i < a.source < j < a.target]
    return len(crossed) + 2 * sum((a.source, a.target) == (i, j) for a in arcs), len(arcs)
