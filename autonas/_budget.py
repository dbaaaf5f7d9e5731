"""How a fit spends its time: how long a full training is, what costs too much to be tried, and what is kept back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import numpy as np

from autonas._search_space import SearchSpace
from autonas.spaces import values
from autonas.training.images import Images
from autonas.training.stack import Stack
from autonas.training.trial import Trainer, one_thread

__all__ = ["affordable", "choose_epochs", "default_max_epochs", "estimating", "reserve"]

#: Configurations whose full training is estimated to take more than this share of the time limit are not tried, unless
#: the default takes longer still.
MAX_SHARE = 0.25
#: A full training of the default network for images takes no more than this share of the time: a power of three is
#: chosen, so it is about a third of it, and two run side by side. What such networks gain from more epochs is more than
#: what a search gains from more of them.
IMAGE_SHARE = 0.6
#: The same in stage two of the two-stage mode, of what stage one left. Its cells are dear; one that was found should
#: not be cut short, nor be trained for 9 epochs where 25 fit: there the time is measured, and any number is chosen. In
#: a short fit all goes into the best cell and the default one, side by side: more is won with a few epochs more of
#: these than with more trials (docs/benchmarks.md, "Two stages").
STAGE_TWO_SHARE = 0.9
#: So many steps are timed, and for so many seconds at most, or so great a share of the time.
TIMED_STEPS, TIMED_SECONDS, TIMED_SHARE = 12, 2.0, 0.02
#: An epoch takes so much longer than its steps: it is judged.
JUDGING = 1.1
#: With further objectives trainings are so many times as short: a front needs many of them.
FRONT_FACTOR = 3


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


def _image_epochs(epoch_seconds: float, seconds: float) -> float:
    """Say how many epochs take these seconds; 3 to 81."""
    return min(max(seconds / max(epoch_seconds, 1e-9), 3.0), 81.0)


def choose_epochs(
    estimator: Any,
    record: dict[str, Any],
    trainer: Trainer,
    chosen: SearchSpace,
    time_limit: float | None,
    first: Sequence[Mapping[str, Any]] = (),
) -> tuple[int, int]:
    """Choose the range of epochs; a run that goes on keeps what was chosen for it, whatever its new time limit.

    Parameters
    ----------
    estimator : AutoNASClassifier or AutoNASRegressor
        Its parameters may name them.
    record : dict
        What ``run_dir`` keeps of the fit; the choice is added to it.
    trainer : Trainer
        Knows the data, and what a training costs.
    chosen : SearchSpace
        What is searched.
    time_limit : float or None
        Seconds of the search and all that is around it, without a stage before it.
    first : sequence of mapping
        What is tried right after the default, as hyperparameters that differ from it.

    Returns
    -------
    shortest, longest : int
        Epochs of the first rung and of the last.

    Raises
    ------
    ValueError
        If the user's own are the wrong way round.
    """
    if estimator.max_epochs is None:
        if "max_epochs" not in record:
            record["max_epochs"] = _default_epochs(estimator, trainer, chosen, time_limit, first)
        longest = int(record["max_epochs"])
    else:
        longest = estimator.max_epochs
    shortest = max(1, longest // 9) if estimator.min_epochs is None else estimator.min_epochs
    if shortest > longest:
        raise ValueError(f"min_epochs={shortest} is more than max_epochs={longest}; lower it, or raise max_epochs.")
    return shortest, longest


def _default_epochs(
    estimator: Any,
    trainer: Trainer,
    chosen: SearchSpace,
    time_limit: float | None,
    first: Sequence[Mapping[str, Any]],
) -> int:
    factor = FRONT_FACTOR if estimator.objectives else 1
    n_rows = sum(len(rows) for rows, _ in trainer.folds)
    if not isinstance(trainer.task.table, Images):
        return max(default_max_epochs(n_rows, time_limit) // factor, 9)
    # What a row of images costs differs by orders of magnitude. How fast an accelerator is, is not known.
    if time_limit and trainer.device.type == "cpu":
        default = values(chosen.space.get_default_configuration())
        seconds = _seconds(trainer, default, 1)
        if seconds and estimator.one_shot:
            together = [default, *({**default, **given} for given in first[:1])]
            seconds = _timed_seconds(trainer, together, time_limit) or seconds
            return int(_image_epochs(seconds, STAGE_TWO_SHARE * time_limit / factor))
        if seconds:
            epochs = _image_epochs(seconds, IMAGE_SHARE * time_limit / factor)
            return int(3 ** math.floor(math.log(epochs, 3) + 1e-9))
    return max(default_max_epochs(n_rows) // factor, 9)


def _seconds(trainer: Trainer, configuration: Mapping[str, Any], epochs: int | None = None) -> float:
    """Estimate what a training takes; 0 if the network cannot even be built: the trial will fail by the same cause."""
    try:
        return trainer.estimate_seconds(configuration, epochs)
    except Exception:  # noqa: BLE001 - a network of the user's may fail in any way
        return 0.0


def _timed_seconds(trainer: Trainer, configurations: Sequence[Mapping[str, Any]], time_limit: float) -> float:
    """Time some steps of configurations, trained side by side as trials will be; 0 where that fails.

    Returns
    -------
    float
        Seconds in which all of them get an epoch.
    """
    limit = min(TIMED_SECONDS, TIMED_SHARE * time_limit)

    def epoch_seconds(configuration: Mapping[str, Any]) -> float:
        times: list[float] = []

        def enough() -> bool:
            times.append(time.perf_counter())
            return len(times) > TIMED_STEPS or (len(times) > 3 and times[-1] - times[0] > limit)

        try:
            trainer.train_to(configuration, 1, seed=0, stop=enough)
        except Exception:  # noqa: BLE001 - the trial will fail by the same cause, and say so
            return 0.0
        batch_size = {**trainer.defaults, **configuration}["batch_size"]
        n_steps = sum(Stack.epoch_of(len(rows), batch_size)[1] for rows, _ in trainer.folds)
        return JUDGING * n_steps * float(np.median(np.diff(times))) if len(times) > 3 else 0.0

    with one_thread() as n_threads, ThreadPoolExecutor(n_threads) as pool:
        busy = islice(cycle(configurations), max(n_threads, len(configurations)))
        each = [*pool.map(epoch_seconds, busy)]
    return float(np.mean(each)) * math.ceil(len(configurations) / n_threads) if all(each) else 0.0


def estimating(trainer: Trainer, chosen: SearchSpace, *, builds_own: bool) -> Callable[[Mapping[str, Any]], float]:
    """Make the function that estimates the seconds of a full training; 0 where that cannot be told.

    Parameters
    ----------
    trainer : Trainer
    chosen : SearchSpace
    builds_own : bool
        As for :func:`affordable`.

    Returns
    -------
    callable
    """
    own = set() if builds_own else {family.name for family in chosen.own}

    def seconds(configuration: Mapping[str, Any]) -> float:
        network = configuration.get("network", chosen.defaults.get("network"))
        return 0.0 if network in own else _seconds(trainer, configuration)

    return seconds


def affordable(
    trainer: Trainer, chosen: SearchSpace, time_limit: float | None, *, builds_own: bool = True
) -> Callable[[Mapping[str, Any]], bool] | None:
    """Make the function that turns down what would take too much of the time; None where there is time for all.

    Parameters
    ----------
    trainer : Trainer
    chosen : SearchSpace
    time_limit : float or None
    builds_own : bool
        False: no network of the user's is built here to see what it costs, since it may hang, or end the process.

    Returns
    -------
    callable or None
    """
    if time_limit is None or trainer.device.type != "cpu":
        return None
    seconds = estimating(trainer, chosen, builds_own=builds_own)
    limit = max(MAX_SHARE * time_limit, seconds(values(chosen.space.get_default_configuration())))
    return lambda configuration: seconds(configuration) <= limit


def reserve(estimator: Any) -> float:
    """Seconds kept back for what comes after the search."""
    return float(min(0.3 + 0.02 * estimator.time_limit, 0.2 * estimator.time_limit))
