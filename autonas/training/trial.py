"""One trial: a configuration in, a validation loss and networks out.

preprocessing -> tensors once -> network -> the training loop -> predictions of the validation rows, kept for the
ensemble. :class:`Trainer` is what a search calls; it knows nothing of searching.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from torch import nn

from autonas.networks import Build, OutputSpec
from autonas.training.checkpoint import load_outputs, load_progress, load_state, save_model, save_state
from autonas.training.data import Table
from autonas.training.loop import Batchable, Member, Progress, predict, train
from autonas.training.metrics import Metric
from autonas.training.preprocessing import PREPROCESSING_KEYS, Features, Preprocessor
from autonas.training.validation import Fold

__all__ = ["Task", "TrainedNetwork", "Trainer"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Task:
    """What is to be learnt, the same for all trials.

    Attributes
    ----------
    table : Table
        All rows.
    cardinalities : tuple of int
        Codes of each categorical column.
    target : ndarray of shape (n,)
        Class codes, or numbers.
    n_classes : int
        0 for regression.
    weight : ndarray of shape (n,) or None
        Sample weights.
    metric : Metric
        Judges validation predictions.
    """

    table: Table
    cardinalities: tuple[int, ...]
    target: Array
    n_classes: int
    weight: Array | None
    metric: Metric

    def take(self, rows: Array) -> Task:
        """Pick rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Task(self.table.take(rows), self.cardinalities, self.target[rows], self.n_classes, weight, self.metric)


class Scale:
    """The unit in which a network learns a target: standardized numbers, or class scores.

    Predictions of numbers stay within the range that was seen in training: a network must not extrapolate to
    absurdities on an outlying row.
    """

    def __init__(self, task: Task) -> None:
        self.n_classes = task.n_classes
        if not task.n_classes:
            self.mean = float(np.average(task.target, weights=task.weight))
            self.std = float(np.sqrt(np.average((task.target - self.mean) ** 2, weights=task.weight))) or 1.0
            self.range = float(task.target.min()), float(task.target.max())

    def encode(self, target: Array) -> Array:
        """Bring targets into the network's unit."""
        return target.astype(np.int64) if self.n_classes else ((target - self.mean) / self.std).astype(np.float32)

    def decode(self, outputs: Array) -> Array:
        """Turn outputs into probabilities of shape (n, n_classes), or numbers of shape (n,)."""
        if self.n_classes:
            return np.asarray(softmax(outputs.astype(np.float64), axis=1))
        return np.clip(outputs[:, 0].astype(np.float64) * self.std + self.mean, *self.range)


@dataclass(frozen=True)
class Side:
    """A fold after preprocessing: what the networks of all configurations that share it learn from."""

    preprocessor: Preprocessor
    train: Batchable
    valid: Batchable


@dataclass(frozen=True)
class TrainedNetwork:
    """A network, ready to predict."""

    preprocessor: Preprocessor
    scale: Scale
    network: nn.Module

    def predict(self, features: Features) -> Array:
        """Predict probabilities of shape (n, n_classes), or numbers of shape (n,), from what the preprocessor gives."""
        device = next(self.network.parameters()).device
        return self.scale.decode(predict(self.network, _to_device(features, device)))


class Trainer:
    """Train configurations on a task, each piece from where the last one stopped.

    Parameters
    ----------
    task : Task
        The data.
    folds : sequence of (ndarray, ndarray)
        Rows to learn from and rows to judge by; one network is trained on each.
    builds : mapping of str to callable
        The network families by name.
    max_epochs : int
        Where the learning-rate schedule ends.
    defaults : mapping
        Values of hyperparameters that a configuration does not name.
    device : torch.device
        Where to train.
    watch : callable, optional
        Called with the members after each epoch of a training.
    """

    #: Threads of a training on the CPU. Networks for tables are too small to gain from more, and with other work on the
    #: machine threads that wait for each other cost a multiple; parallel trials use the other cores better.
    threads = 1
    #: Preprocessed folds are kept for the next trial that needs them, up to this many bytes.
    cache_bytes = 2**30

    def __init__(
        self,
        task: Task,
        folds: Sequence[Fold],
        builds: Mapping[str, Build],
        *,
        max_epochs: int,
        defaults: Mapping[str, Any] | None = None,
        device: torch.device | str = "cpu",
        watch: Callable[[Sequence[Member]], None] | None = None,
    ) -> None:
        self.watch = watch
        self.task, self.folds, self.builds = task, folds, dict(builds)
        self.max_epochs, self.defaults, self.device = max_epochs, dict(defaults or {}), torch.device(device)
        self.output_spec = _output_spec(task)
        self.scales = [Scale(task.take(rows)) for rows, _ in folds]
        valid = np.concatenate([rows for _, rows in folds])
        self.valid_target = task.target[valid]
        self.valid_weight = None if task.weight is None else task.weight[valid]
        self._sides: OrderedDict[tuple[Any, ...], Side] = OrderedDict()

    def __call__(
        self,
        configuration: Mapping[str, Any],
        fidelity: int,
        *,
        seed: int,
        checkpoint: Path,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """Train a configuration up to an epoch.

        Parameters
        ----------
        configuration : mapping
            Active hyperparameters.
        fidelity : int
            Epochs to reach.
        seed : int
            Of the trial: the networks' first weights, the order of rows, dropout.
        checkpoint : Path
            The trial's folder.
        deadline : float, optional
            In terms of ``time.monotonic()``.

        Returns
        -------
        dict
            ``loss``: the smallest validation loss so far; ``fidelity``: the epochs reached; ``best_epoch``,
            ``curve``, ``n_parameters``, ``train_seconds``.
        """
        started = time.monotonic()
        configuration = {**self.defaults, **configuration}
        members = self.make_members(configuration, seed)
        progress = load_progress(checkpoint, load_state(checkpoint, members))
        self._train(members, configuration, progress, fidelity, seed, deadline)
        worked = time.monotonic() - started
        save_model(checkpoint, progress)
        if not progress.stopped:
            # A training cut short in the middle of an epoch goes on from its last rung.
            save_state(checkpoint, members, progress.epoch)
        return {
            "loss": progress.best_loss,
            "fidelity": progress.epoch,
            "best_epoch": progress.best_epoch,
            "curve": progress.curve,
            "n_parameters": sum(p.numel() for p in members[0].network.parameters()),
            "train_seconds": worked,
        }

    def _train(
        self,
        members: Sequence[Member],
        configuration: Mapping[str, Any],
        progress: Progress,
        epochs: int,
        seed: int,
        deadline: float | None = None,
    ) -> None:
        with _threads(self.threads):
            train(
                members,
                configuration,
                progress,
                to_epoch=epochs,
                max_epochs=self.max_epochs,
                seed=seed,
                loss=self.loss,
                classification=self.task.n_classes > 0,
                deadline=deadline,
                watch=self.watch,
            )

    def make_members(self, configuration: Mapping[str, Any], seed: int) -> list[Member]:
        """Build the networks of a configuration, one a fold, untrained."""
        members = []
        for k in range(len(self.folds)):
            side = self.side(configuration, k)
            network = self.build(configuration, side.preprocessor, seed + k)
            weight = self._row_weight(configuration, k)
            members.append(
                Member(
                    network,
                    configuration,
                    Batchable(side.train.numeric, side.train.categorical, side.train.target, weight),
                    side.valid,
                )
            )
        return members

    def build(self, configuration: Mapping[str, Any], preprocessor: Preprocessor, seed: int) -> nn.Module:
        """Build one network; a family sees its own hyperparameters without their prefix, and the shared ones."""
        family = configuration["network"]
        own = {k.removeprefix(f"{family}:"): v for k, v in configuration.items()}
        with _seeded(seed, self.device):
            return self.builds[family](own, preprocessor.input_spec, self.output_spec).to(self.device)

    def side(self, configuration: Mapping[str, Any], k: int) -> Side:
        """Preprocess a fold, or take it from the cache."""
        key = (k, *(configuration.get(name) for name in PREPROCESSING_KEYS))
        if key not in self._sides:
            self._sides[key] = self._make_side(configuration, k)
            while len(self._sides) > 1 and sum(map(_side_bytes, self._sides.values())) > self.cache_bytes:
                self._sides.popitem(last=False)
        self._sides.move_to_end(key)
        return self._sides[key]

    def _make_side(self, configuration: Mapping[str, Any], k: int) -> Side:
        learn, judge = (self.task.take(rows) for rows in self.folds[k])
        preprocessor = Preprocessor(configuration, self.task.cardinalities).fit(learn.table, learn.weight)
        train, valid = (
            _to_device(preprocessor.transform(t.table), self.device, self.scales[k].encode(t.target))
            for t in (learn, judge)
        )
        return Side(preprocessor, train, valid)

    def _row_weight(self, configuration: Mapping[str, Any], k: int) -> torch.Tensor | None:
        """How much each row of a fold counts: its sample weight times its class's weight, 1 on average."""
        task = self.task.take(self.folds[k][0])
        weight = np.ones(len(task.target)) if task.weight is None else task.weight
        kind = configuration.get("class_weights", "none")
        if task.n_classes and kind != "none":
            mass = np.bincount(task.target, weight, task.n_classes)
            power = {"balanced": 1.0, "sqrt": 0.5}[kind]
            weight = weight * (mass.sum() / np.maximum(mass, 1e-12))[task.target] ** power
        elif task.weight is None:
            return None
        return torch.from_numpy((weight / weight.mean()).astype(np.float32)).to(self.device)

    def decode(self, outputs: Array) -> Array:
        """Turn validation outputs of all folds, one after the other, into predictions."""
        ends = np.cumsum([len(rows) for _, rows in self.folds])[:-1]
        parts = np.split(outputs, ends)
        return np.concatenate([s.decode(part) for s, part in zip(self.scales, parts, strict=True)])

    def loss(self, outputs: Array) -> float:
        """Judge validation outputs."""
        return self.judge(self.decode(outputs))

    def judge(self, predictions: Array) -> float:
        """Judge predictions of the validation rows."""
        return self.task.metric.loss(self.valid_target, predictions, self.valid_weight)

    def predictions(self, checkpoint: Path) -> Array:
        """Read a trial's predictions of the validation rows."""
        return self.decode(load_outputs(checkpoint))

    def restore(
        self, configuration: Mapping[str, Any], weights: Sequence[Mapping[str, torch.Tensor]]
    ) -> list[TrainedNetwork]:
        """Rebuild a configuration's trained networks, one a fold, from their weights."""
        configuration = {**self.defaults, **configuration}
        networks = []
        for k, state in enumerate(weights):
            preprocessor = self.side(configuration, k).preprocessor
            network = self.build(configuration, preprocessor, 0)
            network.load_state_dict(state)
            networks.append(TrainedNetwork(preprocessor, self.scales[k], network.eval()))
        return networks

    def train_to(self, configuration: Mapping[str, Any], epochs: int, *, seed: int) -> list[TrainedNetwork]:
        """Train for a fixed number of epochs, and take the networks as they are then."""
        configuration = {**self.defaults, **configuration}
        members = self.make_members(configuration, seed)
        self._train(members, configuration, Progress(), epochs, seed)
        return self.restore(configuration, [m.average.network.state_dict() for m in members])


def _output_spec(task: Task) -> OutputSpec:
    if not task.n_classes:
        return OutputSpec("regression", 1, (0.0,))
    shares = (np.bincount(task.target, task.weight, task.n_classes) + 1) / (len(task.target) + task.n_classes)
    return OutputSpec("classification", task.n_classes, tuple(np.log(shares / shares.sum()).tolist()))


def _to_device(features: Features, device: torch.device, target: Array | None = None) -> Batchable:
    def move(array: Array) -> torch.Tensor:
        return torch.from_numpy(array).to(device, non_blocking=True)

    return Batchable(move(features.numeric), move(features.categorical), None if target is None else move(target))


def _side_bytes(side: Side) -> int:
    fields = (side.train.numeric, side.train.categorical, side.valid.numeric, side.valid.categorical)
    return sum(f.numel() * f.element_size() for f in fields)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
