"""Boosted trees: scikit-learn's histogram gradient boosting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from autonas.training.traditional.model import Family, Sample
from autonas.training.traditional.trees import Branches, Trees, log_odds, n_inputs, spread, tree_inputs

__all__ = ["HIST_GRADIENT_BOOSTING"]

Array = npt.NDArray[Any]

#: Rounds at most: with a learning rate of 0.1 hardly a table needs more.
MAX_ROUNDS = 300
#: It stops when so many rounds did not lower the loss on the rows that it is judged by.
PATIENCE = 20
#: It learns from at most this many numbers (rows times columns times trees in a round), drawn by rows, so that sorting
#: them into bins takes two seconds; after each round it looks at so many rows.
MAX_CELLS = 10_000_000
MAX_JUDGED = 2_000


def fit_hist_gradient_boosting(
    own: Mapping[str, Any],
    train: Sample,
    valid: Sample | None,
    seed: int,
    over: Callable[[], bool],
    rounds: int | None = None,
) -> Trees:
    """Boost trees until the validation loss no longer falls.

    Friedman 2001, "Greedy function approximation: a gradient boosting machine", on binned numbers as in LightGBM
    (Ke et al. 2017).

    Parameters
    ----------
    own : mapping
        Values of ``search_spaces/hist_gradient_boosting.yaml``.
    train, valid, seed, over, rounds
        As for :class:`~autonas.training.traditional.model.Fit`.

    Returns
    -------
    Trees

    Notes
    -----
    scikit-learn asks a scorer after each round whether to go on. Ours looks at the clock and at the validation rows, so
    that a training of any length can be ended after any round.
    """
    columns = train.numeric.shape[1], train.cardinalities
    classes: Array = np.array([], np.int64)
    target: Array = train.target.astype(np.float64)
    if train.n_classes:
        classes, target = np.unique(train.target, return_inverse=True)
        if len(classes) == 1:
            return Trees([], np.zeros(1), classes, boosted=True, columns=columns, n_classes=train.n_classes)
    n_outputs = len(classes) if len(classes) > 2 else 1
    limit = max(1_000, MAX_CELLS // (n_inputs(*columns) * n_outputs))
    if len(train) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(len(train), limit, replace=False))
        # A class must not be lost in the draw.
        rows = np.union1d(rows, np.unique(target, return_index=True)[1]) if train.n_classes else rows
        train, target = train.take(rows), target[rows]
    kind = HistGradientBoostingClassifier if train.n_classes else HistGradientBoostingRegressor
    model = kind(
        learning_rate=own["learning_rate"],
        max_iter=rounds or MAX_ROUNDS,
        max_leaf_nodes=own["max_leaf_nodes"],
        min_samples_leaf=own["min_samples_leaf"],
        l2_regularization=own["l2_regularization"],
        max_features=own["max_features"],
        categorical_features=None,
        early_stopping=True,
        scoring=_Growth(valid if rounds is None else None, classes, over),
        n_iter_no_change=1,
        tol=0.0,
        validation_fraction=None,
        random_state=seed,
    )
    table = tree_inputs(train.numeric, train.categorical, train.cardinalities)
    # Trials run side by side; in OpenMP the number of threads is each thread's own.
    with threadpool_limits(1, user_api="openmp"):
        model.fit(table, target, sample_weight=train.weight)
    trees = [Branches.of_boosted(predictor.nodes) for one_round in model._predictors for predictor in one_round]
    return Trees(
        trees, model._baseline_prediction[0], classes, boosted=True, columns=columns, n_classes=train.n_classes
    )


class _Growth:
    """The scorer: it grows as long as the training is to go on, and a smaller score ends it."""

    def __init__(self, valid: Sample | None, classes: Array, over: Callable[[], bool]) -> None:
        self.valid = valid if valid is None else valid.take(np.arange(0, len(valid), -(-len(valid) // MAX_JUDGED)))
        self.classes, self.over = classes, over
        self.losses: list[float] = []
        if self.valid is not None:
            self.table = tree_inputs(self.valid.numeric, self.valid.categorical, self.valid.cardinalities)

    def __call__(self, model: Any, *_: Any, **__: Any) -> float:
        n_rounds = len(model._predictors)
        ended = n_rounds > 0 and (self.over() or self._stands_still(model))
        return -1.0 if ended else float(n_rounds)

    def _stands_still(self, model: Any) -> bool:
        if self.valid is None:
            return False
        if not self.losses:
            self.raw = np.tile(model._baseline_prediction[0], (len(self.valid), 1))
        for column, predictor in enumerate(model._predictors[-1]):
            tree = Branches.of_boosted(predictor.nodes).tree(self.table.shape[1])
            self.raw[:, column] += tree.predict(self.table)[:, 0]
        self.losses.append(self._loss(self.valid))
        return len(self.losses) - 1 - int(np.argmin(self.losses)) >= PATIENCE

    def _loss(self, valid: Sample) -> float:
        if valid.n_classes:
            outputs = spread(log_odds(self.raw, len(self.classes)), self.classes, valid.n_classes)
            each = -outputs[np.arange(len(valid)), valid.target]
        else:
            each = np.square(self.raw[:, 0] - valid.target)
        return float(np.average(each, weights=valid.weight))


HIST_GRADIENT_BOOSTING = Family(fit_hist_gradient_boosting, partial(Trees.rebuild, boosted=True))
