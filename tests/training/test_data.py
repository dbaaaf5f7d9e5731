"""Reading tables, targets and weights, through the public names of autonas.training.data."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted, validate_data

from autonas.training.data import (
    Table,
    TableSchema,
    canonical_rows,
    check_regression_target,
    check_weight,
    check_X,
    encode_classes,
    fingerprint,
)
from autonas.training.preprocessing import Preprocessor

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


# --- check_X and the forms of input --------------------------------------------------------------

PLAIN = np.array([[1.0, NAN, 3.0], [2.0, 5.0, 4.0], [3.0, 7.0, 9.0]])
FRAME = pd.DataFrame(PLAIN, columns=["a", "b", "c"])
# COO, DIA and the like hold the zeros that are missing in PLAIN's place: none, so all formats agree.
FORMS = {
    "array": PLAIN,
    "float32": PLAIN.astype(np.float32),
    "Fortran order": np.asfortranarray(PLAIN),
    "list": PLAIN.tolist(),
    "objects": PLAIN.astype(object),
    "objects with None": [[1, None, 3], [2, 5, 4], [3, 7, 9]],
    "objects of mixed numbers": [[1, None, 3], [2.0, Decimal(5), np.int8(4)], [np.float32(3), 7, 9]],
    "pandas": FRAME,
    "pandas objects": FRAME.astype(object),
    "pandas nullable": FRAME.convert_dtypes(),
    "pandas Arrow": FRAME.convert_dtypes(dtype_backend="pyarrow"),
    "pandas sparse": FRAME.astype(pd.SparseDtype(float, NAN)),
    "polars": pl.from_pandas(FRAME),
    "polars nulls": pl.DataFrame({"a": [1, 2, 3], "b": [None, 5, 7], "c": [3, 4, 9]}),
    "pyarrow": pa.Table.from_pandas(FRAME),
} | {
    f"sparse {f}": sparse.csr_array(PLAIN).asformat(f)
    for f in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_numbers_reads_alike(form):
    np.testing.assert_array_equal(numbers_of(FORMS[form]), PLAIN)


@pytest.mark.parametrize("form", FORMS)
def test_a_schema_reads_every_other_form(form):
    schema = TableSchema().fit(PLAIN)
    np.testing.assert_array_equal(schema.transform(FORMS[form]).numeric, PLAIN)


def test_sparse_with_64_bit_indices_and_sparse_matrix():
    X = sparse.csr_matrix(PLAIN)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    np.testing.assert_array_equal(numbers_of(X), PLAIN)


def test_readonly_memory_map_is_read_and_left_as_it_is(tmp_path):
    np.save(tmp_path / "X.npy", PLAIN)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(numbers_of(X), PLAIN)


def test_large_sparse_is_refused_before_it_fills_the_memory():
    X = sparse.csr_array((200_000, 1_000))
    with pytest.raises(ValueError, match=r"shape \(200000, 1000\).*dense.*TruncatedSVD"):
        check_X(X, "AutoNASClassifier")


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "Reshape your data"),
        (pd.Series([1.0, 2.0]), ValueError, "Pass a DataFrame"),
        (3.0, ValueError, "Expected 2D array, got scalar"),
        (np.zeros((2, 2, 2)), ValueError, "Found array with dim 3"),
        (np.ones((2, 2)) * 1j, ValueError, "Complex data not supported"),
        (sparse.csr_array(np.eye(2) * 1j), ValueError, "Complex data not supported"),
        (pd.DataFrame({"wave": [1j, 2]}), ValueError, "Complex data not supported: column 'wave'"),
        (
            np.zeros((0, 3)),
            ValueError,
            r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is",
        ),
        (
            pd.DataFrame({"a": []}),
            ValueError,
            r"Found array with 0 sample\(s\) \(shape=\(0, 1\)\) while a minimum",
        ),
        (np.zeros((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (
            pd.DataFrame(index=[1, 2]),
            ValueError,
            r"0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1 is",
        ),
        (pl.DataFrame({"a": [1]}).lazy(), TypeError, r"LazyFrame.*pass X\.collect\(\)"),
    ],
)
def test_refused_forms(X, error, message):
    with pytest.raises(error, match=message):
        check_X(X, "AutoNASClassifier")


def test_who_asks_is_named_and_lengths_are_compared():
    with pytest.raises(ValueError, match="required by LogisticRegression"):
        check_X(np.zeros((0, 1)), LogisticRegression())
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\]"):
        check_X(PLAIN, "A", [1, 2])


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, sparse.csr_array, lambda X: X.astype(object)])
def test_infinity_is_refused_in_fit_and_transform(form, value):
    bad = np.where(PLAIN == 4.0, value, PLAIN)
    message = "Input X contains infinity or a value too large for dtype"
    with pytest.raises(ValueError, match=message):
        TableSchema().fit(form(bad))
    with pytest.raises(ValueError, match=message):
        TableSchema().fit(form(PLAIN)).transform(form(bad))


def test_infinity_names_the_column():
    with pytest.raises(ValueError, match=r"in column 'height'\. Replace it by"):
        TableSchema().fit(pd.DataFrame({"age": [1, 2], "height": [1.0, np.inf]}))


# --- kinds of columns ----------------------------------------------------------------------------


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
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"], utc=True)).dt.tz_convert(
            "Asia/Tokyo"
        ),
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"])).astype("datetime64[s]"),
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"])).astype(object),
        pd.Series(pd.to_datetime(["2020-01-01 01:00", "2020-01-03 13:00"])).astype(
            pd.ArrowDtype(pa.timestamp("us"))
        ),
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
        TableSchema().fit(
            pd.DataFrame({"c": pd.Series([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))})
        )


def test_numbers_at_predict_may_be_text_but_not_words_or_times():
    schema = TableSchema().fit(pd.DataFrame({"n": [1, 2]}))
    assert schema.transform(pd.DataFrame({"n": ["1.5"]})).numeric.tolist() == [[1.5]]
    for wrong in ("many", pd.Timestamp("2020-01-01")):
        with pytest.raises(ValueError, match=r"Column 'n' of X was numeric in fit.*Convert it to the type"):
            schema.transform(pd.DataFrame({"n": [wrong]}))


# --- columns without information -----------------------------------------------------------------


def test_useless_columns_are_dropped_with_their_reason():
    X = pd.DataFrame(
        {
            "x": [1.0, 2.0, -0.0],
            "twin": [1, 2, 0],
            "same": 7,
            "void": [None] * 3,
            "nan": NAN,
            "word": "w",
            "c": ["a", None, "b"],
            "c2": ["A", None, "B"],
            "day": pd.Timestamp("2020-01-01"),
            "flag": [1.0, NAN, 1.0],
        }
    )
    schema, table = read(X)
    assert schema.dropped_ == {
        "twin": "the same as 'x'",
        "same": "constant",
        "void": "missing in every row",
        "nan": "missing in every row",
        "word": "constant",
        "c2": "the same as 'c'",
        "day": "constant",
    }
    assert (schema.numeric_names_, schema.categorical_names_) == (["x", "flag"], ["c"])
    assert (table.numeric.shape, table.categorical.shape) == ((3, 2), (3, 1))


def test_dropped_columns_may_hold_anything_at_predict():
    schema = TableSchema().fit(pd.DataFrame({"x": [1, 2], "void": [None, None]}))
    assert schema.transform(pd.DataFrame({"x": [1], "void": ["now"]})).numeric.tolist() == [[1]]


@pytest.mark.parametrize("X", [np.ones((4, 2)), np.full((4, 1), NAN), [["a"], ["a"]], [[1.0, 2.0]]])
def test_a_table_without_information_is_one_column_of_zeros(X):
    schema, table = read(X)
    assert schema.numeric_names_ == ["none"]
    np.testing.assert_array_equal(table.numeric, np.zeros((len(X), 1)))
    assert table.categorical.shape == (len(X), 0)


def test_arrays_name_columns_by_position():
    schema, table = read(np.c_[np.ones(3), np.arange(3.0), np.arange(3.0)])
    assert schema.dropped_ == {"x0": "constant", "x2": "the same as 'x1'"}
    assert table.numeric.tolist() == [[0], [1], [2]]


def test_other_columns_at_predict_are_named():
    schema = TableSchema().fit(FRAME)
    with pytest.raises(ValueError, match="X has 2 columns; in fit it had 3"):
        schema.transform(FRAME[["a", "b"]].to_numpy())
    with pytest.raises(ValueError, match=r"X lacks columns that it had in fit: \['c'\]"):
        schema.transform(FRAME[["a", "b"]])
    with pytest.raises(ValueError, match="Column 0 of X is 'b'; in fit it was 'a'"):
        schema.transform(FRAME[["b", "a", "c"]])


def test_rows_of_weight_zero_teach_nothing():
    X = pd.DataFrame({"c": ["a", "b", "z"], "x": [1.0, 1.0, 5.0]})
    schema = TableSchema().fit(X, np.array([1.0, 2.0, 0.0]))
    assert schema.columns_[0].categories == ("a", "b")
    assert schema.dropped_ == {"x": "constant"}


# --- real data -----------------------------------------------------------------------------------


def load(data_dir, name):
    frame = pd.read_csv(data_dir / "tabular" / f"{name}.csv.gz")
    return frame.iloc[:, :-1], frame.iloc[:, -1]


def test_adult(data_dir):
    X, y = load(data_dir, "adult")
    schema, table = read(X)
    assert schema.dropped_ == {}
    assert schema.cardinalities_ == (9, 17, 8, 15, 7, 6, 3, 42)
    assert table.numeric.shape == (48_842, 6)
    assert (table.categorical == 0).sum() == 6_465
    classes, codes = encode_classes(y)
    merged, _, weight, _ = canonical_rows(table, codes)
    assert (len(classes), len(merged), weight.sum()) == (2, 48_842 - 52, 48_842)
    by_polars = read(pl.from_pandas(X))[1]
    np.testing.assert_array_equal(by_polars.categorical, table.categorical)
    np.testing.assert_array_equal(by_polars.numeric, table.numeric)


def test_hypothyroid_has_a_wholly_missing_column(data_dir):
    schema, table = read(load(data_dir, "hypothyroid")[0])
    assert schema.dropped_["TBG"] == "missing in every row"
    assert len(table) == 3_772


def test_credit_g_as_objects_and_as_categories(data_dir):
    X = load(data_dir, "credit_g")[0]
    table = read(X)[1]
    text = X.columns[[not pd.api.types.is_numeric_dtype(d) for d in X.dtypes]]
    for other in (
        X.astype(object),
        X.astype(dict.fromkeys(text, "category")),
        X.to_numpy(),
        X.to_numpy().tolist(),
    ):
        np.testing.assert_array_equal(read(other)[1].numeric, table.numeric)
        np.testing.assert_array_equal(read(other)[1].categorical, table.categorical)


# --- properties ----------------------------------------------------------------------------------

FLOATS = st.floats(width=32, allow_infinity=False)
COLUMNS = {
    "float": FLOATS,
    "int": st.integers(-(2**40), 2**40),
    "text": st.none() | st.text(max_size=3),
    "mixed": st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "1", ""]),
    "time": st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
}


@st.composite
def frames(draw):
    n = draw(st.integers(1, 8))
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    columns = {
        f"{kind}{i}": pd.Series(
            draw(st.lists(COLUMNS[kind], min_size=n, max_size=n)), dtype=None if kind == "int" else object
        )
        for i, kind in enumerate(kinds)
    }
    return pd.DataFrame(columns)


@settings(max_examples=60, deadline=None)
@given(frames(), st.randoms(use_true_random=False))
def test_reading_is_row_by_row_and_blind_to_order(frame, random):
    schema, table = read(frame)
    rows = random.sample(range(len(frame)), len(frame))
    shuffled_schema, shuffled = read(frame.iloc[rows])
    assert shuffled_schema.dropped_ == schema.dropped_
    np.testing.assert_array_equal(shuffled.numeric, table.numeric[rows])
    np.testing.assert_array_equal(shuffled.categorical, table.categorical[rows])
    one = schema.transform(frame.iloc[rows[:1]])
    np.testing.assert_array_equal(one.numeric, table.numeric[rows[:1]])
    np.testing.assert_array_equal(one.categorical, table.categorical[rows[:1]])
    assert not np.isinf(table.numeric).any()
    assert (table.categorical < schema.cardinalities_).all()
    copy = pickle.loads(pickle.dumps(schema))  # noqa: S301
    np.testing.assert_array_equal(copy.transform(frame).numeric, table.numeric)


# No NUL: pandas before 3 takes texts as equal that agree up to it.
@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text("abcé ", max_size=2), min_size=2))
def test_codes_stand_for_texts(texts):
    schema, table = read(pd.DataFrame({"c": texts, "x": np.arange(len(texts))}))
    if "c" not in schema.dropped_:
        names = (None, *schema.columns_[0].categories)
        assert [names[code] for code in table.categorical[:, 0]] == texts


# --- canonical rows ------------------------------------------------------------------------------


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
        canonical_rows(table, np.zeros(50), np.random.default_rng(s).permutation(weight))[2].item()
        for s in range(20)
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


# --- targets and weights -------------------------------------------------------------------------


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


# --- scikit-learn's own checks, on the smallest estimators that read their input by these functions


class _Reading(BaseEstimator):
    def _read(self, X, target, sample_weight):
        weight = check_weight(sample_weight, X)
        self._schema = TableSchema().fit(X, weight)
        table, target, weight, _ = canonical_rows(self._schema.transform(X), target, weight)
        self._preprocessor = Preprocessor({"scaling": "standard"}, self._schema.cardinalities_).fit(
            table, weight
        )
        self.model_.fit(self._preprocessor.transform(table).numeric.astype(float), target, weight)

    def _features(self, X):
        check_is_fitted(self)
        X = check_X(X, self)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self._preprocessor.transform(self._schema.transform(X)).numeric.astype(float)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


class ReadingClassifier(ClassifierMixin, _Reading):
    def fit(self, X, y, sample_weight=None):
        X = check_X(X, self, y)
        validate_data(self, X, reset=True, skip_check_array=True)
        self.classes_, codes = encode_classes(y, X)
        self.model_ = LogisticRegression(max_iter=1000, tol=1e-8)
        self._read(X, codes, sample_weight)
        return self

    def predict(self, X):
        features = self._features(X)
        return self.classes_[self.model_.predict(features)]


class ReadingRegressor(RegressorMixin, _Reading):
    def fit(self, X, y, sample_weight=None):
        X = check_X(X, self, y)
        validate_data(self, X, reset=True, skip_check_array=True)
        target = check_regression_target(y, X)
        self.model_ = Ridge()
        self._read(X, target, sample_weight)
        return self

    def predict(self, X):
        features = self._features(X)
        return self.model_.predict(features)


CHECKS = [
    pair for one in (ReadingClassifier(), ReadingRegressor()) for pair in estimator_checks_generator(one)
]


@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=lambda v: getattr(getattr(v, "func", v), "__name__", "")
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
