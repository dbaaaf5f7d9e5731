"""Whether a ninth of the epochs tells what all would: rank correlations over random configurations."""

from __future__ import annotations

import copy
import functools
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from ConfigSpace import ConfigurationSpace
from scipy.stats import spearmanr

from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect
from autonas.benchmarks._trainer import prepare
from autonas.benchmarks.datasets import load_dataset
from autonas.spaces import values

if TYPE_CHECKING:
    from autonas.training.stack import Stack
    from autonas.training.trial import Trainer

__all__ = ["DEFAULT_DATASETS", "Run", "correlations", "markdown", "measure_fidelity", "run"]

DEFAULT_DATASETS = ("credit_g", "satimage", "phoneme", "california_housing")
#: The low fidelity is the full one divided by this.
DIVISOR = 9


@dataclass(frozen=True)
class Run:
    """What is run: one random configuration of the tabular preset, trained to the end.

    Attributes
    ----------
    dataset : str
    number : int
        Which configuration.
    seed : int
        Of the configurations and of the validation rows.
    max_epochs : int or None
        None: by the data's size, as in every search.
    validation : str
        ``"auto"``: as the preset has it; ``"holdout"``, ``"cv"``.
    """

    dataset: str
    number: int
    seed: int = 0
    max_epochs: int | None = None
    validation: str = "auto"


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Train one configuration.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``curve``: the validation loss each time it was judged, of the averaged weights, as in every search;
        ``current``: of the weights as they are then; both None if it failed; ``failure``: why, or None; ``network``;
        ``seconds``.
    """
    from autonas.training.loop import NonFiniteLossError  # noqa: PLC0415  torch is slow to import

    trainer, space = _prepare(replace(what, number=0), data_dir)
    space = copy.deepcopy(space)
    space.seed(10_000 * what.seed + what.number)
    configuration = values(space.sample_configuration())
    current: list[float] = []

    def judge_current_weights(stacks: Sequence[Stack]) -> None:
        outputs = [out for stack in stacks for out in stack.judge(stack.network.eval())]
        current.append(trainer.loss(np.concatenate(outputs)))

    trainer.watch = judge_current_weights
    outcome: dict[str, Any] = {"curve": None, "current": None, "failure": None}
    outcome["network"] = configuration.get("network")
    with tempfile.TemporaryDirectory(prefix="autonas-") as folder:
        try:
            result = trainer(configuration, trainer.max_epochs, seed=what.number, checkpoint=Path(folder, "trial"))
        except NonFiniteLossError as error:
            return {**outcome, "failure": str(error), "seconds": None}
    return {**outcome, "curve": result["curve"], "current": current, "seconds": round(result["train_seconds"], 3)}


@functools.lru_cache(maxsize=2)
def _prepare(what: Run, data_dir: str | Path | None) -> tuple[Trainer, ConfigurationSpace]:
    data = load_dataset(what.dataset, data_dir)
    ready = prepare(data, validation=what.validation, seed=what.seed, max_epochs=what.max_epochs)
    return ready.trainer, ready.chosen.space


def correlations(runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Correlate the losses at a ninth of the epochs with those at the end.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`measure_fidelity`.

    Returns
    -------
    DataFrame
        One row a data set, kind of evaluation and seed: ``spearman`` of the loss then with the loss after the
        last epoch, ``spearman_best`` of the smallest loss up to either (what a search compares), ``low`` and
        ``full`` epochs, ``median_loss`` at the end, ``configurations`` that came to the end, ``failed``.
    """
    rows = {}
    table = pd.DataFrame(runs)
    for (dataset, seed), group in table.groupby(["dataset", "seed"], sort=False):
        for weights, column in (("averaged", "curve"), ("current", "current")):
            curves = np.array([curve for curve in group[column] if curve is not None])
            counts = {"configurations": len(curves), "failed": len(group) - len(curves)}
            rows[dataset, weights, seed] = _correlate(curves) | counts
    result: pd.DataFrame = pd.DataFrame(list(rows.values()))
    result.index = pd.MultiIndex.from_tuples(list(rows), names=["dataset", "weights", "seed"])
    return result


def _correlate(curves: npt.NDArray[Any]) -> dict[str, float]:
    if not len(curves):
        return dict.fromkeys(("low", "full", "spearman", "spearman_best", "median_loss"), math.nan)
    low, full = curves.shape[1] // DIVISOR, curves.shape[1]
    best = np.minimum.accumulate(curves, axis=1)
    return {
        "low": low,
        "full": full,
        "spearman": _spearman(curves[:, low - 1], curves[:, -1]),
        "spearman_best": _spearman(best[:, low - 1], best[:, -1]),
        "median_loss": float(np.median(curves[:, -1])),
    }


def _spearman(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    return float(spearmanr(a, b).statistic) if len(a) > 2 else math.nan


def measure_fidelity(
    out: str | Path,
    *,
    datasets: Sequence[str] = DEFAULT_DATASETS,
    configurations: int = 60,
    seeds: Sequence[int] = range(1),
    max_epochs: int | None = None,
    validation: str = "auto",
    jobs: int = 1,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Train random configurations, and judge them with and without averaging of the weights.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        Names of the data folder's ``index.json``.
    configurations : int, default=60
        How many, for each seed.
    seeds : sequence of int
        Of the configurations and of the validation rows.
    max_epochs : int, optional
        By default chosen by the data's size, as in every search; at least 9.
    validation : str, default="auto"
        As the preset has it; ``"holdout"`` is faster on small data.
    jobs, data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.
    """
    if max_epochs is not None and max_epochs < DIVISOR:
        raise ValueError(f"`max_epochs` is {max_epochs}, but must be >= {DIVISOR}: a ninth of it is looked at.")
    for dataset in datasets:
        load_dataset(dataset, data_dir)
    wanted = [
        Run(dataset, number, seed, max_epochs, validation)
        for seed in seeds
        for dataset in datasets
        for number in range(configurations)
    ]
    return collect(
        out,
        wanted,
        functools.partial(run, data_dir=data_dir),
        describe=lambda r: (
            f"failed: {r['failure']}" if r["failure"] else f"loss {r['curve'][-1]:.4f}, {r['seconds']:.1f} s"
        ),
        jobs=jobs,
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table, one row a data set, kind of evaluation and seed.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`measure_fidelity`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    table = correlations(runs)
    rows = [
        [
            dataset,
            weights,
            f"{row['low']:.0f} of {row['full']:.0f}" if row["configurations"] else "",
            number(row["spearman"], 3),
            number(row["spearman_best"], 3),
            number(row["median_loss"], 4),
            f"{row['configurations']:.0f} ({row['failed']:.0f} failed)",
        ]
        for (dataset, weights, _), row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    header = [
        "data set",
        "weights",
        "epochs",
        "Spearman",
        "of the best so far",
        "median loss at the end",
        "configurations",
    ]
    return markdown_table(header, rows)
