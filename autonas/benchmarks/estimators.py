"""AutoNAS against its peers on real tables, at equal time, each in its own environment.

Every system, ours too, is run by the harness: a script outside of this package that makes the split, starts
the system by its own interpreter, watches its memory, ends it when it overruns by far, and scores what it
predicts. So no peer is ever imported here, and all are judged by the same lines of code.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonas._names import unknown_name
from autonas.benchmarks._files import find_data
from autonas.benchmarks._runs import collect, read_results
from autonas.benchmarks.standings import markdown
from autonas.benchmarks.systems import SYSTEMS, check_system, harness_arguments, is_network, parse_system

__all__ = ["DEFAULT_DATASETS", "DEFAULT_SYSTEMS", "SYSTEMS", "Run", "compare_estimators", "markdown", "run"]

#: Small to large, three of them regression; with missing cells, with categories only, with many classes.
DEFAULT_DATASETS = (
    "auto_mpg",
    "australian",
    "credit_g",
    "cnae_9",
    "car",
    "hypothyroid",
    "abalone",
    "phoneme",
    "satimage",
    "letter",
    "california_housing",
    "adult",
)

DEFAULT_SYSTEMS = (
    "autonas",
    "autogluon",
    "autogluon_network",
    "flaml",
    "realmlp",
    "hist_gradient_boosting",
    "random_forest",
    "mlp",
    "linear",
)


@dataclass(frozen=True)
class Run:
    """What is run.

    Attributes
    ----------
    system : str
        A name of :data:`SYSTEMS`, with arguments where they are not the defaults: ``"autonas[ensemble_size=1]"``.
    dataset : str
    seed : int
        Of the split, and of the system.
    seconds : float
        The time limit, of the systems that have one.
    """

    system: str
    dataset: str
    seed: int
    seconds: float


def run(
    what: Run,
    harness: str | Path | None = None,
    peers: str | Path | None = None,
    data_dir: str | Path | None = None,
    logs: str | Path | None = None,
) -> dict[str, Any]:
    """Have the harness run a system once.

    Parameters
    ----------
    what : Run
    harness, peers, data_dir : str or Path, optional
        As for :func:`compare_estimators`.
    logs : str or Path, optional
        Where the output of a system that failed is kept.

    Returns
    -------
    dict
        The harness's line: ``status`` (``"ok"``, ``"failed"``, ``"timeout"``); ``log_loss`` and ``accuracy``,
        or ``rmse`` and ``r2``; ``fit_s``, ``predict_s_per_1k`` (seconds), ``model_mb``, ``peak_pss_mb``,
        ``others_cores`` (cores that other processes took meanwhile), and more. And ``network``: see
        :class:`System`.

    Raises
    ------
    RuntimeError
        If the harness itself failed.
    """
    file, classification = _dataset(what.dataset, data_dir)
    arguments = ["--name", what.system, "--data", str(file), "--seconds", f"{what.seconds:g}", "--seed", str(what.seed)]
    arguments += harness_arguments(what.system, classification=classification)
    environment = dict(os.environ)
    if SYSTEMS[parse_system(what.system)[0]]:
        environment.pop("PYTHONPATH", None)  # what is on it was installed for this interpreter
    if peers := _peers(peers):
        environment["PEER_VENVS"] = str(peers)
    with tempfile.TemporaryDirectory(prefix="autonas_") as folder:
        out, log = Path(folder, "line.jsonl"), Path(folder, "log.txt")
        command = [sys.executable, str(_harness(harness)), "--out", str(out), "--log", str(log), *arguments]
        said = _call(command, environment, folder)
        lines = read_results(out)
        if not lines:
            raise RuntimeError(f"the harness wrote no result; it said: {said.strip()[-300:] or 'nothing'}")
        if lines[-1]["status"] != "ok" and logs and log.exists():
            Path(logs).mkdir(parents=True, exist_ok=True)
            name = re.sub(r"[^\w.=-]+", "_", f"{what.system}-{what.dataset}-{what.seconds:g}-{what.seed}")
            shutil.move(log, Path(logs, f"{name}.log"))
    result = {key: value for key, value in lines[-1].items() if key not in ("system", "data", "seed", "seconds")}
    return {"network": is_network(what.system), **result}


def _call(command: Sequence[str], environment: Mapping[str, str], folder: str) -> str:
    """Run the harness; when interrupted, end what it runs, which has a session of its own, and let it clear up."""
    with subprocess.Popen(  # noqa: S603  what the user named
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            return process.communicate()[0]
        except BaseException:
            with suppress(OSError):
                for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                    os.killpg(int(child), signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            raise


def compare_estimators(
    out: str | Path,
    *,
    datasets: Sequence[str] = DEFAULT_DATASETS,
    systems: Sequence[str] = DEFAULT_SYSTEMS,
    seconds: Sequence[float] = (60,),
    seeds: Sequence[int] = range(1),
    harness: str | Path | None = None,
    peers: str | Path | None = None,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Run all systems on all data sets from all seeds with all limits, one at a time.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends, one that failed too; what is in it already is
        not run again. What a failed run printed is kept in the folder of this name and ``_logs``.
    datasets : sequence of str
        Names of the data folder's ``index.json``.
    systems : sequence of str
        Names of :data:`SYSTEMS`. ``"autonas[ensemble_size=1]"`` is AutoNAS with an argument of its own; of a
        peer, what stands in brackets are options of the harness's adapter.
    seconds : sequence of float
        Time limits.
    seeds : sequence of int
        Of the splits, and of the systems.
    harness : str or Path, optional
        The script, or its folder; by default what the environment variable ``AUTONAS_BENCH`` says.
    peers : str or Path, optional
        The folder of the peers' environments; by default what ``PEER_VENVS`` says.
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.

    Raises
    ------
    ValueError
        If a name is unknown, before anything is run.
    FileNotFoundError
        If the harness, an interpreter or a data set is not there, before anything is run.
    """
    out = Path(out)
    for system in systems:
        parse_system(system)
    if not only_read:
        _harness(harness)
        for dataset in datasets:
            _dataset(dataset, data_dir)
        for system in systems:
            check_system(system, _peers(peers))
    logs = out.with_name(f"{out.stem}_logs")
    # Systems innermost: what is there early on is balanced, and what is compared is run at about the same time.
    return collect(
        out,
        [
            Run(system, d, seed, float(limit))
            for limit in seconds
            for seed in seeds
            for d in datasets
            for system in systems
        ],
        functools.partial(run, harness=harness, peers=peers, data_dir=data_dir, logs=logs),
        describe=_describe,
        only_read=only_read,
        say=say,
    )


def _describe(result: Mapping[str, Any]) -> str:
    if result["status"] != "ok":
        return f"{result['status'].upper()}, {result.get('error', 'no reason given')}"
    loss = result.get("log_loss", result.get("rmse"))
    score = result.get("accuracy", result.get("r2"))
    return f"loss {loss:.4f}, score {score:.4f}, fit {result['fit_s']:.1f} s" if loss is not None else "no loss"


def _harness(harness: str | Path | None) -> Path:
    named = harness or os.environ.get("AUTONAS_BENCH")
    if not named:
        raise FileNotFoundError(
            "The harness that runs the systems is not part of the package: pass `harness`, or set the environment "
            "variable AUTONAS_BENCH, to harness.py or its folder."
        )
    path = Path(named).expanduser().absolute()
    path = path / "harness.py" if path.is_dir() else path
    if not path.is_file():
        source = "`harness`" if harness else "the environment variable AUTONAS_BENCH"
        raise FileNotFoundError(
            f"There is no {path}; {source} is {str(named)!r}, but must be harness.py or its folder."
        )
    return path


def _peers(peers: str | Path | None) -> Path | None:
    named = peers or os.environ.get("PEER_VENVS")
    return Path(named).expanduser().absolute() if named else None


def _dataset(name: str, data_dir: str | Path | None) -> tuple[Path, bool]:
    """Find the file of a data set, and whether it is of classes."""
    index = json.loads(find_data("index.json", data_dir).read_text(encoding="utf-8"))
    entries = {entry["name"]: entry for kind in ("tabular", "images") for entry in index.get(kind, [])}
    if name not in entries:
        raise unknown_name("data set", name, entries)
    # The harness finds what the index says of a file by its path, which must have no detours.
    file = Path(os.path.abspath(find_data(entries[name]["file"], data_dir)))  # noqa: PTH100  resolve() follows links
    return file, "regression" not in entries[name]["task"]
