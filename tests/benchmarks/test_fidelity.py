from __future__ import annotations

import numpy as np
import pytest

from autonas.benchmarks.fidelity import Run, correlations, markdown, measure_fidelity, run


def made(curve, number):
    return {"dataset": "pets", "seed": 0, "number": number, "curve": curve, "current": curve}


def test_the_loss_at_a_ninth_is_correlated_with_that_at_the_end():
    # 18 epochs: the second is looked at. There the order is 0.1, 0.2, 0.3, 0.4, at the end 0.2, 0.1, 0.3, 0.4.
    early, late = [0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.3, 0.4]
    runs = [made([9.0, e, *[9.0] * 15, f], n) for n, (e, f) in enumerate(zip(early, late, strict=True))]
    runs += [made(None, 4), made(None, 5)]
    table = correlations(runs)
    row = table.loc[("pets", "averaged", 0)]
    assert (row["low"], row["full"], row["configurations"], row["failed"]) == (2, 18, 4, 2)
    assert row["spearman"] == pytest.approx(0.8)
    # The best so far: 0.1, 0.2, 0.3, 0.4 and 0.1, 0.1, 0.3, 0.4, with a tie.
    assert row["spearman_best"] == pytest.approx(np.corrcoef([1, 2, 3, 4], [1.5, 1.5, 3, 4])[0, 1])
    assert row["median_loss"] == pytest.approx(0.25)
    assert markdown(runs).splitlines()[-2] == "| pets | averaged | 2 of 18 | 0.800 | 0.949 | 0.2500 | 4 (2 failed) |"
    assert markdown([]) == "No runs."
    assert np.isnan(correlations(runs[:1])["spearman"]).all()
    assert markdown(runs[4:]).splitlines()[-2] == "| pets | averaged |  |  |  |  | 0 (2 failed) |"


def test_one_training_is_judged_both_ways(made_up):
    one, again = (run(Run("pets", number=1, max_epochs=9, validation="holdout"), made_up) for _ in range(2))
    assert len(one["curve"]) == len(one["current"]) == 9
    assert one["curve"] != one["current"]
    assert (one["curve"], one["current"]) == (again["curve"], again["current"])


def test_runs_are_kept(made_up, tmp_path):
    options = {"datasets": ["prices"], "max_epochs": 9, "data_dir": made_up, "say": lambda _: None}
    runs = measure_fidelity(tmp_path / "f.jsonl", configurations=2, validation="holdout", **options)
    assert [(r["number"], r["validation"], r["failure"]) for r in runs] == [(0, "holdout", None), (1, "holdout", None)]


def test_fewer_epochs_than_nine_have_no_ninth(made_up, tmp_path):
    with pytest.raises(ValueError, match="`max_epochs` is 8, but must be >= 9"):
        measure_fidelity(tmp_path / "f.jsonl", max_epochs=8, data_dir=made_up)
