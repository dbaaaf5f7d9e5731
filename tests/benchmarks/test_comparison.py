from __future__ import annotations

import math

import pytest

from autonas.benchmarks.comparison import by_benchmark, markdown, summarize


def runs_of(**regrets):
    """Make runs: for each optimizer the regrets on benchmark a, seeds 0 and 1, then on b."""
    places = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    return [
        {"optimizer": name, "benchmark": b, "seed": s, "regret": regret, "area": regret + 0.1}
        for name, values in regrets.items()
        for (b, s), regret in zip(places, values, strict=True)
        if regret is not None
    ]


RUNS = runs_of(random=[0.4, 0.6, 0.2, 0.4], mine=[0.1, 0.5, 0.2, 0.6])


def test_means_and_errors_are_over_seeds_within_benchmarks():
    summary = summarize(RUNS)
    assert list(summary.index) == ["mine", "random"]
    mine = summary.loc["mine"]
    assert mine["regret"] == pytest.approx((0.3 + 0.4) / 2)
    assert mine["area"] == pytest.approx(0.45)
    # Standard errors 0.2 on each of the two: those of differences from their mean of 0.2.
    assert mine["regret_se"] == pytest.approx(math.hypot(0.2, 0.2) / 2)
    assert mine["rank"] == pytest.approx((1 + 1 + 1.5 + 2) / 4)
    assert mine["difference"] == pytest.approx((-0.3 - 0.1 + 0 + 0.2) / 4)
    assert mine["difference_se"] == pytest.approx(math.hypot(0.1, 0.1) / 2)
    assert (mine["better"], mine["worse"], mine["runs"]) == (2, 1, 4)
    # Ranks of 0.3, 0.1 (better) and 0.2 (worse), the zero left out: 3 + 1 against 2; 6 of 8 signs are as extreme.
    assert mine["p"] == pytest.approx(0.75)
    assert math.isnan(summary.loc["random", "difference"])


def test_only_pairs_are_compared():
    summary = summarize(runs_of(random=[0.4, 0.6, None, 0.4], mine=[0.1, 0.5, 0.2, 0.6]))
    assert (summary.loc["mine", "better"], summary.loc["mine", "worse"]) == (2, 1)
    assert summary.loc["mine", "difference"] == pytest.approx((-0.2 + 0.2) / 2)
    assert summary.loc["random", "runs"] == 3


def test_equal_runs_differ_by_nothing():
    summary = summarize(runs_of(random=[0.4, 0.6, 0.2, 0.4], mine=[0.4, 0.6, 0.2, 0.4]))
    assert summary.loc["mine", "p"] == 1
    assert summary.loc["mine", "rank"] == 1.5


def test_without_the_baseline_there_is_no_difference():
    assert "difference" not in summarize(runs_of(mine=[0.1, 0.5, 0.2, 0.6]))
    assert "| mine | 0.3500" in markdown(runs_of(mine=[0.1, 0.5, 0.2, 0.6]))


def test_benchmarks_are_shown_apart():
    table = by_benchmark(RUNS)
    assert table.loc[("b", "random"), "mean"] == pytest.approx(0.3)
    assert table.loc[("b", "random"), "se"] == pytest.approx(0.1)


def test_markdown_is_exact():
    expected = [
        "| optimizer | regret | area | mean rank | difference from random | better : worse | p | runs |",
        "|---|---|---|---|---|---|---|---|",
        "| mine | 0.3500 ± 0.1414 | 0.4500 ± 0.1414 | 1.38 ± 0.12 | -0.0500 ± 0.0707 | 2 : 1 | 0.75 | 4 |",
        "| random | 0.4000 ± 0.0707 | 0.5000 ± 0.0707 | 1.62 ± 0.12 |  |  |  | 4 |",
        "",
        "| regret | mine | random |",
        "|---|---|---|",
        "| a | **0.3000** ± 0.2000 | 0.5000 ± 0.1000 |",
        "| b | 0.4000 ± 0.2000 | **0.3000** ± 0.1000 |",
    ]
    assert markdown(RUNS).splitlines() == expected
    assert markdown([]) == "No runs."


def test_a_single_seed_has_no_errors():
    runs = [run for run in RUNS if run["seed"] == 0]
    assert "| mine | 0.1500 | 0.2500 | 1.25 | -0.1500 | 1 : 0 | 1 | 2 |" in markdown(runs)
