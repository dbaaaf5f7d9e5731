"""``python -m autonas benchmark``; in a process of its own where that matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autonas.__main__ import main

MEASUREMENTS = ["optimizers", "overhead", "time-limit", "fidelity", "accuracy", "estimators"]


def autonas(*arguments):
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", "autonas", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_processes_make_what_one_would(made_up, tmp_path):
    command = ["benchmark", "optimizers", "--data-dir", made_up, "--budget", 3, "--seeds", 1]
    command += ["--benchmarks", "fcnet:slice_localization", "--optimizers", "hyperband"]
    outs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    two = autonas(*command, "--out", outs[1], "--jobs", 2)
    assert two.returncode == 0, two.stderr
    assert "[2/2, about 0 min left]" in two.stderr
    assert two.stdout.startswith("| optimizer | regret | area |")
    assert main([*map(str, command), "--out", str(outs[0])]) == 0
    one, two = (sorted(out.read_text().splitlines()) for out in outs)
    assert [strip(line) for line in one] == [strip(line) for line in two]


def strip(line):
    result = json.loads(line)
    assert result.pop("seconds") >= 0
    return result


def test_the_summary_runs_nothing(made_up, tmp_path, capsys):
    out = tmp_path / "none.jsonl"
    assert main(["benchmark", "optimizers", "--data-dir", str(made_up), "--summary", "--out", str(out)]) == 0
    assert capsys.readouterr().out == "No runs.\n"
    assert not out.exists()


def test_pairs_are_run_and_compared(made_up, tmp_path, capsys):
    command = ["benchmark", "optimizers", "--data-dir", str(made_up), "--out", str(tmp_path / "out.jsonl")]
    command += ["--benchmarks", "fcnet:slice_localization", "--budget", "3", "--seeds", "2"]
    command += ["--compare-pairs", "hyperband=ref:random"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert text.startswith("| regret | against | ours | reference |")
    assert "| hyperband against ref:random |" in text
    assert "| optimizer | regret | area |" in text
    assert {json.loads(line)["optimizer"] for line in (tmp_path / "out.jsonl").read_text().splitlines()} == {
        "hyperband",
        "ref:random",
        "random",
    }


def test_each_measurement_can_be_started(made_up, tmp_path, capsys):
    at = ["--data-dir", str(made_up), "--out", str(tmp_path / "out.jsonl")]
    assert main(["benchmark", "overhead", "--samplers", "random", "--trials", "5", *at[2:]]) == 0
    assert "| random |" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["sampler"] == "random"
    fidelity = ["--datasets", "pets", "--configurations", "1", "--max-epochs", "9", "--validation", "holdout"]
    assert main(["benchmark", "fidelity", *fidelity, *at]) == 0
    assert "| pets | current | 1 of 9 |" in capsys.readouterr().out
    assert main(["benchmark", "time-limit", "--datasets", "pets", "--summary", *at]) == 0
    assert main(["benchmark", "accuracy", "--datasets", "pets", "--summary", *at]) == 0


@pytest.mark.parametrize("measurement", MEASUREMENTS)
def test_help_names_the_defaults(measurement, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["benchmark", measurement, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--out" in text
    assert "(" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["optimizers", "--optimizers", "bobh"], "autonas: Unknown optimizer 'bobh'; did you mean 'bohb'"),
        (["optimizers", "--optimizers", "ref:smak"], "autonas: Unknown reference 'ref:smak'; did you mean 'ref:smac'"),
        (["optimizers", "--compare-pairs", "bohb"], "autonas: The pair 'bohb' must be OURS=REFERENCE"),
        (["optimizers", "--data-dir", "nowhere"], "autonas: There is no nowhere/nasbench"),
        (["overhead", "--samplers", "kdee"], "autonas: Unknown sampler 'kdee'; did you mean 'kde'"),
        (["accuracy", "--data-dir", "nowhere"], "autonas: There is no nowhere/index.json"),
        (["fidelity", "--max-epochs", "3"], "autonas: `max_epochs` is 3"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments, message, capsys):
    assert main(["benchmark", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize("text", ["x", "0", "9-3", "-3"])
def test_seeds_are_a_number_or_a_range(text, capsys):
    with pytest.raises(SystemExit):
        main(["benchmark", "optimizers", f"--seeds={text}"])
    assert "is no number of seeds, as in 10, and no range, as in 20-29" in capsys.readouterr().err
