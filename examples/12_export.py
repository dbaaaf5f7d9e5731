"""Take a model away: a table of words and numbers, fitted, written as ONNX, and run without AutoNAS. Half a minute.

Needs ``pip install 'autonas[onnx]'``. Expenditure of 3,629 Americans on doctors and medicine in a year (the Rand health
insurance experiment; a part of it comes with statsmodels).
"""

import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from statsmodels.datasets import randhie

from autonas import AutoNASClassifier

data = randhie.load_pandas().data.sample(3_000, random_state=0)
data["health"] = np.select(
    [data.pop("hlthp") == 1, data.pop("hlthf") == 1, data.pop("hlthg") == 1], ["poor", "fair", "good"], "excellent"
)
often = np.where(data.pop("mdvis") > 3, "often", "seldom")
X = data.mask(np.random.default_rng(0).random(data.shape) < 0.05)  # as in a real export, answers are missing
print(X.head(3).to_string())

clf = AutoNASClassifier(time_limit=15, random_state=0).fit(X, often)

with tempfile.TemporaryDirectory() as folder:
    file = clf.export_onnx(Path(folder, "model.onnx"))
    print(f"\n{file.name}: {file.stat().st_size / 2**20:.1f} MiB")
    session = onnxruntime.InferenceSession(file)

# Each column by its name, (n, 1): numbers as float64, text as text, "" for a missing one.
feed = {
    name: X[[name]].fillna("").to_numpy(object) if name == "health" else X[[name]].to_numpy("float64") for name in X
}
label, probabilities = session.run(None, feed)
print("Labels are the same:", bool((label == clf.predict(X)).all()))
print(f"Probabilities differ by {np.abs(probabilities - clf.predict_proba(X)).max():.1e}")
