from __future__ import annotations

import math

import pytest
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.optimizers import (
    Run,
    area_under,
    compare_optimizers,
    first_configuration,
    regret_curve,
    run,
)
from autonas.optimization import RunHistory
from autonas.optimization.interfaces import Result, Trial

FCNET = "fcnet:slice_localization"


def toy():
    """Losses at full fidelity (10) are x; the lower rung (2) sees 1 - x; the best is 0, the median 0.8."""
    return Benchmark(
        "toy",
        ConfigurationSpace({"x": (0.0, 1.0)}),
        min_fidelity=2,
        max_fidelity=10,
        eta=5,
        optimum=0.0,
        median=0.8,
        exact=True,
        n_seeds=1,
        evaluate=lambda configuration, fidelity, _: (
            configuration["x"] if fidelity == 10 else 1 - configuration["x"],
            float(fidelity),
        ),
    )


def history_of(benchmark, *jobs):
    """Make a history of (trial, fidelity) in the order in which they came back; None for the loss of a failure."""
    xs = {0: 0.4, 1: 0.9, 2: 0.2}
    trials = [Trial(n, Configuration(benchmark.space, {"x": xs[n]}), "random", 0) for n in xs]
    for told, (number, fidelity) in enumerate(jobs):
        loss = benchmark.objective({"x": xs[number]}, fidelity)["loss"]
        trials[number].results.append(Result(fidelity, loss, 1.0, 0.0, told, 2 * told, 2 * told + 1))
    return RunHistory(benchmark.space, benchmark.max_fidelity, trials)


def test_the_curve_follows_the_best_at_the_highest_fidelity_seen():
    benchmark = toy()
    history = history_of(benchmark, (0, 2), (1, 2), (2, 2), (1, 10), (0, 10))
    # At fidelity 2: trial 0 (loss 0.6), then 1 (0.1), which 2 (0.8) does not replace. Trial 1 is the first at 10
    # and stays, though its true loss is bad, until trial 0 gets there; spent: 2, 4, 6, 14, 22 of 10.
    assert regret_curve(benchmark, history) == [
        (pytest.approx(0.2), pytest.approx(0.5)),
        (pytest.approx(0.4), 1.0),
        (pytest.approx(1.4), 1.0),
        (pytest.approx(2.2), pytest.approx(0.5)),
    ]


def test_a_failed_job_is_paid_for_and_is_no_incumbent():
    benchmark = toy()
    history = history_of(benchmark, (0, 2), (2, 2))
    history.trials[1].results.append(Result(10, math.inf, 1.0, 0.0, 0.5, 1, 2))
    assert regret_curve(benchmark, history) == [(pytest.approx(0.2), pytest.approx(0.5))]
    history = history_of(benchmark, (0, 2), (1, 2))
    history.trials[2].results.append(Result(10, math.inf, 1.0, 0.0, 0.5, 1, 2))
    assert [spent for spent, _ in regret_curve(benchmark, history)] == [pytest.approx(0.2), pytest.approx(1.4)]


def test_the_area_is_the_mean_over_the_budget():
    assert area_under([], 4) == 1
    assert area_under([(4, 0.0)], 4) == 1
    assert area_under([(1, 0.5), (3, 0.1)], 4) == pytest.approx((1 + 2 * 0.5 + 0.1) / 4)
    assert area_under([(0.5, -0.1)], 1) == pytest.approx(0.45)


def test_a_run_is_a_function_of_its_seed_and_keeps_its_budget(made_up):
    what = Run("tpe", "nasbench201:cifar10", seed=3, budget=3.5)
    first, second = run(what, made_up), run(what, made_up)
    for result in (first, second):
        result.pop("seconds")
    assert first == second
    assert 2.5 < first["spent"] <= 3.5
    assert first["curve"][-1][1] == first["regret"]
    assert first["curve"][-1][0] <= first["spent"]
    assert first["trials"] > 4


def test_all_optimizers_start_from_the_same_random_configuration(made_up):
    from autonas.benchmarks import load_benchmark

    benchmark = load_benchmark(FCNET, made_up)
    first = [benchmark.regret(first_configuration(benchmark, seed)) for seed in range(4)]
    assert len(set(first)) == 4
    for name in ("random", "bohb", "tpe+asha"):
        assert run(Run(name, FCNET, seed=2, budget=2), made_up)["curve"][0] == [1.0, first[2]]


def test_with_noise_the_optimizer_sees_one_seed_and_is_judged_by_their_mean(made_up):
    clean, noisy = (run(Run("random", FCNET, 1, 30, noisy), made_up) for noisy in (False, True))
    assert noisy["regret"] > clean["regret"] > 0


def test_runs_are_kept_and_random_search_is_always_in(made_up, tmp_path):
    out, said = tmp_path / "runs.jsonl", []
    options = {"budget": 3, "data_dir": made_up, "say": said.append, "benchmarks": [FCNET]}
    runs = compare_optimizers(out, optimizers=["tpe+full"], seeds=range(2), **options)
    assert [(r["optimizer"], r["seed"]) for r in runs] == [(o, s) for s in range(2) for o in ("tpe+full", "random")]
    assert len(said) == 4
    said.clear()
    more = compare_optimizers(out, optimizers=["random", "hyperband"], seeds=range(1, 3), **options)
    assert said[0] == f"1 of 4 runs are in {out} already."
    assert len(said) == 4
    assert next(r for r in more if r["seed"] == 1 and r["optimizer"] == "random") in runs
    assert len(out.read_text().splitlines()) == 7
    said.clear()
    assert compare_optimizers(out, optimizers=["tpe"], seeds=[0], only_read=True, **options) == runs[1:2]
    assert not said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizers": ["bobh"]}, "Unknown optimizer 'bobh'; did you mean 'bohb'"),
        ({"optimizers": ["tpe+ash"]}, "Unknown schedule 'ash'; did you mean 'asha'"),
        ({"optimizers": ["tp+asha"]}, "Unknown sampler 'tp'; did you mean 'tpe'"),
        ({"benchmarks": ["nasbench201"]}, "Unknown benchmark 'nasbench201'; did you mean 'nasbench201:cifar10'"),
    ],
)
def test_wrong_names_are_found_before_anything_is_run(made_up, tmp_path, options, message):
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        compare_optimizers(tmp_path / "runs.jsonl", data_dir=made_up, **options)
    assert not list(tmp_path.iterdir())
