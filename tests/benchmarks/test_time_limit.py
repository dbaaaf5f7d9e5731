from __future__ import annotations

import pytest
from ConfigSpace import ConfigurationSpace

from autonas.benchmarks.time_limit import Run, markdown, measure_time_limit, run, shares
from autonas.optimization import RunHistory
from autonas.optimization.interfaces import Result, Trial


def test_the_wall_time_is_divided_without_a_rest():
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    trials = [Trial(n, space.get_default_configuration(), "random", 0) for n in range(2)]
    trials[0].results = [
        Result(1, 0.5, 1.0, seconds=2.0, finished=2.5, asked=0, told=1, info={"train_seconds": 1.5}),
        Result(3, 0.5, 1.0, seconds=3.0, finished=6.0, asked=2, told=3, info={"train_seconds": 2.5}),
    ]
    # A job that failed says nothing of itself: all of its time counts as training.
    trials[1].results = [Result(1, float("inf"), 1.0, seconds=1.0, finished=8.0, asked=4, told=5)]
    got = shares(RunHistory(space, 3, trials), wall=10.0, asking=0.5)
    assert got == {
        "training": 0.5,
        "overhead": 0.5,
        "asking": 0.05,
        "checkpoints": 0.1,
        "history": 0.15,
        "around": 0.2,
    }
    two = shares(RunHistory(space, 3, trials), wall=10.0, asking=0.5, n_threads=2)
    assert (two["training"], two["checkpoints"], two["history"]) == (0.25, 0.05, 0.45)


def test_a_fit_says_how_long_it_took(made_up):
    result = run(Run("pets", seconds=1.0), made_up)
    assert result["fitted"]
    assert result["trials"] >= 1
    assert result["over"] == (result["wall_seconds"] > 1.05 + 2)
    parts = ("asking", "checkpoints", "history", "around")
    assert result["training"] + result["overhead"] == pytest.approx(1, abs=1e-4)
    assert sum(result[part] for part in parts) == pytest.approx(result["overhead"], abs=1e-4)
    assert min(result[part] for part in ("checkpoints", "around")) >= 0


def test_wrong_names_are_found_first(made_up, tmp_path):
    with pytest.raises(ValueError, match="Unknown optimizer 'bobh'; did you mean 'bohb'"):
        measure_time_limit(tmp_path / "t.jsonl", optimizer="bobh", data_dir=made_up)


def test_markdown_is_exact():
    made = {"dataset": "pets", "seconds": 10.0, "wall_seconds": 12.61, "over": True, "trials": 7, "failed": 1}
    made |= {"overhead": 0.125, "asking": 0.01, "checkpoints": 0.02, "history": 0.03, "around": 0.065}
    assert markdown([made]).splitlines()[-1] == (
        "| pets | 10 | 12.6 | no | 7 (1 failed) | 12.5% | 1.0% | 2.0% | 3.0% | 6.5% |"
    )
    assert markdown([]) == "No runs."
