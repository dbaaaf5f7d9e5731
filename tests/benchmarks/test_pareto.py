"""How fronts are compared: by their hypervolume on test data, against what knows nothing."""

from __future__ import annotations

import numpy as np
import pytest

from autonas.benchmarks.pareto import _trivial_loss, hypervolume, markdown


def made_run(optimizer, seed, *front, trials=5):
    models = [{"loss": 0.0, "objective": size, "test_loss": loss, "test_score": 0.0} for loss, size in front]
    return {
        "dataset": "d",
        "optimizer": optimizer,
        "seed": seed,
        "front": models,
        "trivial_loss": 1.0,
        "trials": trials,
    }


def test_small_models_count_as_long_as_they_beat_what_knows_nothing():
    """The best of all is in one corner, the trivial loss and the largest network in the other."""
    runs = [
        made_run("bohb", 0, (0.0, 100.0), (0.5, 10.0), trials=20),
        made_run("random", 0, (0.0, 100.0), (0.75, 10.0), trials=10),
        made_run("bohb", 1, (0.5, 1.0)),
        made_run("random", 1, (0.5, 1.0)),
    ]
    lines = markdown(runs).splitlines()
    assert lines[2] == "| d | bohb | 0.375 | 1 of 2 | 1 to 2 | 12 |"
    assert lines[3] == "| d | random | 0.312 |  | 1 to 2 | 8 |"


def test_a_point_beyond_the_corner_counts_for_nothing():
    assert hypervolume([(1.2, 0.1), (0.5, 1.3)]) == 0


def test_the_trivial_loss_is_that_of_shares_and_of_the_mean():
    y = np.array(["a", "a", "b", "b"])
    assert _trivial_loss(y, np.array(["a", "b"])) == pytest.approx(np.log(2))
    assert _trivial_loss(np.array([0.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx(np.sqrt(4.5))
