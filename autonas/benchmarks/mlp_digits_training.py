"""How the table of :mod:`autonas.benchmarks.mlp_digits` was made: every configuration trained, many as one network."""

from __future__ import annotations

import functools
import json
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax
from scipy.stats import spearmanr

from autonas.benchmarks._markdown import markdown_table
from autonas.benchmarks._runs import collect
from autonas.benchmarks.mlp_digits import GRID, MAX_EPOCHS, N_SEEDS, configurations

if TYPE_CHECKING:
    from autonas.training.trial import Trainer

__all__ = ["CURVES", "FIXED", "Group", "markdown", "pack", "train_group", "train_table"]

Array = npt.NDArray[Any]

#: Rows that are learnt from, that validation losses are of, and that test losses are of; 397 more are not used.
N_TRAIN, N_VALID, N_TEST = 400, 500, 500
#: What all trainings share.
FIXED: Mapping[str, Any] = MappingProxyType(
    {
        "network": "mlp",
        "shape": "free",
        "scaling": "standard",
        "clipping": "none",
        "optimizer": "adamw",
        "beta2": 0.95,
        "warmup_fraction": 0.0,
        "batch_size": 50,
        "dropout": 0.0,
    }
)
#: Hyperparameters that networks which are trained as one may differ in, and their values side by side.
APART = "learning_rate", "weight_decay", "schedule"
SETTINGS = tuple(dict(zip(APART, values, strict=True)) for values in product(*(GRID[name] for name in APART)))
#: A probability counts as no less than this, as in all log losses of the library.
_LEAST = 1e-7
#: What is known after each epoch.
CURVES = "valid_loss", "test_loss", "valid_wrong", "test_wrong"


@dataclass(frozen=True)
class Group:
    """Configurations that differ in :data:`APART` only: they are trained as one stacked network.

    The fields are those of :data:`~autonas.benchmarks.mlp_digits.GRID`; None: not there.
    """

    n_layers: int
    width_1: int
    width_2: int | None
    activation: str
    normalization: str
    skip: bool

    @property
    def shared(self) -> dict[str, Any]:
        """The hyperparameters that are there."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def seed(self) -> int:
        """Of its random numbers: each group has its own, whatever else is in the grid."""
        return zlib.crc32(json.dumps(asdict(self), sort_keys=True).encode())


def train_table(
    out: str | Path,
    *,
    sample: int | None = None,
    jobs: int = 1,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Train all configurations, group by group, in a random order.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each group is appended as it ends; what is in it already is not trained again.
    sample : int, optional
        The first so many groups of the random order.
    jobs : int, default=1
        Processes.
    only_read : bool, default=False
        Train nothing.
    say : callable
        Gets a line about each group as it ends.

    Returns
    -------
    list of dict
        What each group is, and what :func:`train_group` gave.
    """
    names = [field.name for field in fields(Group)]
    settings: list[dict[str, Any]] = [{name: c.get(name) for name in names} for c in configurations()]
    groups = list(dict.fromkeys(Group(**setting) for setting in settings))
    return collect(
        out,
        [groups[i] for i in np.random.default_rng(0).permutation(len(groups))[:sample]],
        train_group,
        describe=lambda r: f"best log loss {np.mean(r['valid_loss'], axis=1)[:, -1].min():.3f}, {r['total']:.2f} s",
        jobs=jobs,
        only_read=only_read,
        say=say,
    )


def train_group(what: Group, epochs: int = MAX_EPOCHS) -> dict[str, Any]:
    """Train the configurations of a group, each from three seeds, as one stacked network.

    Parameters
    ----------
    what : Group
    epochs : int, default=9
        Stop after so many; the learning rate falls as in a full training.

    Returns
    -------
    dict
        ``valid_loss`` and ``test_loss`` (log loss), ``valid_wrong`` and ``test_wrong`` (rows): for each of the settings
        that they differ in and for each seed a curve over the epochs; ``seconds`` of the processor that
        each epoch took, evaluation among them, divided by the number of networks; ``total`` of them;
        ``n_parameters`` of one network.

    Raises
    ------
    NonFiniteLossError
        If a training diverges.
    """
    from autonas.benchmarks._member_adamw import MemberAdamW  # noqa: PLC0415  torch is slow to import
    from autonas.training.loop import Progress, train  # noqa: PLC0415
    from autonas.training.trial import one_thread  # noqa: PLC0415

    class Whole(Progress):
        """Goes on although the network overfits: the table has every epoch."""

        def is_past_its_best(self, _: int) -> bool:
            return False

    trainer, n_networks = _trainer(), len(SETTINGS) * N_SEEDS
    curves: dict[str, list[Array]] = {name: [] for name in CURVES}
    clock: list[float] = []

    def judge(outputs: Array) -> float:
        clock[-1] = time.thread_time() - clock[-1]
        loss, wrong = _judge(outputs.reshape(len(SETTINGS), N_SEEDS, -1, outputs.shape[1]), trainer.valid_target)
        for part, rows in (("valid", slice(N_VALID)), ("test", slice(N_VALID, None))):
            curves[f"{part}_loss"].append(loss[..., rows].mean(axis=2))
            curves[f"{part}_wrong"].append(wrong[..., rows].sum(axis=2))
        clock.append(time.thread_time())
        return float(loss.mean())

    with one_thread():
        configuration = {**FIXED, **SETTINGS[0], "schedule": "cosine", **what.shared}
        (stack,) = trainer.make_stacks(configuration, what.seed)
        rates, decays, schedules = (np.repeat([setting[name] for setting in SETTINGS], N_SEEDS) for name in APART)
        stack.optimizer = MemberAdamW(stack.optimizer, rates, decays, schedules == "constant")
        clock.append(time.thread_time())
        train(
            [stack],
            configuration,
            Whole(),
            to_epoch=epochs,
            max_epochs=MAX_EPOCHS,
            seed=what.seed,
            loss=judge,
            classification=True,
        )
    return {
        **{name: _rounded(np.stack(curves[name], axis=2)) for name in CURVES},
        "seconds": _rounded(np.array(clock[:-1]) / n_networks),
        "total": round(sum(clock[:-1]), 3),
        "n_parameters": sum(p.numel() for p in stack.parameters) // n_networks,
    }


def _judge(outputs: Array, target: Array) -> tuple[Array, Array]:
    """Compute each row's log loss, and whether it is wrong: from (..., rows, classes) to (..., rows)."""
    target = target[: outputs.shape[-2]]
    of_truth = log_softmax(outputs, axis=-1)[..., np.arange(len(target)), target]
    return -of_truth.clip(np.log(_LEAST)), outputs.argmax(axis=-1) != target


def _rounded(values: Array) -> Any:
    """Turn an array into lists, of numbers with five digits."""
    if values.dtype.kind != "f":
        return values.tolist()
    return np.vectorize(lambda x: float(f"{x:.5g}"))(values).tolist()


@functools.cache
def _trainer() -> Trainer:
    """Prepare the digits: one split for all, and a fold for each network."""
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
    train, rest = train_test_split(np.arange(len(y)), train_size=N_TRAIN, stratify=y, random_state=0)
    valid, test = train_test_split(rest, train_size=N_VALID, test_size=N_TEST, stratify=y[rest], random_state=0)
    fold = (train, np.concatenate([valid, test]))
    return Trainer(task, [fold] * len(SETTINGS) * N_SEEDS, {"mlp": mlp.build}, max_epochs=MAX_EPOCHS)


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
    measured = {tuple(row[name] for name in GRID): row for result in results for row in _by_setting(result)}
    every = list(configurations())
    keys = [tuple(configuration.get(name) for name in GRID) for configuration in every]
    missing = sum(key not in measured for key in keys)
    if missing:
        raise ValueError(
            f"{missing} of {len(every)} configurations are not trained yet: run the command without --summary."
        )
    rows = [measured[key] for key in keys]
    columns: dict[str, Array] = {name: np.array([row[name] for row in rows]) for name in GRID if name[:5] != "width"}
    columns |= {name: np.array([row[name] or 0 for row in rows], np.uint8) for name in GRID if name[:5] == "width"}
    for name, kind in (
        ("valid_loss", np.float16),
        ("test_loss", np.float16),
        ("valid_wrong", np.uint16),
        ("test_wrong", np.uint16),
        ("seconds", np.float32),
        ("n_parameters", np.int32),
    ):
        columns[name] = np.array([row[name] for row in rows], kind)
    columns |= {"n_valid": np.array(N_VALID), "n_test": np.array(N_TEST)}
    arrays: dict[str, Any] = columns  # mypy would take a column for the argument `allow_pickle`
    np.savez_compressed(file, **arrays)


def _by_setting(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Take the configurations of a group apart."""
    return [{**result, **setting, **{name: result[name][i] for name in CURVES}} for i, setting in enumerate(SETTINGS)]


def markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """Describe what was measured: how losses are spread, and what early epochs and other seeds say about them."""
    if not results:
        return "Nothing is trained yet."
    losses = np.concatenate([result["valid_loss"] for result in results])
    means = losses.mean(axis=1)
    last = means[:, -1]
    best = last <= np.quantile(last, 0.25)
    spread = np.quantile(last, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
    noise = float(np.median(losses[:, :, -1].std(axis=1, ddof=1)))
    header = ["configurations", "best", "10 %", "25 %", "median", "75 %", "90 %", "worst", "deviation between seeds"]
    described = markdown_table(header, [[str(len(last)), *(f"{x:.4f}" for x in [*spread, noise])]])
    rows = [
        [str(epoch), *(f"{_correlation(means[rows, epoch - 1], last[rows]):.3f}" for rows in (slice(None), best))]
        for epoch in range(1, MAX_EPOCHS)
    ]
    return f"{described}\n\n{markdown_table(['epoch', 'rank correlation with the last', 'in the best quarter'], rows)}"


def _correlation(a: Array, b: Array) -> float:
    return float(spearmanr(a, b).statistic)
