"""Targets and sample weights."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.exceptions import DataConversionWarning

from autonas.training.data import (
    check_regression_target,
    check_weight,
    encode_classes,
)

NAN = np.nan


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        ([3, 1, 3], [1, 3], [1, 0, 1]),
        (["b", "a", "b"], ["a", "b"], [1, 0, 1]),
        ([True, False, True], [False, True], [1, 0, 1]),
        ([1.0, 0.0, 1.0], [0.0, 1.0], [1, 0, 1]),
        (np.array([1, 0, 1], dtype=object), [0, 1], [1, 0, 1]),
        (np.array(["b", "a", "b"], dtype=object), ["a", "b"], [1, 0, 1]),
        (np.array([True, False, True], dtype=object), [False, True], [1, 0, 1]),
        (pd.Series(["b", "a", "b"]), ["a", "b"], [1, 0, 1]),
        (pd.Series(["b", "a", "b"]).array, ["a", "b"], [1, 0, 1]),
        (pd.Series(["b", "a", "b"]).values, ["a", "b"], [1, 0, 1]),
        (pd.Series(["b", "a", "b"], dtype="string[pyarrow]"), ["a", "b"], [1, 0, 1]),
        (pd.Series(["b", "a", "b"], dtype=pd.ArrowDtype(pa.string())), ["a", "b"], [1, 0, 1]),
        (pd.Series(["b", "a", "b"], dtype="category"), ["a", "b"], [1, 0, 1]),
        (pd.Categorical([2, 1, 2], categories=[3, 2, 1]), [1, 2], [1, 0, 1]),
        (pd.Series([2, 1, 2], dtype="Int64"), [1, 2], [1, 0, 1]),
        (pd.Series([2, 1, 2], dtype="int64[pyarrow]"), [1, 2], [1, 0, 1]),
        (pd.Series([True, False, True], dtype="boolean"), [False, True], [1, 0, 1]),
        (pd.Index([2, 1, 2]), [1, 2], [1, 0, 1]),
        (pl.Series(["b", "a", "b"]), ["a", "b"], [1, 0, 1]),
    ],
)  # fmt: skip
def test_classes_of_any_type(y, classes, codes):
    found, coded = encode_classes(y)
    assert found.tolist() == classes
    assert coded.tolist() == codes
    assert coded.dtype == np.int64
    assert isinstance(found, np.ndarray)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([0.5, 1.5, 2.5], "Unknown label type: continuous"),
        (np.array([1, "a", 2], dtype=object), "Unknown label type"),
        (["a", None, "b"], "Input y contains NaN. 1 of its 3 values are missing"),
        ([0.0, NAN, 1.0], "Input y contains NaN"),
        (pd.Series(["a", None, "b"]), "Input y contains NaN"),
        (pd.Series([1, None, 2], dtype="Int64"), "Input y contains NaN"),
        ([[0, 1], [1, 0], [1, 1]], "y should be a 1d array, got an array of shape"),
        (["yes", "yes", "yes"], "single class 'yes'.*got 1 class"),
        ([0, 1], "inconsistent numbers of samples"),
    ],
)
def test_refused_classes(y, message):
    with pytest.raises(ValueError, match=message):
        encode_classes(y, np.zeros((3, 1)))


@pytest.mark.parametrize("column", [np.array([[0], [1]]), pd.DataFrame({"y": [0, 1]}), [[0], [1]]])
def test_a_column_vector_of_targets_warns(column):
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        assert encode_classes(column)[1].tolist() == [0, 1]
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        assert check_regression_target(column).tolist() == [0, 1]


@pytest.mark.parametrize(
    "y",
    [
        [1, 2],
        [1.0, 2.0],
        np.array([1, 2], np.uint8),
        np.array([1, 2.0], object),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1, 2], dtype="float[pyarrow]"),
        pl.Series([1, 2]),
        [Decimal(1), Decimal(2)],
    ],
)
def test_numbers_of_any_type(y):
    values = check_regression_target(y)
    assert values.tolist() == [1.0, 2.0]
    assert values.dtype == np.float64


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([1.0, NAN], "Input y contains NaN"),
        (pd.Series([1, None], dtype="Int64"), "Input y contains NaN"),
        ([1.0, np.inf], r"Input y contains infinity or a value too large for dtype\('float64'\)"),
        (["1", "2"], "y must hold numbers for regression, got str values such as '1'.*to_numeric"),
        (pd.Series(["a", "b"]), "y must hold numbers for regression"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "y must hold numbers for regression"),
        ([1j, 2j], "Complex data not supported"),
        ([[1, 2], [3, 4]], "y should be a 1d array"),
        ([1, 2, 3], "inconsistent numbers of samples"),
    ],
)
def test_refused_numbers(y, message):
    with pytest.raises(ValueError, match=message):
        check_regression_target(y, np.zeros((2, 1)))


def test_weights():
    X = np.zeros((3, 1))
    assert check_weight(None, X) is None
    assert check_weight(2, X).tolist() == [2, 2, 2]
    for form in (list, np.asarray, pd.Series, pl.Series):
        assert check_weight(form([0.0, 1.0, 2.5]), X).tolist() == [0, 1, 2.5]
    given_weight = np.ones(3)
    check_weight(given_weight, X)[0] = 5
    assert given_weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, -1, 1], "Negative values in sample_weight, such as -1.0"),
        ([0, 0, 0], "weight.*zero"),
        ([1, NAN, 1], "contains NaN"),
        ([1, 1], r"sample_weight.shape == \(2,\), expected \(3,\)"),
        ([[1], [1], [1]], "must be 1D"),
    ],
)
def test_refused_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        check_weight(weight, np.zeros((3, 1)))
