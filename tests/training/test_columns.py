"""The kinds of columns, and how their values are read."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.training.data import (
    TableSchema,
)

NAN = np.nan


def read(X, **options):
    schema = TableSchema(**options).fit(X)
    return schema, schema.transform(X)


def numbers_of(X):
    table = read(X)[1]
    assert table.categorical.shape[1] == 0
    return table.numeric


def codes_of(values):
    table = read(pd.DataFrame({"c": values}))[1]
    assert table.numeric.shape[1] == 0
    return table.categorical[:, 0].tolist()


@pytest.mark.parametrize(
    "values",
    [
        ["b", None, "a", "b"],
        pd.Series(["b", None, "a", "b"], dtype=object),
        pd.Series(["b", NAN, "a", "b"], dtype="category"),
        pd.Series(["b", pd.NA, "a", "b"], dtype="string"),
        pd.Series(["b", pd.NA, "a", "b"], dtype="string[pyarrow]"),
        pd.Series(["b", None, "a", "b"], dtype=pd.ArrowDtype(pa.string())),
        pd.Series(["b", None, "a", "b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        pd.Categorical(["b", None, "a", "b"], categories=["z", "b", "a"], ordered=True),
    ],
)
def test_text_and_categories_are_coded_from_one(values):
    assert codes_of(values) == [2, 0, 1, 2]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["b", "a", "z"])])
def test_polars_text_and_categories(dtype):
    X = pl.DataFrame({"c": pl.Series(["b", None, "a", "b"], dtype=dtype)})
    assert read(X)[1].categorical[:, 0].tolist() == [2, 0, 1, 2]


@pytest.mark.parametrize("array", [np.array([["b"], ["a"]]), np.array([[b"b"], [b"a"]]), [["b"], ["a"]]])
def test_arrays_and_lists_of_text(array):
    assert read(array)[1].categorical[:, 0].tolist() == [2, 1]


def test_lists_of_numbers_and_text_keep_their_numbers():
    schema, table = read([[1.5, "red", True], [2.5, None, False], [3, "blue", None]])
    assert [c.kind for c in schema.columns_] == ["numeric", "category", "numeric"]
    np.testing.assert_array_equal(table.numeric, [[1.5, 1], [2.5, 0], [3, NAN]])
    assert table.categorical[:, 0].tolist() == [2, 0, 1]


@pytest.mark.parametrize("dtype", [bool, "boolean", object, pd.ArrowDtype(pa.bool_())])
def test_booleans_are_numbers(dtype):
    X = pd.DataFrame({"c": pd.Series([True, False, True], dtype=dtype)})
    np.testing.assert_array_equal(numbers_of(X)[:, 0], [1, 0, 1])


def test_plain_boolean_and_small_integer_arrays_stay_single():
    assert numbers_of(np.array([[True, False], [False, True], [True, True]])).dtype == np.float32
    assert numbers_of(np.array([[1], [2]], dtype=np.int16)).dtype == np.float32
    assert numbers_of(np.array([[1], [2]], dtype=np.int64)).dtype == np.float64


def test_mixed_objects_are_categories_by_their_text():
    schema, table = read(pd.DataFrame({"c": pd.Series([1, "1", 1.0, 2.5, "x", None], dtype=object)}))
    assert schema.columns_[0].categories == ("1", "2.5", "x")
    assert table.categorical[:, 0].tolist() == [1, 1, 1, 2, 3, 0]


def test_integer_categories_are_known_again_as_floats():
    schema = TableSchema().fit(pd.DataFrame({"c": pd.Categorical([10, 20, 30])}))
    later = pd.DataFrame({"c": [20.0, NAN, 10.0, 99.0]})
    assert schema.transform(later).categorical[:, 0].tolist() == [2, 0, 1, 0]


def test_categories_never_seen_have_code_zero():
    schema = TableSchema().fit(pd.DataFrame({"c": ["a", "b"]}))
    assert schema.cardinalities_ == (3,)
    assert schema.transform(pd.DataFrame({"c": ["z", "b", None]})).categorical[:, 0].tolist() == [0, 2, 0]


def test_many_categories_keep_the_frequent_and_share_a_code():
    X = pd.DataFrame({"id": ["a"] * 3 + ["b"] * 2 + ["c", "d", "e"]})
    schema, table = read(X, max_categories=2)
    assert schema.cardinalities_ == (4,)
    assert table.categorical[:, 0].tolist() == [1, 1, 1, 2, 2, 3, 3, 3]
    assert schema.transform(pd.DataFrame({"id": ["new", None]})).categorical[:, 0].tolist() == [3, 0]
    weighted = TableSchema(max_categories=2).fit(X, np.array([1.0, 1, 1, 1, 1, 9, 0, 0]))
    assert weighted.columns_[0].categories == ("a", "c")


def test_identifiers_are_capped():
    X = pd.DataFrame({"id": [f"user{i}" for i in range(1000)], "x": np.arange(1000)})
    assert TableSchema().fit(X).cardinalities_ == (257,)


def test_datetimes_become_years_and_circles():
    X = pd.DataFrame({"t": pd.to_datetime(["2020-01-01", "2021-01-01", None, "2020-07-01"])})
    schema, table = read(X)
    assert schema.numeric_names_ == [
        "t years", "t season (sine)", "t season (cosine)", "t weekday (sine)", "t weekday (cosine)",
    ]  # fmt: skip
    np.testing.assert_allclose(table.numeric[:, 0], [0, 1.002, NAN, 0.498], atol=1e-3)
    assert np.isnan(table.numeric[2]).all()
    assert np.abs(table.numeric[[0, 1, 3], 1:]).max() <= 1


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"], utc=True)).dt.tz_convert("Asia/Tokyo"),
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"])).astype("datetime64[s]"),
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"])).astype(object),
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"])).astype(pd.ArrowDtype(pa.timestamp("us"))),
        pd.Series(pd.PeriodIndex(["2020-01-01 01:00", "2020-01-03 13:00"], freq="h")),
        pd.Series(pd.PeriodIndex(["2020-01-01 01:00", "2020-01-03 13:00"], freq="h")).astype(object),
    ],
)
def test_every_datetime_type_reads_alike(values):
    plain = read(pd.DataFrame({"t": pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"])}))[1]
    np.testing.assert_allclose(read(pd.DataFrame({"t": values}))[1].numeric, plain.numeric, atol=1e-12)


def test_dates_of_every_library_read_alike():
    days = [dt.date(2020, 1, 1), None, dt.date(2020, 5, 3)]
    forms = [
        pd.DataFrame({"t": days}),
        pd.DataFrame({"t": pd.Series(days, dtype=pd.ArrowDtype(pa.date32()))}),
        pl.DataFrame({"t": days}),
        pl.DataFrame({"t": pl.Series(days).cast(pl.Datetime)}),
        np.array([["2020-01-01"], ["NaT"], ["2020-05-03"]], dtype="datetime64[s]"),
    ]
    tables = [read(form)[1].numeric for form in forms]
    for numeric in tables[1:]:
        np.testing.assert_array_equal(numeric, tables[0])


def test_text_is_read_as_datetime_where_fit_saw_datetimes():
    schema = TableSchema().fit(pd.DataFrame({"t": pd.to_datetime(["2020-01-01", "2021-01-01"])}))
    assert schema.transform(pd.DataFrame({"t": ["2020-01-01"]})).numeric[0, 0] == 0
    for wrong in ("yesterday", 17):
        with pytest.raises(ValueError, match="Column 't' of X holds datetimes, of which some cannot be read"):
            schema.transform(pd.DataFrame({"t": [wrong]}))


@pytest.mark.parametrize("dtype", ["timedelta64[ns]", object, pd.ArrowDtype(pa.duration("s"))])
def test_timedeltas_are_seconds(dtype):
    values = pd.Series(pd.to_timedelta([1, 90, None], unit="s")).astype(dtype)
    np.testing.assert_array_equal(numbers_of(pd.DataFrame({"d": values}))[:, 0], [1, 90, NAN])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([1, 2], "list"),
        ({"a": 1}, "dict"),
        ((1,), "tuple"),
        (1j, "complex"),
        (dt.time(3), "time"),
        (object(), "object"),
    ],
)
def test_columns_of_other_things_are_refused(value, kind):
    X = pd.DataFrame({"thing": pd.Series([value, 1.0, "a"], dtype=object)})
    message = rf"Column 'thing' of X holds a {kind}.*must be a string or a number.*astype\(str\)"
    with pytest.raises(TypeError, match=message):
        TableSchema().fit(X)


def test_lists_and_dicts_at_predict_and_in_arrow_are_refused():
    schema = TableSchema().fit(pd.DataFrame({"c": ["a", "b"], "n": [1, 2]}))
    with pytest.raises(TypeError, match="Column 'c' of X holds a dict"):
        schema.transform(pd.DataFrame({"c": [{}, "b"], "n": [1, 2]}))
    with pytest.raises(TypeError, match="Column 'n' of X holds a dict"):
        schema.transform(pd.DataFrame({"c": ["a"], "n": [{}]}))
    with pytest.raises(TypeError, match="Column 'c' of X holds a"):
        TableSchema().fit(pl.DataFrame({"c": [[1, 2], [3]]}))
    with pytest.raises(TypeError, match="Column 'c' of X holds a"):
        TableSchema().fit(pd.DataFrame({"c": pd.Series([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}))


def test_numbers_at_predict_may_be_text_but_not_words_or_times():
    schema = TableSchema().fit(pd.DataFrame({"n": [1, 2]}))
    assert schema.transform(pd.DataFrame({"n": ["1.5"]})).numeric.tolist() == [[1.5]]
    for wrong in ("many", pd.Timestamp("2020-01-01")):
        with pytest.raises(ValueError, match=r"Column 'n' of X was numeric in fit.*Convert it to the type"):
            schema.transform(pd.DataFrame({"n": [wrong]}))


# No NUL: pandas before 3 takes texts as equal that agree up to it.
@settings(max_examples=60)
@given(st.lists(st.none() | st.text("abcé ", max_size=2), min_size=2))
def test_codes_stand_for_texts(texts):
    schema, table = read(pd.DataFrame({"c": texts, "x": np.arange(len(texts))}))
    if "c" not in schema.dropped_:
        names = (None, *schema.columns_[0].categories)
        assert [names[code] for code in table.categorical[:, 0]] == texts
