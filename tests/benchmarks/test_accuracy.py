from __future__ import annotations

import math

import numpy as np
import pytest

from autonas.benchmarks.accuracy import SYSTEMS, Run, compare_accuracy, log_loss, markdown, run


@pytest.mark.parametrize("dataset", ["pets", "prices"])
@pytest.mark.parametrize("system", list(SYSTEMS))
def test_every_system_is_judged(made_up, system, dataset):
    result = run(Run(system, dataset, 0, 1.0 if system == "autonas" else None), made_up)
    assert result["train_rows"] == 63
    # A second is too little for AutoNAS to be sure of anything.
    assert result["score"] > (-1 if system == "autonas" else 0.7 if dataset == "pets" else 0.3)
    assert 0 < result["loss"] < (1 if dataset == "pets" else 150)
    assert (result["balanced_accuracy"] is None) == (dataset == "prices")
    assert result["fit_seconds"] > 0
    assert result["predict_seconds"] > 0


def test_a_class_that_was_never_seen_has_no_probability():
    classes, probabilities = np.array(["a", "b"]), np.array([[0.5, 0.5], [0.2, 0.8]])
    assert log_loss(np.array(["a", "b"]), probabilities, classes) == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2)
    assert log_loss(np.array(["c"]), probabilities[:1], classes) == pytest.approx(-math.log(1e-7))


def test_runs_are_made_in_processes_of_their_own_and_kept(made_up, tmp_path):
    options = {"datasets": ["pets"], "seeds": [0], "data_dir": made_up, "say": lambda _: None}
    runs = compare_accuracy(tmp_path / "a.jsonl", systems=["mlp"], **options)
    assert [(r["system"], r["dataset"], r["seed"], r["seconds"]) for r in runs] == [("mlp", "pets", 0, None)]
    assert compare_accuracy(tmp_path / "a.jsonl", systems=["mlp"], only_read=True, **options) == runs


def test_wrong_names_are_found_first(made_up, tmp_path):
    with pytest.raises(ValueError, match="Unknown system 'mpl'; did you mean 'mlp'"):
        compare_accuracy(tmp_path / "a.jsonl", systems=["mpl"], data_dir=made_up)
    with pytest.raises(ValueError, match="Unknown data set 'pet'"):
        compare_accuracy(tmp_path / "a.jsonl", datasets=["pet"], data_dir=made_up)


def test_markdown_is_exact():
    runs = [
        {"system": system, "dataset": "pets", "score": score, "loss": loss, "fit_seconds": 1, "predict_seconds": 0.01}
        for system, pairs in {"autonas": [(0.9, 0.3), (0.8, 0.5)], "mlp": [(0.8, 0.3)]}.items()
        for score, loss in pairs
    ]
    assert markdown(runs).split("\n\n")[:3] == [
        "| accuracy, or R2 | autonas | mlp |\n|---|---|---|\n| pets | **0.8500** ± 0.0500 | 0.8000 |",
        "| log loss, or RMSE | autonas | mlp |\n|---|---|---|\n| pets | 0.4000 ± 0.1000 | **0.3000** |",
        (
            "- AutoNAS is ahead of mlp by score on 1 of 1 data sets.\n"
            "- AutoNAS is ahead of mlp by loss on 0 of 1 data sets."
        ),
    ]
    assert markdown([]) == "No runs."
    assert "ahead" not in markdown(runs[2:])
