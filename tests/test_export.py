"""Exported estimators: the same predictions by onnxruntime, or by torch alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from scipy.stats import norm
from sklearn.datasets import load_diabetes
from torch import nn

from autonas import IMAGE_NETWORKS, NETWORKS, AutoNASClassifier, AutoNASRegressor, NetworkFamily, load, load_space
from autonas.benchmarks.datasets import load_dataset
from autonas.benchmarks.image_sets import load_images
from autonas.export.arithmetic import TableColumns, TableFeatures, normal_quantile
from autonas.export.model import ExportedEnsemble
from autonas.training.data import TableSchema
from autonas.training.preprocessing import Preprocessor

QUICK = {"time_limit": None, "n_trials": 1, "max_epochs": 3, "min_epochs": 1, "portfolio": None, "random_state": 0}


def mixed_table(n=200, seed=0):
    """All that a column can be, with gaps, and columns of awkward names."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "income": np.exp(rng.normal(8, 3, n)),
            "raw": rng.choice(["a", "b", "10"], n),
            "label": rng.integers(0, 3, n),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
            "took": pd.to_timedelta(rng.integers(0, 9000, n), unit="s"),
            "constant": 1.5,
            "code": rng.choice(np.array([1.0, 2.0, "x"], object), n),
        }
    )
    for step, name in ((7, "age"), (11, "raw"), (13, "day"), (17, "code")):
        X.loc[::step, name] = None
    y = np.where((X["age"].fillna(40) > 40) ^ (X["raw"] == "a"), "yes", "no")
    return X, y


def feeds(estimator, X):
    """What a user feeds, column by column."""
    fed = {}
    for column in estimator._fitted.schema.columns_:
        values = X[column.name]
        if column.kind == "category":
            fed[column.name] = np.array(["" if pd.isna(v) else re.sub(r"\.0$", "", str(v)) for v in values], object)
        elif column.kind == "datetime":
            fed[column.name] = (values - pd.Timestamp(0)).dt.total_seconds().to_numpy(float)
        else:
            seconds = values.dt.total_seconds() if column.kind == "timedelta" else values
            fed[column.name] = seconds.to_numpy(float)
    return {name: values[:, None] for name, values in fed.items()}


def run_onnx(path, feed):
    session = onnxruntime.InferenceSession(str(path))
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed), strict=True))


# ---------------------------------------------------------------------------------------------- arithmetic


def test_normal_quantiles():
    tails = np.logspace(-7, -1, 500)
    p = np.concatenate([tails, np.linspace(0.1, 0.9, 500), 1 - tails])
    np.testing.assert_allclose(normal_quantile(torch.from_numpy(p)), norm.ppf(p), atol=1e-13)


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
@pytest.mark.parametrize(("clipping", "imputation"), [("none", "mean"), ("hard", "median"), ("smooth", "mean")])
def test_features_are_those_of_the_preprocessor(scaling, clipping, imputation):
    X, _ = mixed_table()
    schema = TableSchema().fit(X)
    table = schema.transform(X)
    configuration = {"scaling": scaling, "clipping": clipping, "imputation": imputation}
    preprocessor = Preprocessor(configuration, schema.cardinalities_).fit(table.take(np.arange(150)))
    far = table.numeric * 3 - 100  # off the training range, where ranks end
    for numeric in (table.numeric, far):
        wanted = preprocessor.transform(type(table)(numeric, table.categorical))
        got = TableFeatures(preprocessor)(torch.from_numpy(numeric).double(), torch.from_numpy(table.categorical))
        np.testing.assert_allclose(got[0], wanted.numeric, rtol=0, atol=2e-6)
        np.testing.assert_array_equal(got[1], wanted.categorical)


def test_columns_are_those_of_the_schema():
    X, _ = mixed_table()
    schema = TableSchema().fit(X)
    new = mixed_table(seed=1)[0].assign(day=pd.Timestamp("1969-05-04 13:14:15"))
    fed = feeds(type("Fit", (), {"_fitted": type("Fitted", (), {"schema": schema})}), new)
    raw = [fed[c.name] for i, c in enumerate(schema.columns_) if i in schema.needed and c.kind != "category"]
    got = TableColumns(schema)(torch.from_numpy(np.concatenate(raw, axis=1)))
    np.testing.assert_allclose(got, schema.transform(new).numeric, rtol=0, atol=1e-9)


def as_tensors(estimator, X):
    schema = estimator._fitted.schema
    fed = feeds(estimator, X)
    raw = [fed[c.name] for i, c in enumerate(schema.columns_) if i in schema.needed and c.kind != "category"]
    return torch.from_numpy(np.concatenate(raw, axis=1)), torch.from_numpy(schema.transform(X).categorical)


@pytest.mark.parametrize("family", NETWORKS)
def test_the_module_of_each_family_predicts_what_the_estimator_does(family):
    X, y = mixed_table()
    clf = AutoNASClassifier(**QUICK, search_space={"network": [family]} if family != "mlp_cell" else family).fit(X, y)
    model = ExportedEnsemble(clf._fitted.ensemble, clf._fitted.schema).eval()
    with torch.inference_mode():
        got = model(*as_tensors(clf, X))
    np.testing.assert_allclose(got, clf.predict_proba(X), rtol=0, atol=1e-6)


# ---------------------------------------------------------------------------------------------- files


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    X, y = mixed_table()
    # Some labels are wrong: the networks err in different places, and several are taken.
    y[::4] = np.random.default_rng(0).permutation(y[::4])
    settings = {**QUICK, "n_trials": 4, "max_epochs": 5}
    narrow = {"network": ["mlp"], "mlp:n_layers": [1], "numeric_embedding_size": [4], "n_bins": [8]}
    narrow |= {"scaling": ["robust", "quantile"]}
    clf = AutoNASClassifier(**settings, search_space=narrow, run_dir=folder / "run").fit(X, y)
    return clf, folder


@pytest.fixture(scope="module")
def onnx_file(fitted):
    clf, folder = fitted
    return clf.export_onnx(folder / "model.onnx")


def test_onnx_reads_the_raw_columns(fitted, onnx_file):
    clf, _ = fitted
    assert len(clf._fitted.ensemble.members) > 1
    assert clf.temperature_ != 1 or any(m.temperature.value != 1 for m in clf._fitted.ensemble.members)
    X = mixed_table(seed=1)[0]
    X.loc[3, "raw"] = "never seen"
    out = run_onnx(onnx_file, feeds(clf, X))
    assert list(out) == ["label_", "probabilities"]  # one of the columns is called label
    np.testing.assert_allclose(out["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-5)
    assert (out["label_"] == clf.predict(X)).all()
    one = run_onnx(onnx_file, feeds(clf, X[:1]))
    np.testing.assert_allclose(one["probabilities"], out["probabilities"][:1], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_labels_follow_the_tuned_threshold(fitted, onnx_file):
    clf, folder = fitted
    X = mixed_table(seed=2)[0]
    plain = clf.decision_weights_
    try:
        clf._fitted.decision.weights[:] = [1.9, 0.1]
        file = clf.export_onnx(folder / "shifted.onnx", best_only=True)
        best = run_onnx(file, feeds(clf, X))
        wanted = clf.classes_[clf._fitted.decision.decide(best["probabilities"])]
    finally:
        clf._fitted.decision.weights[:] = plain
    assert (best["label_"] == wanted).all()
    assert file.stat().st_size < onnx_file.stat().st_size


@pytest.mark.slow
def test_a_loaded_run_exports_the_same(fitted, onnx_file, tmp_path):
    clf, _ = fitted
    X = mixed_table(seed=1)[0]
    again = load(clf.run_dir_).export_onnx(tmp_path / "again.onnx")
    first, second = (run_onnx(file, feeds(clf, X))["probabilities"] for file in (onnx_file, again))
    np.testing.assert_array_equal(first, second)


def test_numbers_from_an_array(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    narrow = {"network": ["mlp"], "mlp:n_layers": [1], "numeric_embedding": ["none"]}
    reg = AutoNASRegressor(**QUICK, search_space=narrow).fit(X, y * 1000)
    out = run_onnx(reg.export_onnx(tmp_path / "model.onnx"), {"X": X})
    np.testing.assert_allclose(out["prediction"], reg.predict(X), rtol=1e-6)


def test_images_from_raw_pixels(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (40, 24, 20), dtype=np.uint8), np.arange(40) % 2
    clf = AutoNASClassifier(
        **{**QUICK, "max_epochs": 1}, search_space={"network": ["chain_cnn"], "image_size": [16]}, validation="holdout"
    ).fit(X, y)
    out = run_onnx(clf.export_onnx(tmp_path / "model.onnx"), {"images": X[:, None]})
    np.testing.assert_allclose(out["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-5)
    assert out["label"].dtype == np.int64


def test_a_program_of_torch_needs_no_autonas(fitted):
    clf, folder = fitted
    X = mixed_table(seed=1)[0]
    clf.export_torch(folder / "model.pt2")
    raw, codes = as_tensors(clf, X)
    torch.save((raw, codes), folder / "input.pt")
    code = """
import json, sys, torch
about = {"about.json": ""}
program = torch.export.load("model.pt2", extra_files=about)
torch.save(program.module()(*torch.load("input.pt")), "output.pt")
assert not [name for name in sys.modules if name.startswith("autonas")]
print(about["about.json"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True, env=environment
    )
    np.testing.assert_allclose(torch.load(folder / "output.pt"), clf.predict_proba(X), rtol=0, atol=1e-6)
    about = json.loads(done.stdout)
    assert (about["inputs"], about["classes"]) == (["raw", "codes"], ["no", "yes"])
    assert [c["name"] for c in about["raw"]] == ["age", "income", "label", "day", "took"]
    assert about["codes"][0] == {"name": "raw", "codes": {"10": 1, "a": 2, "b": 3}, "missing": 0, "other": 0}


# ---------------------------------------------------------------------------------------------- what cannot be


def test_traditional_models_are_refused(tmp_path):
    X, y = mixed_table(60)
    clf = AutoNASClassifier(**QUICK, pipeline="tabular_mixed", search_space={"network": ["random_forest"]}).fit(X, y)
    with pytest.raises(ValueError, match=r"Trial 0 of the ensemble is a traditional model"):
        clf.export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


class Moody(nn.Module):
    def __init__(self, width, output_spec):
        super().__init__()
        self.layer = nn.Linear(width, output_spec.n_outputs)

    def forward(self, numeric, categorical):
        return self.layer(numeric) if numeric.sum() > 0 else -self.layer(numeric)


def test_a_network_that_looks_at_values_is_refused_by_name_of_the_mend(tmp_path):
    family = NetworkFamily("moody", load_space("linear"), lambda c, i, o: Moody(i.n_numeric, o))
    X, y = load_diabetes(return_X_y=True)
    reg = AutoNASRegressor(**QUICK, search_space=family).fit(X[:60], y[:60])
    with pytest.raises(ValueError, match="decides nothing by the values of tensors"):
        reg.export_onnx(tmp_path / "model.onnx")


def test_without_onnx(fitted, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"pip install 'autonas\[onnx\]'"):
        fitted[0].export_onnx(tmp_path / "model.onnx")


# ---------------------------------------------------------------------------------------------- slow: all there is


@pytest.mark.slow
@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize("scaling", ["robust", "quantile"])
def test_every_family_in_onnx(family, scaling, tmp_path):
    X, y = mixed_table()
    space = family if family == "mlp_cell" else {"network": [family], "scaling": [scaling]}
    clf = AutoNASClassifier(**QUICK, search_space=space).fit(X, y)
    out = run_onnx(clf.export_onnx(tmp_path / "model.onnx"), feeds(clf, X))
    np.testing.assert_allclose(out["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("family", IMAGE_NETWORKS)
def test_every_image_family_in_onnx(family, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.random((40, 3, 14, 12), np.float32), np.arange(40) % 3
    clf = AutoNASClassifier(**{**QUICK, "max_epochs": 2}, search_space=family, validation="holdout").fit(X, y)
    out = run_onnx(clf.export_onnx(tmp_path / "model.onnx"), {"images": X})
    np.testing.assert_allclose(out["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-5)


TABLES = ("credit_g", "hypothyroid", "adult", "car", "satimage", "cnae_9", "california_housing", "auto_mpg")
IMAGES = ("sign_digits64", "fashion_mnist_sub")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TABLES, *IMAGES])
def test_real_sets_in_onnx(name, tmp_path, data_dir):
    """Mixed columns, missing cells, many classes, numbers, images; an ensemble of what four trials found."""
    images = name in IMAGES
    if images:
        data = load_images(name, data_dir)
        X, y, numbers = data.X[:600], data.y[:600], False
    else:
        data = load_dataset(name, data_dir).sample(2_000, 0)
        X, y, numbers = data.X, data.y, not data.classification
    estimator = (AutoNASRegressor if numbers else AutoNASClassifier)(
        time_limit=None, n_trials=2 if images else 4, max_epochs=1 if images else 9, random_state=0
    ).fit(X, y)
    file = estimator.export_onnx(tmp_path / "model.onnx")
    onnx.checker.check_model(str(file))
    feed = {"images": X if X.ndim == 4 and X.shape[1] in (1, 3) else X[:, None]} if images else feeds(estimator, X)
    got = [*run_onnx(file, feed).values()][-1]
    wanted = estimator.predict(X) if numbers else estimator.predict_proba(X)
    difference = np.abs(got - wanted).max() / (np.abs(wanted).max() if numbers else 1)
    print(f"{name}: {difference:.1e}, {file.stat().st_size / 2**20:.1f} MiB, {len(estimator._fitted.ensemble.members)}")
    assert difference < 1e-5
