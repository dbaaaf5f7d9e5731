"""Imputing, scaling and clipping, through the public names of autonas.training.preprocessing."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from autonas.training.data import Table, TableSchema
from autonas.training.preprocessing import PREPROCESSING_KEYS, Preprocessor

NAN = np.nan
SCALINGS = ("standard", "robust", "quantile")
CLIPPINGS = ("none", "hard", "smooth")
IMPUTATIONS = ("mean", "median")
CONFIGURATIONS = [
    {"scaling": s, "clipping": c, "imputation": i} for s, c, i in itertools.product(SCALINGS, CLIPPINGS, IMPUTATIONS)
]


def numbers(*columns, dtype=np.float64):
    numeric = np.array(columns, dtype=dtype).T
    return Table(numeric, np.zeros((len(numeric), 0), np.int64))


def codes(*columns):
    categorical = np.array(columns, dtype=np.int64).T
    return Table(np.zeros((len(categorical), 0)), categorical)


def features(configuration, table, later=None, cardinalities=()):
    preprocessor = Preprocessor(configuration, cardinalities).fit(table)
    return preprocessor.transform(table if later is None else later)


# --- numbers -------------------------------------------------------------------------------------

X = np.random.default_rng(0).lognormal(size=(400, 3))


def test_standard_is_scikit_learns():
    got = features({"scaling": "standard"}, numbers(*X.T)).numeric
    np.testing.assert_allclose(got, StandardScaler().fit_transform(X), rtol=1e-5, atol=1e-6)


def test_quantile_is_scikit_learns():
    expected = QuantileTransformer(n_quantiles=13, output_distribution="normal").fit_transform(X)
    got = features({"scaling": "quantile"}, numbers(*X.T)).numeric
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_robust_takes_the_interquartile_range_or_half_the_range():
    table = numbers([0, 1, 2, 3, 4], [5, 5, 5, 5, 9], [7, 7, 7, 7, 7])
    got = features({"scaling": "robust"}, table).numeric
    np.testing.assert_array_equal(got, np.array([[-1, -0.5, 0, 0.5, 1], [0, 0, 0, 0, 2], [0] * 5]).T)


@pytest.mark.parametrize(
    ("clipping", "expected"), [("none", 40.0), ("hard", 5.0), ("smooth", 40 / np.hypot(1, 40 / 3))]
)
def test_clipping(clipping, expected):
    got = features({"scaling": "robust", "clipping": clipping}, numbers([0, 1, 2, 3, 4]), numbers([82, 2, -78]))
    np.testing.assert_allclose(got.numeric[:, 0], [expected, 0, -expected], rtol=1e-6)


@pytest.mark.parametrize(("imputation", "fill"), [("mean", 4.0), ("median", 1.0)])
def test_missing_numbers_are_filled_and_marked(imputation, fill):
    table = numbers([0, 1, 11, NAN, NAN], [1, 2, 3, 4, 5])
    got = features({"imputation": imputation}, table, numbers([fill, NAN, 0], [3, 3, NAN])).numeric
    assert got[0, 0] == got[1, 0] != got[2, 0]
    # Only the first column was missing in training; the second is filled without a mark.
    np.testing.assert_array_equal(got[:, 1:], [[0, 0], [0, 1], [0, 0]])


def test_columns_wholly_missing_or_constant_in_training_are_zero():
    table = numbers([NAN, NAN, NAN], [5, 5, 5], [5, NAN, 5], [1, 2, 3])
    later = numbers([1e9, NAN], [-1e30, NAN], [7, NAN], [2, 2])
    for configuration in CONFIGURATIONS:
        # The third is constant but for a missing value, whose mark stays.
        np.testing.assert_array_equal(features(configuration, table, later).numeric, [[0] * 5, [0, 0, 0, 0, 1]])


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_numbers_far_away_stay_bounded(configuration):
    later = numbers([3e38, -3e38, NAN])
    for training in ([0, 1e-300], [0, 1e-45], [1, 2], [-3e38, 3e38], [0, 5e-324]):
        got = features(configuration, numbers(training), later).numeric
        assert np.isfinite(got).all()
        assert np.abs(got).max() <= 1e4


def test_single_precision_tables_are_scaled_in_double():
    got = features({"scaling": "standard"}, numbers([-3e38, 3e38], dtype=np.float32)).numeric
    np.testing.assert_allclose(got, [[-1], [1]])


def test_output_is_contiguous_float32_and_the_table_is_left_alone():
    table = numbers(*np.where(X > 2, NAN, X).T)
    before = table.numeric.copy()
    table.numeric.flags.writeable = False
    for configuration in CONFIGURATIONS:
        got = features(configuration, table)
        assert got.numeric.dtype == np.float32
        assert got.numeric.flags.c_contiguous
        assert got.categorical.dtype == np.int64
        assert len(got) == 400
    np.testing.assert_array_equal(table.numeric, before)


# --- categories ----------------------------------------------------------------------------------


def test_rare_categories_train_the_unknown_code():
    table = codes([1, 1, 1, 2, 2, 3])
    got = features({}, table, codes([0, 1, 2, 3, 4]), [5]).categorical
    assert got[:, 0].tolist() == [0, 1, 0, 0, 0]


def test_rare_categories_stay_where_the_unknown_code_is_trained_or_nothing_would_be_left():
    table = codes([0, 0, 0, 1, 1, 2], [1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(features({}, table, cardinalities=[3, 4]).categorical, table.categorical)


def test_weights_count_rows_in_units_of_the_lightest():
    table, later = codes([1, 1, 1, 1, 2, 3]), codes([1, 2, 3])
    for unit in (1.0, 1e-3):
        weight = unit * np.array([1, 1, 1, 1, 3, 1])
        got = Preprocessor({}, [4]).fit(table, weight).transform(later).categorical
        assert got[:, 0].tolist() == [1, 2, 0]


def test_weight_zero_is_no_row():
    table = codes([1, 1, 1, 2, 2, 2])
    got = Preprocessor({}, [3]).fit(table, np.array([1.0, 1, 1, 1, 1, 0])).transform(table)
    assert got.categorical[:, 0].tolist() == [1, 1, 1, 0, 0, 0]


# --- what a network is told ----------------------------------------------------------------------


def test_input_spec():
    rng = np.random.default_rng(0)
    table = Table(rng.normal(size=(500, 2)), rng.integers(0, 3, (500, 2)))
    table.numeric[rng.random(500) < 0.1, 1] = NAN
    preprocessor = Preprocessor({"scaling": "robust"}, (3, 4)).fit(table)
    spec, got = preprocessor.input_spec, preprocessor.transform(table).numeric
    assert (spec.n_numeric, spec.cardinalities, spec.quantiles.shape) == (3, (3, 4), (129, 3))
    assert spec.quantiles.dtype == np.float32
    # All values of this column differ: its quantiles are the usual ones.
    np.testing.assert_allclose(
        spec.quantiles[:, 0], np.quantile(got[:, 0], np.linspace(0, 1, 129), method="inverted_cdf")
    )
    assert spec.quantiles[[0, -1], 2].tolist() == [0, 1]


def test_quantiles_tell_rare_values_apart():
    """A column of zeros for the most part: half of the quantiles are for the others, each of which counts alike."""
    column = np.r_[np.zeros(900), np.arange(1, 101)]
    quantiles = Preprocessor({}).fit(numbers(column)).input_spec.quantiles[:, 0]
    scale = column.std()
    above = quantiles[quantiles > quantiles[0] + 0.5 / scale]
    assert 65 <= len(above) <= 72
    assert np.diff(above * scale).max() < 3


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_quantiles_of_long_tables_come_from_a_sample_but_span_everything(configuration):
    column = np.random.default_rng(0).normal(size=30_000)
    column[[17, 20_001, 5]] = 50, -60, NAN
    preprocessor = Preprocessor(configuration).fit(numbers(column))
    quantiles, got = preprocessor.input_spec.quantiles, preprocessor.transform(numbers(column)).numeric
    np.testing.assert_array_equal(quantiles[0], got.min(axis=0))
    np.testing.assert_array_equal(quantiles[-1], got.max(axis=0))
    np.testing.assert_allclose(quantiles[64, 0], np.median(got[:, 0]), atol=0.02)


def test_no_numeric_columns():
    preprocessor = Preprocessor({}, [3]).fit(codes([1, 2, 0]))
    assert preprocessor.input_spec.n_numeric == 0
    assert preprocessor.input_spec.quantiles.shape == (129, 0)
    assert preprocessor.transform(codes([1])).numeric.shape == (1, 0)


# --- configuration -------------------------------------------------------------------------------


def test_inactive_hyperparameters_and_those_of_networks():
    assert PREPROCESSING_KEYS == ("scaling", "clipping", "imputation")
    table = numbers([1, 2, NAN, 50])
    default = features({}, table).numeric
    given_all = {
        "scaling": "standard",
        "clipping": "none",
        "imputation": "mean",
        "category_encoding": "one_hot",
    }
    np.testing.assert_array_equal(default, features(given_all, table).numeric)


@pytest.mark.parametrize("name", PREPROCESSING_KEYS)
def test_unknown_values_are_named(name):
    with pytest.raises(ValueError, match=rf"Unknown value of '{name}': 'nearest'.*Known: "):
        Preprocessor({name: "nearest"})


def test_cardinalities_must_fit():
    with pytest.raises(ValueError, match="has 1 categorical columns, but cardinalities has 2 entries"):
        Preprocessor({}, [2, 3]).fit(codes([1, 1]))


def test_equal_fits_are_equal_and_survive_pickling():
    table = numbers(*np.where(X > 2, NAN, X).T)
    for configuration in CONFIGURATIONS:
        one, two = (Preprocessor(configuration).fit(table) for _ in range(2))
        copy = pickle.loads(pickle.dumps(one))
        expected = one.transform(table).numeric
        for other in (two, copy):
            np.testing.assert_array_equal(other.transform(table).numeric, expected)
            np.testing.assert_array_equal(other.input_spec.quantiles, one.input_spec.quantiles)


# --- properties ----------------------------------------------------------------------------------

SHAPES = st.tuples(st.integers(1, 12), st.integers(0, 3))
# Missing, equal and extreme numbers more often than chance would have it.
CELLS = st.sampled_from([0.0, -0.0, 1.0, NAN, 3e38, -3e38, 1e-310]) | st.floats(-3e38, 3e38)


@st.composite
def tables(draw):
    numeric = draw(arrays(np.float64, draw(SHAPES), elements=CELLS))
    return Table(numeric, draw(arrays(np.int64, (len(numeric), 2), elements=st.integers(0, 3))))


@settings(max_examples=150)
@given(tables(), tables(), st.sampled_from(CONFIGURATIONS), st.randoms(use_true_random=False))
def test_features_are_finite_bounded_and_row_by_row(table, later, configuration, random):
    p = min(table.numeric.shape[1], later.numeric.shape[1])
    table, later = (Table(t.numeric[:, :p], t.categorical) for t in (table, later))
    preprocessor = Preprocessor(configuration, (4, 4)).fit(table)
    for rows in (table, later):
        got = preprocessor.transform(rows)
        assert np.isfinite(got.numeric).all()
        assert (np.abs(got.numeric) <= 1e4).all()
        assert ((got.categorical == rows.categorical) | (got.categorical == 0)).all()
        some = np.array(random.sample(range(len(rows)), random.randint(1, len(rows))))
        np.testing.assert_array_equal(preprocessor.transform(rows.take(some)).numeric, got.numeric[some])
    spec = preprocessor.input_spec
    assert spec.n_numeric == got.numeric.shape[1]
    assert np.isfinite(spec.quantiles).all()
    assert (np.diff(spec.quantiles, axis=0) >= 0).all()


@settings(max_examples=60)
@given(
    arrays(np.float64, st.tuples(st.integers(2, 30), st.just(1)), elements=st.floats(-1e6, 1e6)),
    st.sampled_from(CONFIGURATIONS),
)
def test_features_keep_the_order_of_numbers(column, configuration):
    got = features(configuration, Table(column, np.zeros((len(column), 0), np.int64))).numeric[:, 0]
    assert (np.diff(got[np.argsort(column[:, 0])]) >= 0).all()


# --- real data -----------------------------------------------------------------------------------


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("name", ["adult", "hypothyroid", "credit_g"])
def test_real_tables(data_dir, name, configuration):
    frame = pd.read_csv(data_dir / "tabular" / f"{name}.csv.gz", nrows=4_000).iloc[:, :-1]
    schema = TableSchema().fit(frame)
    table = schema.transform(frame)
    train, valid = table.take(np.arange(0, len(table), 2)), table.take(np.arange(1, len(table), 2))
    preprocessor = Preprocessor(configuration, schema.cardinalities_).fit(train)
    limit = {"none": 300, "hard": 5, "smooth": 3}[configuration["clipping"]]
    for rows in (train, valid):
        got = preprocessor.transform(rows)
        assert np.isfinite(got.numeric).all()
        assert np.abs(got.numeric).max() <= limit
        assert (got.categorical < schema.cardinalities_).all()
