"""What the commands do that make, use and show runs."""

# ruff: noqa: PLC0415  what is slow to import is imported where it is needed

from __future__ import annotations

import contextlib
import json as jsonlib
import sys
import threading
import time as clock
import warnings
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autonas._interrupts import FitInterrupted
from autonas.cli.data import (
    IMAGES,
    Dataset,
    features_for,
    image_files,
    read_data,
    read_table,
    require_columns,
    require_table,
    write_table,
)
from autonas.cli.output import command, print_json, print_table, say

__all__ = [
    "export_of_run",
    "fit_run",
    "leaderboard_of_run",
    "load_run",
    "predict_run",
    "report_of_run",
    "resume_run",
    "show_dashboard",
]

#: What a run_dir keeps of the command that made it.
COMMAND = "command.json"


def fit_run(
    source: Mapping[str, Any],
    settings: Mapping[str, Any],
    out: Path | None,
    test: Path | None,
    *,
    report: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Fit an estimator to the data of a file or folder."""
    data = Path(source["data"])
    if not data.exists():
        raise FileNotFoundError(f"There is no file or folder {str(data)!r} (looked in {Path.cwd()}).")
    folder = Path("runs", data.name.partition(".")[0]) if out is None else out
    settings = dict(settings)
    if settings["time"] is None and settings["trials"] is None:
        settings["time"] = 300.0
    _fit(dict(source), settings, folder, test, report=report, quiet=quiet, json=json)


def resume_run(run: Path, time: float | None, trials: int | None, *, quiet: bool, json: bool) -> None:
    """Go on with a run, by what it keeps of the command that made it."""
    file = run / COMMAND
    if not file.exists():
        if not run.is_dir():
            raise FileNotFoundError(f"There is no folder {str(run)!r} (looked in {Path.cwd()}).")
        raise ValueError(
            f"{str(run)!r} was not made by `autonas fit`, so it does not say where its data are: call fit in Python "
            "with the same data and run_dir."
        )
    try:
        kept = jsonlib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(file)!r} is damaged ({error}): type the command of `autonas fit` again.") from error
    settings = kept["settings"]
    if time is not None or trials is not None:
        settings |= {"time": time, "trials": trials}
    source = kept["source"] | {"data": Path(kept["source"]["data"])}
    if not source["data"].exists():
        raise FileNotFoundError(f"The data of the run, {str(source['data'])!r}, are not there any more.")
    _fit(source, settings, run, None, report=False, quiet=quiet, json=json)


def _fit(
    source: dict[str, Any],
    settings: dict[str, Any],
    folder: Path,
    test: Path | None,
    *,
    report: bool,
    quiet: bool,
    json: bool,
) -> None:
    # What can be wrong with the arguments is found before the time is spent.
    dataset = read_data(**source)
    held_out = None if test is None else _read_test(test, source, dataset)
    folder.mkdir(parents=True, exist_ok=True)
    if report and find_spec("matplotlib") is None:
        raise ImportError("--report draws with matplotlib, which is not installed: pip install 'autonas[plots]'")
    estimator = _estimator(dataset, settings, folder, quiet=quiet)
    going_on = (folder / "fit.json").exists()
    if not quiet:
        say(dataset.about)
        say(f"{'Going on with' if going_on else 'Run:'} {folder}")
    kept = {"source": source | {"data": str(Path(source["data"]).resolve())}, "settings": settings}
    if not going_on:
        _keep_command(folder, kept)
    started = clock.monotonic()
    try:
        # The progress is for people, whatever the output is for.
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            # Raised once the best so far is kept: what is left to do is to say how it goes on.
            warnings.simplefilter("error", FitInterrupted)
            estimator.fit(dataset.X, dataset.y, **({} if dataset.weight is None else {"sample_weight": dataset.weight}))
    except (KeyboardInterrupt, FitInterrupted):
        say(f"Stopped. The best so far is kept; it goes on by: {command()} resume {folder}")
        raise KeyboardInterrupt from None
    _keep_command(folder, kept)
    result = _summary(estimator, folder, clock.monotonic() - started, held_out)
    if report:
        result["report"] = str(estimator.report(folder / "report.html"))
    if json:
        print_json(result)
    else:
        print(_in_words(result, estimator, folder, source))


def _keep_command(folder: Path, kept: Mapping[str, Any]) -> None:
    draft = folder / f"{COMMAND}.tmp"
    draft.write_text(jsonlib.dumps(kept, indent=1), encoding="utf-8")
    draft.replace(folder / COMMAND)


def _read_test(test: Path, source: Mapping[str, Any], dataset: Dataset) -> Dataset:
    held_out = read_data(test, source["target"], dataset.task, None, source["weight"])
    if isinstance(dataset.X, pd.DataFrame) and isinstance(held_out.X, pd.DataFrame):
        require_columns(held_out.X, dataset.X.columns, "--test")
    return held_out


def _estimator(dataset: Dataset, settings: Mapping[str, Any], folder: Path, *, quiet: bool) -> Any:
    from autonas import AutoNASClassifier, AutoNASRegressor, OneShot

    optimizer, plus, schedule = settings["optimizer"].partition("+")
    one_shot = settings["one_shot"]
    if settings["compare_to_random"]:
        if one_shot is None:
            raise ValueError("--compare-to-random compares the cells of --one-shot: add --one-shot darts, say.")
        one_shot = OneShot(one_shot, compare_to_random=True)
    validation = settings["validation"]
    families = settings["space"]
    parameters = {
        "optimizer": (optimizer, schedule) if plus else optimizer,
        "pipeline": settings["pipeline"],
        "search_space": families[0] if families and len(families) == 1 else families,
        "one_shot": one_shot,
        "time_limit": settings["time"],
        "n_trials": settings["trials"],
        "min_epochs": settings["min_epochs"],
        "max_epochs": settings["max_epochs"],
        "metric": settings["metric"],
        "validation": int(validation) if validation.isdecimal() else validation,
        "ensemble_size": settings["ensemble_size"],
        "n_jobs": settings["jobs"],
        "trial_time_limit": settings["trial_time"],
        "trial_memory_limit": settings["trial_memory"],
        "device": settings["device"],
        "run_dir": str(folder),
        "random_state": settings["seed"],
        "verbose": 0 if quiet else 1,
    }
    if dataset.task == "classification":
        return AutoNASClassifier(**parameters, tune_threshold=settings["tune_threshold"])
    if settings["tune_threshold"]:
        raise ValueError("--tune-threshold is for classes, but the task is regression.")
    return AutoNASRegressor(**parameters)


def _summary(estimator: Any, folder: Path, seconds: float, held_out: Dataset | None) -> dict[str, Any]:
    board = estimator.leaderboard()
    result = {
        "run": str(folder),
        "task": "classification" if hasattr(estimator, "classes_") else "regression",
        "metric": estimator._fitted.metric.name,
        "best_score": estimator.best_score_,
        "best_trial": int(board["trial"].iloc[0]),
        "best_params": estimator.best_params_,
        "n_trials": len(board),
        "n_failed": int((board["state"] == "failed").sum()),
        "ensemble": board.query("ensemble_weight > 0")[["trial", "network", "ensemble_weight"]].to_dict("records"),
        "seconds": seconds,
    }
    if held_out is not None:
        result["test"] = _judged(estimator, held_out)
    return result


def _judged(estimator: Any, held_out: Dataset) -> dict[str, float]:
    from sklearn import metrics

    X = held_out.X if isinstance(held_out.X, list) else features_for(estimator, held_out.X, "--test")
    if not hasattr(estimator, "classes_"):
        said = estimator.predict(X)
        return {
            "rmse": float(metrics.root_mean_squared_error(held_out.y, said)),
            "mae": float(metrics.mean_absolute_error(held_out.y, said)),
            "r2": float(metrics.r2_score(held_out.y, said)),
        }
    truth, probabilities = np.asarray(held_out.y), estimator.predict_proba(X)
    judged = {"accuracy": float(metrics.accuracy_score(truth, estimator.predict(X)))}
    if set(truth) <= set(estimator.classes_.tolist()):
        judged["log_loss"] = float(metrics.log_loss(truth, probabilities, labels=estimator.classes_))
    return judged


def _in_words(result: Mapping[str, Any], estimator: Any, folder: Path, source: Mapping[str, Any]) -> str:
    from autonas._progress import named

    network = estimator.leaderboard()["network"].iloc[0]
    failed = f", {result['n_failed']} failed" if result["n_failed"] else ""
    n = len(result["ensemble"])
    score = named(result["metric"], -result["best_score"])
    found = f"Best of {result['n_trials']} trials{failed}: {network} (trial {result['best_trial']}), "
    found += f"validation {score}; it predicts "
    lines = [found + ("alone." if n == 1 else f"in an ensemble of {n}.")]
    if "test" in result:
        judged = ", ".join(f"{name} {value:.4g}" for name, value in result["test"].items())
        lines.append(f"On the test data: {judged}.")
    new = "images/" if Path(source["data"]).is_dir() else "new.csv"
    if "report" in result:
        lines.append(f"Report: {result['report']}")
    then = "" if "report" in result else f"   {command()} report {folder}"
    lines.append(f"Next:  {command()} predict {folder} {new} -o out.csv{then}")
    return "\n".join(lines)


def load_run(run: Path, space: list[str] | None = None, device: str = "auto") -> Any:
    """Load a run's estimator."""
    from autonas import load

    return load(run, search_space=space, device=device)


def predict_run(run: Path, data: Path, out: Path | None, space: list[str] | None, device: str, *, json: bool) -> None:
    """Predict by a run, and write what it says."""
    if out is not None:
        require_table(out)
    estimator = load_run(run, space, device)
    if hasattr(estimator, "n_features_in_"):
        X: Any = features_for(estimator, read_table(data), data.name)
        names = {}
    else:
        files = _images(data)
        X, names = [str(file) for file in files], {"file": [str(file) for file in files]}
    result = pd.DataFrame(names | _predictions(estimator, X))
    if json:
        print_json(result.to_dict("records"))
    if out is not None:
        write_table(result, out)
        say(f"{len(result):,} predictions are in {out}.")
    elif not json:
        result.to_csv(sys.stdout, index=False)
    if not estimator._fitted.finished:
        say(f"The run had not ended: predicted by its best trial so far. It goes on by: {command()} resume {run}")


def _images(data: Path) -> list[Path]:
    if not data.exists():
        raise FileNotFoundError(f"There is no file or folder {str(data)!r} (looked in {Path.cwd()}).")
    if data.is_file() and data.suffix.lower() not in IMAGES:
        raise ValueError(f"The run was fitted to images, and {data.name} is none of {', '.join(IMAGES)}.")
    files = [data] if data.is_file() else image_files(data)
    if not files:
        raise ValueError(f"There are no images ({', '.join(IMAGES)}) in {str(data)!r}.")
    return files


def _predictions(estimator: Any, X: Any) -> dict[str, Any]:
    if not hasattr(estimator, "classes_"):
        return {"prediction": estimator.predict(X)}
    probabilities = estimator.predict_proba(X)
    codes = estimator._fitted.decision.decide(probabilities)
    return {"prediction": estimator.classes_[codes]} | {
        f"probability of {label}": probabilities[:, k] for k, label in enumerate(estimator.classes_)
    }


def leaderboard_of_run(run: Path, top: int, space: list[str] | None, *, json: bool) -> None:
    """List a run's trials."""
    if top < 0:
        raise ValueError(f"--top is {top}, but must be 0 (all) or more.")
    board = load_run(run, space).leaderboard().reset_index()
    shown = board.head(top) if top else board
    if json:
        print_json(shown.to_dict("records"))
        return
    print_table(shown, title=str(run))
    if len(shown) < len(board):
        say(f"{len(board) - len(shown)} more: --top 0 shows all.")


def report_of_run(run: Path, out: Path | None, space: list[str] | None, *, json: bool) -> None:
    """Write a run's report."""
    _print_path(load_run(run, space).report(run / "report.html" if out is None else out), json=json)


def card_of_run(run: Path, out: Path | None, space: list[str] | None, *, json: bool) -> None:
    """Write a run's model card."""
    _print_path(load_run(run, space).model_card(run / "model_card.md" if out is None else out), json=json)


def _print_path(file: Path, *, json: bool) -> None:
    if json:
        print_json({"file": str(file)})
    else:
        print(file)


def export_of_run(run: Path, to: Path | None, space: list[str] | None, *, best_only: bool, json: bool) -> None:
    """Write a run as a model file, of the kind that the file's name says."""
    file = run / "model.onnx" if to is None else to
    if file.suffix not in {".onnx", ".pt2"}:
        raise ValueError(f"--to is {str(file)!r}, but must end in .onnx, or in .pt2 for a program of torch.")
    estimator = load_run(run, space)
    file.parent.mkdir(parents=True, exist_ok=True)
    write = estimator.export_onnx if file.suffix == ".onnx" else estimator.export_torch
    _print_path(write(file, best_only=best_only), json=json)


def show_dashboard(run: Path, host: str, port: int) -> None:
    """Serve optuna-dashboard for a run until the keyboard stops it."""
    database = run / "history.db"
    if not database.exists():
        raise FileNotFoundError(f"{str(run)!r} has no history.db: pass the folder of a run.")
    with _dashboard() as wsgi:
        from wsgiref.simple_server import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

        from autonas._run_dir import read_history

        read_history(run, None)  # whether it can be read, in words
        try:
            server = make_server(host, port, wsgi(f"sqlite:///{database.resolve()}"), handler_class=Quiet)
        except OSError as error:
            raise ValueError(f"--host {host} --port {port} cannot be listened at: {error.strerror}.") from error
        say(f"http://{host}:{server.server_port}/ shows {run}; Ctrl+C ends it.")
        # wsgiref swallows a KeyboardInterrupt while it answers: it must not be what this thread does.
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with contextlib.suppress(KeyboardInterrupt):
            thread.join()
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _dashboard() -> Iterator[Any]:
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise ImportError(
            "The dashboard needs optuna-dashboard, which is not installed: pip install 'autonas[report]'"
        ) from error
    yield wsgi
