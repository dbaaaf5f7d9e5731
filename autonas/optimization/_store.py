"""A run's history in Optuna's storage: one Optuna trial a configuration, an intermediate value a rung."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import optuna
import sqlalchemy
from ConfigSpace import ConfigurationSpace
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from autonas.optimization._optuna import distribution, parameter, quiet
from autonas.optimization.interfaces import DiskFull, Failure, Job, Result, Trial, says_disk_full
from autonas.spaces import configuration_from, values

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Store", "in_memory_study"]

_KEY = "autonas"

Jobs = dict[int, Job]
"""Place of the event at which a job was handed out, to the job."""


class Store:
    """The records of a run, each written the moment that it exists.

    What is read back stands in one user attribute of an Optuna trial, ``autonas``: number, origin, seed and
    configuration, which never change, and jobs, results and failure, which grow. Parameters, values and
    states are there for Optuna's own tools.

    Parameters
    ----------
    storage : str or optuna.storages.BaseStorage
        An Optuna storage, or the URL of one.
    study_name : str
        Made if there is none.
    space : ConfigurationSpace
        The space of the run.
    """

    def __init__(self, storage: str | BaseStorage, study_name: str, space: ConfigurationSpace) -> None:
        self._space = space
        self._distributions = {name: distribution(hp) for name, hp in space.items()}
        with _understood(study_name):
            self._storage = _open(storage) if isinstance(storage, str) else storage
        self.study_name = study_name
        self.is_new = False
        """Whether the storage knew nothing of the run."""
        with quiet(), _understood(study_name):
            try:
                self._study_id = self._storage.get_study_id_from_name(study_name)
            except KeyError:
                self._study_id = self._storage.create_new_study([StudyDirection.MINIMIZE], study_name)
                self.is_new = True
        # Of each of our trials, the Optuna trial that can still be written to; None where it is finished.
        self._open_trials: dict[int, int | None] = {}
        self._records: dict[int, dict[str, Any]] = {}

    def read(self) -> tuple[list[Trial], Jobs]:
        """Read a run back.

        Returns
        -------
        trials : list of Trial
        jobs : dict of int to Job
            All that were handed out.

        Raises
        ------
        ValueError
            If the records are not those of a run.
        """
        with _understood(self.study_name):
            return self._read()

    def _read(self) -> tuple[list[Trial], Jobs]:
        latest: dict[int, FrozenTrial] = {}
        for frozen in self._storage.get_all_trials(self._study_id, deepcopy=False):
            if _KEY in frozen.user_attrs:  # a later one copies and goes on with an earlier one
                latest[frozen.user_attrs[_KEY]["number"]] = frozen
        trials, jobs = [], {}
        for number, frozen in sorted(latest.items()):
            record = frozen.user_attrs[_KEY]
            trial = Trial(
                number,
                configuration_from(self._space, record["configuration"]),
                record["origin"],
                record["seed"],
                [Result(**{**result, "loss": float(result["loss"])}) for result in record["results"]],
                Failure(**record["failure"]) if record["failure"] else None,
            )
            trials.append(trial)
            for asked, from_fidelity, to_fidelity in record["jobs"]:
                jobs[asked] = Job(number, trial.configuration, from_fidelity, to_fidelity)
            self._records[number] = record
            self._open_trials[number] = None if frozen.state.is_finished() else frozen._trial_id
        return trials, jobs

    def asked(self, trial: Trial, job: Job, place: int) -> None:
        """Write down that a job was handed out; a trial's first job makes the trial."""
        record = self._records.setdefault(trial.number, _record(trial))
        record["jobs"].append([place, job.from_fidelity, job.to_fidelity])
        self._write(trial, record)

    def told(self, trial: Trial, result: Result) -> None:
        """Write down what a job came back with."""
        record = self._records[trial.number]
        record.update(_record(trial), jobs=record["jobs"])
        self._write(trial, record)
        trial_id = self._open_trials[trial.number]
        assert trial_id is not None
        if math.isfinite(result.loss):
            with _room():
                self._storage.set_trial_intermediate_value(trial_id, result.fidelity, result.loss)

    def finish(self, trial: Trial, state: TrialState) -> None:
        """Close the Optuna trial; a trial that goes on nevertheless gets a new one."""
        trial_id = self._open_trials.get(trial.number)
        if trial_id is not None:
            with _room():
                self._storage.set_trial_state_values(trial_id, state, _value(trial, state))
            self._open_trials[trial.number] = None

    def close(self) -> None:
        """Let go of the database; a later write opens it again."""
        if isinstance(self._storage, RDBStorage):
            self._storage.remove_session()
            self._storage.engine.dispose()

    def study(self) -> optuna.Study:
        """Load the study for Optuna's own tools."""
        with quiet():
            return optuna.load_study(study_name=self.study_name, storage=self._storage)

    def _write(self, trial: Trial, record: Mapping[str, Any]) -> None:
        trial_id = self._open_trials.get(trial.number)
        with _room():
            if trial_id is None:
                template = _frozen(trial, TrialState.RUNNING, record, self._distributions)
                self._open_trials[trial.number] = self._storage.create_new_trial(self._study_id, template)
            else:
                self._storage.set_trial_user_attr(trial_id, _KEY, record)


@contextlib.contextmanager
def _room() -> Iterator[None]:
    """Tell a full disk from all else that can go wrong with a database."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        if says_disk_full(f"{error} {error.__cause__}"):
            raise DiskFull(str(error)) from error
        raise


@contextlib.contextmanager
def _understood(study_name: str) -> Iterator[None]:
    """Say what a database that cannot be read means for the run."""
    try:
        yield
    except DBAPIError as error:
        raise _unreadable(study_name, str(error.orig)) from error
    except StorageInternalError as error:
        raise _unreadable(study_name, str(error.__cause__ or error)) from error
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError, sqlite3.Error) as error:
        raise _unreadable(study_name, f"{type(error).__name__}: {error}") from error


def _unreadable(study_name: str, why: str) -> ValueError:
    if "locked" in why:
        return ValueError(f"The history {study_name!r} is locked by another process ({why}): wait until it has ended.")
    if says_disk_full(why):
        return ValueError(f"The disk has no room for the history {study_name!r} ({why}): make room, and call again.")
    return ValueError(
        f"The history {study_name!r} cannot be read ({why}): it was truncated or altered, or is no history. Put back a "
        "copy of it as it was, or start anew in another `run_dir`."
    )


def in_memory_study(trials: Sequence[Trial], states: Iterable[TrialState], space: ConfigurationSpace) -> optuna.Study:
    """Make a study of trials that were never stored."""
    distributions = {name: distribution(hp) for name, hp in space.items()}
    with quiet():
        study = optuna.create_study(study_name="autonas")
        for trial, state in zip(trials, states, strict=True):
            study.add_trial(_frozen(trial, state, _record(trial), distributions))
    return study


def _frozen(
    trial: Trial, state: TrialState, record: Mapping[str, Any], distributions: Mapping[str, Any]
) -> FrozenTrial:
    native = values(trial.configuration)
    vector = dict(zip(distributions, trial.configuration.get_array().tolist(), strict=True))
    now = dt.datetime.now()  # noqa: DTZ005 - Optuna's dates are local
    value = _value(trial, state)
    return FrozenTrial(
        number=-1,  # given by the storage
        trial_id=-1,
        state=state,
        value=value[0] if value else None,
        datetime_start=now,
        datetime_complete=now if state.is_finished() else None,
        params={name: parameter(distributions[name], native[name], vector[name]) for name in native},
        distributions={name: distributions[name] for name in native},
        user_attrs={_KEY: record},
        system_attrs={},
        intermediate_values={fidelity: loss for fidelity, loss in trial.losses.items() if math.isfinite(loss)},
    )


def _record(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "origin": trial.origin,
        "seed": trial.seed,
        "configuration": values(trial.configuration),
        "jobs": [],
        "results": [_plain(result) for result in trial.results],
        "failure": asdict(trial.failure) if trial.failure else None,
    }


def _value(trial: Trial, state: TrialState) -> list[float] | None:
    loss = trial.losses.get(trial.fidelity, math.nan)
    if state in (TrialState.COMPLETE, TrialState.PRUNED) and math.isfinite(loss):
        return [loss]
    return None


def _plain(result: Result) -> dict[str, Any]:
    loss = result.loss  # JSON knows no infinity; ``float`` reads both back
    return {**asdict(result), "loss": loss if math.isfinite(loss) else repr(loss)}


class _QuickStorage(RDBStorage):
    """Optuna's storage without a look, parameter by parameter, for another distribution of the same name."""

    def _set_trial_param_without_commit(self, *args: Any) -> None:
        # All trials of a run have the same distributions. Were this renamed in Optuna, writing would only be
        # slower.
        session, trial_id, name, value, distribution, *_ = args
        super()._set_trial_param_without_commit(session, trial_id, name, value, distribution, distribution)


def _check(engine: sqlalchemy.Engine) -> None:
    """Find out whether a file of SQLite is whole: what is damaged is else seen late, or never."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise ValueError(found)


def _open(url: str) -> RDBStorage:
    with quiet():
        storage = _QuickStorage(url)
    if storage.engine.dialect.name == "sqlite":
        _check(storage.engine)

        # A write-ahead log needs no wait for the disk at every record: a crash of the process loses nothing,
        # one of the machine at most the last records.
        @sqlalchemy.event.listens_for(storage.engine, "connect")
        def _fast(connection: Any, _: Any) -> None:
            with contextlib.closing(connection.cursor()) as cursor:
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.execute("PRAGMA synchronous=NORMAL")

        storage.engine.dispose()
    return storage
