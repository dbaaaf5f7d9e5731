"""Rows of a space as a model wants to see them: the one place for encodings of architectures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["cells", "embedded", "flat", "graphs", "one_hot", "paths"]

_EDGE = re.compile(r"^(.*?)op_(\d+)_(\d+)$")
_MOST_PATHS = 1_000
"""A cell with more kinds of paths is not encoded by them."""

Edges = dict[tuple[int, int], int]
"""Source and target node to the column of the operation between them."""


def flat(vectors: VectorSpace, rows: Floats) -> Floats:
    """Encode for trees: a column a varying hyperparameter, scaled to [0, 1], and -1 where it is inactive.

    Parameters
    ----------
    vectors : VectorSpace
    rows : ndarray of shape (n, n_hyperparameters)

    Returns
    -------
    ndarray of shape (n, n_varying)
    """
    scaled = rows[:, vectors.varying] / np.maximum(vectors.levels[vectors.varying] - 1, 1)
    return np.where(np.isnan(scaled), -1.0, scaled)


def one_hot(vectors: VectorSpace, rows: Floats) -> Floats:
    """Encode for networks: choices one-hot, numbers and ordinals from -1 to 1 and a second column, whether active.

    Parameters
    ----------
    vectors : VectorSpace
    rows : ndarray of shape (n, n_hyperparameters)

    Returns
    -------
    ndarray of shape (n, n_features)
        All zero for what is inactive.
    """
    parts = []
    for column in np.flatnonzero(vectors.varying):
        x, levels = rows[:, column], vectors.levels[column]
        if not vectors.ordered[column]:
            parts.append((x[:, None] == np.arange(levels)).astype(float))
            continue
        active = ~np.isnan(x)
        parts.append(np.where(active, 2 * x / max(levels - 1, 1) - 1, 0.0)[:, None])
        if vectors.space.parent_conditions_of[vectors.hyperparameters[column].name]:
            parts.append(active.astype(float)[:, None])
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0))


def embedded(vectors: VectorSpace, rows: Floats) -> list[Floats]:
    """Encode for kernels: each hyperparameter on an arc of the unit circle, and at its centre where it is inactive.

    So a value is as far from "inactive" as any other value is, and two inactive ones are the same (Swersky et al.
    2013, Section 3, with the arc a quarter of the circle). Choices are the unit vectors, each as far from the
    others as the two ends of an arc.

    Parameters
    ----------
    vectors : VectorSpace
    rows : ndarray of shape (n, n_hyperparameters)

    Returns
    -------
    list of ndarray of shape (n, n_coordinates)
        One a varying hyperparameter.

    References
    ----------
    .. [1] K. Swersky, D. Duvenaud, J. Snoek, F. Hutter and M. A. Osborne. Raiders of the Lost Architecture: Kernels
       for Bayesian Optimization in Conditional Parameter Spaces. NIPS workshop on Bayesian optimization, 2013.
    """
    found = []
    for column in np.flatnonzero(vectors.varying):
        x, levels = rows[:, column], vectors.levels[column]
        if vectors.ordered[column]:
            angle = 0.5 * np.pi * x / max(levels - 1, 1)
            found.append(np.nan_to_num(np.column_stack([np.sin(angle), np.cos(angle)])))
        else:
            found.append((x[:, None] == np.arange(levels)).astype(float))
    return found


def cells(vectors: VectorSpace) -> list[Edges]:
    """Find the cells of a space: categorical hyperparameters that are the operations on a graph's edges.

    Such a one is named ``op_SOURCE_TARGET``, after any prefix that its cell has, or says so in its ``meta``, as in
    ``{"edge": "0_1"}``. The input is the lowest node, the output the highest.
    """
    found: dict[str, Edges] = {}
    for column, hp in enumerate(vectors.hyperparameters):
        said = (hp.meta or {}).get("edge")
        match = _EDGE.match(f"op_{said}" if said else hp.name)
        if match and not vectors.ordered[column]:
            prefix, source, target = match.groups()
            found.setdefault(prefix, {})[int(source), int(target)] = column
    return [edges for edges in found.values() if len(edges) > 1]


def paths(vectors: VectorSpace, rows: Floats) -> Floats:
    """Encode cells by the paths from input to output, each the operations on its way (White et al. 2021, Section 3).

    Parameters
    ----------
    vectors : VectorSpace
    rows : ndarray of shape (n, n_hyperparameters)

    Returns
    -------
    ndarray of shape (n, n_paths)
        1 where a cell has such a path, else 0: a path is there or not, whichever nodes it passes. A path with an
        operation called ``none`` is none. No columns where the space has no cells, or one has too many paths.
    """
    return np.concatenate([np.zeros((len(rows), 0)), *(there for _, there in _paths(vectors, rows))], axis=1)


def graphs(vectors: VectorSpace, rows: Floats) -> list[Floats]:
    """Encode cells for kernels, as graphs: by their paths, as :func:`paths` does.

    The squared distance of two is the number of paths that only one of them has, by the number of ways from input to
    output; the path distance of [1]_. Which nodes a path passes, how often it occurs, and what leads nowhere makes no
    difference.

    Parameters
    ----------
    vectors : VectorSpace
    rows : ndarray of shape (n, n_hyperparameters)

    Returns
    -------
    list of ndarray of shape (n, n_paths)
        One a cell of the space; none of a cell that has too many paths.

    References
    ----------
    .. [1] C. White, W. Neiswanger and Y. Savani. BANANAS: Bayesian Optimization with Neural Architectures for Neural
       Architecture Search. AAAI 2021.
    """
    return [there / np.sqrt(n_ways) for n_ways, there in _paths(vectors, rows)]


def _paths(vectors: VectorSpace, rows: Floats) -> list[tuple[int, Floats]]:
    """Encode each cell that has not too many paths: the number of ways through it, and which paths it has."""
    found = []
    for edges in cells(vectors):
        kinds: dict[tuple[str, ...], Floats] = {}
        routes = _routes(vectors, edges)
        for route in routes:
            columns = [edges[step] for step in route]
            known: list[Any] = [vectors.hyperparameters[column] for column in columns]
            choices = [hp.choices for hp in known]
            for operations in itertools.product(*(range(len(c)) for c in choices)):
                names = tuple(str(c[i]) for c, i in zip(choices, operations, strict=True))
                if "none" not in names:
                    there = np.all(rows[:, columns] == np.array(operations), axis=1)
                    kinds[names] = np.maximum(kinds.get(names, 0.0), there)
        if kinds:
            found.append((len(routes), np.column_stack(list(kinds.values())).astype(float)))
    return found


def _routes(vectors: VectorSpace, edges: Edges) -> list[list[tuple[int, int]]]:
    """List the ways from the lowest node to the highest; none where their kinds of paths are too many."""
    first, last = min(edges)[0], max(target for _, target in edges)
    forward = sorted(edge for edge in edges if edge[1] > edge[0])
    kinds = {first: 1}
    for source, target in forward:
        choices = int(vectors.levels[edges[source, target]])
        kinds[target] = kinds.get(target, 0) + kinds.get(source, 0) * choices
    if kinds.get(last, 0) > _MOST_PATHS:
        return []

    def walk(node: int) -> Iterator[list[tuple[int, int]]]:
        if node == last:
            yield []
        for edge in forward:
            if edge[0] == node:
                yield from ([edge, *rest] for rest in walk(edge[1]))

    return list(walk(first))
