"""How the table of :mod:`autonas.benchmarks.mlp_digits` was made: every configuration trained, three seeds at once."""

from __future__ import annotations

import functools
import json
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autonas.benchmarks._markdown import markdown_table
from autonas.benchmarks._runs import collect
from autonas.benchmarks.mlp_digits import GRID, MAX_EPOCHS, N_SEEDS, configurations

if TYPE_CHECKING:
    from autonas.training.trial import Trainer

__all__ = ["FIXED", "Training", "markdown", "pack", "train_configuration", "train_table"]

Array = npt.NDArray[Any]

#: Rows that are learnt from, and that validation losses are of; the rest of the 1,797 are for testing.
N_TRAIN, N_VALID = 400, 598
#: What all trainings share.
FIXED: Mapping[str, Any] = MappingProxyType(
    {
        "network": "mlp",
        "shape": "free",
        "scaling": "standard",
        "clipping": "none",
        "optimizer": "adamw",
        "beta2": 0.95,
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup_fraction": 0.0,
    }
)


@dataclass(frozen=True)
class Training:
    """One configuration; see :data:`~autonas.benchmarks.mlp_digits.GRID`. None: not there."""

    n_layers: int
    width_1: int
    width_2: int | None
    width_3: int | None
    activation: str
    normalization: str
    skip: bool
    learning_rate: float
    batch_size: int
    dropout: float

    @property
    def configuration(self) -> dict[str, Any]:
        """The hyperparameters that are there."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def seed(self) -> int:
        """Of its random numbers: each configuration has its own, whatever else is in the grid."""
        return zlib.crc32(json.dumps(asdict(self), sort_keys=True).encode())


def train_table(
    out: str | Path,
    *,
    sample: int | None = None,
    jobs: int = 1,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Train all configurations, in a random order within each learning rate.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each configuration is appended as it ends; what is in it already is not trained again.
    sample : int, optional
        No more than so many, drawn at random.
    jobs : int, default=1
        Processes.
    only_read : bool, default=False
        Train nothing.
    say : callable
        Gets a line about each configuration as it ends.

    Returns
    -------
    list of dict
        What each configuration is, and what :func:`train_configuration` gave.
    """
    nothing = dict.fromkeys(GRID)
    every = [Training(**{**nothing, **configuration}) for configuration in configurations()]
    wanted = [every[i] for i in np.random.default_rng(0).permutation(len(every))[:sample]]
    return collect(
        out,
        sorted(wanted, key=lambda training: training.learning_rate),
        train_configuration,
        describe=lambda r: f"log loss {np.mean(r['valid_loss'], axis=0)[-1]:.3f}, {sum(r['seconds']):.2f} s",
        jobs=jobs,
        only_read=only_read,
        say=say,
    )


def train_configuration(what: Training, epochs: int = MAX_EPOCHS) -> dict[str, Any]:
    """Train a configuration from three seeds, as one stacked network.

    Parameters
    ----------
    what : Training
    epochs : int, default=9
        Stop after so many; the learning rate falls as in a full training.

    Returns
    -------
    dict
        ``valid_loss`` and ``test_loss`` (log loss), ``valid_wrong`` and ``test_wrong`` (rows): a curve over the epochs
        for each seed; ``seconds`` of the processor that each epoch took, evaluation among them, a third of what the
        three took; ``n_parameters`` of one network.

    Raises
    ------
    NonFiniteLossError
        If a training diverges.
    """
    from autonas.training.loop import Progress, train  # noqa: PLC0415  torch is slow to import
    from autonas.training.trial import one_thread  # noqa: PLC0415

    class Whole(Progress):
        """Goes on although the network overfits: the table has every epoch."""

        def is_past_its_best(self, _: int) -> bool:
            return False

    trainer = _trainer()
    curves: dict[str, list[list[Any]]] = {f"{part}_{of}": [] for of in ("loss", "wrong") for part in ("valid", "test")}
    clock = []

    def judge(outputs: Array) -> float:
        clock[-1] = time.thread_time() - clock[-1]
        probabilities = trainer.decode(outputs).reshape(N_SEEDS, -1, trainer.task.n_classes)
        target = trainer.valid_target[: probabilities.shape[1]]
        of_truth = probabilities[:, np.arange(len(target)), target].clip(1e-7)
        losses, wrong = -np.log(of_truth), probabilities.argmax(axis=2) != target
        for part, rows in (("valid", slice(N_VALID)), ("test", slice(N_VALID, None))):
            curves[f"{part}_loss"].append([float(f"{x:.5g}") for x in losses[:, rows].mean(axis=1)])
            curves[f"{part}_wrong"].append(wrong[:, rows].sum(axis=1).tolist())
        clock.append(time.thread_time())
        return float(losses[:, :N_VALID].mean())

    with one_thread():
        configuration = {**FIXED, **what.configuration}
        stacks = trainer.make_stacks(configuration, what.seed)
        clock.append(time.thread_time())
        train(
            stacks,
            configuration,
            Whole(),
            to_epoch=epochs,
            max_epochs=MAX_EPOCHS,
            seed=what.seed,
            loss=judge,
            classification=True,
        )
    by_seed = {name: [list(curve) for curve in zip(*values, strict=True)] for name, values in curves.items()}
    n_parameters = sum(p.numel() for p in stacks[0].parameters) // N_SEEDS
    seconds = [round(s / N_SEEDS, 6) for s in clock[:-1]]
    return {**by_seed, "seconds": seconds, "n_parameters": n_parameters}


@functools.cache
def _trainer() -> Trainer:
    """Prepare the digits: one split for all, and a fold for each seed."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  slow to import, as torch is
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    from autonas.networks import mlp  # noqa: PLC0415
    from autonas.training.data import TableSchema  # noqa: PLC0415
    from autonas.training.metrics import resolve_metric  # noqa: PLC0415
    from autonas.training.task import Task  # noqa: PLC0415
    from autonas.training.trial import Trainer  # noqa: PLC0415

    X, y = load_digits(return_X_y=True)
    schema = TableSchema().fit(X)
    task = Task(schema.transform(X), schema.cardinalities_, y, 10, None, resolve_metric(None, np.arange(10)))
    rows = np.arange(len(y))
    train, rest = train_test_split(rows, train_size=N_TRAIN, stratify=y, random_state=0)
    valid, test = train_test_split(rest, train_size=N_VALID, stratify=y[rest], random_state=0)
    fold = (train, np.concatenate([valid, test]))
    return Trainer(task, [fold] * N_SEEDS, {"mlp": mlp.build}, max_epochs=MAX_EPOCHS)


def pack(results: Sequence[Mapping[str, Any]], file: str | Path) -> None:
    """Write the table: one compressed file of numpy's, without pickles.

    Parameters
    ----------
    results : sequence of mapping
        Of :func:`train_table`.
    file : str or Path
        Ends in ``.npz``.

    Raises
    ------
    ValueError
        If a configuration is missing.
    """
    measured = {tuple(result[name] for name in GRID): result for result in results}
    every = list(configurations())
    keys = [tuple(configuration.get(name) for name in GRID) for configuration in every]
    missing = [key for key in keys if key not in measured]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(every)} configurations are not trained yet: run the command without --summary."
        )
    ordered = [measured[key] for key in keys]
    columns = {name: np.array([result[name] or 0 for result in ordered]) for name in GRID}
    columns["skip"] = columns["skip"].astype(bool)
    columns["activation"], columns["normalization"] = (
        np.array([result[name] for result in ordered]) for name in ("activation", "normalization")
    )
    for name, kind in (
        ("valid_loss", np.float16),
        ("test_loss", np.float16),
        ("valid_wrong", np.uint16),
        ("test_wrong", np.uint16),
        ("seconds", np.float32),
        ("n_parameters", np.int32),
    ):
        columns[name] = np.array([result[name] for result in ordered], kind)
    n_test = len(_trainer().valid_target) // N_SEEDS - N_VALID
    np.savez_compressed(file, n_valid=np.array(N_VALID), n_test=np.array(n_test), **columns)


def markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """Describe what was measured: how losses are spread, and what early epochs and other seeds say about them."""
    if len(results) < 2:
        return "Fewer than two configurations are trained."
    losses = np.array([result["valid_loss"] for result in results])
    means = losses.mean(axis=1)
    last = means[:, -1]
    best = last <= np.quantile(last, 0.25)
    spread = np.quantile(last, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
    header = ["configurations", "best", "10 %", "25 %", "median", "75 %", "90 %", "worst", "deviation between seeds"]
    noise = float(np.median(losses[:, :, -1].std(axis=1, ddof=1)))
    parts = [markdown_table(header, [[str(len(last)), *(f"{x:.4f}" for x in [*spread, noise])]])]
    rows = [
        [
            str(epoch),
            f"{_correlation(means[:, epoch - 1], last):.3f}",
            f"{_correlation(means[best, epoch - 1], last[best]):.3f}",
        ]
        for epoch in range(1, MAX_EPOCHS)
    ]
    parts.append(markdown_table(["epoch", "rank correlation with the last", "among the best quarter"], rows))
    return "\n\n".join(parts)


def _correlation(a: Array, b: Array) -> float:
    from scipy.stats import spearmanr  # noqa: PLC0415

    return float(spearmanr(a, b).statistic)
