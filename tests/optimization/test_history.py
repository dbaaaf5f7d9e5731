from __future__ import annotations

import math

import numpy as np
import optuna
import pytest

from autonas.optimization import Failure, Result, RunHistory, Trial, search
from autonas.spaces import configuration_from
from tests.optimization.spaces import conditional, objective, small


def made(*trials, max_fidelity=9):
    """Make a history of lists of (fidelity, loss, told)."""
    space = conditional()
    history = RunHistory(space, max_fidelity)
    for number, results in enumerate(trials):
        configuration = configuration_from(space, {"dropout": number / 100, "weight_decay": 0.9})
        trial = Trial(number, configuration, "random", 0)
        for fidelity, loss, told in results:
            trial.results.append(Result(fidelity, loss, 2.0, 0.5, float(told), told - 1, told))
            if loss == math.inf:
                trial.failure = Failure("ValueError: no", "Traceback ...")
        history.trials.append(trial)
    return history


def test_the_best_is_at_the_highest_fidelity():
    history = made([(1, 0.1, 1)], [(1, 0.5, 3), (3, 0.4, 7)], [(1, 0.3, 5), (3, 0.35, 9)])
    assert history.best.number == 2
    assert history.best_loss == 0.35


def test_a_failed_trial_is_best_only_where_there_is_no_other():
    assert made([(1, 0.1, 1), (3, math.inf, 3)], [(1, 0.5, 5)]).best.number == 1
    history = made([(1, 0.1, 1), (3, math.inf, 3)], [(1, math.inf, 5)])
    assert (history.best.number, history.best_loss) == (0, 0.1)


def test_no_best():
    with pytest.raises(ValueError, match="none has completed a job"):
        _ = made().best
    with pytest.raises(ValueError, match="all 2 that ran failed, most of them by: ValueError: no"):
        _ = made([(1, math.inf, 1)], [(1, math.inf, 3)]).best


def test_to_dataframe():
    history = made([(1, 0.5, 1), (3, 0.4, 5)], [(1, math.inf, 3)], [(9, 0.2, 7)], [])
    table = history.to_dataframe()
    assert table["trial"].tolist() == [0, 1, 0, 2]
    assert table["state"].tolist() == ["stopped", "failed", "stopped", "complete"]
    assert table["total_fidelity"].tolist() == [1, 2, 4, 13]
    assert table["loss"].tolist() == [0.5, math.inf, 0.4, 0.2]
    assert table["finished"].tolist() == [1.0, 3.0, 5.0, 7.0]
    assert table["config:dropout"].tolist() == [0.0, 0.01, 0.0, 0.02]
    assert list(made().to_dataframe().columns) == list(table.columns)
    assert (history.total_fidelity, history.objective_seconds, history.wall_seconds) == (13, 2.0, 7.0)
    assert repr(history) == "<RunHistory of 4 trials and 4 results, fidelity 13>"


def test_incumbents():
    history = made([(1, 0.5, 1), (3, 0.6, 7)], [(1, math.inf, 3)], [(1, 0.4, 5)], [(3, 0.6, 9)], [(1, 0.1, 11)])
    table = history.incumbents()
    assert table[["trial", "fidelity", "loss", "total_fidelity"]].to_numpy().tolist() == [
        [0, 1, 0.5, 1],
        [2, 1, 0.4, 3],
        [0, 3, 0.6, 5],
    ]
    assert list(made().incumbents().columns) == list(table.columns)


def test_failures_are_grouped():
    history = made([(1, math.inf, 1)], [(1, 0.5, 3)], [(1, math.inf, 5)], [(1, math.inf, 7)])
    history.trials[0].failure = Failure("KeyError: 'a'")
    assert history.failures().to_dict("records") == [
        {"cause": "ValueError: no", "count": 2, "trial": 2, "traceback": "Traceback ..."},
        {"cause": "KeyError: 'a'", "count": 1, "trial": 0, "traceback": ""},
    ]
    assert len(made([(1, 0.5, 1)]).failures()) == 0


@pytest.mark.parametrize("stored", [False, True])
def test_the_study_holds_the_trials_and_optuna_works_on_it(stored, tmp_path):
    def train(configuration, fidelity):
        if configuration["network"] == "linear":
            raise ValueError("no")
        return objective(configuration, fidelity)

    verbosity = optuna.logging.get_verbosity()
    history = search(
        train,
        conditional(),
        optimizer="hyperband",
        max_fidelity=9,
        n_trials=40,
        random_state=0,
        run_dir=tmp_path if stored else None,
    )
    study = history.study
    assert optuna.logging.get_verbosity() == verbosity
    assert len(study.trials) == 40
    names = {"failed": "FAIL", "complete": "COMPLETE", "stopped": "PRUNED", "running": "RUNNING"}
    for trial, ours in zip(study.trials, history.trials, strict=True):
        assert trial.state.name == names[history.state(ours)]
        assert trial.intermediate_values == {f: loss for f, loss in ours.losses.items() if math.isfinite(loss)}
        assert trial.params.keys() == set(ours.configuration)
        assert trial.params["learning_rate"] == ours.configuration["learning_rate"]
        if trial.state.name == "PRUNED":
            assert trial.value == ours.loss
    best = min(t.losses[9] for t in history.trials if t.losses.get(9, math.inf) < math.inf)
    assert study.best_value == best
    assert optuna.importance.get_param_importances(study, params=["learning_rate", "dropout"])


def test_storages_of_the_users_own():
    storage = optuna.storages.InMemoryStorage()
    for seed in (0, 1):
        search(objective, small(), n_trials=3, max_fidelity=3, storage=storage, random_state=seed)
    assert len(optuna.get_all_study_names(storage)) == 2


def test_a_url_as_storage(tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    history = search(objective, small(), n_trials=3, max_fidelity=3, storage=url, run_dir=tmp_path / "mine")
    (name,) = optuna.get_all_study_names(url)
    assert name.startswith("autonas-mine-")
    again = search(objective, small(), n_trials=5, max_fidelity=3, storage=url, run_dir=tmp_path / "mine")
    assert len(history.trials) == 3
    assert len(again.trials) == 5


def test_in_memory_there_is_no_limit_to_what_a_loss_can_be():
    history = search(lambda c, f: np.float64(-1e300), small(), optimizer="bohb", n_trials=7, max_fidelity=9)
    assert history.best_loss == -1e300
