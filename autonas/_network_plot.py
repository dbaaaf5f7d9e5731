"""A drawing of a network: its layers from the input to the output; :mod:`autonas.plots` is where it is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autonas._run_plots import BLUE, GREY, new_axes
from autonas.networks.layers_of import Layer

__all__ = ["plot_network"]


def plot_network(layers: Sequence[Layer], ax: Any = None) -> Any:
    """Draw the layers of a network, one below the other: the darker, the larger a share of the parameters they have.

    Parameters
    ----------
    layers : sequence of Layer
        As :func:`autonas.networks.layers_of.layers_of` gives them.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If there are no layers.
    """
    if not layers:
        raise ValueError("layers is empty, but a network has one at least.")
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 - slow to import

    ax = new_axes(ax, (6.4, 0.42 * len(layers) + 0.4))
    most = max(layer.times * layer.n_parameters for layer in layers) or 1
    for row, layer in enumerate(layers):
        y = -row
        share = layer.times * layer.n_parameters / most
        box = FancyBboxPatch((0, y - 0.3), 1, 0.6, boxstyle="round,pad=0,rounding_size=0.1", linewidth=0.8)
        box.set(edgecolor=GREY, facecolor=(*_rgb(BLUE), 0.08 + 0.5 * share))
        ax.add_patch(box)
        times = f"{layer.times} x " if layer.times > 1 else ""
        ax.text(0.03, y, f"{times}{layer.name}", va="center", fontsize=8)
        ax.text(0.62, y, " x ".join(map(str, layer.shape)), va="center", ha="right", fontsize=8)
        n = f"{layer.times * layer.n_parameters:,}"
        ax.text(0.97, y, f"{n} parameters", va="center", ha="right", fontsize=8)
        if row:
            ax.annotate("", (0.5, y + 0.3), (0.5, y + 0.7), arrowprops={"arrowstyle": "->", "color": GREY})
    ax.set(xlim=(-0.02, 1.02), ylim=(-len(layers) + 0.5, 0.5))
    ax.set_axis_off()
    return ax


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
