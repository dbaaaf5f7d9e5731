"""Every reference, held to the same things."""

from __future__ import annotations

import importlib.util
import math
import random
import subprocess
import sys

import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    Integer,
    Normal,
    OrdinalHyperparameter,
)

from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.optimizers import Run, compare_optimizers, run
from autonas.benchmarks.references import PREFIX, REFERENCES, check_reference, search_with
from autonas.optimization import OPTIMIZERS, SearchFailed
from autonas.spaces import values

# A model of SMAC's or NePS's takes seconds each time.
SLOW = ("ref:smac", "ref:smac_hyperband", "ref:neps")
BUDGETS = dict.fromkeys(REFERENCES, 7.5) | dict.fromkeys(SLOW, 3.5)


def parameters(names=REFERENCES):
    found = []
    for name in names:
        package = REFERENCES[name].package
        missing = importlib.util.find_spec(package) is None
        marks = [pytest.mark.skipif(missing, reason=f"needs the package {package}")]
        found.append(pytest.param(name, marks=[*marks, pytest.mark.slow] if name in SLOW else marks))
    return found


def mixed():
    """Hyperparameters of all kinds, a conditional one among them."""
    space = ConfigurationSpace()
    kind = Categorical("kind", ["x", "y", None])
    momentum = Float("momentum", (0.0, 1.0))
    width = OrdinalHyperparameter("width", [16, 64, 256])
    spread = Float("spread", (0.1, 0.9), distribution=Normal(0.5, 0.1))
    space.add(kind, momentum, width, spread, Float("lr", (1e-4, 1.0), log=True), Integer("depth", (1, 40), log=True))
    space.add(Constant("version", 3), EqualsCondition(momentum, kind, "y"))
    return space


def loss_of(configuration, fidelity):
    loss = abs(math.log10(configuration["lr"]) + 2) + configuration.get("momentum", 0.5) + configuration["spread"]
    return loss + abs(configuration["depth"] - 5) / 10 + 16 / configuration["width"] + 1 / fidelity


def benchmark(space=None, fidelities=(1, 3, 9), evaluate=None):
    return Benchmark(
        "toy",
        space or mixed(),
        min_fidelity=fidelities[0],
        max_fidelity=fidelities[-1],
        eta=3,
        optimum=0.0,
        median=2.5,
        exact=True,
        n_seeds=1,
        evaluate=evaluate or (lambda configuration, fidelity, _: (loss_of(configuration, fidelity), float(fidelity))),
    )


def records(history):
    return [(values(trial.configuration), trial.losses) for trial in history.trials]


@pytest.mark.parametrize("fidelities", [(1, 3, 9), (9,)])
@pytest.mark.parametrize("name", parameters())
def test_a_reference_keeps_the_budget_records_all_and_is_a_function_of_its_seed(name, fidelities):
    seen = []

    def evaluate(configuration, fidelity, _):
        assert set(map(type, configuration.values())) <= {int, float, str, type(None)}
        assert ("momentum" in configuration) == (configuration["kind"] == "y")
        seen.append((dict(configuration), fidelity))
        return loss_of(configuration, fidelity), float(fidelity)

    random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist()
    one = search_with(name, benchmark(fidelities=fidelities, evaluate=evaluate), budget=BUDGETS[name], seed=1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    told = sorted((result.told, trial.number, result) for trial in one.trials for result in trial.results)
    assert [(values(one.trials[number].configuration), result.fidelity) for _, number, result in told] == seen
    assert [result.loss for *_, result in told] == [loss_of(c, f) for c, f in seen]
    limit = 9 * BUDGETS[name]
    assert limit - 9 < one.total_fidelity <= limit
    again = search_with(name, benchmark(fidelities=fidelities), budget=BUDGETS[name], seed=1)
    assert records(again) == records(one)
    other = search_with(name, benchmark(fidelities=fidelities), budget=BUDGETS[name], seed=2)
    assert records(other) != records(one)


@pytest.mark.parametrize(
    "name", parameters([n for n in REFERENCES if "hyperband" in n or n.endswith(("bohb", "dehb"))])
)
def test_a_reference_with_fidelities_starts_low_and_goes_on_with_the_best(name):
    history = search_with(name, benchmark(), budget=BUDGETS[name], seed=0)
    lowest = [trial.losses[1] for trial in history.trials if set(trial.losses) == {1}]
    promoted = [trial.losses[1] for trial in history.trials if {1, 3} <= set(trial.losses)]
    assert len(promoted) >= 2
    assert np.mean(promoted) < np.mean(lowest)


@pytest.mark.parametrize("name", parameters())
def test_failed_trials_are_recorded_and_paid_for(name):
    def evaluate(configuration, fidelity, _):
        if configuration["depth"] > 6:
            raise RuntimeError("too deep")
        return loss_of(configuration, fidelity), float(fidelity)

    history = search_with(name, benchmark(evaluate=evaluate), budget=BUDGETS[name], seed=3)
    failed = [trial for trial in history.trials if trial.failure is not None]
    assert failed
    assert all(values(trial.configuration)["depth"] > 6 for trial in failed)
    assert {trial.failure.cause for trial in failed} == {"RuntimeError: too deep"}
    assert sum(trial.results[-1].fidelity for trial in history.trials) == history.total_fidelity
    assert math.isfinite(history.best_loss)


def test_smac_searches_within_a_small_budget():
    history = search_with("ref:smac_hyperband", benchmark(), budget=7 / 9, seed=0)
    assert [trial.losses.keys() for trial in history.trials] == [{1}] * 7


def test_a_search_whose_first_trials_all_fail_alike_gives_up():
    with pytest.raises(SearchFailed, match=r"first 5 trials all failed by the same cause: The loss is nan\."):
        search_with("ref:random", benchmark(evaluate=lambda *_: (math.nan, 1.0)), budget=20, seed=0)


def clause(space):
    space.add(
        ForbiddenAndConjunction(ForbiddenEqualsClause(space["width"], 64), ForbiddenEqualsClause(space["kind"], None))
    )
    return space


@pytest.mark.parametrize("name", parameters([n for n in REFERENCES if n != "ref:dehb"]))
def test_forbidden_configurations_are_not_evaluated(name):
    def evaluate(configuration, fidelity, _):
        assert (configuration["width"], configuration["kind"]) != (64, None)
        return loss_of(configuration, fidelity), float(fidelity)

    history = search_with(name, benchmark(clause(mixed()), evaluate=evaluate), budget=BUDGETS[name], seed=0)
    assert history.failures().empty


@pytest.mark.parametrize("name", parameters(["ref:dehb"]))
def test_what_a_reference_does_not_know_is_refused(name):
    with pytest.raises(ValueError, match="forbidden clauses, which DEHB does not know"):
        search_with(name, benchmark(clause(mixed())), budget=2, seed=0)


@pytest.mark.parametrize("name", parameters(["ref:random", "ref:optuna_tpe", "ref:hpbandster_bohb", "ref:dehb"]))
def test_a_small_space_is_searched_until_nothing_is_new(name):
    space = ConfigurationSpace({"a": ["x", "y"], "b": [1, 2]})
    small = benchmark(space, evaluate=lambda c, f, _: ((c["a"] == "x") + c["b"] + 1 / f, 1.0))
    history = search_with(name, small, budget=40, seed=0)
    assert len(history.trials) <= 4
    assert values(history.best.configuration) == {"a": "y", "b": 1}


def test_most_of_bohbs_later_picks_are_its_models(monkeypatch):
    from autonas.benchmarks.references import hpbandster

    picks, get_config = [], hpbandster.generators.BOHB.get_config

    def spy(self, budget):
        configuration, info = get_config(self, budget)
        picks.append(info["model_based_pick"])
        return configuration, info

    monkeypatch.setattr(hpbandster.generators.BOHB, "get_config", spy)
    space = ConfigurationSpace({"width": [16, 64, 256], "lr": (1e-4, 1.0)})
    easy = benchmark(space, evaluate=lambda c, f, _: (c["lr"] + 16 / c["width"] + 1 / f, 1.0))
    search_with("ref:hpbandster_bohb", easy, budget=12, seed=0)
    assert np.mean(picks[10:]) > 0.5


def test_continued_trainings_pay_once():
    """What hpbandster starts anew costs as much as what our Hyperband continues: the same brackets, the same sum."""
    history = search_with("ref:hpbandster_hyperband", benchmark(), budget=4, seed=0)
    by_rung = [sum(rung in trial.losses for trial in history.trials) for rung in (1, 3, 9)]
    # Nine start at 1, three go on to 3, one to 9: 9 + 3 * 2 + 6 = 21 of 36; then three start at 3, one goes on to 9.
    assert by_rung == [9, 6, 2]
    assert history.total_fidelity == 21 + 9 + 6


def test_a_reference_is_a_run_like_any_other(made_up, tmp_path):
    names = ["ref:random", "ref:optuna_tpe_hyperband"]
    out = tmp_path / "runs.jsonl"
    options = {"benchmarks": ["nasbench201:cifar10"], "budget": 3, "seeds": [4], "data_dir": made_up}
    runs = compare_optimizers(out, optimizers=names, say=lambda _: None, **options)
    assert [r["optimizer"] for r in runs] == [*names, "random"]
    for result in runs:
        assert set(result) == set(runs[-1])
        assert 2 < result["spent"] <= 3
        assert result["curve"][-1][1] == result["regret"]
        assert len(result["times"]) == len(result["curve"])
        assert result["times"] == sorted(result["times"])
    again = run(Run("ref:optuna_tpe_hyperband", "nasbench201:cifar10", 4, 3), made_up)
    assert again["curve"] == runs[1]["curve"]


def test_names():
    assert all(name.startswith(PREFIX) for name in REFERENCES)
    assert not set(REFERENCES) & set(OPTIMIZERS)
    with pytest.raises(ValueError, match="Unknown reference 'ref:smak'; did you mean 'ref:smac'"):
        check_reference("ref:smak")


@pytest.mark.parametrize(("name", "mend"), [("ref:dehb", "--no-deps dehb"), ("ref:neps", r"autonas\[benchmarks\]")])
def test_a_missing_package_is_named_before_anything_is_run(name, mend, made_up, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=f"{name} needs the package .* pip install .*{mend}"):
        compare_optimizers(tmp_path / "runs.jsonl", optimizers=["random", name], data_dir=made_up)
    assert not list(tmp_path.iterdir())
    assert compare_optimizers(tmp_path / "runs.jsonl", optimizers=[name], data_dir=made_up, only_read=True) == []


def test_no_project_is_imported_before_it_is_named():
    code = (
        "import sys, autonas.benchmarks.optimizers; "
        "print([m for m in ('dehb', 'neps', 'hpbandster', 'smac', 'optuna') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
