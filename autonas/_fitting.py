"""What ``fit`` does after scikit-learn's checks: the two wings joined, search on one side, training on the other."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ConfigSpace import ConfigurationSpace

from autonas._first_trials import family_configurations, portfolio_configurations
from autonas._search_space import SearchSpace, resolve_search_space
from autonas.optimization import Result, RunHistory, SearchFailed, Trial, search
from autonas.presets import load_preset
from autonas.spaces import values
from autonas.training.checkpoint import MODEL, load_model
from autonas.training.data import TableSchema, canonical_rows, fingerprint
from autonas.training.ensemble import Ensemble, Ensembled, mix
from autonas.training.metrics import Metric, resolve_metric
from autonas.training.task import Task
from autonas.training.thresholds import Decision, tune_decision
from autonas.training.traditional import MixedTrainer
from autonas.training.trial import Trainer, one_thread
from autonas.training.validation import is_splitter, make_folds

__all__ = ["Fitted", "default_max_epochs", "last_good", "run"]

Array = npt.NDArray[Any]

#: What a run_dir tells of the fit that it belongs to.
RECORD = "fit.json"
#: The ensemble is chosen among this many of the best trials.
N_CANDIDATES = 50
#: Multiply-adds of predicting a row by the whole ensemble, at most: about 50 ms for 1,000 rows on two cores of
#: 60 GFLOP/s each. Counted, not timed, so that the same run ends with the same ensemble on any machine.
MAX_COST = 3e6


@dataclass
class Fitted:
    """What a fit leaves behind: all that predicting, reporting and refitting need, and no data."""

    schema: TableSchema
    search_space: SearchSpace
    history: RunHistory
    ensemble: Ensemble
    losses: Mapping[int, float]
    """The best validation loss of each trial that has networks, by number."""
    metric: Metric
    n_classes: int
    max_epochs: int
    device: torch.device
    run_dir: Path
    decision: Decision
    """How probabilities become classes."""

    @property
    def space(self) -> ConfigurationSpace:
        """The joint space that was searched."""
        return self.search_space.space

    @property
    def best(self) -> Trial:
        """The trial with the best validation loss at any rung: each of its networks is ready for use."""
        return self.history.trials[min(self.losses, key=lambda n: (self.losses[n], n))]

    def predict(self, X: Any) -> Array:
        """Predict probabilities or numbers."""
        device = self.device if self.device.type != "cuda" or torch.cuda.is_available() else "cpu"
        return self.ensemble.predict(self.schema.transform(X), device)

    def refit(self, X: Any, target: Array, weight: Array | None) -> None:
        """Train the ensemble's configurations anew on all rows."""
        table, target, weight = _canonical(self.schema.transform(X), target, weight)
        # The one row that is judged is there for form's sake: by a metric that asks for no more.
        metric = resolve_metric(None, np.arange(self.n_classes) if self.n_classes else None)
        task = Task(table, self.schema.cardinalities_, target, self.n_classes, weight, metric)
        rows = np.arange(len(target))
        trainer = MixedTrainer(
            task,
            [(rows, rows[:1])],
            self.search_space.builds,
            max_epochs=self.max_epochs,
            defaults=self.search_space.defaults,
            device=self.device,
        )
        members = []
        for member in self.ensemble.members:
            trial = self.history.trials[member.trial]
            result = last_good(trial)
            assert result is not None
            epochs = max(1, int(result.info["best_epoch"]))
            with one_thread():
                networks = trainer.train_to(values(trial.configuration), epochs, seed=trial.seed)
            members.append(Ensembled(member.trial, member.weight, networks, member.temperature))
        self.ensemble = Ensemble(members, self.ensemble.temperature)


def run(
    estimator: Any,
    X: Any,
    target: Array,
    classes: Array | None,
    weight: Array | None,
    *,
    seed: int | None,
    started: float,
) -> Fitted:
    """Search, train and ensemble.

    Parameters
    ----------
    estimator : AutoNASClassifier or AutoNASRegressor
        Its parameters say how.
    X : DataFrame or ndarray
        Checked input.
    target : ndarray of shape (n,)
        Class codes, or numbers.
    classes : ndarray or None
        The labels; None for regression.
    weight : ndarray of shape (n,) or None
        Sample weights.
    seed : int or None
        None: drawn, and kept in ``run_dir``.
    started : float
        When ``fit`` began, by ``time.monotonic()``.

    Returns
    -------
    Fitted
    """
    _check_numbers(estimator)
    n_classes = 0 if classes is None else len(classes)
    metric = resolve_metric(estimator.metric, classes)
    tune = _tunes_threshold(estimator, metric)
    device = _device(estimator.device)
    preset = load_preset("tabular" if estimator.pipeline == "auto" else estimator.pipeline)
    schema = TableSchema().fit(X, weight)
    table = schema.transform(X)
    if not is_splitter(estimator.validation):
        # A splitter of the user's may mean the rows' own order.
        table, target, weight = _canonical(table, target, weight)
    if len(target) < 2:
        raise ValueError(
            f"Found n_samples={len(target)} (rows of weight 0 left out); at least 2 are needed to validate."
        )
    task = Task(table, schema.cardinalities_, target, n_classes, weight, metric)
    run_dir, record = _open_run_dir(estimator, task, seed)
    folds = make_folds(
        preset.validation if estimator.validation == "auto" else estimator.validation,
        X,
        target,
        classification=n_classes > 0,
        random_state=record["seed"],
    )
    chosen = resolve_search_space(estimator.search_space, preset, table, classification=n_classes > 0)
    min_epochs, max_epochs = _epochs(estimator, record, sum(len(rows) for rows, _ in folds))
    portfolio = portfolio_configurations(estimator.portfolio, record, preset, chosen, task)
    _write_record(run_dir, record)
    trainer = MixedTrainer(task, folds, chosen.builds, max_epochs=max_epochs, defaults=chosen.defaults, device=device)
    deadline = None if estimator.time_limit is None else started + estimator.time_limit
    with one_thread() as n_threads:
        history = search(
            trainer,
            chosen.space,
            optimizer=estimator.optimizer,
            min_fidelity=min_epochs,
            max_fidelity=max_epochs,
            full_first=1,
            n_trials=estimator.n_trials,
            time_limit=None if deadline is None else max(1.0, deadline - _reserve(estimator) - time.monotonic()),
            n_threads=1 if device.type != "cpu" or chosen.shares_generators else n_threads,
            run_dir=run_dir,
            storage=estimator.storage,
            initial_configurations=(
                *(estimator.initial_configurations or ()),
                *family_configurations(chosen),
                *portfolio,
            ),
            random_state=record["seed"],
            callbacks=(*_progress(estimator, chosen), *(estimator.callbacks or ())),
        )
    size = preset.ensemble_size if estimator.ensemble_size is None else estimator.ensemble_size
    ensemble, losses, decision = _ensemble(trainer, history, run_dir, size, deadline, tune=tune)
    return Fitted(schema, chosen, history, ensemble, losses, metric, n_classes, max_epochs, device, run_dir, decision)


def last_good(trial: Trial) -> Result | None:
    """Find the last result of a trial that left a network; a trial can fail at a higher rung."""
    return next((r for r in reversed(trial.results) if np.isfinite(r.loss)), None)


def default_max_epochs(n_rows: int, time_limit: float | None = None) -> int:
    """Choose how long a full training is.

    As many epochs as show the network about a million rows, and not more than the default network would be trained for
    in a fifth of the time limit at 40,000 rows a second (about one core), so that a search has room beside it; 9 to 81.
    It is computed from these numbers, not measured: the same call chooses the same on any machine.

    Parameters
    ----------
    n_rows : int
        Rows learnt from in an epoch, all folds together.
    time_limit : float, optional
        Seconds of the whole fit.

    Returns
    -------
    int
        A power of three, so that rungs divide evenly.

    Examples
    --------
    >>> [default_max_epochs(n) for n in (500, 30_000, 100_000, 10_000_000)]
    [81, 27, 9, 9]
    >>> [default_max_epochs(10_000, time_limit) for time_limit in (10, 60, 300)]
    [9, 27, 81]
    """
    epochs = round(math.log(1e6 / n_rows, 3))
    if time_limit is not None:
        epochs = min(epochs, math.floor(math.log(0.2 * time_limit * 40_000 / n_rows, 3)))
    return int(3 ** min(max(epochs, 2), 4))


def _check_numbers(estimator: Any) -> None:
    for name in ("time_limit", "n_trials", "min_epochs", "max_epochs", "ensemble_size"):
        value = getattr(estimator, name)
        kinds = (int, np.integer, float, np.floating) if name == "time_limit" else (int, np.integer)
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool) or not value > 0):
            wanted = "a number of seconds > 0" if name == "time_limit" else "an int >= 1"
            raise ValueError(f"{name}={value!r}, but must be {wanted}, or None.")
    if estimator.time_limit is None and estimator.n_trials is None:
        raise ValueError("time_limit=None and n_trials=None: nothing would end the search; give at least one of them.")


def _tunes_threshold(estimator: Any, metric: Metric) -> bool:
    tune = getattr(estimator, "tune_threshold", False)
    if not isinstance(tune, (bool, np.bool_)):
        raise ValueError(f"tune_threshold={tune!r}, but must be True or False.")  # noqa: TRY004 - as all bad arguments
    if tune and metric.of_decisions is None:
        raise ValueError(
            f"tune_threshold=True needs a metric that judges decisions, but metric={estimator.metric!r} "
            f"({metric.name}) judges probabilities; pass metric='balanced_accuracy', 'f1', 'accuracy' or the like."
        )
    return bool(tune)


def _canonical(table: Any, target: Array, weight: Array | None) -> tuple[Any, Array, Array | None]:
    table, target, merged = canonical_rows(table, target, weight)[:3]
    return table, target, None if np.ptp(merged) == 0 else merged


def _epochs(estimator: Any, record: dict[str, Any], n_rows: int) -> tuple[int, int]:
    """Choose the range of epochs; a run that goes on keeps what was chosen for it, whatever its new time limit."""
    if estimator.max_epochs is None:
        longest = int(record.setdefault("max_epochs", default_max_epochs(n_rows, estimator.time_limit)))
    else:
        longest = estimator.max_epochs
    shortest = max(1, longest // 9) if estimator.min_epochs is None else estimator.min_epochs
    if shortest > longest:
        raise ValueError(f"min_epochs={shortest} is more than max_epochs={longest}; lower it, or raise max_epochs.")
    return shortest, longest


def _reserve(estimator: Any) -> float:
    """Seconds kept back for what comes after the search."""
    return float(min(0.3 + 0.02 * estimator.time_limit, 0.2 * estimator.time_limit))


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} cannot be used here ({error}); pass 'auto' or 'cpu'.") from error
    return torch.device(device)


def _open_run_dir(estimator: Any, task: Task, seed: int | None) -> tuple[Path, dict[str, Any]]:
    """Find or make the folder of the run, and see that a run in it is of the same data, metric and seed."""
    if estimator.run_dir is None:
        folder = Path(tempfile.mkdtemp(prefix="autonas-"))
        weakref.finalize(estimator, shutil.rmtree, folder, ignore_errors=True)
    else:
        folder = Path(estimator.run_dir)
        folder.mkdir(parents=True, exist_ok=True)
    weight = np.ones(len(task.target)) if task.weight is None else task.weight
    data = fingerprint(task.table, task.target, weight)
    now = {"n_rows": len(task.target), "data": data, "metric": task.metric.name, "seed": seed}
    now["portfolio"] = None if estimator.portfolio is None else str(estimator.portfolio)
    if not (folder / RECORD).exists():
        if seed is None:
            now["seed"] = int(np.random.SeedSequence().generate_state(1)[0] // 2)
        return folder, now
    if not estimator.resume:
        raise ValueError(f"run_dir={str(folder)!r} holds a run already; pass another, or resume=True to go on with it.")
    before = json.loads((folder / RECORD).read_text())
    for key, value in now.items():
        if before.get(key) != value and not (key == "seed" and seed is None):
            raise ValueError(
                f"run_dir={str(folder)!r} holds a run with another {key} ({before.get(key)!r}, now {value!r}); "
                "pass another run_dir, or the same as then."
            )
    return folder, before


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    # First beside, then in its place: a run killed in between finds all of it or nothing.
    draft = folder / f"{RECORD}.tmp"
    draft.write_text(json.dumps(record, indent=1))
    draft.replace(folder / RECORD)


def _progress(estimator: Any, chosen: SearchSpace) -> list[Any]:
    if not estimator.verbose:
        return []
    best = [np.inf]

    def announce(_: RunHistory, trial: Trial, result: Result) -> None:
        if result.loss < best[0]:
            best[0] = result.loss
            network = trial.configuration.get("network", "default network")
            reached = "" if chosen.is_traditional(trial.configuration) else f" after {result.fidelity} epochs"
            print(
                f"[{result.finished:7.1f} s] trial {trial.number} ({network}, {trial.origin}): "
                f"loss {result.loss:.5g}{reached}",
                flush=True,
            )

    return [announce]


def _ensemble(
    trainer: Trainer, history: RunHistory, run_dir: Path, size: int, deadline: float | None, *, tune: bool
) -> tuple[Ensemble, dict[int, float], Decision]:
    losses = {
        t.number: result.loss
        for t in history.trials
        if (result := last_good(t)) is not None and (_folder(run_dir, t.number) / MODEL).exists()
    }
    if not losses:
        causes = [t.failure.cause for t in history.trials if t.failure is not None]
        reason = f"every trial failed, the first with: {causes[0]}" if causes else "no trial came to a result"
        raise SearchFailed(f"No network could be trained: {reason}", history)
    numbers = sorted(losses, key=lambda n: (losses[n], n))[: 1 if size == 1 else N_CANDIDATES]
    task, target, weight = trainer.task, trainer.valid_target, trainer.valid_weight

    def late() -> bool:
        return deadline is not None and time.monotonic() > deadline

    mixture = mix(
        (trainer.predictions(_folder(run_dir, n)) for n in numbers),
        # Decisions are tuned afterwards; what they need is good probabilities.
        resolve_metric("log_loss", np.arange(task.n_classes)) if tune else task.metric,
        target,
        weight,
        size=size,
        costs=[_cost(history.trials[n]) for n in numbers],
        max_cost=MAX_COST,
        deadline_passed=late,
    )
    members = []
    for place, share in mixture.weights.items():
        trial = history.trials[numbers[place]]
        networks = trainer.restore(values(trial.configuration), load_model(_folder(run_dir, trial.number)).weights)
        members.append(Ensembled(trial.number, share, networks, mixture.temperatures[place]))
    decision = Decision(np.ones(task.n_classes))
    if tune:
        assert task.metric.of_decisions is not None
        decision = tune_decision(mixture.predictions, target, weight, task.metric.of_decisions, late)
    return Ensemble(members, mixture.temperature), losses, decision


def _cost(trial: Trial) -> float:
    """Multiply-adds of predicting a row with all networks of a trial."""
    result = last_good(trial)
    assert result is not None
    return float(result.info.get("multiply_adds", 0.0))


def _folder(run_dir: Path, number: int) -> Path:
    return run_dir / "trials" / f"{number:05d}"
