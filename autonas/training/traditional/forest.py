"""Forests: averages of scikit-learn's trees, each grown on a draw of the rows or with random thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from autonas.training.traditional.model import Family, Sample
from autonas.training.traditional.trees import Branches, Trees, tree_inputs

__all__ = ["EXTRA_TREES", "RANDOM_FOREST"]

#: A tree learns from at most this many numbers (rows times columns tried at a node), so that it is grown in about a
#: second; from five times as many where thresholds are drawn, for which nothing is sorted.
MAX_CELLS = 1_000_000
#: A forest takes at most this much memory, and then stops growing.
MAX_BYTES = 2**28
#: A leaf has at least one row of so many.
MAX_LEAVES = 10_000


def fit_forest(
    own: Mapping[str, Any],
    train: Sample,
    valid: Sample | None,  # noqa: ARG001 - a forest is not judged while it grows
    seed: int,
    over: Callable[[], bool],
    rounds: int | None = None,
    *,
    splitter: str,
    bootstrap: bool,
) -> Trees:
    """Grow trees.

    Parameters
    ----------
    own : mapping
        Values of ``search_spaces/random_forest.yaml`` or ``extra_trees.yaml``, which have the same names.
    train, valid, seed, over, rounds
        As for :class:`~autonas.training.traditional.model.Fit`.
    splitter : {"best", "random"}
        How a node finds its threshold.
    bootstrap : bool
        Whether each tree has a draw of the rows, with repetition.

    Returns
    -------
    Trees
    """
    table = tree_inputs(train.numeric, train.categorical, train.cardinalities)
    n, p = table.shape
    cells = MAX_CELLS if splitter == "best" else 5 * MAX_CELLS
    drawn = min(n, max(1_000, int(cells / (own["max_features"] * p))))
    base = np.ones(n) if train.weight is None else train.weight.astype(np.float64)
    classes, shares = np.array([], np.int64), np.zeros(1)
    if train.n_classes:
        classes = np.unique(train.target)
        mass = np.bincount(train.target, base, train.n_classes)[classes]
        shares = mass / mass.sum()
    kind = DecisionTreeClassifier if train.n_classes else DecisionTreeRegressor
    rng = np.random.default_rng(seed)
    trees: list[Branches] = []
    n_nodes = 0
    for _ in range(rounds or own["n_trees"]):
        if trees and (over() or n_nodes * (64 + 8 * len(shares)) > MAX_BYTES):
            break
        weight = base
        if bootstrap or drawn < n:
            weight = base * np.bincount(rng.integers(n, size=drawn), minlength=n)
        tree = kind(
            splitter=splitter,
            max_features=own["max_features"],
            min_samples_leaf=max(own["min_samples_leaf"], -(-drawn // MAX_LEAVES)),
            random_state=int(rng.integers(2**31)),
        ).fit(table, train.target, sample_weight=weight, check_input=False)
        trees.append(Branches.of(tree.tree_))
        n_nodes += len(trees[-1].left)
    columns = train.numeric.shape[1], train.cardinalities
    return Trees(trees, shares, classes, boosted=False, columns=columns, n_classes=train.n_classes)


_rebuild = partial(Trees.rebuild, boosted=False)
#: Breiman 2001, "Random Forests".
RANDOM_FOREST = Family(partial(fit_forest, splitter="best", bootstrap=True), _rebuild)
#: Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees".
EXTRA_TREES = Family(partial(fit_forest, splitter="random", bootstrap=False), _rebuild)
