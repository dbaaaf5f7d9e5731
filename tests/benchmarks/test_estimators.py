"""Our estimator against peers: through a stand-in for the harness, and, where it is there, through the real one."""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import subprocess
import sys
import time
import types
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from autonas.__main__ import main
from autonas.benchmarks.estimators import DEFAULT_DATASETS, DEFAULT_SYSTEMS, Run, compare_estimators, markdown, run
from autonas.benchmarks.ours import AutoNASClassifier
from autonas.benchmarks.standings import LOSS, SCORE, losses, mean_ranks, normalized_scores, sign_test
from autonas.benchmarks.systems import SYSTEMS, parse_system

ROOT = Path(__file__).resolve().parents[2]

# Writes down how it was called, and a result that depends on the system's name only.
FAKE = """
import json, os, subprocess, sys, time
from pathlib import Path

home = Path(__file__).parent
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
call = {"arguments": given, "cwd": os.getcwd(), "path": os.environ.get("PYTHONPATH")}
with (home / "calls.jsonl").open("a") as file:
    file.write(json.dumps({**call, "peers": os.environ.get("PEER_VENVS")}) + "\\n")
name = given["--name"]
behaviour = json.loads((home / "behaviour.json").read_text()).get(name, {})
if behaviour.get("waits"):
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    (home / "child").write_text(str(child.pid))
    child.wait()
if behaviour.get("dies"):
    sys.exit("no such python")
line = {"system": name, "data": "x", "task": "classification", "seconds": float(given["--seconds"]), "seed": 0}
line.update(status="ok", log_loss=len(name) / 10, accuracy=1 - len(name) / 100, fit_s=2.5, predict_s_per_1k=0.02)
line.update(model_mb=1.5, peak_pss_mb=100.2, honours_budget=name != "linear", others_cores=0.1)
line.update(behaviour.get("line", {}))
Path(given["--log"]).write_text("what it said")
with open(given["--out"], "a") as file:
    file.write(json.dumps(line) + "\\n")
"""


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A harness, and peers whose interpreters are never started."""
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "harness.py").write_text(FAKE)
    (folder / "behaviour.json").write_text("{}")
    for system in filter(None, SYSTEMS.values()):
        python = tmp_path / "peers" / system.environment / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
    for variable in ("AUTONAS_BENCH", "PEER_VENVS", "AUTONAS_DATA"):
        monkeypatch.delenv(variable, raising=False)
    return folder


def calls(bench):
    file = bench / "calls.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def behave(bench, **systems):
    (bench / "behaviour.json").write_text(json.dumps(systems))


def compare(bench, made_up, systems, datasets=("pets",), **options):
    said = []
    places = {"harness": bench, "peers": bench.parent / "peers", "data_dir": made_up}
    runs = compare_estimators(
        bench.parent / "out.jsonl", systems=systems, datasets=datasets, say=said.append, **{**places, **options}
    )
    return runs, said


def test_all_systems_go_through_the_harness(bench, made_up, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/of/ours")
    runs, _ = compare(bench, made_up, list(SYSTEMS), seeds=[3], seconds=[7.5])
    made = calls(bench)
    assert [call["arguments"]["--name"] for call in made] == [r["system"] for r in runs] == list(SYSTEMS)
    for call in made:
        given = call["arguments"]
        assert Path(given["--data"]) == made_up / "tabular" / "pets.csv.gz"
        assert (given["--seconds"], given["--seed"]) == ("7.5", "3")
        assert call["peers"] == str(bench.parent / "peers")
        assert call["cwd"] == str(Path(given["--out"]).parent), "what a peer leaves lying about is cleared away"
        assert not Path(call["cwd"]).exists()
        ours = given["--name"] == "autonas"
        assert ("--system" in given) != ours
        assert call["path"] == ("/of/ours" if ours else None), "a peer sees only its own packages"
        if "--adapter" in given:
            file, _, function = given["--adapter"].rpartition(":")
            assert Path(file) == ROOT / "autonas" / "benchmarks" / "_adapters.py"
            assert callable(getattr(importlib.import_module("autonas.benchmarks._adapters"), function))
    assert [r["network"] for r in runs if r["system"] in ("autonas", "realmlp", "flaml", "linear")] == [1, 0, 1, 0]


def test_ours_is_run_by_this_interpreter(bench, made_up):
    compare(bench, made_up, ["autonas"])
    given = calls(bench)[0]["arguments"]
    assert given["--expr"] == "autonas.benchmarks.ours:AutoNASKIND(time_limit=SECONDS, random_state=SEED)"
    assert (given["--python"], given["--path"], given["--x"]) == (sys.executable, str(ROOT), "raw")


@pytest.mark.parametrize(
    ("system", "call"),
    [
        ("autonas[ensemble_size=1]", "time_limit=SECONDS, random_state=SEED, ensemble_size=1"),
        ("autonas[optimizer=tpe, n_trials=2]", "time_limit=SECONDS, random_state=SEED, optimizer='tpe', n_trials=2"),
        ("autonas[optimizer='tpe+asha']", "time_limit=SECONDS, random_state=SEED, optimizer='tpe+asha'"),
        ("autonas[time_limit=None, n_trials=3]", "time_limit=None, random_state=SEED, n_trials=3"),
        ("autonas[]", "time_limit=SECONDS, random_state=SEED"),
    ],
)
def test_ours_can_be_varied(bench, made_up, system, call):
    runs, _ = compare(bench, made_up, [system])
    assert runs[0]["system"] == calls(bench)[0]["arguments"]["--name"] == system
    assert calls(bench)[0]["arguments"]["--expr"] == f"autonas.benchmarks.ours:AutoNASKIND({call})"


def test_a_part_of_ours_can_be_switched_off(bench, made_up):
    compare(bench, made_up, ["autonas[without=stacking]"])
    call = "AutoNASKIND(time_limit=SECONDS, random_state=SEED, without='stacking')"
    assert calls(bench)[0]["arguments"]["--expr"] == f"autonas.benchmarks.ours:{call}"


@pytest.mark.parametrize(
    ("without", "stacks", "averages"),
    [("stacking", 3, True), pytest.param("averaging", 1, False, marks=pytest.mark.slow)],
)
def test_what_is_switched_off_is_off(without, stacks, averages, tmp_path):
    code = f"""
import torch
from sklearn.datasets import load_iris
from autonas.benchmarks.ours import AutoNASClassifier
from autonas.training.loop import Progress
from autonas.training.trial import Trainer

X, y = load_iris(return_X_y=True)
clf = AutoNASClassifier({without!r}, time_limit=None, n_trials=1, max_epochs=2, validation=3, random_state=0).fit(X, y)
trained = clf._fitted.ensemble.members[0].networks
assert len(trained) == {stacks}, trained

def watch(stacks):
    for stack in stacks:
        same = [torch.equal(a, b) for a, b in zip(stack.network.parameters(), stack.average.network.parameters())]
        assert all(same) != {averages}

made = Trainer.__init__
def watched(self, *arguments, **keywords):
    made(self, *arguments, **keywords)
    self.watch = watch
Trainer.__init__ = watched
AutoNASClassifier({without!r}, time_limit=None, n_trials=1, max_epochs=2, validation=3, random_state=0).fit(X, y)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize(
    ("system", "dataset", "options"),
    [
        ("flaml", "pets", {"metric": "log_loss"}),
        ("flaml", "prices", {"metric": "rmse"}),
        ("flaml[metric=accuracy]", "pets", {"metric": "accuracy"}),
        ("realmlp", "pets", {"kwargs": {"val_metric_name": "cross_entropy", "use_ls": False}}),
        ("realmlp[limit=False]", "prices", {"limit": False}),
        ("linear", "prices", {}),
    ],
)
def test_peers_are_told_what_they_are_judged_by(bench, made_up, system, dataset, options):
    compare(bench, made_up, [system], [dataset])
    assert json.loads(calls(bench)[0]["arguments"]["--opts"]) == options


words = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda word: word not in ("in", "is", "or", "if", "as"))
literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(words.map("x_".__add__), literals, max_size=3), st.sampled_from(list(SYSTEMS)))
def test_any_literal_can_be_an_argument(arguments, name):
    text = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    assert parse_system(f"{name}[{text}]") == (name, arguments)


@pytest.mark.parametrize("text", ["[", "[a=1", "[a]", "[1]", "[a=1]b", "[a=f(1)]", "[a=1, a=2]", "[**{'a': 1}]", "]["])
def test_what_is_no_system_is_refused(text):
    with pytest.raises(ValueError, match="is not of the form name|Unknown system"):
        parse_system(f"autonas{text}")


def test_what_is_in_the_file_is_not_run_again(bench, made_up):
    behave(bench, flaml={"line": {"status": "timeout", "error": "killed at 140 s"}}, linear={"dies": True})
    runs, said = compare(bench, made_up, ["autonas", "flaml", "linear"])
    assert [(r["system"], r["status"]) for r in runs] == [("autonas", "ok"), ("flaml", "timeout")]
    assert "loss 0.7000, score 0.9300, fit 2.5 s" in said[0]
    assert said[1].endswith("TIMEOUT, killed at 140 s")
    assert said[2].endswith("FAILED, RuntimeError: the harness wrote no result; it said: no such python")
    # A system that failed has its result; a harness that failed has none, and is tried again.
    behave(bench)
    again, _ = compare(bench, made_up, ["autonas", "flaml", "linear"], seeds=range(2))
    assert again[:2] == runs
    assert [c["arguments"]["--name"] for c in calls(bench)[3:]] == ["linear", "autonas", "flaml", "linear"]
    read, _ = compare(bench, made_up, ["autonas"], only_read=True, harness=None, peers=None, data_dir=None)
    assert read == [r for r in again if r["system"] == "autonas" and r["seed"] == 0]
    assert len(calls(bench)) == 7


def test_a_result_says_what_was_run(bench, made_up):
    made = run(Run("mlp", "pets", 1, 5.0), bench, bench.parent / "peers", made_up)
    assert not {"system", "data", "seed", "seconds"} & set(made)
    assert made["log_loss"] == 0.3
    (result,), _ = compare(bench, made_up, ["mlp"], seeds=[1], seconds=[5])
    assert result == {"system": "mlp", "dataset": "pets", "seed": 1, "seconds": 5.0, **made}


def test_the_output_of_what_failed_is_kept(bench, made_up):
    system = "autonas[search_space='a/b.yaml']"
    behave(bench, **{system: {"line": {"status": "failed", "error": "boom"}}})
    compare(bench, made_up, ["flaml", system])
    (log,) = (bench.parent / "out_logs").iterdir()
    assert log.name == "autonas_search_space=_a_b.yaml_-pets-60-0.log"
    assert log.read_text() == "what it said"


def test_stopped_by_the_keyboard_it_leaves_nothing_running(bench, made_up):
    behave(bench, autonas={"waits": True})
    command = [sys.executable, "-m", "autonas", "benchmark", "estimators", "--systems", "autonas", "--datasets", "pets"]
    command += ["--harness", bench, "--data-dir", made_up, "--out", bench / "out.jsonl"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: (bench / "child").exists() and (bench / "child").read_text())
        process.send_signal(signal.SIGINT)
        assert "Stopped. The same command goes on from here." in process.communicate()[1]
    assert process.returncode == 130
    child = Path("/proc", (bench / "child").read_text())
    until(lambda: not child.exists())


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"systems": ["flam"]}, ValueError, "Unknown system 'flam'; did you mean 'flaml'"),
        (
            {"systems": ["autonas[ensemble=1]"]},
            ValueError,
            "argument of AutoNASClassifier 'ensemble'; did you mean 'en",
        ),
        ({"systems": ["autonas[without=luck]"]}, ValueError, "Unknown part 'luck'. Known: 'averaging', 'stacking'"),
        ({"systems": ["autonas[ensemble_size]"]}, ValueError, r"is not of the form name\[argument=value, ...\]"),
        ({"datasets": ["pet"]}, ValueError, "Unknown data set 'pet'"),
        ({"harness": None}, FileNotFoundError, "pass `harness`, or set the environment variable AUTONAS_BENCH"),
        ({"harness": "nowhere"}, FileNotFoundError, "nowhere; `harness` is 'nowhere', but must be harness.py or its"),
        ({"peers": None}, FileNotFoundError, "pass `peers`, or set the environment variable PEER_VENVS, to the folder"),
        ({"peers": "nowhere"}, FileNotFoundError, "nowhere/flaml/bin/python, .* with `make_peers.sh flaml`"),
        ({"data_dir": None}, FileNotFoundError, "set the environment variable AUTONAS_DATA"),
    ],
)
def test_what_is_wrong_is_found_first(bench, made_up, options, error, message):
    with pytest.raises(error, match=message):
        compare(bench, made_up, **{"systems": ["autonas", "flaml"], **options})
    assert not calls(bench)


def test_places_are_named_by_the_environment(bench, made_up, monkeypatch, capsys):
    monkeypatch.setenv("AUTONAS_BENCH", str(bench))
    monkeypatch.setenv("PEER_VENVS", str(bench.parent / "peers"))
    monkeypatch.setenv("AUTONAS_DATA", str(made_up))
    command = ["benchmark", "estimators", "--out", str(bench.parent / "out.jsonl"), "--datasets", "pets"]
    assert main([*command, "--systems", "autonas", "mlp", "--seeds", "0-1", "--seconds", "5", "10"]) == 0
    assert len(calls(bench)) == 8
    assert "| pets | 0.7000 | **0.3000** |" in capsys.readouterr().out
    assert main([*command, "--harness", str(bench / "none.py")]) == 2
    assert capsys.readouterr().err.startswith(f"autonas: There is no {bench}/none.py; `harness` is")


def test_the_defaults_can_be_run(data_dir, capsys):
    index = json.loads((data_dir / "index.json").read_text())
    assert set(DEFAULT_DATASETS) <= {entry["name"] for entry in index["tabular"]}
    assert set(DEFAULT_SYSTEMS) <= set(SYSTEMS)
    with pytest.raises(SystemExit):
        main(["benchmark", "estimators", "--help"])
    text = capsys.readouterr().out
    assert all(f"${name}" in text for name in ("AUTONAS_BENCH", "PEER_VENVS", "AUTONAS_DATA"))
    assert all(name.split("_network")[0] in text for name in DEFAULT_SYSTEMS)


# ---------------------------------------------------------------------------------------------- standings


def runs_of(values, dataset="a", seed=0, **more):
    """Make runs from losses; None failed."""
    return [
        {
            "system": system,
            "dataset": dataset,
            "seed": seed,
            "seconds": 60.0,
            "task": "classification",
            "status": "failed" if loss is None else "ok",
            "network": system in ("autonas", "mlp"),
            **({"error": "out of memory"} if loss is None else {"log_loss": loss, "accuracy": 1 - loss, "fit_s": 10.0}),
            **more,
        }
        for system, loss in values.items()
    ]


def test_ranks_are_shared_and_the_failed_come_last():
    table = losses(runs_of({"a": 0.2, "b": 0.1, "c": 0.2, "d": None, "e": None}), LOSS)
    assert mean_ranks(table).to_dict() == {"a": 2.5, "b": 1, "c": 2.5, "d": 4.5, "e": 4.5}


def test_data_sets_count_alike_however_many_their_seeds():
    runs = [
        *runs_of({"a": 1, "b": 2}, "x", 0),
        *runs_of({"a": 1, "b": 2}, "x", 1),
        *runs_of({"a": 2, "b": 1}, "y", 0),
        *runs_of({"a": 0}, "y", 1),
    ]
    assert mean_ranks(losses(runs, LOSS)).to_dict() == {"a": 1.5, "b": 1.5}
    assert sign_test(losses(runs, LOSS), "a", "b") == (1, 0, 1, 1.0)


def test_scores_go_from_the_median_to_the_best():
    table = losses(runs_of({"a": 0.1, "b": 0.2, "c": 0.5, "d": 0.6, "e": None}), LOSS)
    assert normalized_scores(table).to_dict() == pytest.approx({"a": 1, "b": 0.75, "c": 0, "d": 0, "e": 0})
    # Of accuracies, where more is better, the same.
    table = losses(runs_of({"a": 0.1, "b": 0.2, "c": 0.5, "d": 0.6, "e": None}), SCORE)
    assert normalized_scores(table).to_dict() == pytest.approx({"a": 1, "b": 0.75, "c": 0, "d": 0, "e": 0})


def test_where_the_median_is_the_best_all_that_good_have_one():
    table = losses(runs_of({"a": 0.1, "b": 0.1, "c": 0.3}), LOSS)
    assert normalized_scores(table).to_dict() == {"a": 1, "b": 1, "c": 0}
    assert normalized_scores(losses(runs_of({"a": None, "b": None}), LOSS)).to_dict() == {"a": 0, "b": 0}


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=7), st.integers(-8, 8))
def test_scores_do_not_depend_on_the_unit(values, power):
    named = {str(i): value for i, value in enumerate(values)}
    scores = normalized_scores(losses(runs_of(named), LOSS))
    assert scores.between(0, 1).all()
    assert scores[min(named, key=named.__getitem__)] == 1
    rescaled = {name: value * 2**power for name, value in named.items()}
    assert normalized_scores(losses(runs_of(rescaled), LOSS)).to_dict() == pytest.approx(scores.to_dict())


def test_regression_has_its_own_measures():
    runs = [{**r, "task": "regression", "rmse": 3.0, "r2": 0.5} for r in runs_of({"a": 0.1})]
    assert losses(runs, LOSS)["a"].tolist() == [3.0]
    assert losses(runs, SCORE)["a"].tolist() == [-0.5]


@pytest.mark.parametrize("change", [{"log_loss": None}, {"log_loss": math.nan}, {"status": "timeout"}])
def test_without_a_number_a_run_has_failed(change):
    assert losses([{**r, **change} for r in runs_of({"a": 0.1})], LOSS)["a"].tolist() == [math.inf]


def test_the_sign_test_counts_data_sets():
    runs = [r for i in range(6) for r in runs_of({"a": 0.1, "b": 0.2 if i else None}, f"set {i}")]
    runs += runs_of({"a": 0.3, "b": 0.3}, "equal") + runs_of({"a": None, "b": None}, "neither")
    # Six of six: both tails of 2 ** -6.
    assert sign_test(losses(runs, LOSS), "a", "b") == (6, 2, 0, 2 * 2**-6)
    assert sign_test(losses(runs, LOSS), "b", "a") == (0, 2, 6, 2 * 2**-6)
    assert sign_test(losses(runs[-4:], LOSS), "a", "b") == (0, 2, 0, 1.0)


def test_markdown_is_exact():
    costs = {"predict_s_per_1k": 0.02, "model_mb": 1.5, "peak_pss_mb": 100.0, "honours_budget": True}
    runs = [
        *runs_of({"autonas": 0.2, "mlp": 0.3, "flaml": 0.4}, "pets", 0, others_cores=0.1, **costs),
        *runs_of({"autonas": 0.4, "mlp": 0.2, "flaml": None}, "pets", 1, others_cores=1.3, **costs),
        *runs_of({"autonas": 12.34567, "mlp": 51234.5, "flaml": None}, "birds", 0, **costs),
    ]
    parts = markdown(runs).split("\n\n")
    assert parts[0].splitlines() == [
        "| log loss, or RMSE (60 s) | autonas | mlp | flaml |",
        "|---|---|---|---|",
        "| pets | 0.3000 | **0.2500** | 0.4000 (1 of 2 failed) |",
        "| birds | **12.346** | 51234 | failed |",
    ]
    assert parts[1].splitlines() == [
        (
            "| log loss, or RMSE: 2 data sets, 3 splits | mean rank | among networks | normalized score "
            "| autonas better : equal : worse | p |"
        ),
        "|---|---|---|---|---|---|",
        "| autonas | 1.25 | 1.25 | 0.750 |  |  |",
        "| mlp | 1.75 | 1.75 | 0.250 | 1 : 0 : 1 | 1 |",
        "| flaml | 3.00 |  | 0.000 | 2 : 0 : 0 | 0.5 |",
    ]
    assert parts[2].startswith("| accuracy, or R2 (60 s) |")
    assert "| pets | 0.7000 | **0.7500** | 0.6000 (1 of 2 failed) |" in parts[2]
    assert parts[3].startswith("| accuracy, or R2: 2 data sets, 3 splits |")
    assert parts[4].splitlines() == [
        (
            "| costs (60 s) | has a limit | fit, median s | fit, longest s | predict 1,000 rows, median ms "
            "| model, median MB | memory, largest MB | runs |"
        ),
        "|---|---|---|---|---|---|---|---|",
        "| autonas | yes | 10.0 | 10.0 | 20.0 | 1.50 | 100 | 3 (0 failed) |",
        "| mlp | yes | 10.0 | 10.0 | 20.0 | 1.50 | 100 | 3 (0 failed) |",
        "| flaml | yes | 10.0 | 10.0 | 20.0 | 1.50 | 100 | 3 (2 failed) |",
    ]
    assert parts[5].splitlines() == [
        "- flaml on pets, seed 1, 60 s: failed, out of memory",
        "- flaml on birds, seed 0, 60 s: failed, out of memory",
    ]
    assert parts[6] == (
        "**The machine was not quiet** in 3 of 6 runs (more than 0.25 cores). "
        "Other processes took 0.70 cores (median over the runs; most: 1.30)."
    )
    assert len(parts) == 7


def test_markdown_of_little():
    assert markdown([]) == "No runs."
    text = markdown(runs_of({"flaml": 0.2}, others_cores=0.1) + runs_of({"flaml": 0.2, "mlp": 0.1}, seconds=300.0))
    assert "| log loss, or RMSE (60 s) | flaml |" in text
    assert "| log loss, or RMSE (300 s) | flaml | mlp |" in text
    assert "autonas" not in text
    assert text.endswith("\n\nOther processes took 0.10 cores (median over the runs; most: 0.10).")
    assert markdown(runs_of({"flaml": None})).endswith("How busy the machine was is not known.")
    # While not all have run there are no ranks yet.
    partly = runs_of({"flaml": 0.2}, "a") + runs_of({"mlp": 0.2}, "b")
    assert "| log loss, or RMSE: 0 data sets, 0 splits |" in markdown(partly)
    assert "| a | **0.2000** |  |" in markdown(partly)


# ---------------------------------------------------------------------------------------------- adapters


class SkBase:
    """As the harness's: the adapters change objects of it."""

    def __init__(self, data, seconds, seed, n_cores, work, opts):
        self.data, self.seed, self.n_cores, self.opts = data, seed, n_cores, opts
        self.reg = data.task == "regression"

    def fit(self, X, y):
        self.model = self.make().fit(X, y)


class Told(SkBase):
    honours_budget = False

    def setup(self):
        self.P = dict


def sk_prep(data, scale):
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((hot, data.cats), remainder=StandardScaler() if scale else "passthrough")


@pytest.fixture
def adapters(monkeypatch):
    harness = types.SimpleNamespace(SkBase=SkBase, AutoGluon=Told, PyTabKit=Told, sk_prep=sk_prep)
    monkeypatch.setitem(sys.modules, "harness", harness)
    return importlib.import_module("autonas.benchmarks._adapters")


def job(task, **opts):
    return types.SimpleNamespace(task=task, cats=["kind"]), 60.0, 0, 1, "", opts


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_our_baselines_learn(adapters, name, task):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=300), "kind": rng.choice(["a", "b", "c"], 300).astype(object)})
    signal = X["size"] + 2 * (X["kind"] == "a")
    y = 1e5 + 1e4 * signal if task == "regression" else (signal > 1).astype(int)
    adapter = getattr(adapters, name)(*job(task))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of one version of scikit-learn or another
        adapter.fit(X[:200], y[:200])
    score = r2_score if task == "regression" else accuracy_score
    assert score(y[200:], adapter.model.predict(X[200:])) > 0.8


def test_autogluon_is_told_its_metric(adapters):
    for task, metric in (("classification", "log_loss"), ("regression", "root_mean_squared_error")):
        adapter = adapters.autogluon(*job(task))
        adapter.setup()
        assert adapter.P(label="y") == {"label": "y", "eval_metric": metric}
    adapter = adapters.autogluon(*job("classification", eval_metric="accuracy"))
    adapter.setup()
    assert adapter.P() == {"eval_metric": "accuracy"}


def test_realmlp_has_a_limit_where_it_is_given_one(adapters):
    assert adapters.pytabkit(*job("regression", limit=True)).honours_budget
    assert not adapters.pytabkit(*job("regression", limit=False)).honours_budget


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["pets", "prices"])
def test_the_real_harness_runs_ours(made_up, tmp_path, dataset):
    if not os.environ.get("AUTONAS_BENCH"):
        pytest.skip("needs the harness: set the environment variable AUTONAS_BENCH to its folder")
    (made,) = compare_estimators(
        tmp_path / "out.jsonl",
        systems=["autonas[n_trials=1, verbose=0]"],
        datasets=[dataset],
        seconds=[5],
        data_dir=made_up,
        say=lambda _: None,
    )
    assert made["status"] == "ok", made
    assert made["fit_s"] > 0
    assert made["versions"]["autonas"]


def test_trials_are_counted_by_the_minute():
    told = {"info": {"runs": 9, "complete": 3}}
    runs = [
        *runs_of({"a": 0.1}, "x", 0, **told),
        *runs_of({"a": 0.1}, "x", 1, info={"runs": 11, "complete": 2}),
        *runs_of({"b": 0.2}, "x", info={"error": "no"}),
        *runs_of({"c": 0.2}, "y", **told),
        *runs_of({"c": None}, "x", **told),
    ]
    text = markdown(runs)
    assert "| trials a minute, trained to the end (all) (60 s) | a | c |\n|---|---|---|\n" in text
    assert "| x | 15.0 (60.0) |  |\n| y |  | 18.0 (54.0) |" in text
    assert "trials a minute" not in markdown(runs_of({"a": 0.1}))


def test_ours_says_how_far_its_trials_got():
    X, y = load_iris(return_X_y=True)
    clf = AutoNASClassifier(
        time_limit=None, n_trials=2, optimizer="random", max_epochs=2, validation="holdout", random_state=0
    )
    told = clf.fit(X, y).bench_info()
    assert told == {"runs": 2, "complete": 2, "failed": 0, "epochs": 4, "max_epochs": 2}
