"""The measurements of weight sharing and of the two-stage mode, on made-up data."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from autonas.__main__ import main
from autonas.benchmarks import one_shot, one_shot_costs, pareto, stages
from autonas.networks.operations import NASBENCH201_OPERATIONS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Images whose class is where they are bright; a table of all cells in which convolutions are good."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 120)
    X = rng.integers(0, 100, (120, 8, 8)).astype(np.uint8)
    X[np.arange(120), 2 * y] += 120
    (folder / "images").mkdir()
    np.savez(folder / "images" / "bars.npz", X_train=X[:90], y_train=y[:90], X_test=X[90:], y_test=y[90:])
    table = pd.DataFrame({"a": rng.normal(size=300), "b": rng.choice(["u", "v"], 300)})
    table["y"] = np.where(table.a > 0, "high", "low")
    (folder / "tabular").mkdir()
    table.to_csv(folder / "tabular" / "signs.csv", index=False)
    listed = {
        "images": [{"name": "bars", "file": "images/bars.npz"}],
        "tabular": [
            {
                "name": "signs",
                "file": "tabular/signs.csv",
                "task": "classification",
                "target": "y",
                "categorical": ["b"],
            }
        ],
    }
    (folder / "index.json").write_text(json.dumps(listed))
    ops = [
        "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*cell)
        for cell in itertools.product(NASBENCH201_OPERATIONS, repeat=6)
    ]
    (folder / "nasbench" / "nasbench201").mkdir(parents=True)
    good = [40 + 9 * cell.count("nor_conv") for cell in ops]
    cells = pd.DataFrame({"arch": ops, "cifar10_test200": good})
    cells.to_csv(folder / "nasbench" / "nasbench201" / "cifar10.csv.gz", index=False)
    return folder


def test_found_cells_are_looked_up(data, tmp_path):
    asked = {"datasets": ["bars"], "variants": ["plain_darts", "random_sharing"], "seeds": [0], "seconds": 1.0}
    out = tmp_path / "cells.jsonl"
    runs = one_shot.compare_searches(out, **asked, data_dir=data, say=lambda _: None)
    assert [r["variant"] for r in runs] == asked["variants"]
    for r in runs:
        assert r["test"] == 40 + 9 * r["cell"].count("nor_conv")
        assert r["skips"] == r["cell"].count("skip_connect")
        assert 0 <= r["rank"] <= 100
    assert runs[1]["skips"] <= 2
    assert runs[1]["entropy"] is None
    again = one_shot.compare_searches(out, **asked, data_dir=data, only_read=True)
    assert again == runs
    assert one_shot.markdown(runs).count("\n") == 3


def test_costs(data, tmp_path):
    runs = one_shot_costs.measure_costs(
        tmp_path / "costs.jsonl",
        datasets=["bars"],
        families=["nasbench201"],
        variants=["darts", "gdas"],
        epochs=1,
        data_dir=data,
        say=lambda _: None,
    )
    darts, gdas = runs
    assert darts["search_mib"] > gdas["search_mib"] > 0
    assert min(darts["search"], darts["training"]) > 0
    assert one_shot_costs.markdown(runs).count("\n") == 3


@pytest.mark.slow
def test_stages(data, tmp_path):
    """Each in a process of its own: the network by hand on images, ours on a table."""
    say = []
    asked = {"seconds": 4.0, "seeds": [0], "data_dir": data, "say": say.append}
    out = tmp_path / "stages.jsonl"
    runs = stages.compare_stages(out, datasets=["bars"], systems=["cnn_by_hand"], **asked)
    runs += stages.compare_stages(out, datasets=["signs"], systems=["two_stage", "cnn_by_hand"], **asked)
    assert [(r["dataset"], r["system"]) for r in runs] == [("bars", "cnn_by_hand"), ("signs", "two_stage")], say
    assert 0 <= runs[0]["score"] <= 1
    assert 0 <= runs[1]["score"] <= 1
    assert runs[1]["stage_one"] > 0
    assert "0>1 " in runs[1]["cell"]
    again = stages.compare_stages(out, datasets=["signs"], systems=["two_stage"], **asked)
    assert again == runs[1:], "it is not run again"
    text = stages.markdown(runs)
    assert "| data set | cnn_by_hand | two_stage |" in text
    assert "cnn_by_hand: 1 runs" in text


@pytest.mark.slow
def test_fronts(data, tmp_path):
    asked = {"seconds": 6.0, "seeds": [0], "data_dir": data, "say": lambda _: None}
    runs = pareto.compare_fronts(tmp_path / "fronts.jsonl", datasets=["signs"], optimizers=["random"], **asked)
    assert runs[0]["trials"] >= len(runs[0]["front"]) >= 1
    assert 0.6 < runs[0]["trivial_loss"] < 0.8, "about log 2"
    assert "| signs | random |" in pareto.markdown(runs)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("one-shot cells --variants dart", "Unknown variant 'dart'; did you mean 'darts'"),
        ("one-shot cells --datasets bar", "Unknown image set 'bar'; did you mean 'bars'"),
        ("one-shot costs --variants x", "Unknown variant 'x'"),
        ("stages --systems two", "Unknown system 'two'; did you mean 'two_stage'"),
        ("stages --datasets sign", "Unknown data set 'sign'; did you mean 'signs'"),
    ],
)
def test_what_is_wrong_is_said(data, command, message, capsys):
    assert main(["benchmark", *command.split(), "--data-dir", str(data)]) == 2
    assert message in capsys.readouterr().err
