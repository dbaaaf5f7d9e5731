"""Virtual workers: what happens when, who idles, and that one of them is a plain search."""

from __future__ import annotations

import math

import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonas.__main__ import main
from autonas.benchmarks import optimizers, simulator
from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.plots import plot_workers
from autonas.benchmarks.simulator import Run, VirtualWorkers, run, simulate, training_seconds
from autonas.optimization.interfaces import Job
from autonas.optimization.runners import Task

SPACE = ConfigurationSpace({"x": (0.0, 1.0)})


def made_up(seconds):
    """27 epochs; the loss falls towards x; ``seconds`` of a configuration's epoch."""
    return Benchmark(
        "toy",
        SPACE,
        min_fidelity=1,
        max_fidelity=27,
        eta=3,
        optimum=0.0,
        median=0.5,
        exact=True,
        n_seeds=1,
        evaluate=lambda configuration, fidelity, _: (
            configuration["x"] + (1 - fidelity / 27) / 9,
            fidelity * seconds(configuration["x"]),
        ),
    )


@pytest.fixture
def alike(monkeypatch):
    monkeypatch.setattr(simulator, "load", lambda *_: made_up(lambda _: 1.0))


@pytest.fixture
def unlike(monkeypatch):
    """Some trainings take ten times as long as others."""
    monkeypatch.setattr(simulator, "load", lambda *_: made_up(lambda x: 10**x))


def test_events_come_in_the_order_of_their_ends():
    workers = VirtualWorkers(lambda c, _: {"loss": 0.0, "cost": c["x"]}, n_workers=2, limit=10.0)
    configurations = [simulator.with_defaults(SPACE, {"x": x}).get_default_configuration() for x in (0.5, 0.2, 0.9)]
    for number in (0, 1):
        assert workers.free
        workers.submit(Task(Job(number, configurations[number], 0, 1), {}))
    assert not workers.free
    (first,) = workers.wait()
    assert (first.job.trial, workers.now) == (1, pytest.approx(0.2))
    workers.submit(Task(Job(2, configurations[2], 0, 1), {}))
    assert [workers.wait()[0].job.trial for _ in range(2)] == [0, 2]
    assert workers.now == pytest.approx(1.1)
    assert not workers.busy
    assert workers.worked == pytest.approx(0.5 + 0.2 + 0.9)


@pytest.mark.usefixtures("alike")
def test_full_trainings_on_three_workers():
    """27 s each, within 2.5 times that: two rounds, and a third that is not finished and counts for nothing."""
    found = run(Run("random+full", "toy", workers=3, seed=0, trainings=2.5))
    assert found["limit"] == found["simulated"] == 67.5
    assert (found["trials"], found["spent"], found["use"]) == (9, 6, 1)
    assert {at for at, _ in found["curve"]} <= {27.0, 54.0}
    assert found["regret"] == found["curve"][-1][1]


@pytest.mark.usefixtures("alike")
@given(
    sampler=st.sampled_from(["random", "kde"]),
    schedule=st.sampled_from(["full", "asha", "hyperband", "successive_halving"]),
    seed=st.integers(0, 100),
    trainings=st.floats(0.5, 3),
)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_worker_is_a_plain_search(sampler, schedule, seed, trainings):
    """A piece costs what is new, so that the time is the fidelity spent."""
    name = f"{sampler}+{schedule}"
    found = run(Run(name, "toy", 1, seed, trainings))
    plain = optimizers.search(
        made_up(lambda _: 1.0).objective,
        simulator.with_defaults(SPACE, simulator.first_configuration(made_up(float), seed)),
        optimizer=optimizers.parse_optimizer(name),
        max_fidelity=27,
        max_total_fidelity=math.floor(27 * trainings) + 27,
        random_state=seed,
    )
    curve = [(27 * spent, r) for spent, r in optimizers.regret_curve(made_up(float), plain)]
    expected = [pair for pair in curve if pair[0] <= 27 * trainings + 1e-9]
    assert found["curve"] == [[pytest.approx(at), r] for at, r in expected]


@pytest.mark.usefixtures("unlike")
@pytest.mark.parametrize("optimizer", ["random+asha", "random+hyperband", "kde+asha"])
@pytest.mark.parametrize("workers", [1, 7, 60])
def test_no_worker_idles_where_none_must_and_more_find_more(optimizer, workers):
    found = run(Run(optimizer, "toy", workers, 0, 1.0))
    assert found["use"] > 0.999, "there are always new configurations to begin with"
    assert found["simulated"] == found["limit"]
    assert all(at <= found["limit"] for at, _ in found["curve"])
    if workers == 60:
        assert found["regret"] <= run(Run(optimizer, "toy", 1, 0, 1.0))["regret"]
    assert found == {**run(Run(optimizer, "toy", workers, 0, 1.0)), "seconds": found["seconds"]}, "the same twice"


def test_the_unit_of_time_is_a_mean_training():
    assert training_seconds(made_up(lambda _: 2.0)) == pytest.approx(54)


@pytest.mark.usefixtures("unlike")
def test_tables_and_a_drawing(tmp_path, monkeypatch):
    monkeypatch.setattr(simulator, "find_data", lambda *_: None)
    asked = {"benchmarks": ["lcbench:126026"], "optimizers": ["random+asha", "hyperband"], "workers": [1, 20]}
    runs = simulate(tmp_path / "runs.jsonl", **asked, seeds=range(2), trainings=1, say=lambda _: None)
    assert len(runs) == 8
    assert simulate(tmp_path / "runs.jsonl", **asked, seeds=range(2), trainings=1, only_read=True) == runs
    text = simulator.markdown(runs)
    assert "| benchmark | optimizer | 1 worker | 20 workers |" in text
    assert "100.0%" in text
    assert simulator.markdown([]) == "No runs."
    figure = plot_workers(runs)
    assert [ax.get_title() for ax in figure.axes] == ["lcbench:126026, 1 worker", "lcbench:126026, 20 workers"]
    assert [line.get_label() for line in figure.axes[1].get_lines()] == asked["optimizers"]
    with pytest.raises(ValueError, match="no runs"):
        plot_workers([])


def test_from_the_command_line(tmp_path, capsys, data_dir):
    command = "benchmark simulate --optimizers random+asha --benchmarks nasbench201:cifar10 --workers 4 --seeds 1"
    paths = ["--out", str(tmp_path / "runs.jsonl"), "--plot", str(tmp_path / "plot.png"), "--data-dir", str(data_dir)]
    assert main([*command.split(), *paths]) == 0
    assert "| nasbench201:cifar10 | random+asha |" in capsys.readouterr().out
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("wrong", "says"), [("--optimizers bhob", "did you mean 'bohb'"), ("--trainings -1", "must be above 0")]
)
def test_what_is_wrong_is_said(wrong, says, capsys):
    assert main(["benchmark", "simulate", *wrong.split()]) == 2
    assert says in capsys.readouterr().err
