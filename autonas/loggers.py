"""Callbacks that tell other tools of a search: TensorBoard and MLflow.

A callback is any ``callback(history, trial, result)``: it is called after each result, in the process that searches,
and ends the search by a true return value. These two return nothing.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from autonas.optimization import Result, RunHistory, Trial
from autonas.spaces import values

__all__ = ["MLflowLogger", "TensorBoardLogger"]

#: Each file that TensorBoard's writer has open takes a thread.
_OPEN_FILES = 16


class TensorBoardLogger:
    """Write a search for TensorBoard: the incumbent's loss, and for each trial its learning curve and hyperparameters.

    Parameters
    ----------
    folder : str or Path
        Of one search; shown by ``tensorboard --logdir FOLDER``. The search itself is the run ``.``, each trial a run
        of its own, so that the tab HParams compares configurations. The files of a search that goes on are added to.

    Raises
    ------
    ImportError
        Without tensorboard (``pip install 'autonas[loggers]'``).

    Examples
    --------
    >>> AutoNASClassifier(callbacks=[TensorBoardLogger("runs/tensorboard")]).fit(X, y)  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ImportError(
                f"TensorBoardLogger needs tensorboard ({error}): pip install 'autonas[loggers]'."
            ) from error
        self.folder = Path(folder)
        self._writer: Any = SummaryWriter
        self._open: OrderedDict[int | None, Any] = OrderedDict()
        self._told = _Told()

    def __call__(self, history: RunHistory, trial: Trial, result: Result) -> None:
        """Take in a result."""
        writer = self._of(None)
        step = sum(len(t.results) for t in history.trials)
        best = _best(history)
        if math.isfinite(best):
            writer.add_scalar("search/best_loss", best, step)
        writer.add_scalar("search/total_fidelity", history.total_fidelity, step)
        writer.flush()
        writer = self._of(trial.number)
        if not self._told.knows(trial):
            configuration = {name: _simple(value) for name, value in values(trial.configuration).items()}
            worth = result.loss if math.isfinite(result.loss) else math.nan
            writer.add_hparams(configuration, {"loss": worth}, run_name=".")
        for name, epoch, value in self._told.new_points(trial, result):
            writer.add_scalar(name, value, epoch)
        if trial.failure is not None:
            writer.add_text("failure", trial.failure.cause, result.fidelity)
        writer.flush()

    def close(self) -> None:
        """Close the files; they are open again when there is more to write."""
        while self._open:
            self._open.popitem()[1].close()

    def __reduce__(self) -> Any:
        """Leave open files behind: a copy is a new logger for the same folder."""
        return type(self), (self.folder,)

    def _of(self, number: int | None) -> Any:
        """Find the open file of a trial, or of the search; few are open at a time."""
        if number not in self._open:
            folder = self.folder if number is None else self.folder / f"trial_{number:05d}"
            self._open[number] = self._writer(str(folder))
        self._open.move_to_end(number)
        if len(self._open) > _OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        return self._open[number]


class MLflowLogger:
    """Log a search to MLflow: a run, and for each trial a nested run with its parameters and its learning curve.

    Parameters
    ----------
    experiment : str, default="autonas"
        Made if there is none of the name.
    tracking_uri : str, optional
        Where MLflow keeps runs; by default what MLflow itself is set to.
    run_name : str, optional
        Of the search.

    Raises
    ------
    ImportError
        Without mlflow or mlflow-skinny (``pip install 'autonas[loggers]'``).

    Notes
    -----
    Used as a context manager, or closed by :meth:`close`, it marks the run as finished; else MLflow shows it as
    running.

    Examples
    --------
    >>> with MLflowLogger("churn") as logger:  # doctest: +SKIP
    ...     AutoNASClassifier(callbacks=[logger]).fit(X, y)
    """

    def __init__(
        self, experiment: str = "autonas", *, tracking_uri: str | None = None, run_name: str | None = None
    ) -> None:
        try:
            from mlflow import MlflowClient  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ImportError(f"MLflowLogger needs mlflow ({error}): pip install 'autonas[loggers]'.") from error
        self._given = experiment, tracking_uri, run_name
        self._client = MlflowClient(tracking_uri)
        found = self._client.get_experiment_by_name(experiment)
        self._experiment = found.experiment_id if found else self._client.create_experiment(experiment)
        self._run_name = run_name
        self._told = _Told()
        self._runs: dict[int, str] = {}
        self.run_id: str | None = None
        """MLflow's id of the search's run, once there is one."""

    def __call__(self, history: RunHistory, trial: Trial, result: Result) -> None:
        """Take in a result."""
        if self.run_id is None:
            self.run_id = self._client.create_run(self._experiment, run_name=self._run_name).info.run_id
        if trial.number not in self._runs:
            self._runs[trial.number] = self._open(trial)
        run = self._runs[trial.number]
        self._log(run, list(self._told.new_points(trial, result)))
        step = sum(len(t.results) for t in history.trials)
        self._log(self.run_id, [("best_loss", step, _best(history)), ("total_fidelity", step, history.total_fidelity)])
        state = history.state(trial)
        if trial.failure is not None:
            self._client.set_tag(run, "autonas.failure", trial.failure.cause)
        if state in ("failed", "complete"):
            self._client.set_terminated(run, "FAILED" if state == "failed" else "FINISHED")

    def close(self) -> None:
        """Mark the search's run as finished, and the trials that were stopped at some rung."""
        if self.run_id is not None:
            for run in [*self._runs.values(), self.run_id]:
                if self._client.get_run(run).info.status == "RUNNING":
                    self._client.set_terminated(run)

    def __reduce__(self) -> Any:
        """Copy what it was made of: a copy is a new logger, of another run."""
        return _mlflow_logger, self._given

    def __enter__(self) -> MLflowLogger:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, trial: Trial) -> str:
        from mlflow.entities import Param  # noqa: PLC0415 - an extra

        tags = {"mlflow.parentRunId": self.run_id, "autonas.origin": trial.origin}
        run: str = self._client.create_run(self._experiment, tags=tags, run_name=f"trial {trial.number}").info.run_id
        # MLflow allows no colon in a name.
        parameters = [Param(n.replace(":", "."), str(v)) for n, v in values(trial.configuration).items()]
        self._client.log_batch(run, params=parameters)
        return run

    def _log(self, run: str, points: list[tuple[str, int, float]]) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415 - an extra

        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, step) for name, step, value in points if math.isfinite(value)]
        for start in range(0, len(metrics), 1000):  # more at once MLflow refuses
            self._client.log_batch(run, metrics=metrics[start : start + 1000])


def _mlflow_logger(experiment: str, tracking_uri: str | None, run_name: str | None) -> MLflowLogger:
    return MLflowLogger(experiment, tracking_uri=tracking_uri, run_name=run_name)


class _Told:
    """What was told of each trial: a piece of a training brings the whole learning curve, old points too."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def knows(self, trial: Trial) -> bool:
        return trial.number in self._last

    def new_points(self, trial: Trial, result: Result) -> Iterator[tuple[str, int, float]]:
        """Give (name, epoch, value) of what is new."""
        last = self._last.get(trial.number, -1)
        curve = zip(result.info.get("curve_epochs", ()), result.info.get("curve", ()), strict=False)
        for epoch, value in curve:
            if epoch > last:
                yield "validation_loss", epoch, value
                last = epoch
        self._last[trial.number] = last
        if math.isfinite(result.loss):
            yield "loss", result.fidelity, result.loss


def _best(history: RunHistory) -> float:
    try:
        return history.best_loss
    except ValueError:  # nothing but failures yet
        return math.inf


def _simple(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
