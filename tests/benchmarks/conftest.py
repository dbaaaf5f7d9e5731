"""A folder of data in the real ones' formats, with made-up numbers."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def made_up(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    nasbench = folder / "nasbench"
    for family in ("nasbench201", "hpobench_mlp", "fcnet"):
        (nasbench / family).mkdir(parents=True)

    ops = np.array(list(itertools.product(range(5), repeat=6)))
    table = pd.DataFrame({f"op{i}": ops[:, i] for i in range(6)})
    table["cifar10_val200_s0"] = rng.uniform(80, 90, len(table))
    table["cifar10_val200_s1"] = table["cifar10_val200_s0"] + rng.uniform(-1, 1, len(table))
    table["cifar10_val200_s2"] = np.where(rng.random(len(table)) < 0.5, np.nan, table["cifar10_val200_s0"] + 0.5)
    table["cifar10_val12"] = table["cifar10_val200_s0"] - 10
    table["cifar10_train_time"] = rng.uniform(1000, 2000, len(table))
    shuffled = table.sample(frac=1, random_state=0)
    shuffled.to_csv(nasbench / "nasbench201" / "cifar10.csv.gz", index=False)

    shape = (10, 10, 3, 10, 10, 5)
    np.savez(
        nasbench / "hpobench_mlp" / "australian.npz",
        val_acc=rng.random(shape, np.float32),
        train_time=rng.random(shape, np.float32),
    )
    shape = (2, 2, 4, 3, 3, 6, 2, 6, 6, 4)
    np.savez(
        nasbench / "fcnet" / "slice_localization.npz",
        val_loss=rng.random(shape, np.float32),
        train_time=rng.random(shape, np.float32),
    )

    (folder / "tabular").mkdir()
    n = 90
    size, kind = rng.normal(size=n), rng.integers(0, 3, n)
    features = pd.DataFrame({"size": np.where(rng.random(n) < 0.1, np.nan, size), "kind": kind, "empty": np.nan})
    classes = np.where(size + kind > 1, "yes", "no")
    features.assign(target=classes).to_csv(folder / "tabular" / "pets.csv.gz", index=False)
    numbers = 100 * size + 10 * kind
    features.assign(target=numbers).to_csv(folder / "tabular" / "prices.csv.gz", index=False)
    index = [
        {"name": name, "file": f"tabular/{name}.csv.gz", "categorical": ["kind"], "target": "target", "task": task}
        for name, task in (("pets", "classification"), ("prices", "regression"))
    ]
    (folder / "index.json").write_text(json.dumps({"tabular": index}))
    return folder
