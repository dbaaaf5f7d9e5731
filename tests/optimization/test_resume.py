"""A run that was interrupted anywhere and resumed is the run that was not."""

from __future__ import annotations

import json
import math

import optuna
import pytest
from ConfigSpace import ConfigurationSpace

from autonas.optimization import OPTIMIZERS, RunHistory, search
from autonas.optimization._store import Store
from autonas.spaces import values
from tests.optimization.dear import each
from tests.optimization.spaces import conditional, objective, small


class Killed(BaseException):
    """As by a signal."""


def trouble(configuration, fidelity):
    """Now and then a trial fails."""
    loss = objective(configuration, fidelity)
    if int(loss * 1000) % 7 == 0:
        raise ValueError(loss)
    return {"loss": loss, "cost": 1.0, "note": "kept"}


def records(history):
    """All but times."""
    return [
        (
            trial.number,
            values(trial.configuration),
            trial.origin,
            trial.seed,
            trial.failure and trial.failure.cause,
            [(r.fidelity, r.loss, r.asked, r.told, r.complete, dict(r.info)) for r in trial.results],
        )
        for trial in history.trials
    ]


def run(run_dir=None, train=trouble, space=None, **options):
    options = {"optimizer": "bohb", "max_fidelity": 9, "n_trials": 24, "random_state": 3, **options}
    return search(train, space or conditional(), run_dir=run_dir, **options)


def run_with_interrupts(run_dir, every, where, **options):
    """Start again and again; each piece gets so many calls further. Count the interrupts."""
    for interrupts in range(100):
        calls = []

        def train(configuration, fidelity, calls=calls):
            calls.append(1)
            if where == "objective" and len(calls) > every:
                raise Killed
            return trouble(configuration, fidelity)

        def callback(history, trial, result, calls=calls):
            if where == "callback" and len(calls) >= every:
                raise Killed

        try:
            return run(run_dir, train, callbacks=[callback], **options), interrupts
        except Killed:
            pass
    raise AssertionError("never ends")


@pytest.mark.parametrize("where", ["objective", "callback"])
@pytest.mark.parametrize("optimizer", each(OPTIMIZERS))
def test_interrupted_anywhere(optimizer, where, tmp_path):
    unbroken = records(run(optimizer=optimizer))
    every = 5 if where == "objective" else 7
    resumed, interrupts = run_with_interrupts(tmp_path, every, where, optimizer=optimizer)
    assert interrupts >= 3
    assert records(resumed) == unbroken


def test_interrupted_at_every_single_event(tmp_path):
    unbroken = records(run(n_trials=10))
    for where in ("objective", "callback"):
        resumed, interrupts = run_with_interrupts(tmp_path / where, 1, where, n_trials=10)
        assert interrupts >= 12
        assert records(resumed) == unbroken


def test_a_small_space_interrupted(tmp_path):
    options = {"space": small(), "n_trials": 50}
    resumed, interrupts = run_with_interrupts(tmp_path, 2, "callback", **options)
    assert interrupts
    assert records(resumed) == records(run(**options))


@pytest.mark.parametrize("optimizer", ["hyperband", "asha", "random"])
def test_more_trials_go_on(optimizer, tmp_path):
    first = run(tmp_path, optimizer=optimizer, n_trials=10)
    more = run(tmp_path, optimizer=optimizer, n_trials=30)
    assert len(more.trials) == 30
    # What was there stays there; trials may have gone on.
    for before, after in zip(records(first), records(more), strict=False):
        assert after[:4] == before[:4]
        assert after[5][: len(before[5])] == before[5]
    unchanged = run(tmp_path, optimizer=optimizer, n_trials=30)
    assert records(unchanged) == records(more)


def test_more_fidelity_goes_on_as_if_it_had_been_there(tmp_path):
    options = {"n_trials": None, "optimizer": "hyperband"}
    run(tmp_path, max_total_fidelity=20, **options)
    more = run(tmp_path, max_total_fidelity=80, **options)
    assert records(more) == records(run(max_total_fidelity=80, **options))


def test_limits_count_over_all_pieces(tmp_path):
    options = {"n_trials": None, "optimizer": "hyperband"}
    first = run(tmp_path, max_total_fidelity=30, **options)
    assert records(run(tmp_path, max_total_fidelity=30, **options)) == records(first)
    assert records(run(tmp_path, time_limit=1e-9, **options)) == records(first)


def test_a_trial_that_goes_on_after_the_end_is_one_trial(tmp_path):
    """In Optuna a finished trial is finished: the part that goes on is a second one that copies it."""

    def easy(configuration, fidelity):
        return objective(configuration, fidelity)

    first = run(tmp_path, easy, optimizer="hyperband", n_trials=None, max_total_fidelity=9)  # a rung of nine
    assert [t.state.name for t in first.study.trials] == ["PRUNED"] * 9
    more = run(tmp_path, easy, optimizer="hyperband", n_trials=None, max_total_fidelity=21)
    assert len(more.trials) == 9
    study = more.study
    assert sorted(t.state.name for t in study.trials) == ["COMPLETE"] + ["PRUNED"] * 11
    assert study.best_trial.intermediate_values.keys() == {1, 3, 9}
    again = run(tmp_path, easy, optimizer="hyperband", n_trials=None, max_total_fidelity=21)
    assert records(again) == records(more)


def test_a_job_cut_short_goes_on_when_there_is_more_time(tmp_path):
    cut = True

    def train(configuration, fidelity):
        return {"loss": math.nan, "fidelity": 4} if cut else configuration["x"]

    options = {"space": ConfigurationSpace({"x": (0.0, 1.0)}), "optimizer": "random", "n_trials": 2}
    first = run(tmp_path, train, **options)
    assert [r.complete for r in first.trials[0].results] == [False]
    cut = False
    more = run(tmp_path, train, **options)
    assert [(r.fidelity, r.complete) for r in more.trials[0].results] == [(4, False), (9, True)]
    assert more.total_fidelity == 18
    assert len(more.trials) == 2


def test_the_study_shows_an_interrupted_trial_as_running(tmp_path):
    def train(configuration, fidelity):
        raise Killed

    with pytest.raises(Killed):
        run(tmp_path, train)
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'history.db'}")
    assert [trial.state.name for trial in study.trials] == ["RUNNING"]


def test_everything_is_read_back_exactly(tmp_path):
    written = run(tmp_path)
    store = Store(f"sqlite:///{tmp_path / 'history.db'}", written.study.study_name, conditional())
    trials, jobs = store.read()
    assert trials == written.trials
    assert len(jobs) == sum(len(trial.results) for trial in trials)
    assert RunHistory(conditional(), 9, trials).to_dataframe().equals(written.to_dataframe())
    store.close()


def test_two_runs_of_one_name_share_a_storage(tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    for folder in ("one", "two"):
        assert len(run(tmp_path / folder / "run", storage=url, n_trials=3).trials) == 3
    assert len(optuna.get_all_study_names(url)) == 2


def test_other_settings_are_named_with_both_values(tmp_path):
    run(tmp_path, n_trials=2)
    for options, message in [
        ({"max_fidelity": 27}, "`max_fidelity` was 9 and is 27"),
        ({"optimizer": "asha"}, "`optimizer` was 'kde x hyperband' and is 'random x asha'"),
        ({"random_state": 4}, "`random_state` was 3 and is 4"),
        ({"eta": 2, "min_fidelity": 3}, "`min_fidelity` was 1 and is 3; `eta` was 3 and is 2"),
        ({"space": small()}, "the space's hyperparameter 'a' was None and is {"),
    ]:
        with pytest.raises(ValueError, match="was made with other settings") as caught:
            run(tmp_path, **options)
        assert message in str(caught.value)
    assert len(run(tmp_path, n_trials=2, random_state=None, optimizer=("kde", "hyperband")).trials) == 2


def test_a_seed_that_was_not_given_is_kept(tmp_path):
    run(tmp_path, n_trials=2, random_state=None)
    kept = json.loads((tmp_path / "settings.json").read_text())["random_state"]
    assert kept > 0
    with pytest.raises(ValueError, match=f"`random_state` was {kept} and is 0"):
        run(tmp_path, random_state=0)


def test_a_schedule_that_no_longer_agrees(tmp_path, monkeypatch):
    run(tmp_path, optimizer="hyperband")
    monkeypatch.setattr("autonas.optimization.schedules.hyperband.bracket_sizes", lambda *_: [2, 2, 2])
    with pytest.raises(ValueError, match="cannot be resumed: at event 4 its record has trained"):
        run(tmp_path, optimizer="hyperband")
