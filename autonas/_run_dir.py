"""What a fit keeps in its ``run_dir`` beside the search's own records, and what it clears away."""

from __future__ import annotations

import bisect
import contextlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from autonas._two_stage import OneShot
from autonas.optimization import RunHistory, Trial
from autonas.optimization._lock import locked, made_folder
from autonas.optimization._settings import read_record, write_record
from autonas.optimization.objectives import last_finite as last_good
from autonas.optimization.objectives import non_dominated, point_of
from autonas.training.checkpoint import MODEL, STATE
from autonas.training.data import fingerprint
from autonas.training.task import Task

__all__ = [
    "N_CANDIDATES",
    "Housekeeping",
    "last_good",
    "losses_of",
    "open_run_dir",
    "read_history",
    "trial_folder",
    "write_fit_record",
]

#: What a run_dir tells of the fit that it belongs to.
RECORD = "fit.json"
#: The ensemble is chosen among this many of the best trials.
N_CANDIDATES = 50


@contextlib.contextmanager
def open_run_dir(estimator: Any, task: Task, seed: int | None) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Find or make the folder of the run, for this fit alone, and see that a run in it is of the same data.

    Parameters
    ----------
    estimator : AutoNASClassifier or AutoNASRegressor
    task : Task
        Data and metric.
    seed : int or None

    Yields
    ------
    folder : Path
    record : dict
        What the folder tells of the fit.

    Raises
    ------
    ValueError
        If it is in use, cannot be written, is damaged, or is of other data, another metric or seed.
    """
    if estimator.run_dir is None:
        folder = Path(tempfile.mkdtemp(prefix="autonas-"))
        weakref.finalize(estimator, shutil.rmtree, folder, ignore_errors=True)
    else:
        folder = made_folder(Path(estimator.run_dir))
    with locked(folder / "fit.lock"):
        yield folder, _record(estimator, folder, task, seed)


def _record(estimator: Any, folder: Path, task: Task, seed: int | None) -> dict[str, Any]:
    weight = np.ones(len(task.target)) if task.weight is None else task.weight
    data = fingerprint(task.table, task.target, weight)
    now = {"n_rows": len(task.target), "data": data, "metric": task.metric.name, "seed": seed}
    now["one_shot"] = None if estimator.one_shot is None else repr(OneShot.of(estimator.one_shot))
    now["portfolio"] = None if estimator.portfolio is None else str(estimator.portfolio)
    if not (folder / RECORD).exists():
        if seed is None:
            now["seed"] = int(np.random.SeedSequence().generate_state(1)[0] // 2)
        return now
    if not estimator.resume:
        raise ValueError(f"run_dir={str(folder)!r} holds a run already; pass another, or resume=True to go on with it.")
    before = read_record(folder / RECORD)
    for key, value in now.items():
        if before.get(key) != value and not (key == "seed" and seed is None):
            raise ValueError(
                f"run_dir={str(folder)!r} holds a run with another {key} ({before.get(key)!r}, now {value!r}); "
                "pass another run_dir, or the same as then."
            )
    return before


def write_fit_record(folder: Path, record: dict[str, Any]) -> None:
    """Write what the folder tells of the fit."""
    write_record(folder / RECORD, record)


def trial_folder(run_dir: Path, number: int) -> Path:
    """Name the folder of a trial's checkpoints."""
    return run_dir / "trials" / f"{number:05d}"


def losses_of(history: RunHistory) -> dict[int, float]:
    """List the best validation loss of each trial that came to one, by number."""
    return {trial.number: result.loss for trial in history.trials if (result := last_good(trial)) is not None}


class Housekeeping:
    """Clear away what nothing can need any more: so the folder's size does not grow with the number of trials.

    Of a trial that no job will follow, the state to go on from; and its networks, if so many of these trials are better
    that it can be no candidate for the ensemble: what they have come to stays.

    Parameters
    ----------
    run_dir : Path
        Of the fit.
    objectives : sequence of str, default=()
        Beside the loss: the networks of trials on the front stay, too.
    """

    def __init__(self, run_dir: Path, objectives: Sequence[str] = ()) -> None:
        self.run_dir, self.objectives = run_dir, tuple(objectives)
        self._best: list[tuple[float, int]] = []
        self._points: dict[int, tuple[float, ...]] = {}

    def __call__(self, trial: Trial) -> None:
        """Take in that no job will follow for a trial."""
        folder = trial_folder(self.run_dir, trial.number)
        (folder / STATE).unlink(missing_ok=True)
        result = last_good(trial)
        if result is None:
            return
        bisect.insort(self._best, (result.loss, trial.number))
        front = self._front(trial.number, point_of(result, self.objectives)) if self.objectives else set()
        gone = [entry for entry in self._best[N_CANDIDATES:] if entry[1] not in front]
        for entry in gone:
            (trial_folder(self.run_dir, entry[1]) / MODEL).unlink(missing_ok=True)
            self._best.remove(entry)
            self._points.pop(entry[1], None)

    def _front(self, number: int, point: tuple[float, ...]) -> set[int]:
        self._points[number] = point
        numbers = np.array([*self._points])
        return set(numbers[non_dominated([*self._points.values()])].tolist())


def read_history(folder: Path, storage: Any, objectives: Sequence[str] = ()) -> RunHistory:
    """Read a run's history, without going on with it.

    Parameters
    ----------
    folder : Path
        Of the run.
    storage : str, BaseStorage or None
        None: SQLite in the folder.
    objectives : sequence of str, default=()
        Of the search, beside the loss.

    Returns
    -------
    RunHistory

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    from autonas.optimization._store import Store  # noqa: PLC0415 - Optuna is slow to import

    try:
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        space = ConfigurationSpace.from_serialized_dict({"format_version": 0.4, **settings["space"]})
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{str(folder / 'settings.json')!r} cannot be read ({error}); copy the run anew.") from error
    if storage is None:
        if not (folder / "history.db").exists():
            raise ValueError(
                f"{str(folder)!r} has no history.db: pass storage=... if fit had one, else copy the run anew."
            )
        storage = f"sqlite:///{folder.resolve()}/history.db"
        if not os.access(folder, os.W_OK):  # as in the image of a container: SQLite must not look for its log
            storage = f"sqlite:///file:{folder.resolve()}/history.db?mode=ro&immutable=1&uri=true"
    store = Store(storage, settings["study"], space)
    try:
        trials, _ = store.read()
    finally:
        store.close()
    return RunHistory(space, int(settings["max_fidelity"]), trials, store, objectives)
