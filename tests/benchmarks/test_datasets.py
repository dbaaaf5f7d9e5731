from __future__ import annotations

import json

import pytest

from autonas.benchmarks.datasets import load_dataset


def test_columns_are_read_as_the_index_says(made_up):
    data = load_dataset("pets", made_up)
    assert list(data.X) == ["size", "kind", "empty"]
    assert [str(t) for t in data.X.dtypes] == ["float64", "category", "float64"]
    assert set(data.y) == {"yes", "no"}
    assert data.classification
    prices = load_dataset("prices", made_up)
    assert not prices.classification
    assert prices.y.dtype == "float64"


@pytest.mark.parametrize("name", ["pets", "prices"])
def test_the_split_is_stratified_and_follows_the_seed(made_up, name):
    data = load_dataset(name, made_up)
    train, test = data.split(0)
    assert (len(train.y), len(test.y)) == (63, 27)
    assert train.X.index.tolist() == list(range(63))
    assert train.X.equals(data.split(0)[0].X)
    assert not train.X.equals(data.split(1)[0].X)
    if data.classification:
        assert (test.y == "yes").mean() == pytest.approx((data.y == "yes").mean(), abs=0.03)
    else:
        assert test.y.median() == pytest.approx(data.y.median(), abs=0.2 * data.y.std())


def test_unknown_names_are_answered_with_the_nearest(made_up):
    with pytest.raises(ValueError, match="Unknown data set 'pet'; did you mean 'pets'"):
        load_dataset("pet", made_up)


def test_every_real_table_can_be_read_and_split(data_dir):
    for entry in json.loads((data_dir / "index.json").read_text())["tabular"]:
        if entry["rows"] > 10_000:
            continue
        data = load_dataset(entry["name"], data_dir)
        assert data.X.shape == (entry["rows"], entry["features"])
        assert data.y.notna().all()
        train, test = data.split(0)
        assert len(train.y) + len(test.y) == entry["rows"]
        if data.classification:
            assert data.y.nunique() == entry["classes"]
