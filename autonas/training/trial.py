"""One trial: a configuration in, a validation loss and networks out.

preprocessing -> tensors once -> network -> the training loop -> predictions of the validation rows, kept for the
ensemble. :class:`Trainer` is what a search calls; it knows nothing of searching.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from autonas.networks.cost import multiply_adds, saved_bytes, step_seconds
from autonas.networks.specs import ImageSpec, is_reproducible, is_stackable
from autonas.training.augment import make_augmentation
from autonas.training.checkpoint import Unreadable, load_outputs, load_progress, load_state, save_model, save_state
from autonas.training.image_preprocessing import IMAGE_KEYS, ImagePreprocessor
from autonas.training.images import Images
from autonas.training.loop import Progress, train
from autonas.training.preprocessing import PREPROCESSING_KEYS, AnyPreprocessor, Features, Preprocessor
from autonas.training.stack import OfImages, Rows, Single, Stack, outputs_of
from autonas.training.task import Scale, Task, output_spec_of
from autonas.training.validation import Fold

__all__ = ["TrainedNetwork", "Trainer", "one_thread"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Side:
    """All rows after preprocessing: what the networks of all configurations that share it learn from."""

    preprocessor: AnyPreprocessor
    rows: Rows


@dataclass(frozen=True)
class TrainedNetwork:
    """The networks of some folds, as one stack, ready to predict.

    Attributes
    ----------
    preprocessor : Preprocessor or ImagePreprocessor
        Makes what they read.
    scales : sequence of Scale
        Each member's unit.
    network : nn.Module
        Stacked.
    """

    preprocessor: AnyPreprocessor
    scales: Sequence[Scale]
    network: nn.Module

    #: Rows are computed in multiples of this.
    block: ClassVar[int] = 64

    def predict(self, features: Features) -> Array:
        """Predict from what the preprocessor gives, averaged over the members.

        Parameters
        ----------
        features : Features

        Returns
        -------
        ndarray
            Probabilities of shape (n, n_classes), or numbers of shape (n,).
        """
        parameter = next(self.network.parameters(), None)
        device = torch.device("cpu") if parameter is None else parameter.device
        # Matrix products round differently for few rows: filled up, a row's prediction does not depend on the others.
        n_rows = -(-len(features) // self.block) * self.block
        places = torch.arange(n_rows, device=device).clamp(max=len(features) - 1).expand(len(self.scales), -1)
        outputs = outputs_of(self.network, _to_device(features, device), places)[:, : len(features)]
        parts = [scale.decode(out) for scale, out in zip(self.scales, outputs, strict=True)]
        return np.asarray(np.mean(parts, axis=0))


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
        Called with the stacks after each evaluation of a training.
    """

    #: Preprocessed rows are kept for the next trial that needs them, up to this many bytes.
    cache_bytes = 2**30
    #: Folds whose training together would take more memory than this are trained one after the other.
    stack_bytes = 2**30

    def __init__(
        self,
        task: Task,
        folds: Sequence[Fold],
        builds: Mapping[str, Callable[..., nn.Module]],
        *,
        max_epochs: int,
        defaults: Mapping[str, Any] | None = None,
        device: torch.device | str = "cpu",
        watch: Callable[[Sequence[Stack]], None] | None = None,
    ) -> None:
        self.watch = watch
        self.task, self.folds, self.builds = task, folds, dict(builds)
        self.max_epochs, self.defaults, self.device = max_epochs, dict(defaults or {}), torch.device(device)
        self.output_spec = output_spec_of(task)
        self.scales = [Scale(task.take(rows)) for rows, _ in folds]
        valid = np.concatenate([rows for _, rows in folds])
        self.valid_target = task.target[valid]
        self.valid_weight = None if task.weight is None else task.weight[valid]
        self._sides: OrderedDict[tuple[Any, ...], Side] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what another process makes itself: preprocessed rows, on the device."""
        return {name: value for name, value in vars(self).items() if name not in ("_sides", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = {**state, "_sides": OrderedDict(), "_lock": threading.Lock()}

    def __call__(
        self,
        configuration: Mapping[str, Any],
        fidelity: int,
        *,
        seed: int,
        checkpoint: Path,
        deadline: float | None = None,
        stop: Callable[[], bool] = lambda: False,
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
        stop : callable, optional
            True ends the training like the deadline does.

        Returns
        -------
        dict
            ``loss``: the smallest validation loss so far; ``fidelity``: the epochs reached, those left out because the
            network overfits among them; ``best_epoch``; ``curve`` and ``curve_epochs``: the validation losses, and
            after how many epochs they were judged; ``n_parameters`` of one network; ``multiply_adds`` of predicting a
            row with all of them; ``train_seconds``; ``batch_size`` only where it had to be halved: with the given one
            the memory of the GPU did not suffice.

        Raises
        ------
        torch.cuda.OutOfMemoryError
            If it does not suffice with half of it either.
        NonFiniteLossError
            If the training diverges.
        """
        started = time.monotonic()
        configuration = {**self.defaults, **configuration}
        arguments = fidelity, seed, checkpoint, deadline, stop
        halved = {}
        try:
            stacks, progress = self._go_on(configuration, *arguments)
        except torch.cuda.OutOfMemoryError:
            if configuration["batch_size"] < 2:
                raise
            halved = {"batch_size": configuration["batch_size"] // 2}
        if halved:  # not above, where the error still holds on to what the first attempt had on the device
            torch.cuda.empty_cache()
            stacks, progress = self._go_on({**configuration, **halved}, *arguments)
        worked = time.monotonic() - started
        save_model(checkpoint, progress)
        if not progress.stopped:
            # A training cut short in the middle of an epoch goes on from its last rung.
            save_state(checkpoint, stacks, progress.epoch)
        return {
            "loss": progress.best_loss,
            "fidelity": progress.epoch if progress.stopped else fidelity,
            "best_epoch": progress.best_epoch,
            "curve": progress.curve,
            "curve_epochs": progress.epochs,
            "n_parameters": sum(p.numel() for p in stacks[0].parameters) // stacks[0].n_members,
            "multiply_adds": sum(multiply_adds(s.network, *s.rows.shapes, s.n_members) for s in stacks),
            "train_seconds": worked,
            **halved,
        }

    def _go_on(
        self,
        configuration: Mapping[str, Any],
        fidelity: int,
        seed: int,
        checkpoint: Path,
        deadline: float | None,
        stop: Callable[[], bool],
    ) -> tuple[list[Stack], Progress]:
        """Train from the checkpoint up to an epoch."""
        stacks = self.make_stacks(configuration, seed)
        try:
            progress = load_progress(checkpoint, load_state(checkpoint, stacks))
        except Unreadable:
            # Trained anew it will be what it was.
            stacks, progress = self.make_stacks(configuration, seed), Progress()
        self._train(stacks, configuration, progress, fidelity, seed, deadline, stop)
        return stacks, progress

    def _train(
        self,
        stacks: Sequence[Stack],
        configuration: Mapping[str, Any],
        progress: Progress,
        epochs: int,
        seed: int,
        deadline: float | None = None,
        stop: Callable[[], bool] = lambda: False,
        *,
        judged: bool = True,
    ) -> None:
        train(
            stacks,
            configuration,
            progress,
            to_epoch=epochs,
            max_epochs=self.max_epochs,
            seed=seed,
            loss=self.loss if judged else None,
            classification=self.task.n_classes > 0,
            deadline=deadline,
            stop=stop,
            watch=self.watch,
        )

    def make_stacks(self, configuration: Mapping[str, Any], seed: int) -> list[Stack]:
        """Build the networks of a configuration, untrained: one stack, or one a fold where they cannot be stacked."""
        side = self.side(configuration)
        augment = None
        if isinstance(side.preprocessor, ImagePreprocessor):
            augment = make_augmentation(configuration, side.preprocessor.span)
        stacks = []
        for number, members in enumerate(self._groups(configuration)):
            train, valid = zip(*(self.folds[k] for k in members), strict=True)
            network = self.build(configuration, side.preprocessor, len(members), seed + number)
            target = torch.from_numpy(np.stack([self.scales[k].encode(self.task.target) for k in members]))
            weight = self._row_weight(configuration, members)
            stacks.append(
                Stack(network, configuration, side.rows, train, valid, target.to(self.device), weight, augment)
            )
        return stacks

    def estimate_seconds(self, configuration: Mapping[str, Any], epochs: int | None = None) -> float:
        """Estimate how long a training takes on one core, of any machine alike.

        Parameters
        ----------
        configuration : mapping
            Active hyperparameters.
        epochs : int, optional
            Default: a full training's.

        Returns
        -------
        float
        """
        configuration = {**self.defaults, **configuration}
        side = self.side(configuration)
        network = self.build(configuration, side.preprocessor, 1, 0)
        n_folds, n_learn = len(self.folds), max(len(rows) for rows, _ in self.folds)
        n_rows, n_batches = Stack.epoch_of(n_learn, configuration["batch_size"])
        step = step_seconds(network, *side.rows.shapes, n_folds, -(-n_rows // n_batches))
        return (self.max_epochs if epochs is None else epochs) * n_batches * step

    def _groups(self, configuration: Mapping[str, Any]) -> list[list[int]]:
        """Say which folds are stacked: those of about the same size, if the family can and memory allows."""
        every = list(range(len(self.folds)))
        sizes = [len(rows) for rows, _ in self.folds]
        alike = max(sizes) <= 1.1 * min(sizes) + 1
        if len(every) == 1 or not alike or not self._stacks(configuration):
            return [[k] for k in every]
        side = self.side(configuration)
        network = self.build(configuration, side.preprocessor, 1, 0)
        together = len(every) * configuration["batch_size"] * saved_bytes(network, *side.rows.shapes, 1)
        return [every] if together <= self.stack_bytes else [[k] for k in every]

    def _stacks(self, configuration: Mapping[str, Any]) -> bool:
        return is_stackable(self.builds[configuration["network"]]) and not isinstance(self.task.table, Images)

    def build(
        self,
        configuration: Mapping[str, Any],
        preprocessor: AnyPreprocessor,
        n_members: int,
        seed: int,
    ) -> nn.Module:
        """Build a stack; a family sees its own hyperparameters without their prefix, and the shared ones."""
        family = configuration["network"]
        build = self.builds[family]
        own = {k.removeprefix(f"{family}:"): v for k, v in configuration.items()}
        input_spec = preprocessor.input_spec
        if not isinstance(input_spec, ImageSpec):
            input_spec = replace(input_spec, n_members=n_members)
        with _seeded(seed, self.device):
            network = build(own, input_spec, self.output_spec)
        if isinstance(input_spec, ImageSpec):
            network = OfImages(network)
        if not self._stacks(configuration):
            network = Single(network, draws=not is_reproducible(build))
        return network.to(self.device)

    def side(self, configuration: Mapping[str, Any]) -> Side:
        """Preprocess all rows, or take them from the cache."""
        key = tuple(configuration.get(name) for name in (*PREPROCESSING_KEYS, *IMAGE_KEYS))
        with self._lock:
            if key not in self._sides:
                self._sides[key] = self._make_side(configuration)
                while len(self._sides) > 1 and sum(s.rows.n_bytes for s in self._sides.values()) > self.cache_bytes:
                    self._sides.popitem(last=False)
            self._sides.move_to_end(key)
            return self._sides[key]

    def _make_side(self, configuration: Mapping[str, Any]) -> Side:
        table = self.task.table
        preprocessor: AnyPreprocessor = (
            ImagePreprocessor(configuration).fit(table)
            if isinstance(table, Images)
            else Preprocessor(configuration, self.task.cardinalities).fit(table, self.task.weight)
        )
        return Side(preprocessor, _to_device(preprocessor.transform(table), self.device))

    def _row_weight(self, configuration: Mapping[str, Any], members: Sequence[int]) -> torch.Tensor | None:
        """How much each row counts: its sample weight times its class's weight, 1 on average over a member's rows."""
        task, kind = self.task, configuration.get("class_weights", "none")
        by_class = task.n_classes > 0 and kind != "none"
        if task.weight is None and not by_class:
            return None
        weights = []
        for rows in (self.folds[k][0] for k in members):
            weight = np.ones(len(task.target)) if task.weight is None else task.weight
            if by_class:
                mass = np.bincount(task.target[rows], weight[rows], task.n_classes)
                power = {"balanced": 1.0, "sqrt": 0.5}[kind]
                weight = weight * (mass.sum() / np.maximum(mass, 1e-12))[task.target] ** power
            weights.append((weight / weight[rows].mean()).astype(np.float32))
        return torch.from_numpy(np.stack(weights)).to(self.device)

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
        """Rebuild a configuration's trained stacks from their weights."""
        configuration = {**self.defaults, **configuration}
        preprocessor = self.side(configuration).preprocessor
        networks = []
        for members, state in zip(self._groups(configuration), weights, strict=True):
            network = self.build(configuration, preprocessor, len(members), 0)
            network.load_state_dict(state)
            networks.append(TrainedNetwork(preprocessor, [self.scales[k] for k in members], network.eval()))
        return networks

    def train_to(
        self,
        configuration: Mapping[str, Any],
        epochs: int,
        *,
        seed: int,
        deadline: float | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> list[dict[str, torch.Tensor]] | None:
        """Train for a fixed number of epochs, and take the networks as they are then.

        Parameters
        ----------
        configuration : mapping
            Active hyperparameters.
        epochs : int
        seed, deadline, stop
            As for a trial.

        Returns
        -------
        list of dict or None
            State dictionaries, by stack, as :meth:`restore` takes them; None if the deadline came before the end.
        """
        configuration = {**self.defaults, **configuration}
        stacks, progress = self.make_stacks(configuration, seed), Progress()
        self._train(stacks, configuration, progress, epochs, seed, deadline, stop, judged=False)
        return None if progress.stopped else [stack.snapshot() for stack in stacks]


def _to_device(features: Features, device: torch.device) -> Rows:
    numeric, categorical = (torch.from_numpy(a) for a in (features.numeric, features.categorical))
    return Rows(numeric.to(device, non_blocking=True), categorical.to(device, non_blocking=True))


#: The global generators belong to one thread at a time.
_BUILDING = threading.Lock()


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    with _BUILDING, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[int]:
    """Let torch use one thread for an operation; gives the number that it was, for trials to run side by side.

    Networks for tables are too small to gain from threads inside an operation, and with other work on the machine
    threads that wait for each other cost a multiple; trials side by side use the other cores better.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield before
    finally:
        torch.set_num_threads(before)
