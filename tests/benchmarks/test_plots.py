from __future__ import annotations

import sys

import pandas as pd
import pytest

from autonas.benchmarks.comparison import curve_at, ranks_over_budget
from autonas.benchmarks.optimizers import compare_optimizers
from autonas.benchmarks.plots import plot_ranks, plot_regret, tables, write_report


def result(optimizer, benchmark, seed, curve, times=True):
    known = {"times": [10.0 * spent for spent, _ in curve], "simulated": 80.0} if times else {}
    return {
        "optimizer": optimizer,
        "benchmark": benchmark,
        "seed": seed,
        "budget": 8,
        "noisy": False,
        "regret": curve[-1][1],
        "area": 0.5,
        "trials": 8,
        "curve": curve,
        **known,
    }


RUNS = [
    result(o, b, s, curve)
    for b in ("a", "b")
    for s in (0, 1)
    for o, curve in (("random", [[1, 0.5 + 0.1 * s]]), ("mine", [[1, 0.8], [4, 0.4 - 0.1 * s], [8, 0.0]]))
]


def test_ranks_follow_the_curves():
    ranks = ranks_over_budget(RUNS)
    assert ranks.loc["mine"].tolist() == [2, 1, 1], "behind at 2 of 8, ahead from 4 on"
    assert ranks.loc["random"].tolist() == [1, 2, 2]
    assert curve_at([[1.0, 0.5]], [0.5, 1]).tolist() == [1.0, 0.5]


def test_a_panel_a_benchmark_a_line_an_optimizer_and_a_band():
    for over, last in (("spent", 8), ("simulated", 80)):
        figure = plot_regret(RUNS, over)
        assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
        ax = figure.axes[0]
        assert [line.get_label() for line in ax.get_lines()] == ["random", "mine"]
        assert len(ax.collections) == 2
        x, y = ax.get_lines()[0].get_data()
        assert x[-1] == pytest.approx(last)
        assert y[-1] == pytest.approx(0.55), "the mean over seeds"
    assert len(plot_ranks(RUNS).axes[0].get_lines()) == 2


def test_the_report_is_of_real_runs(made_up, tmp_path):
    runs = compare_optimizers(
        tmp_path / "runs.jsonl",
        optimizers=["hyperband"],
        benchmarks=["fcnet:slice_localization", "nasbench201:cifar10"],
        seeds=range(2),
        budget=3,
        data_dir=made_up,
        say=lambda _: None,
    )
    for run in runs:
        assert len(run["times"]) == len(run["curve"])
        assert run["times"] == sorted(run["times"])
        assert 0 < run["times"][0] <= run["times"][-1] <= run["simulated"]
    paths = write_report(runs, tmp_path / "report", "parquet")
    assert {p.name for p in paths} == {
        "runs.parquet", "curves.parquet", "summary.md",
        "regret_over_fidelity.png", "regret_over_time.png", "mean_rank.png",
    }  # fmt: skip
    assert all(path.stat().st_size > 500 for path in paths)
    curves = pd.read_parquet(tmp_path / "report" / "curves.parquet")
    assert len(curves) == sum(len(run["curve"]) for run in runs)
    pd.testing.assert_frame_equal(tables(runs)["curves"], curves)
    assert "| mean rank at | 25 % | 50 % | 100 % |" in (tmp_path / "report" / "summary.md").read_text()


def test_a_trial_that_goes_on_pays_for_what_is_new(made_up, tmp_path):
    (run,) = compare_optimizers(
        tmp_path / "runs.jsonl",
        optimizers=["random"],
        benchmarks=["nasbench201:cifar10"],
        seeds=[0],
        budget=1,
        data_dir=made_up,
        say=lambda _: None,
    )
    assert 1000 <= run["simulated"] <= 2000, "one training of the table, whatever the rungs on its way"


def test_results_of_an_earlier_version_have_no_times(tmp_path):
    old = [{k: v for k, v in run.items() if k not in ("times", "simulated")} for run in RUNS]
    with pytest.raises(ValueError, match="no simulated times"):
        plot_regret(old, "simulated")
    names = {path.name for path in write_report(old, tmp_path)}
    assert "regret_over_time.png" not in names
    assert {"runs.csv", "curves.csv"} <= names


def test_errors(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="`over` is 'time'"):
        plot_regret(RUNS, "time")
    with pytest.raises(ValueError, match="`kind` is 'xls'"):
        write_report(RUNS, tmp_path, "xls")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"autonas\[plots\]"):
        plot_regret(RUNS)
