"""The search: ask for a job, run it, tell what came of it."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization._lock import locked, made_folder
from autonas.optimization._loop import Limits, Loop, SearchFailed
from autonas.optimization._settings import entropy_of, fresh, kept_settings, settings_of, study_name
from autonas.optimization.history import RunHistory
from autonas.optimization.interfaces import Job, Result, Trial
from autonas.optimization.objectives import Scalarized, check_objectives, judge_of
from autonas.optimization.optimizers import resolve
from autonas.optimization.proposals import Proposals
from autonas.optimization.runners import InProcessRunner, ProcessRunner, Runner, ThreadRunner
from autonas.optimization.runners.processes import n_cores
from autonas.optimization.runners.task import accepted_keywords, never
from autonas.optimization.schedules.full_first import FullFirst
from autonas.optimization.schedules.rungs import check_fidelities

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from autonas.optimization._store import Store

__all__ = ["SearchFailed", "search"]


def search(
    objective: Callable[..., Any],
    space: ConfigurationSpace,
    *,
    optimizer: Any = "bohb",
    objectives: Sequence[str] = (),
    min_fidelity: int = 1,
    max_fidelity: int = 81,
    eta: int = 3,
    full_first: int = 0,
    max_total_fidelity: float | None = None,
    n_trials: int | None = None,
    time_limit: float | None = None,
    n_threads: int = 1,
    n_jobs: int = 1,
    client: Any = None,
    trial_time_limit: float | None = None,
    trial_memory_limit: float | None = None,
    stop: Callable[[], bool] = never,
    settled: Callable[[Trial], Any] | None = None,
    run_dir: str | Path | None = None,
    storage: str | BaseStorage | None = None,
    initial_configurations: Sequence[Configuration | Mapping[str, Any]] = (),
    accepts: Callable[[dict[str, Any]], bool] | None = None,
    random_state: Any = None,
    callbacks: Sequence[Callable[[RunHistory, Trial, Result], Any]] = (),
) -> RunHistory:
    """Search a space for the configuration with the lowest loss.

    Parameters
    ----------
    objective : callable
        ``objective(configuration, fidelity, *, seed, checkpoint, deadline, stop)`` trains a configuration (a
        dictionary of its active hyperparameters) up to a fidelity, such as a number of epochs, and returns
        the loss, or a dictionary with ``"loss"`` and, if it likes, ``"cost"``, ``"fidelity"`` (the one
        reached, where the deadline cut it short) and anything else that JSON can hold. The keywords are
        passed if it names them: ``seed``, an int, the same at each rung of a trial; ``checkpoint``, a
        directory of the trial that persists from rung to rung (a ``pathlib.Path``); ``deadline``, a value of
        ``time.monotonic()`` or None; ``stop``, a function without arguments that is true once the search only waits
        for the objective to return. An exception, or a loss that is not finite, makes a failed trial.
    space : ConfigurationSpace
        The space.
    optimizer : str or pair, default="bohb"
        A name of :data:`OPTIMIZERS`, or a pair (sampler, schedule) of names, objects or classes.
    objectives : sequence of str, default=()
        Names of numbers that the objective returns beside ``loss``, and that are to be small, too. Then no single trial
        is sought but the front of those that are beaten in none: see :meth:`RunHistory.pareto_front`. Any sampler sees
        the objectives weighted anew for each proposal (Knowles 2006, "ParEGO"), any schedule how far behind the front
        of its rung a trial is.
    min_fidelity, max_fidelity, eta : int
        The rungs are ``max_fidelity // eta**k``, not below ``min_fidelity``.
    full_first : int, default=0
        So many trials, from the first on, go to ``max_fidelity`` at once, before the schedule begins: in a short run
        the space's default is then sure to be trained to the end.
    max_total_fidelity : float, optional
        No job starts that would spend more than this over all trials. Going on from a lower rung pays only
        for what is new.
    n_trials : int, optional
        Configurations at most.
    time_limit : float, optional
        Seconds after which no job starts, but the very first; the ``deadline`` of the objective. A trial that was
        handed out and had to wait for a thread until then has no result, and runs first when the run goes on.
    n_threads : int, default=1
        So many jobs run side by side, in threads of this process; the objective must bear that, and gains by it
        where it lets go of Python's lock, as torch and numpy do while they compute. Where ``n_trials`` or
        ``max_total_fidelity`` is given, results come back in the order in which jobs were handed out, and up to
        ``2 * n_threads`` jobs are handed out before the oldest has come back: what is proposed follows from
        ``n_threads``, not from which job was faster. Where the time alone ends the search, which is not reproducible
        anyway, no thread ever waits for another: each result comes back when it is there. A run may go on with
        another number; all its records hold, and are then those of neither number alone.
    n_jobs : int, default=1
        So many jobs run side by side, in worker processes; -1: as many as there are cores. Each worker gets the
        objective once, by cloudpickle: a function of a script, a notebook or another function will do, and a script
        needs no ``if __name__ == "__main__"``. The cores are shared out: ``cores // n_jobs`` threads of arithmetic
        each, at least one. A worker that dies (``os._exit``, a segmentation fault, out of memory) ends its trial only,
        with that cause. Each trial is deterministic given its configuration and seed; which configurations are
        proposed, and which go on, follows from the order in which results come back, and so from how long each takes.
        A job that goes on after ``time_limit`` is ended after a grace of 1 s and 5 % of the limit (ten times that if
        there is no result yet): one that was told the ``deadline`` has failed, any other has no result, and runs again
        when the run goes on.
    client : distributed.Client, optional
        Jobs run on its Dask cluster, as many as its workers have threads; see ``docs/scaling.md``. The objective
        travels once a worker; checkpoints through ``run_dir`` where all workers see it, else with each job. A job of a
        worker that is lost runs again on another one, from its checkpoint; one that four workers in a row died with
        has failed. Else all is as with ``n_jobs``, but for the limits of a trial, which are the cluster's own affair.
    trial_time_limit : float, optional
        Seconds that a job may take; then its process is ended, and the trial has failed. With ``n_jobs=1`` the jobs
        run in one worker process.
    trial_memory_limit : float, optional
        MiB that a job may take, beyond what its worker process takes before it (interpreter, libraries, data): an
        allocation that goes beyond fails with a MemoryError, or its process is ended. With ``n_jobs=1`` the jobs run
        in one worker process.
    stop : callable, optional
        ``stop()`` is asked often; once it is true the search ends as it does by ``time_limit``: the objective's own
        ``stop`` is true, and what it returns then counts. A worker process that goes on for two more seconds is ended;
        its job has no result, and runs again when the run goes on.
    settled : callable, optional
        ``settled(trial)`` is called when, as far as the schedule can tell, no job of a trial will follow, so what is
        kept for one in its ``checkpoint`` can go; also at the beginning, for the trials of an earlier piece.
    run_dir : str or Path, optional
        A directory for the run's records. If they are there already the run goes on where it stopped, and
        limits count over all its pieces. One search at a time has it. If the disk is full the search ends in order,
        with a warning, and goes on when there is room. By default the history is in memory only.
    storage : str or optuna.storages.BaseStorage, optional
        An Optuna storage or the URL of one, for the history; by default an SQLite file in ``run_dir``.
    initial_configurations : sequence of Configuration or mapping
        Tried first, after the space's default configuration, which is always trial 0. The ``origin`` of a
        Configuration, if it has one, is that of its trial.
    accepts : callable, optional
        ``accepts(configuration)``, of a dictionary of active hyperparameters, turns a configuration down by a false
        value, and another is proposed: one that is known to cost too much, say. The default configuration and those
        of ``initial_configurations`` without an origin are not asked about. Where many in a row are turned down, one
        of them is tried all the same.
    random_state : None, int, RandomState or Generator
        The seed. With the same seed, the same ``n_threads``, ``n_jobs=1`` and no ``time_limit`` the history, but for
        times, is the same each time, be the run interrupted and resumed or not.
    callbacks : sequence of callable
        ``callback(history, trial, result)`` is called after each result; a true return value ends the search. Other
        jobs that have not come back by then have no result, and run again when the run goes on.

    Returns
    -------
    RunHistory

    Raises
    ------
    ValueError
        For an argument that is out of its range, or a ``run_dir`` of other settings, in use, damaged, or one that
        cannot be written.
    SearchFailed
        If the first five trials fail, all by the same cause.

    Examples
    --------
    >>> space = ConfigurationSpace({"x": (-5.0, 5.0)})
    >>> history = search(lambda configuration, fidelity: configuration["x"] ** 2 + 1 / fidelity, space,
    ...                  max_fidelity=9, n_trials=20, random_state=0)
    >>> history.best.fidelity
    9
    """
    started = time.monotonic()
    limits = _limits(n_trials, time_limit, max_total_fidelity)
    fidelities = _fidelities(min_fidelity=min_fidelity, max_fidelity=max_fidelity, eta=eta)
    if not isinstance(space, ConfigurationSpace):
        raise ValueError(  # noqa: TRY004 - all arguments fail alike
            f"`space` is {space!r}, but must be a ConfigurationSpace; `autonas.load_space` makes one."
        )
    n_threads = _count("n_threads", n_threads, 1)
    if client is not None:
        _check_client(client, n_jobs, n_threads, trial_time_limit, trial_memory_limit)
    workers = _workers(n_jobs, n_threads, trial_time_limit, trial_memory_limit)
    accepted = accepted_keywords(objective)
    for place, callback in enumerate(callbacks):
        if not callable(callback):
            raise ValueError(  # noqa: TRY004 - all arguments fail alike
                f"`callbacks[{place}]` is {callback!r}, but must be callable."
            )
    objectives = check_objectives(objectives)
    sampler, schedule, name = resolve(optimizer, space, **fidelities)
    if objectives:
        sampler = Scalarized(sampler, objectives, space)
        name += f", for loss and {' and '.join(objectives)}"
    if full_first:
        schedule = FullFirst(schedule, _count("full_first", full_first, 0), fidelities["max_fidelity"])
        name += f", after {full_first} to the end"
    settings = settings_of(space, name, entropy_of(random_state), fidelities)

    directory = None if run_dir is None else Path(run_dir).resolve()
    with contextlib.ExitStack() as stack:
        if directory is None:
            settings = fresh(settings)
        else:
            stack.enter_context(locked(made_folder(directory) / "search.lock"))
            known = (directory / "settings.json").exists()
            settings = kept_settings(settings, directory / "settings.json")
        store = _store(directory, storage, settings.get("study"), space)
        trials: list[Trial] = []
        jobs: dict[int, Job] = {}
        if store is not None:
            stack.callback(store.close)
            trials, jobs = store.read()
            if directory is not None and known and store.is_new and any(directory.glob("trials/*")):
                raise ValueError(
                    f"The run in {str(directory)!r} has trials, but its history is gone: put it back, or start anew in "
                    "another `run_dir`."
                )
        history = RunHistory(space, fidelities["max_fidelity"], trials, store, objectives)
        checkpoints = None
        if "checkpoint" in accepted:
            checkpoints = (
                directory / "trials"
                if directory is not None
                else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autonas-")))
            )
        # Entered last, so its threads have ended before the store is closed and the temporary folder is gone.
        runner: Runner
        grace = 1 + 0.05 * limits.seconds
        if client is not None:
            from autonas.optimization.runners.cluster import ClusterRunner  # noqa: PLC0415 - slow to import

            cluster = ClusterRunner(objective, client, checkpoints=checkpoints, stop=stop, grace=grace)
            runner = stack.enter_context(contextlib.closing(cluster))
        elif workers is not None:
            bounds = {"memory_limit": trial_memory_limit, "time_limit": trial_time_limit}
            processes = ProcessRunner(objective, workers, stop=stop, grace=grace, **bounds)
            runner = stack.enter_context(contextlib.closing(processes))
        elif n_threads > 1:
            threads = ThreadRunner(objective, n_threads, stop, in_order=not limits.by_time_alone)
            runner = stack.enter_context(contextlib.closing(threads))
        else:
            runner = InProcessRunner(objective)
        loop = Loop(
            history=history,
            proposals=Proposals(space, sampler, initial_configurations, settings["random_state"], trials, accepts),
            schedule=schedule,
            runner=runner,
            limits=limits,
            stop=stop,
            settled=settled,
            callbacks=tuple(callbacks),
            accepted=accepted,
            checkpoints=checkpoints,
            store=store,
            judge=judge_of(objectives),
            started=started,
        )
        loop.replay(jobs)
        loop.run()
    return history


def _store(
    directory: Path | None, storage: str | BaseStorage | None, study: str | None, space: ConfigurationSpace
) -> Store | None:
    if storage is None and directory is None:
        return None
    from autonas.optimization._store import Store  # noqa: PLC0415 - Optuna and SQLAlchemy are slow to import

    if storage is None:
        storage = f"sqlite:///{directory}/history.db"
    return Store(storage, study or study_name("search"), space)


def _fidelities(**given: Any) -> dict[str, int]:
    # numpy's integers are welcome; True is no number.
    plain = {name: int(value) if isinstance(value, np.integer) else value for name, value in given.items()}
    check_fidelities(**plain)
    return plain


def _count(name: str, value: Any, least: int) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` is {value!r}, but must be an int >= {least}.")
    return int(value)


def _workers(n_jobs: int, n_threads: int, trial_time_limit: Any, trial_memory_limit: Any) -> int | None:
    """Count the worker processes; None: none."""
    for name, value in {"trial_time_limit": trial_time_limit, "trial_memory_limit": trial_memory_limit}.items():
        _positive(name, value)
    n_jobs = n_cores() if n_jobs == -1 else _count("n_jobs", n_jobs, 1)
    if n_jobs > 1 and n_threads > 1:
        raise ValueError(
            f"`n_jobs` is {n_jobs} and `n_threads` is {n_threads}: a search runs in processes or in threads; leave one "
            "of them at 1."
        )
    return n_jobs if n_jobs > 1 or trial_time_limit is not None or trial_memory_limit is not None else None


def _check_client(client: Any, n_jobs: int, n_threads: int, *limits: float | None) -> None:
    if not hasattr(client, "scheduler_info"):
        raise ValueError(
            f"`client` is {client!r}, but must be a `dask.distributed.Client`, as in `Client('tcp://host:8786')`."
        )
    if n_jobs != 1 or n_threads != 1:
        raise ValueError("With a `client`, its workers say how many jobs run: leave `n_jobs` and `n_threads` at 1.")
    if any(limit is not None for limit in limits):
        raise ValueError(
            "With a `client`, leave `trial_time_limit` and `trial_memory_limit` out: `dask worker --memory-limit` "
            "bounds a worker."
        )


def _positive(name: str, value: Any) -> None:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if value is not None and (not number or not value > 0 or not math.isfinite(value)):
        raise ValueError(f"`{name}` is {value!r}, but must be a number > 0, or None for no such limit.")


def _limits(n_trials: int | None, time_limit: float | None, max_total_fidelity: float | None) -> Limits:
    given = {"n_trials": n_trials, "time_limit": time_limit, "max_total_fidelity": max_total_fidelity}
    if all(value is None for value in given.values()):
        raise ValueError(
            "Nothing would end the search: give at least one of `n_trials`, `time_limit`, `max_total_fidelity`."
        )
    for name, value in given.items():
        _positive(name, value)
    if n_trials is not None and int(n_trials) != n_trials:
        raise ValueError(f"`n_trials` is {n_trials!r}, but must be an int; round it.")
    return Limits(
        n_trials=math.inf if n_trials is None else int(n_trials),
        seconds=math.inf if time_limit is None else float(time_limit),
        total_fidelity=math.inf if max_total_fidelity is None else float(max_total_fidelity),
    )
