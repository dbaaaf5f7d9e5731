from __future__ import annotations

import json

import pytest
from ConfigSpace import ConfigurationSpace

from autonas import search
from autonas.__main__ import main
from autonas.benchmarks.checklist import checklist
from autonas.report.checklist import QUESTIONS
from tests.benchmarks.test_plots import RUNS

SPACE = ConfigurationSpace({"x": (0.0, 1.0)})


def answers(run):
    found = checklist(run)
    assert [a.question for a in found] == list(QUESTIONS.values())
    assert all(a.why for a in found)
    return {key: a.answer for key, a in zip(QUESTIONS, found, strict=True)}


def record(folder, runs):
    path = folder / "runs.jsonl"
    path.write_text("".join(json.dumps(run) + "\n" for run in runs))
    return path


@pytest.fixture
def run_dir(tmp_path):
    search(lambda c, f: c["x"] / f, SPACE, max_fidelity=9, n_trials=4, random_state=7, run_dir=tmp_path / "run")
    return tmp_path / "run"


def test_a_run_says_yes_only_to_what_it_shows(run_dir):
    found = answers(run_dir)
    assert {key for key, answer in found.items() if answer == "yes"} == {"space", "settings", "over_time"}
    assert set(found.values()) == {"yes", "not known"}
    text = {a.question: a.why for a in checklist(run_dir)}
    assert "kde x hyperband" in text[QUESTIONS["settings"]]
    assert "seed 7" in text[QUESTIONS["settings"]]


def test_without_its_history_there_is_no_performance_over_time(run_dir):
    (run_dir / "history.db").unlink()
    assert answers(run_dir)["over_time"] == "not known"


def test_the_settings_of_an_object_are_not_known(tmp_path):
    class Mine:
        def __init__(self, space):
            self.space = space

        def suggest(self, trials, rng):
            return None

    search(lambda c, f: c["x"], SPACE, optimizer=(Mine, "full"), n_trials=2, random_state=0, run_dir=tmp_path)
    assert answers(tmp_path)["settings"] == "not known"


def test_a_comparison_shows_more(tmp_path):
    real = [{**run, "benchmark": {"a": "nasbench201:cifar10", "b": "lcbench:126026"}[run["benchmark"]]} for run in RUNS]
    found = answers(record(tmp_path, real))
    shown = {
        "same_benchmark",
        "protocol",
        "over_time",
        "random_search",
        "repeated",
        "benchmarks",
        "space",
        "end_to_end",
    }
    assert {key for key, answer in found.items() if answer == "yes"} == shown
    assert answers(record(tmp_path, RUNS))["benchmarks"] == "not known", "nobody knows what benchmark a is"


def test_what_was_not_done_is_a_no(tmp_path):
    without = answers(record(tmp_path, [run for run in RUNS if run["optimizer"] != "random"]))
    assert without["random_search"] == "no"
    assert without["same_benchmark"] == "not known", "nothing is compared"
    assert answers(record(tmp_path, [run for run in RUNS if run["seed"] == 0]))["repeated"] == "no"
    uneven = answers(record(tmp_path, RUNS[1:]))
    assert uneven["same_benchmark"] == uneven["protocol"] == "no"


def test_the_command(run_dir, tmp_path, capsys):
    assert main(["checklist", str(run_dir)]) == 0
    out = capsys.readouterr().out
    assert out.count("\n| ") >= len(QUESTIONS)
    assert "3 yes, 0 no, 13 not known" in out
    assert main(["checklist", str(tmp_path / "nothing")]) == 2
    assert "There is no run" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["checklist", str(tmp_path / "empty")]) == 2
    assert "no settings.json" in capsys.readouterr().err
