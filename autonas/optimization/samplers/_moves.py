"""From configurations to others near by: the one place for neighbours, mutations and what lies between two."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["between", "mutants", "neighbours"]

_TRIES = 5
"""For a value, before another one is changed; each moves numbers twice as far as the last."""


def neighbours(vectors: VectorSpace, rows: Floats, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int_]]:
    """Change one active value each, in all columns; what becomes active by that is drawn from the prior.

    Parameters
    ----------
    vectors : VectorSpace
    rows : ndarray of shape (n, n_hyperparameters)
        Legal ones.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    rows : ndarray of shape (m, n_hyperparameters)
        Of each value up to four others: choices, an ordinal's two sides, numbers with deviation 0.2 of the range.
        Legal ones only.
    origins : ndarray of int of shape (m,)
        Which row each is a neighbour of.

    References
    ----------
    .. [1] F. Hutter, H. Hoos and K. Leyton-Brown. Sequential Model-Based Optimization for General Algorithm
       Configuration. LION 5, 2011, Section 4.3.
    """
    starts, columns = np.nonzero(vectors.varying & ~np.isnan(rows))
    others = _others(vectors, columns, rows[starts, columns], rng)
    which, place = np.nonzero(~np.isnan(others))
    origins = starts[which]
    table = rows[origins]
    table[np.arange(len(which)), columns[which]] = others[which, place]
    table = np.where(np.isnan(table), vectors.draw(len(table), rng), table)
    found, legal = vectors.settle(table)
    return found[legal], origins[legal]


def _others(vectors: VectorSpace, columns: npt.NDArray[np.int_], values: Floats, rng: np.random.Generator) -> Floats:
    """List up to four other values for each, NaN where there are fewer."""
    levels, ordered = vectors.levels[columns, None], vectors.ordered[columns, None]
    numbers = np.clip(rng.normal(values[:, None], 0.2, size=(len(values), 4)), 0, 1)
    sides = values[:, None] + np.array([-1, 1, np.nan, np.nan])
    # In a random order, and what is no other choice at the end.
    dice = rng.random((len(values), max(int(levels.max(initial=0)), 4)))
    choices = np.arange(dice.shape[1])
    dice = np.where((choices < levels) & (choices != values[:, None]), dice, np.inf)
    order = dice.argsort(axis=1)[:, :4]
    choices = np.where(np.isinf(np.take_along_axis(dice, order, axis=1)), np.nan, order)
    sides = np.where((sides >= 0) & (sides < levels), sides, np.nan)
    found: Floats = np.where(levels == 0, numbers, np.where(ordered, sides, choices))
    return found


def mutants(vectors: VectorSpace, parents: Floats, rng: np.random.Generator) -> Floats:
    """Change one active value of each row, chosen at random; what becomes active by that is drawn from the prior.

    Parameters
    ----------
    vectors : VectorSpace
    parents : ndarray of shape (n, n_hyperparameters)
        Legal rows.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    ndarray of shape (n, n_hyperparameters)
        Legal rows, each unlike its parent: another choice, an ordinal one step on, a number moved by a normal
        deviate whose deviation is itself random, from 0.02 to 0.2 of the range, or as much more as an integer needs to
        change. Where ten tries found none, a draw from the prior.
    """
    children: Floats = parents.copy()
    waiting = np.arange(len(parents))
    free = vectors.varying & ~np.isnan(parents)
    drawn = vectors.draw(max(len(parents), 2 * _TRIES), rng)  # once, and shuffled: drawing takes longer than the rest
    for attempt in range(2 * _TRIES):
        stretch = attempt % _TRIES
        if not stretch:
            columns = np.where(free, rng.random(free.shape), -1.0).argmax(axis=1)
        table = parents[waiting]
        chosen = np.arange(len(table)), columns[waiting]
        table[chosen] = _moved(vectors, chosen[1], table[chosen], 2.0**stretch, rng)
        table = np.where(np.isnan(table), rng.permutation(drawn)[: len(table)], table)
        rows, legal = vectors.settle(table)
        good = legal & np.any((rows != parents[waiting]) & ~np.isnan(rows) & vectors.varying, axis=1)
        children[waiting[good]] = rows[good]
        waiting = waiting[~good]
        if not len(waiting):
            return children
    children[waiting] = vectors.sample(len(waiting), rng)
    return children


def between(vectors: VectorSpace, one: Floats, other: Floats, rng: np.random.Generator) -> Floats | None:
    """Draw a row between two: an evolution's intermediate recombination.

    Parameters
    ----------
    vectors : VectorSpace
    one, other : ndarray of shape (n_hyperparameters,)
        Legal rows.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    ndarray of shape (n_hyperparameters,) or None
        A legal row unlike both: numbers and ordinals the same part of the way from one to the other, a quarter to
        three quarters, and of each choice either; what only one of the rows has is taken from it. None where ten
        tries found none.
    """
    for _ in range(2 * _TRIES):
        part = rng.uniform(0.25, 0.75)
        way = one + part * (other - one)
        row = np.where(vectors.levels == 0, way, np.round(way))
        row = np.where((vectors.levels > 0) & ~vectors.ordered, np.where(rng.random(len(row)) < part, other, one), row)
        row = np.where(np.isnan(row), np.where(np.isnan(one), other, one), row)
        rows, legal = vectors.settle(np.where(np.isnan(row), vectors.draw(1, rng)[0], row)[None])
        if legal[0] and not any(np.array_equal(rows[0], parent, equal_nan=True) for parent in (one, other)):
            return np.asarray(rows[0])
    return None


def _moved(
    vectors: VectorSpace, columns: npt.NDArray[np.int_], values: Floats, stretch: float, rng: np.random.Generator
) -> Floats:
    levels = np.maximum(vectors.levels[columns], 2)  # of no meaning for numbers, which have none
    deviation = 0.2 * stretch * 10 ** -rng.random(len(values))
    numbers = np.clip(rng.normal(values, deviation), 0, 1)
    choices = (values + rng.integers(1, levels)) % levels
    # A step off the end is no step: the ordinal goes to its other side.
    step = rng.choice([-1, 1], size=len(values))
    step = np.where((values + step < 0) | (values + step >= levels), -step, step)
    moved = np.where(vectors.ordered[columns], values + step, choices)
    found: Floats = np.where(vectors.levels[columns] > 0, moved, numbers)
    return found
