"""What ``fit`` does after scikit-learn's checks: the two wings joined, search on one side, training on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ConfigSpace import ConfigurationSpace

from autonas._all_rows import FOLDER, OnAllRows, TimeKept, growth_of, trainer_on_all_rows, trains_on_all_rows
from autonas._assembling import Assembled, Assembling, Validated
from autonas._interrupts import Interrupts
from autonas._latency import LATENCY
from autonas._names import unknown_name
from autonas._run_dir import open_run_dir
from autonas._search_space import SearchSpace, resolve_search_space
from autonas._searching import Searching
from autonas._stored import Keeper
from autonas._two_stage import OneShot, OneShotResult, preset_of_cells
from autonas.optimization import RunHistory, Trial
from autonas.optimization.objectives import check_objectives
from autonas.presets import Preset, load_preset
from autonas.training.data import TableSchema, canonical_rows
from autonas.training.ensemble import Ensemble
from autonas.training.images import Images, ImageSchema, is_images
from autonas.training.metrics import Metric, resolve_metric
from autonas.training.task import Task
from autonas.training.thresholds import Decision
from autonas.training.traditional import MixedTrainer
from autonas.training.validation import default_validation, is_splitter, make_folds

__all__ = ["OBJECTIVES", "Fitted", "device_of", "run"]

Array = npt.NDArray[Any]

#: What a search can want small beside the loss.
OBJECTIVES = ("n_parameters", "multiply_adds", LATENCY)


@dataclass
class Fitted:
    """What a fit leaves behind: all that predicting, reporting and refitting need, and no data."""

    schema: TableSchema | ImageSchema
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
    one_shot: OneShotResult | None = None
    """What stage one found."""
    validated: Validated | None = None
    """What the ensemble says of the validation rows."""
    environment: Mapping[str, Any] | None = None
    """What a loaded run was made with; None: this very process."""
    finished: bool = True
    """False for a run that was loaded before it had ended."""
    front: Sequence[Assembled] = ()
    """Each trial of the Pareto front, ready to predict by itself."""

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
        """Train the ensemble's configurations anew on all rows given."""
        table, target, weight = _canonical(self.schema.transform(X), target, weight)
        metric = resolve_metric(None, np.arange(self.n_classes) if self.n_classes else None)
        task = Task(table, self.schema.cardinalities_, target, self.n_classes, weight, metric)
        trainer = trainer_on_all_rows(
            task,
            self.search_space.builds,
            max_epochs=self.max_epochs,
            defaults=self.search_space.defaults,
            device=self.device,
        )
        self.ensemble = OnAllRows(trainer, self.history)(self.ensemble)


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
    X : DataFrame, ndarray or list
        Checked input: a table or images.
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
    _check_arguments(estimator)
    n_classes = 0 if classes is None else len(classes)
    metric = resolve_metric(estimator.metric, classes)
    tune = _tunes_threshold(estimator, metric)
    _check_objectives(estimator.objectives)
    device = device_of(estimator.device)
    kind = "image" if is_images(X) else "tabular"
    preset = load_preset(kind if estimator.pipeline == "auto" else estimator.pipeline)
    one_shot = None if estimator.one_shot is None else OneShot.of(estimator.one_shot)
    if one_shot is not None:
        preset = preset_of_cells(preset, estimator.search_space)
    schema = (ImageSchema() if kind == "image" else TableSchema()).fit(X, weight)
    table = schema.transform(X)
    if not is_splitter(estimator.validation):
        # A splitter of the user's may mean the rows' own order.
        table, target, weight = _canonical(table, target, weight)
    if len(target) < 2:
        raise ValueError(
            f"Found n_samples={len(target)} (rows of weight 0 left out); at least 2 are needed to validate."
        )
    task = Task(table, schema.cardinalities_, target, n_classes, weight, metric)
    with open_run_dir(estimator, task, seed) as (run_dir, record):
        return _fit(estimator, X, schema, preset, one_shot, task, run_dir, record, started, device, tune=tune)


def _fit(
    estimator: Any,
    X: Any,
    schema: TableSchema | ImageSchema,
    preset: Preset,
    one_shot: OneShot | None,
    task: Task,
    run_dir: Path,
    record: dict[str, Any],
    started: float,
    device: torch.device,
    *,
    tune: bool,
) -> Fitted:
    table, n_classes = task.table, task.n_classes
    rows = table.pixels if isinstance(table, Images) else X
    folds = make_folds(
        _validation(estimator, preset, record, (len(task.target), *np.shape(rows)[1:])),
        rows,
        task.target,
        classification=n_classes > 0,
        random_state=record["seed"],
    )
    chosen = resolve_search_space(estimator.search_space, preset, table, classification=n_classes > 0)
    trainer = MixedTrainer(task, folds, chosen.builds, max_epochs=1, defaults=chosen.defaults, device=device)
    keeper = None
    if estimator.run_dir is not None:
        keeper = Keeper(estimator, schema, trainer, [family.name for family in chosen.own], run_dir)
    deadline = None if estimator.time_limit is None else started + estimator.time_limit
    on_all = trains_on_all_rows(estimator, trainer)
    n_threads = 1 if chosen.runs_one_by_one(device) else torch.get_num_threads()
    size = preset.ensemble_size if estimator.ensemble_size is None else estimator.ensemble_size
    with Interrupts() as interrupts:
        kept = None if deadline is None or not on_all else TimeKept(estimator.time_limit, trainer, n_threads)
        searching = Searching(estimator, preset, trainer, run_dir, record, deadline, interrupts, keeper, kept)
        if one_shot is None:
            history, result = searching.run(chosen, estimator.time_limit), None
        else:
            chosen, history, result = searching.run_two_stages(one_shot, chosen)
        assembling = Assembling(trainer, history, run_dir, deadline, tune=tune)
        best, front = assembling.ensemble(size), assembling.front()
        if keeper is not None:
            keeper.finished(history, best, front, result)
        if on_all and not interrupts.stop():
            whole = trainer_on_all_rows(
                task, chosen.builds, max_epochs=trainer.max_epochs, defaults=chosen.defaults, device=device
            )
            again = OnAllRows(
                whole,
                history,
                folder=None if keeper is None else run_dir / FOLDER,
                # What is left is to store the networks.
                deadline=None if deadline is None else deadline - 0.01 * estimator.time_limit,
                growth=growth_of(trainer),
                stop=interrupts.stop,
                n_threads=n_threads,
                tolerant=True,
            )
            best = replace(best, ensemble=again(best.ensemble))
            if estimator.verbose:
                n = len(best.ensemble.members)
                print(f"Trained anew on all rows: {best.ensemble.n_on_all_rows} of {n} members.", flush=True)
            if keeper is not None:
                keeper.finished(history, best, front, result)
    return Fitted(
        schema,
        chosen,
        history,
        best.ensemble,
        assembling.losses,
        task.metric,
        n_classes,
        trainer.max_epochs,
        device,
        run_dir,
        best.decision,
        result,
        best.validated,
        front=front,
    )


def _validation(estimator: Any, preset: Preset, record: dict[str, Any], shape: Sequence[int]) -> Any:
    """Say how to validate; a run that goes on with more time keeps to what was chosen for it."""
    given = preset.validation if estimator.validation == "auto" else estimator.validation
    if given != "auto":
        return given
    if estimator.one_shot is not None:
        # Cells are found on the rows that the first fold learns from: other folds would be judged by some of these.
        return "holdout"
    if "validation" not in record:
        # A front takes many trainings.
        record["validation"] = default_validation(shape, None if estimator.objectives else estimator.time_limit)
    return record["validation"]


def _check_arguments(estimator: Any) -> None:
    for name in ("time_limit", "n_trials", "min_epochs", "max_epochs", "ensemble_size"):
        value = getattr(estimator, name)
        kinds = (int, np.integer, float, np.floating) if name == "time_limit" else (int, np.integer)
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool) or not value > 0):
            wanted = "a number of seconds > 0" if name == "time_limit" else "an int >= 1"
            raise ValueError(f"{name}={value!r}, but must be {wanted}, or None.")
    if not isinstance(estimator.train_on_all, (bool, np.bool_)) and estimator.train_on_all != "auto":
        raise ValueError(f"train_on_all={estimator.train_on_all!r}, but must be True, False or 'auto'.")
    if estimator.time_limit is None and estimator.n_trials is None:
        raise ValueError("time_limit=None and n_trials=None: nothing would end the search; give at least one of them.")


def _check_objectives(objectives: Any) -> None:
    for name in check_objectives(objectives or ()):
        if name not in OBJECTIVES:
            raise unknown_name("objective", name, OBJECTIVES)


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
    if isinstance(table, Images):
        # Images stay in their order: equal ones are rare, and comparing all of them takes long.
        return table, target, None if weight is None or np.ptp(weight) == 0 else weight
    table, target, merged = canonical_rows(table, target, weight)[:3]
    return table, target, None if np.ptp(merged) == 0 else merged


def device_of(device: str) -> torch.device:
    """Find the device that an estimator's argument names."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} cannot be used here ({error}); pass 'auto' or 'cpu'.") from error
    return torch.device(device)
