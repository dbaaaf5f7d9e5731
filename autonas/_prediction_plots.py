"""Drawings of what a result says of its validation rows; :mod:`autonas.plots` is where they are looked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autonas._run_plots import BLUE, GREY, new_axes, plain

__all__ = ["plot_confusion", "plot_reliability", "plot_residuals"]

Array = npt.NDArray[Any]


def plot_confusion(target: Array, decided: Array, labels: Sequence[Any], ax: Any = None) -> Any:
    """Draw how often rows of each class were taken for which class, in percent of the true class.

    Parameters
    ----------
    target, decided : ndarray of shape (n,)
        Class codes: the true ones, and the predicted ones.
    labels : sequence
        The classes.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes(ax, (4.8, 4.2))
    n = len(labels)
    counts = np.bincount(target.astype(int) * n + decided.astype(int), minlength=n * n).reshape(n, n)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if n <= 12:
        for i, j in np.ndindex(n, n):
            ink = "white" if shares[i, j] > 0.55 else "#202020"
            ax.text(j, i, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=8, color=ink)
    texts = [str(label)[:14] for label in labels]
    step = max(1, n // 25)
    ax.set_xticks(range(0, n, step), texts[::step], rotation=45 if n > 4 else 0, ha="right" if n > 4 else "center")
    ax.set_yticks(range(0, n, step), texts[::step])
    ax.set(xlabel="predicted", ylabel="true")
    return ax


def plot_reliability(
    target: Array, probabilities: Array, ax: Any = None, *, bins: int = 10, labels: Sequence[Any] | None = None
) -> Any:
    """Draw how often predictions are right against the probability that they claim: on the diagonal they are honest.

    Parameters
    ----------
    target : ndarray of shape (n,)
        Class codes.
    probabilities : ndarray of shape (n, n_classes)
        Of two classes that of the second one is looked at, of more the largest one.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.
    bins : int, default=10
        Points, of about equally many rows each.
    labels : sequence, optional
        The classes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes(ax, (4.8, 4.2))
    if probabilities.shape[1] == 2:
        claimed, right = probabilities[:, 1], target == 1
        second = "the second class" if labels is None else str(labels[1])[:24]
        xlabel, ylabel = f"claimed probability of {second}", f"share of {second}"
    else:
        claimed, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == target
        xlabel, ylabel = "claimed probability of the predicted class", "share that was right"
    order = np.argsort(claimed, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, max(1, len(order) // 10))) if len(part)]
    x = np.array([claimed[part].mean() for part in parts])
    y = np.array([right[part].mean() for part in parts])
    error = np.array([math.sqrt(max(m * (1 - m), 0.25 / len(p)) / len(p)) for m, p in zip(y, parts, strict=True)])
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="honest")
    ax.errorbar(x, y, 1.64 * error, color=BLUE, marker="o", markersize=4, linewidth=1, label="90 % interval")
    ax.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False, loc="upper left")
    return plain(ax)


def plot_residuals(target: Array, predictions: Array, ax: Any = None) -> Any:
    """Draw predictions against what is true.

    Parameters
    ----------
    target, predictions : ndarray of shape (n,)
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes(ax, (4.8, 4.2))
    low, high = min(target.min(), predictions.min()), max(target.max(), predictions.max())
    ax.plot([low, high], [low, high], color=GREY, linestyle=":")
    alpha = float(np.clip(300 / len(target), 0.15, 0.9))
    ax.scatter(target, predictions, s=9, color=BLUE, alpha=alpha, linewidths=0, rasterized=len(target) > 500)
    ax.set(xlabel="true", ylabel="predicted")
    return plain(ax)
