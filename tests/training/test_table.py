"""What makes fitting independent of the order and the repetition of rows."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autonas.training.data import (
    Table,
    canonical_rows,
    fingerprint,
)

NAN = np.nan


def some_rows(seed=0, n=60):
    rng = np.random.default_rng(seed)
    numeric = rng.choice([0.0, -0.0, 1.5, NAN], size=(n, 2))
    return (
        Table(numeric, rng.integers(0, 3, size=(n, 1))),
        rng.integers(0, 2, n),
        rng.integers(0, 4, n).astype(float),
    )


def same(one, other):
    for a, b in zip(one[:3], other[:3], strict=True):
        if isinstance(a, Table):
            np.testing.assert_array_equal(a.numeric, b.numeric)
            np.testing.assert_array_equal(a.categorical, b.categorical)
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(5))
def test_canonical_rows_see_neither_order_nor_repetition(seed):
    table, y, weight = some_rows(seed)
    expected = canonical_rows(table, y, weight)
    order = np.random.default_rng(seed).permutation(len(table))
    same(canonical_rows(table.take(order), y[order], weight[order]), expected)
    repeated = np.repeat(np.arange(len(table)), weight.astype(int))
    same(canonical_rows(table.take(repeated), y[repeated]), expected)
    same(canonical_rows(*expected[:3]), expected)


def test_canonical_rows_sum_fractions_in_any_order_alike():
    table = Table(np.zeros((50, 1)), np.zeros((50, 0), np.int64))
    weight = np.random.default_rng(0).random(50)
    sums = {
        canonical_rows(table, np.zeros(50), np.random.default_rng(s).permutation(weight))[2].item() for s in range(20)
    }
    assert len(sums) == 1


def test_canonical_rows_are_distinct_and_index_points_back():
    table, y, weight = some_rows(3)
    merged, target, sums, index = canonical_rows(table, y, weight)
    content = {
        (*map(str, row + 0.0), *codes, t)
        for row, codes, t in zip(merged.numeric, merged.categorical, target, strict=True)
    }
    assert len(content) == len(merged)
    assert sums.sum() == weight.sum()
    np.testing.assert_array_equal(table.numeric[index], merged.numeric)
    np.testing.assert_array_equal(y[index], target)
    assert (weight[index] > 0).all()


def test_canonical_rows_tell_targets_apart():
    table = Table(np.zeros((3, 1), np.float32), np.zeros((3, 0), np.int64))
    _, y, weight, _ = canonical_rows(table, np.array([0.5, 0.25, 0.5]))
    assert dict(zip(y.tolist(), weight.tolist(), strict=True)) == {0.5: 2.0, 0.25: 1.0}


def test_canonical_rows_of_huge_tables_are_not_merged(monkeypatch):
    monkeypatch.setattr("autonas.training.table.MAX_MERGED_CELLS", 10)
    table, y, weight = some_rows()
    merged, *_, index = canonical_rows(table, y, weight)
    np.testing.assert_array_equal(index, np.flatnonzero(weight))
    np.testing.assert_array_equal(merged.categorical, table.categorical[index])


def test_fingerprint_tells_data_apart():
    table, y, weight = some_rows()
    name = fingerprint(table, y, weight)
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert name == fingerprint(Table(table.numeric + 0.0, table.categorical), y, weight)
    assert name != fingerprint(table, 1 - y, weight)
    assert name != fingerprint(Table(table.numeric[:, ::-1], table.categorical), y, weight)
