"""Trees: what a forest and boosted trees come to, kept as arrays that loading checks and never executes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax
from sklearn.tree._tree import NODE_DTYPE, Tree

from autonas.training.traditional.model import LEAST, Model

__all__ = ["Branches", "Trees", "log_odds", "n_inputs", "spread", "tree_inputs"]

Array = npt.NDArray[Any]

#: Categorical columns of more categories than this are read as numbers, their codes; the others as one input each.
ONE_HOT_CATEGORIES = 10
#: What a step down a tree costs, in multiply-adds, of which 60,000 take a microsecond: 3 to 16 ns, by the tree's size.
STEP_COST = 400
#: A child that a leaf does not have, and its feature, as scikit-learn marks them.
_NO_CHILD, _NO_FEATURE = -1, -2


def tree_inputs(numeric: Array, categorical: Array, cardinalities: Sequence[int]) -> Array:
    """Make the table that trees read.

    Parameters
    ----------
    numeric : ndarray of shape (n, n_numeric)
    categorical : ndarray of shape (n, n_categorical)
        Codes.
    cardinalities : sequence of int
        Codes of each categorical column.

    Returns
    -------
    ndarray of shape (n, n_inputs), float32
    """
    table = np.empty((len(numeric), n_inputs(numeric.shape[1], cardinalities)), np.float32)
    start = numeric.shape[1]
    table[:, :start] = numeric
    for codes, n in zip(categorical.T, cardinalities, strict=True):
        width = _width(n)
        table[:, start : start + width] = codes[:, None] if width == 1 else codes[:, None] == np.arange(n)
        start += width
    return table


def n_inputs(n_numeric: int, cardinalities: Sequence[int]) -> int:
    """Count the columns that trees read."""
    return n_numeric + sum(map(_width, cardinalities))


def _width(n_codes: int) -> int:
    return n_codes if n_codes - 1 <= ONE_HOT_CATEGORIES else 1


@dataclass(frozen=True)
class Branches:
    """One tree: node by node, parents before children, the root first.

    Attributes
    ----------
    left, right : ndarray of shape (n_nodes,)
        Where a node's children are; -1 where it is a leaf.
    feature, threshold : ndarray of shape (n_nodes,)
        A row goes left if its feature is not above the threshold.
    value : ndarray of shape (n_leaves, width), float32
        What the leaves say, in their order.
    """

    left: Array
    right: Array
    feature: Array
    threshold: Array
    value: Array

    @classmethod
    def of(cls, tree: Any) -> Branches:
        """Take them from a fitted tree of scikit-learn (its ``tree_``)."""
        leaves = tree.children_left == _NO_CHILD
        value = tree.value[leaves, 0].astype(np.float32)
        return cls(tree.children_left, tree.children_right, tree.feature, tree.threshold, value)

    @classmethod
    def of_boosted(cls, nodes: Array) -> Branches:
        """Take them from the nodes of a boosted tree of scikit-learn, which has no categorical splits."""
        leaf = nodes["is_leaf"].astype(bool)
        left, right = (np.where(leaf, _NO_CHILD, nodes[side].astype(np.int64)) for side in ("left", "right"))
        feature = np.where(leaf, _NO_FEATURE, nodes["feature_idx"])
        value = nodes["value"][leaf, None].astype(np.float32)
        return cls(left, right, feature, nodes["num_threshold"], value)

    def check(self, n_features: int) -> None:
        """Raise a ValueError unless every row comes to a leaf: scikit-learn's code would follow any number blindly."""
        inner = self.left != _NO_CHILD
        place = np.arange(len(self.left))[inner]
        sound = len(self.left) > 0 and np.array_equal(inner, self.right != _NO_CHILD)
        for child in (self.left, self.right) if sound else ():
            sound &= bool(((child[inner] > place) & (child[inner] < len(self.left))).all())
        sound &= bool(((self.feature[inner] >= 0) & (self.feature[inner] < n_features)).all())
        if not sound or len(self.value) != (~inner).sum():
            raise ValueError("A stored tree is damaged: its nodes do not lead to leaves; delete the trial's folder.")

    def tree(self, n_features: int) -> Any:
        """Make scikit-learn's tree, which is quick to ask."""
        nodes = np.zeros(len(self.left), NODE_DTYPE)
        nodes["left_child"], nodes["right_child"] = self.left, self.right
        nodes["feature"], nodes["threshold"] = self.feature, self.threshold
        values = np.zeros((len(nodes), 1, self.value.shape[1]))
        values[self.left == _NO_CHILD, 0] = self.value
        tree = Tree(n_features, np.array([self.value.shape[1]], np.intp), 1)
        depth = int(self.depths().max())
        tree.__setstate__({"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values})
        return tree

    def depths(self) -> Array:
        """Count the steps to each node."""
        depths = np.zeros(len(self.left), np.int64)
        level = np.array([0])
        while len(level):
            level = level[self.left[level] != _NO_CHILD]
            children = self.left[level], self.right[level]
            for child in children:
                depths[child] = depths[level] + 1
            level = np.unique(np.concatenate(children))
        return depths


class Trees(Model):
    """A forest, or boosted trees.

    Parameters
    ----------
    trees : sequence of Branches
        Each either speaks of all columns, or they speak of one column each, in turn.
    baseline : ndarray of shape (n_columns,)
        What is added to the sum over the trees.
    classes : ndarray
        The classes that were seen in training; empty for regression. A forest has a column for each; boosted trees
        have one where there are two: the logarithm of their odds.
    boosted : bool
        The sum over the trees, or their average with the baseline.
    columns : (int, tuple of int)
        Numeric columns of the table, and codes of each categorical one.
    n_classes : int
        0 for regression.
    """

    #: Boosted trees are judged after every so many rounds.
    every = 5

    def __init__(
        self,
        trees: Sequence[Branches],
        baseline: Array,
        classes: Array,
        *,
        boosted: bool,
        columns: tuple[int, tuple[int, ...]],
        n_classes: int,
    ) -> None:
        super().__init__()
        self.baseline, self.classes, self.boosted = baseline.astype(np.float64), classes, boosted
        self.columns, self.n_classes = columns, n_classes
        self._n_inputs = n_inputs(columns[0], columns[1])
        self._trees = [branches.tree(self._n_inputs) for branches in trees]
        steps = [branches.depths()[branches.left == _NO_CHILD].mean() for branches in trees]
        self.n_rounds = len(trees) // len(baseline) if boosted else len(trees)
        self.n_parameters = sum(len(branches.left) for branches in trees)
        self.multiply_adds = round(STEP_COST * float(np.sum(steps)))

    @classmethod
    def rebuild(
        cls, arrays: Mapping[str, Array], columns: tuple[int, tuple[int, ...]], n_classes: int, *, boosted: bool
    ) -> Trees:
        """Make the model of :meth:`arrays`; a ValueError says that they are damaged."""
        sizes = arrays["sizes"]
        ends = np.cumsum(sizes)
        leaf_ends = np.cumsum([(part == _NO_CHILD).sum() for part in np.split(arrays["left"], ends[:-1])])
        nodes = [np.split(arrays[name], ends[:-1]) for name in ("left", "right", "feature", "threshold")]
        values = np.split(arrays["value"], leaf_ends[:-1])
        trees = [Branches(*parts) for parts in zip(*nodes, values, strict=True)] if len(sizes) else []
        for branches in trees:
            branches.check(n_inputs(columns[0], columns[1]))
        return cls(trees, arrays["baseline"], arrays["classes"], boosted=boosted, columns=columns, n_classes=n_classes)

    def arrays(self) -> dict[str, Array]:
        """Give all that was learnt: the nodes of all trees, one after the other."""
        trees = [Branches.of(tree) for tree in self._trees]

        def joined(name: str, kind: Any, empty: tuple[int, ...] = (0,)) -> Array:
            return np.concatenate([np.empty(empty, kind), *(getattr(t, name).astype(kind) for t in trees)])

        width = trees[0].value.shape[1] if trees else 1
        return {
            "sizes": np.array([len(t.left) for t in trees], np.int64),
            "left": joined("left", np.int32),
            "right": joined("right", np.int32),
            "feature": joined("feature", np.int32),
            "threshold": joined("threshold", np.float64),
            "value": joined("value", np.float32, (0, width)),
            "baseline": self.baseline,
            "classes": self.classes,
        }

    def outputs(self, numeric: Array, categorical: Array) -> Array:
        """Compute log-probabilities, or standardized numbers."""
        return list(self._stages(numeric, categorical, [self.n_rounds]))[-1]

    def stages(self, numeric: Array, categorical: Array) -> Iterator[tuple[int, Array]]:
        """Give boosted trees' outputs every few rounds; a forest only gets better."""
        rounds = [*range(self.every, self.n_rounds, self.every), self.n_rounds] if self.boosted else [self.n_rounds]
        yield from zip(rounds, self._stages(numeric, categorical, rounds), strict=True)

    def shortened(self, n_rounds: int) -> Trees:
        """Leave out the trees after a number of rounds."""
        if n_rounds >= self.n_rounds:
            return self
        kept = [Branches.of(tree) for tree in self._trees[: n_rounds * (len(self.baseline) if self.boosted else 1)]]
        return Trees(
            kept,
            self.baseline,
            self.classes,
            boosted=self.boosted,
            columns=self.columns,
            n_classes=self.n_classes,
        )

    def _stages(self, numeric: Array, categorical: Array, rounds: Sequence[int]) -> Iterator[Array]:
        table = tree_inputs(numeric, categorical, self.columns[1])
        n_columns = len(self.baseline)
        raw = np.tile(self.baseline, (len(table), 1))
        done = 0
        for n_rounds in rounds:
            last = n_rounds * (n_columns if self.boosted else 1)
            for place, tree in enumerate(self._trees[done:last], done):
                said = tree.predict(table)
                if said.shape[1] == n_columns:
                    raw += said
                else:
                    raw[:, place % n_columns] += said[:, 0]
            done = last
            yield self._linked(raw if self.boosted else raw / self._mass())

    def _mass(self) -> float:
        """Of what a forest averages over: its trees, and for classes the baseline."""
        return max(1.0, len(self._trees) + (1.0 if self.n_classes else 0.0))

    def _linked(self, raw: Array) -> Array:
        if not self.n_classes:
            return np.array(raw)
        logarithms = log_odds(raw, len(self.classes)) if self.boosted else np.log(np.maximum(raw, LEAST))
        return spread(logarithms, self.classes, self.n_classes)


def log_odds(raw: Array, n_seen: int) -> Array:
    """Turn what boosted trees say, a column for each class seen, or one for two, into logarithms of probabilities."""
    if n_seen == 2:
        raw = np.hstack([np.zeros_like(raw), raw])
    return np.asarray(log_softmax(raw, axis=1))


def spread(logarithms: Array, classes: Array, n_classes: int) -> Array:
    """Put the logarithms of the probabilities of the classes that were seen beside those of all others."""
    outputs = np.full((len(logarithms), n_classes), np.log(LEAST))
    outputs[:, classes] = np.maximum(logarithms, np.log(LEAST))
    return outputs
