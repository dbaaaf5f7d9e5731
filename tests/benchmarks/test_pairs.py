from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from autonas.benchmarks.pairs import DEFAULT_PAIRS, EVERYWHERE, Pair, compare_pairs, markdown, parse_pair
from autonas.benchmarks.references import REFERENCES
from autonas.optimization import OPTIMIZERS

PAIR = Pair("ours", "theirs")


def made(ours, theirs, benchmark="a"):
    return [
        {"optimizer": name, "benchmark": benchmark, "seed": seed, "regret": regret, "area": 2 * regret}
        for name, regrets in (("ours", ours), ("theirs", theirs))
        for seed, regret in enumerate(regrets)
    ]


def test_the_two_are_compared_seed_by_seed_on_each_benchmark_and_on_all():
    ours, theirs = np.linspace(0.1, 0.2, 8), np.linspace(0.11, 0.29, 8)
    runs = made(ours, theirs) + made([0.5, 0.3], [0.3, 0.5, 0.9], "b")
    table = compare_pairs(runs, [PAIR])
    assert table.index.tolist() == [("ours=theirs", name) for name in (EVERYWHERE, "a", "b")]
    a, b, both = (table.loc["ours=theirs", name] for name in ("a", "b", EVERYWHERE))
    assert (a["ours"], a["reference"]) == (pytest.approx(0.15), pytest.approx(0.2))
    assert (a["better"], a["worse"], a["runs"], a["verdict"]) == (8, 0, 8, "ours ahead")
    assert a["p"] == pytest.approx(2 / 2**8)  # the smallest that eight pairs can have, two-sided
    # The third seed has no counterpart.
    assert (b["ours"], b["reference"], b["runs"], b["verdict"]) == (0.4, 0.4, 2, "no significant difference")
    assert both["difference"] == pytest.approx((-0.05 + 0) / 2)
    assert both["p"] == pytest.approx(wilcoxon([*(ours - theirs), 0.2, -0.2]).pvalue)
    assert both["runs"] == 10
    errors = [np.std(d, ddof=1) / len(d) ** 0.5 for d in (ours - theirs, [0.2, -0.2])]
    assert both["difference_se"] == pytest.approx(np.hypot(*errors) / 2)


def test_verdicts():
    low, high = np.linspace(0.1, 0.2, 8), np.linspace(0.3, 0.5, 8)
    for ours, theirs, verdict in (
        (low, high, "ours ahead"),
        (high, low, "reference ahead"),
        (low, low, "no significant difference"),
        (low[:3], high[:3], "no significant difference"),
    ):
        assert compare_pairs(made(ours, theirs), [PAIR]).loc[("ours=theirs", "a"), "verdict"] == verdict


def test_the_tables_name_pairs_by_regret_and_area_and_leave_out_those_that_have_not_run():
    runs = made([0.1, 0.2], [0.2, 0.4])
    text = markdown(runs, [PAIR, Pair("bohb", "ref:hpbandster_bohb")])
    assert text.startswith("| regret | against | ours | reference | difference |")
    assert (
        "| ours | theirs | 0.1500 | 0.3000 | -0.1500 ± 0.0500 | 2 : 0 | 0.5 | no significant difference | 2 |" in text
    )
    assert "| ours | theirs | 0.3000 | 0.6000 |" in text
    assert "| ours against theirs | ours | reference |" in text
    assert "bohb" not in text
    assert markdown([], [PAIR]) == markdown(runs, [Pair("bohb", "tpe")]) == "No pair of which both have run."


def test_each_default_pair_is_of_a_preset_and_a_reference():
    assert {pair.ours for pair in DEFAULT_PAIRS} >= {"bohb", "smac", "tpe", "hyperband"}
    for pair in DEFAULT_PAIRS:
        assert pair.ours in OPTIMIZERS
        assert pair.reference in REFERENCES
        assert parse_pair(f"{pair.ours}={pair.reference}") == pair


@pytest.mark.parametrize("text", ["bohb", "bohb=", "=ref:smac"])
def test_a_pair_needs_two_names(text):
    with pytest.raises(ValueError, match=f"The pair '{text}' must be OURS=REFERENCE, as in bohb=ref:hpbandster_bohb"):
        parse_pair(text)
