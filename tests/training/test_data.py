"""Reading tables in every form, and scikit-learn's own checks on it."""

from __future__ import annotations

import datetime as dt
import pickle
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
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted, validate_data

from autonas.training.data import (
    TableSchema,
    canonical_rows,
    check_regression_target,
    check_weight,
    check_X,
    encode_classes,
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


# --- check_X and the forms of input -------------------------------------------------------------

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
} | {f"sparse {f}": sparse.csr_array(PLAIN).asformat(f) for f in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")}


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


# --- columns without information ----------------------------------------------------------------


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


# --- real data ----------------------------------------------------------------------------------


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


# --- properties ---------------------------------------------------------------------------------

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


@settings(max_examples=60)
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
    copy = pickle.loads(pickle.dumps(schema))
    np.testing.assert_array_equal(copy.transform(frame).numeric, table.numeric)


# --- scikit-learn's own checks, on the smallest estimators that read by these functions ---------


class _Reading(BaseEstimator):
    def _read(self, X, target, sample_weight):
        weight = check_weight(sample_weight, X)
        self._schema = TableSchema().fit(X, weight)
        table, target, weight, _ = canonical_rows(self._schema.transform(X), target, weight)
        self._preprocessor = Preprocessor({"scaling": "standard"}, self._schema.cardinalities_).fit(table, weight)
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


CHECKS = [pair for one in (ReadingClassifier(), ReadingRegressor()) for pair in estimator_checks_generator(one)]


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=lambda v: getattr(getattr(v, "func", v), "__name__", ""))
def test_scikit_learn_checks(estimator, check):
    check(estimator)
