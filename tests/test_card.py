"""The model card tells what is known, and marks what only people know."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score

from autonas import AutoNASClassifier, AutoNASRegressor, load

QUICK = {"time_limit": None, "n_trials": 2, "max_epochs": 3, "portfolio": None, "random_state": 7}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(size=90), "town": rng.choice(["Rome", "Oslo"], 90), "unit": "m"})
    return X, np.where(X["age"] > 0, "old", "young")


def test_of_a_classifier(data, tmp_path):
    X, y = data
    clf = AutoNASClassifier(**QUICK, run_dir=tmp_path / "run").fit(X, y)
    text = clf.model_card(tmp_path / "card.md", scores={"accuracy": 0.875}).read_text()
    sections = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert sections == [
        "Intended use",
        "Data",
        "Scores on test data",
        "Scores on validation data",
        "Members",
        "Limits",
        "How it was made",
    ]
    assert "A classifier of 2 classes" in text
    assert "90 rows to learn from" in text
    assert "A table of 3 columns: 1 numeric, 2 category. Not read, since they told nothing: 'unit' (constant)." in text
    assert "Classes: old, young." in text
    validated = clf._fitted.validated
    accuracy = accuracy_score(validated.target, validated.predictions.argmax(1))
    cells = [[cell.strip() for cell in line.split("|")[1:3]] for line in text.splitlines() if line.startswith("|")]
    assert ["accuracy", f"{accuracy:.4g}"] in cells
    assert ["accuracy", "0.875"] in cells
    assert ["seed of the run", "7"] in cells
    assert "To be written" in text
    again = load(tmp_path / "run").model_card(tmp_path / "again.md", scores={"accuracy": 0.875}).read_text()
    assert again.partition("## How it was made")[0] == text.partition("## How it was made")[0]


def test_of_a_regressor(data, tmp_path):
    X, _ = data
    reg = AutoNASRegressor(**QUICK).fit(X, X["age"] * 3)
    text = reg.model_card(tmp_path / "card.md").read_text()
    validated = reg._fitted.validated
    assert f"{r2_score(validated.target, validated.predictions):.4g}" in text
    assert "never predicts outside the range" in text
    assert "Only rows that the fit never saw tell how good it is." in text


def test_without_skops(data, monkeypatch, tmp_path):
    X, y = data
    clf = AutoNASClassifier(**{**QUICK, "n_trials": 1}).fit(X, y)
    monkeypatch.setitem(sys.modules, "skops.card", None)
    with pytest.raises(ImportError, match=r"pip install 'autonas\[report\]'"):
        clf.model_card(tmp_path / "card.md")
