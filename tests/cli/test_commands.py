"""The commands, each in a process of its own, as people and programs type them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autonas import load
from autonas.__main__ import main
from tests.cli.commands import autonas, good
from tests.test_estimator import mixed_table

ROOT = Path(__file__).parents[2]
QUICK = ["--trials", "2", "--max-epochs", "3", "--min-epochs", "1", "--validation", "holdout", "--seed", "0"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def here(capfd, monkeypatch):
    """Run the same program in this process, which has torch already."""

    def run(*arguments, cwd):
        monkeypatch.chdir(cwd)
        capfd.readouterr()
        assert main(list(map(str, arguments))) == 0
        return capfd.readouterr()

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table with everything in it, and a run on it, made by the command."""
    folder = tmp_path_factory.mktemp("cli")
    X, y = mixed_table(120)
    table = X.assign(answer=y)
    table[:80].to_csv(folder / "data.csv", index=False)
    table[80:].to_parquet(folder / "test.parquet")
    done = good(
        "fit", "data.csv", "--target", "answer", "--test", "test.parquet", "--report", *QUICK, "--json", cwd=folder
    )
    (folder / "fit.out").write_text(done.stdout)
    (folder / "fit.err").write_text(done.stderr)
    return folder


# ---------------------------------------------------------------------------------------------- a run and its use


def test_fit_says_what_it_did(folder):
    result = json.loads((folder / "fit.out").read_text())
    assert result["run"] == "runs/data"
    assert (result["task"], result["n_trials"], result["metric"]) == ("classification", 2, "neg_log_loss")
    assert sum(member["ensemble_weight"] for member in result["ensemble"]) == pytest.approx(1)
    clf = load(folder / "runs" / "data")
    assert result["best_score"] == clf.best_score_
    test = pd.read_parquet(folder / "test.parquet")
    assert result["report"] == "runs/data/report.html"
    assert "<h1>AutoNAS report</h1>" in (folder / result["report"]).read_text()
    assert result["test"]["accuracy"] == clf.score(test.drop(columns="answer"), test["answer"])
    assert "80 rows, 10 columns; 'answer' is 2 classes (classification)" in (folder / "fit.err").read_text()


def test_dates_are_read_as_dates(folder):
    kinds = {c.name: c.kind for c in load(folder / "runs" / "data")._fitted.schema.columns_}
    assert (kinds["day"], kinds["town"], kinds["count"]) == ("datetime", "category", "numeric")


def test_predict_writes_what_the_estimator_says(folder):
    good("predict", "runs/data", "test.parquet", "-o", "out.csv", cwd=folder)
    out, test = pd.read_csv(folder / "out.csv"), pd.read_parquet(folder / "test.parquet")
    clf = load(folder / "runs" / "data")
    assert out["prediction"].tolist() == clf.predict(test.drop(columns="answer")).tolist()
    np.testing.assert_allclose(
        out[["probability of no", "probability of yes"]], clf.predict_proba(test.drop(columns="answer")), atol=1e-9
    )


def test_predict_prints_csv_or_json(folder, here):
    lines = here("predict", "runs/data", "data.csv", cwd=folder).out.splitlines()
    assert lines[0] == "prediction,probability of no,probability of yes"
    records = json.loads(here("predict", "runs/data", "data.csv", "--json", cwd=folder).out)
    assert [r["prediction"] for r in records] == [line.split(",")[0] for line in lines[1:]]


def test_leaderboard(folder, here):
    records = json.loads(here("leaderboard", "runs/data", "--json", "--top", "1", cwd=folder).out)
    assert [r["rank"] for r in records] == [1]
    text = here("leaderboard", "runs/data", cwd=folder).out.splitlines()
    assert text[0].split()[:3] == ["rank", "trial", "network"]
    assert len(text) == 3


def test_report(folder):
    assert good("report", "runs/data", "-o", "new/report.html", cwd=folder).stdout == "new/report.html\n"
    assert "<h1>AutoNAS report</h1>" in (folder / "new" / "report.html").read_text()


def test_card(folder):
    done = good("card", "runs/data", "--json", cwd=folder)
    assert json.loads(done.stdout) == {"file": "runs/data/model_card.md"}
    assert "# Model card" in (folder / "runs" / "data" / "model_card.md").read_text()


def test_export(folder):
    assert good("export", "runs/data", "--to", "out/model.pt2", "--best-only", cwd=folder).stdout == "out/model.pt2\n"
    assert (folder / "out" / "model.pt2").stat().st_size > 10_000


def test_resume_carries_a_finished_run_further(folder, here):
    result = json.loads(here("resume", "runs/data", "--trials", "3", "-q", "--json", cwd=folder).out)
    assert result["n_trials"] == 3


def test_the_dashboard_serves_the_run(folder):
    command = [sys.executable, "-m", "autonas", "dashboard", "runs/data", "--port", "0"]
    process = subprocess.Popen(command, env=ENVIRONMENT, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        address = re.match(r"(http://\S+) shows runs/data", process.stderr.readline())[1]
        with urllib.request.urlopen(address + "api/studies") as answer:  # noqa: S310 - our own server
            (study,) = json.load(answer)["study_summaries"]
        assert study["study_name"].startswith("autonas-data")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0


# ---------------------------------------------------------------------------------------------- other data


def test_numbers_from_semicolons(tmp_path, here):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "c"])
    table["price"] = table["a"] * 10
    table["id"] = range(60)
    table.to_csv(tmp_path / "houses.csv", index=False, sep=";")
    done = here("fit", "houses.csv", "--target", "price", "--drop", "id", "--out", "run", *QUICK, cwd=tmp_path)
    assert "'price' is numbers from" in done.err
    assert "autonas predict run new.csv -o out.csv" in done.out
    table.drop(columns=["price", "id"]).to_csv(tmp_path / "new.tsv", index=False, sep="\t")
    out = here("predict", "run", "new.tsv", cwd=tmp_path).out.splitlines()
    assert out[0] == "prediction"
    assert len(out) == 61


def test_images_by_class(tmp_path, here):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, light in (("dark", 0), ("light", 120)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(light, light + 100, (10, 10), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
    done = here("fit", "pictures", "--out", "run", "--space", "chain_cnn", *QUICK, cwd=tmp_path)
    assert "pictures: 24 images of 2 classes." in done.err
    out = here("predict", "run", "pictures/dark", cwd=tmp_path).out.splitlines()
    assert out[0] == "file,prediction,probability of dark,probability of light"
    assert len(out) == 13
    assert len(here("predict", "run", "pictures/dark/0.png", cwd=tmp_path).out.splitlines()) == 2


@pytest.mark.slow
def test_a_killed_fit_predicts_and_is_resumed(folder, tmp_path):
    command = [sys.executable, "-m", "autonas", "fit", folder / "data.csv", "--target", "answer", "--out", "run"]
    command += ["--trials", "500", "--max-epochs", "3", "--validation", "holdout", "--seed", "0"]
    process = subprocess.Popen(list(map(str, command)), env=ENVIRONMENT, cwd=tmp_path, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "fitted.safetensors").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.kill()
    process.communicate()
    done = good("predict", "run", folder / "data.csv", "-o", "out.csv", cwd=tmp_path)
    assert "The run had not ended" in done.stderr
    n = len(load(tmp_path / "run").history_.trials)
    done = good("resume", "run", "--trials", n + 1, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["n_trials"] == n + 1
    assert "Going on with run" in done.stderr


def test_ctrl_c_says_how_to_go_on(folder, tmp_path):
    command = [sys.executable, "-m", "autonas", "fit", folder / "data.csv", "--target", "answer", "--out", "run"]
    process = subprocess.Popen(
        list(map(str, command)), env=ENVIRONMENT, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "fitted.safetensors").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "autonas resume run" in error
    assert "Traceback" not in error


# ---------------------------------------------------------------------------------------------- errors


def fit(data, *more):
    """The last of an option that is given twice counts."""
    return ["fit", data, "--target", "answer", "--out", "o", *more]


ERRORS = [
    (["fitt"], "No such command 'fitt'"),
    (["fit"], "Missing argument"),
    (["fit", "data.csv", "--epochs", "3"], "No such option: --epochs"),
    (["fit", "data.csv", "--jobs", "x"], "Invalid value for '--jobs'"),
    (["fit", "data.csv"], "--target is missing: which column of data.csv is to be predicted? Its columns: number,"),
    (["fit", "runs", "--target", "answer"], "--target is for tables"),
    (["fit", "runs"], "must hold a folder of images for each class"),
    (fit("none.csv"), "no file or folder 'none.csv'"),
    (fit("data.csv", "--target", "anwser"), "data.csv has no column 'anwser'. Its columns: number, count,"),
    (fit("data.csv", "--target", "nothing"), "data.csv has 0 rows with a target"),
    (fit("data.csv", "--target", "town", "--task", "regression"), "--target town must hold numbers, but has 'Rome'"),
    (fit("data.csv", "--drop", "x"), "data.csv has no column 'x'"),
    (fit("data.csv", "--weight", "colour"), "--weight colour must hold numbers, but has '"),
    (fit("data.csv", "--task", "cluster"), "Unknown task 'cluster'. Known: 'auto', 'classification'"),
    (fit("fit.out"), "'fit.out' is none of .csv"),
    (fit("empty.csv"), "cannot be read as CSV"),
    (fit("latin.csv"), "save it as CSV in UTF-8"),
    (fit("wrong.parquet"), "'wrong.parquet' cannot be read as parquet"),
    (fit("data.csv", "--out", "data.csv"), "'data.csv' cannot be read or written (File exists)"),
    (fit("data.csv", "--test", "none.csv"), "no file 'none.csv'"),
    (fit("data.csv", "--test", "narrow.csv"), "--test lacks columns that the run was fitted to: count, gap"),
    (fit("data.csv", "--optimizer", "bhob"), "Unknown optimizer 'bhob'; did you mean 'bohb'?"),
    (fit("data.csv", "--optimizer", "tpe+asa"), "did you mean 'asha'?"),
    (fit("data.csv", "--metric", "acuracy"), "did you mean 'accuracy'?"),
    (fit("data.csv", "--metric", "rmse"), "--metric 'neg_root_mean_squared_error' cannot judge these 2 classes"),
    (fit("data.csv", "--space", "mpl"), "did you mean 'mlp'?"),
    (fit("data.csv", "--space", "wrong.yaml"), "did you mean 'uniform_float'?"),
    (fit("data.csv", "--pipeline", "tabula"), "did you mean 'tabular'?"),
    (fit("data.csv", "--one-shot", "dart"), "did you mean 'darts'?"),
    (fit("data.csv", "--validation", "holdot"), "did you mean 'holdout'?"),
    (fit("data.csv", "--device", "gpu"), "--device 'gpu' cannot be used here"),
    (fit("data.csv", "--time", "-1"), "--time -1.0, but must be"),
    (fit("data.csv", "--trials", "0"), "--trials 0, but must be an int >= 1"),
    (fit("data.csv", "--compare-to-random"), "add --one-shot darts"),
    (fit("data.csv", "--target", "number", "--tune-threshold"), "the task is regression"),
    (["fit", "data.csv", "--target", "town", "--out", "runs/data"], "pass another --out, or the same as then"),
    (["predict", "none", "data.csv"], "no folder 'none'"),
    (["predict", "runs", "data.csv"], "'runs' is no run of AutoNAS"),
    (["predict", "damaged", "data.csv"], "'damaged/fitted.safetensors' is damaged"),
    (["predict", "runs/data", "none.csv"], "no file 'none.csv'"),
    (["predict", "runs/data", "narrow.csv"], "narrow.csv lacks columns that the run was fitted to: count, gap"),
    (["predict", "runs/data", "words.csv"], "Column 'count' of X was numeric in fit and cannot be read so now"),
    (["predict", "runs/data", "data.csv", "-o", "out.xlsx"], "'out.xlsx' is none of .csv"),
    (["leaderboard", "runs/data", "--top", "-1"], "--top is -1"),
    (["leaderboard", "damaged"], "'damaged/fitted.safetensors' is damaged"),
    (["report", "none"], "no folder 'none'"),
    (["report", "damaged"], "'damaged/fitted.safetensors' is damaged"),
    (["card", "none"], "no folder 'none'"),
    (["checklist", "none"], "no run at 'none'"),
    (["export", "none"], "no folder 'none'"),
    (["export", "runs/data", "--to", "model.pkl"], "--to is 'model.pkl', but must end in .onnx"),
    (["resume", "none"], "no folder 'none'"),
    (["resume", "runs"], "was not made by `autonas fit`"),
    (["resume", "damaged"], "'damaged/command.json' is damaged"),
    (["dashboard", "runs"], "'runs' has no history.db"),
    (["dashboard", "damaged"], "it was truncated or altered"),
    (["dashboard", "runs/data", "--host", "300.1.1.1"], "--host 300.1.1.1 --port 8080 cannot be listened at"),
    (["spaces", "show", "mpl"], "did you mean 'mlp'?"),
    (["spaces", "check", "none.yaml"], "no file 'none.yaml'"),
    (["spaces", "check", "wrong.yaml"], "wrong.yaml: hyperparameter 'x'"),
    (["spaces", "check", "broken.yaml"], "broken.yaml"),
    (["benchmark", "optimizers", "--optimizers", "bhob"], "did you mean 'bohb'?"),
]
each_error = pytest.mark.parametrize(
    ("arguments", "says"), ERRORS, ids=lambda value: "-".join(value)[:60] if isinstance(value, list) else ""
)


@pytest.fixture(scope="module")
def troubled(folder):
    """The same folder, with files that cannot be used."""
    (folder / "empty.csv").write_text("")
    (folder / "narrow.csv").write_text("number,answer\n1,yes\n")
    (folder / "latin.csv").write_bytes("a,answer\né,yes\n".encode("latin-1"))
    (folder / "wrong.parquet").write_bytes(b"no parquet")
    pd.read_csv(folder / "data.csv").assign(count="many").to_csv(folder / "words.csv", index=False)
    (folder / "wrong.yaml").write_text("hyperparameters:\n  - {name: x, type: uniform_flot, lower: 0, upper: 1}\n")
    (folder / "broken.yaml").write_text("hyperparameters: [\n")
    (folder / "damaged").mkdir()
    for name in ("fitted.safetensors", "history.db", "command.json", "settings.json"):
        kept = (folder / "runs" / "data" / name).read_bytes()
        (folder / "damaged" / name).write_bytes(kept if name == "settings.json" else kept[:50])
    return folder


@each_error
def test_errors_are_one_line_with_the_mend(troubled, arguments, says):
    done = autonas(*arguments, cwd=troubled)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("autonas: ")]
    assert done.stderr.splitlines()[-1] == line
    assert says in line


def test_an_error_and_where_it_came_from(tmp_path):
    done = autonas("fit", "none.csv", "--target", "y", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"autonas: There is no file or folder 'none.csv' \(looked in .*\)\.\n", done.stderr)
    done = autonas("--debug", "fit", "none.csv", "--target", "y", cwd=tmp_path)
    assert "Traceback" in done.stderr


def test_a_search_that_fails_ends_with_1(folder, tmp_path):
    (tmp_path / "broken.yaml").write_text("build: broken.py:build\nhyperparameters: []\n")
    (tmp_path / "broken.py").write_text("def build(*_):\n    raise RuntimeError('no such layer')\n")
    arguments = ["fit", folder / "data.csv", "--target", "answer", "--space", "broken.yaml", "--out", "run", *QUICK]
    done = autonas(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert "no such layer" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_without_a_dashboard_the_mend_is_said(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    assert main(["dashboard", str(folder / "runs" / "data")]) == 2
    assert "pip install 'autonas[report]'" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- what there is


def test_listings_agree_with_the_library(capsys):
    from autonas import OPTIMIZERS, load_space
    from autonas.spaces import available

    assert main(["optimizers", "--json"]) == 0
    assert [o["optimizer"] for o in json.loads(capsys.readouterr().out)["optimizers"]] == list(OPTIMIZERS)
    assert main(["spaces", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [f["family"] for f in listed["families"]] == list(available("search_spaces"))
    for name in available("search_spaces"):
        assert main(["spaces", "show", name, "--json"]) == 0
        assert [row["hyperparameter"] for row in json.loads(capsys.readouterr().out)] == list(load_space(name))


def test_conditions_are_told(capsys):
    assert main(["spaces", "show", "mlp"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("width_3"))
    assert re.split(r"\s{2,}", line) == ["width_3", "16 to 384 (log)", "256", "shape = free and n_layers > 2"]


def test_every_file_of_the_library_passes_the_check(capsys):
    from autonas.spaces import available

    for path in available("search_spaces").values():
        assert main(["spaces", "check", str(path)]) == 0
        assert "is fine" in capsys.readouterr().out


def test_help_does_not_wait_for_torch():
    code = (
        "import sys; from autonas.__main__ import main; main(['fit', '--help']);"
        "print({'torch', 'sklearn', 'pandas'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr
    assert "--one-shot" in done.stdout


def test_any_other_broken_pipe_is_one(capsys, monkeypatch):
    def benchmark(_):
        raise BrokenPipeError("the worker has gone")

    monkeypatch.setattr("autonas.cli.benchmark.benchmark", benchmark)
    assert main(["benchmark", "workers"]) == 2
    assert "the worker has gone" in capsys.readouterr().err


def test_a_reader_that_has_had_enough_is_no_error():
    command = [sys.executable, "-m", "autonas", "--version"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


def test_version():
    assert re.fullmatch(r"autonas \d+\.\d+\.\d+\n", good("--version").stdout)


def test_the_checklist_of_a_run(folder, here):
    done = good("checklist", "runs/data", cwd=folder)
    assert "|" in done.stdout
    answers = json.loads(here("checklist", "runs/data", "--json", cwd=folder).out)
    assert [f"| {a['question']} | {a['answer']} | {a['why']} |" for a in answers] == done.stdout.splitlines()[2:18]
