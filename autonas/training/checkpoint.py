"""What a trial leaves on disk: tensors and JSON in safetensors files. Loading them executes nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from autonas.training.loop import Progress
from autonas.training.stack import Stack

__all__ = [
    "StoredModel",
    "Unreadable",
    "load_about",
    "load_model",
    "load_outputs",
    "load_progress",
    "load_state",
    "save_model",
    "save_state",
]

STATE = "state.safetensors"
MODEL = "model.safetensors"
_ABOUT = "autonas"


class Unreadable(ValueError):  # noqa: N818 - named for what it says
    """A file of a trial is gone, truncated or altered."""


@dataclass(frozen=True)
class StoredModel:
    """The best networks of a trial, by stack, and what they say of the validation rows.

    Attributes
    ----------
    outputs : ndarray
        The validation outputs, the folds' one after the other.
    weights : list of dict
        State dictionaries, by stack.
    about : mapping
        ``best_loss``, ``curve`` (the validation losses), ``epochs`` (when they were judged), and what else was saved.
    """

    outputs: npt.NDArray[Any]
    weights: list[dict[str, torch.Tensor]]
    about: Mapping[str, Any]


def save_state(folder: Path, stacks: Sequence[Stack], epoch: int) -> None:
    """Write all that is needed to go on with a training: weights, their averages, the optimizers' states."""
    tensors: dict[str, torch.Tensor] = {}
    plain: dict[str, Any] = {}
    for k, stack in enumerate(stacks):
        tensors |= {f"{k}/network/{n}": t for n, t in stack.network.state_dict().items()}
        tensors |= {f"{k}/average/{n}": t for n, t in stack.average.network.state_dict().items()}
        for i, values in stack.optimizer.state_dict()["state"].items():
            for name, value in values.items():
                place = tensors if isinstance(value, torch.Tensor) else plain
                place[f"{k}/optimizer/{i}/{name}"] = value
    _write(folder / STATE, tensors, {"epoch": epoch, "plain": plain})


def load_state(folder: Path, stacks: Sequence[Stack]) -> int:
    """Bring stacks to where a saved training stood; returns its epoch, 0 where none was saved."""
    if not (folder / STATE).exists():
        return 0
    tensors, about = _read(folder / STATE)
    for k, stack in enumerate(stacks):
        stack.network.load_state_dict(_below(tensors, f"{k}/network/"))
        stack.average.network.load_state_dict(_below(tensors, f"{k}/average/"))
        state: dict[int, dict[str, Any]] = {}
        for name, value in _below({**tensors, **about["plain"]}, f"{k}/optimizer/").items():
            place, key = name.split("/")
            state.setdefault(int(place), {})[key] = value
        groups = stack.optimizer.state_dict()["param_groups"]
        stack.optimizer.load_state_dict({"state": state, "param_groups": groups})
    return int(about["epoch"])


def save_model(folder: Path, progress: Progress, **more: Any) -> Mapping[str, Any]:
    """Write the best weights of a training, and the validation outputs that they gave.

    Parameters
    ----------
    folder : Path
        The trial's.
    progress : Progress
        Where the training stands.
    **more
        What else is to be known; JSON must be able to hold it.

    Returns
    -------
    mapping
        What :func:`load_about` will give.
    """
    assert progress.best_outputs is not None
    assert progress.best_weights is not None
    tensors = {"outputs": torch.from_numpy(progress.best_outputs)}
    for k, weights in enumerate(progress.best_weights):
        tensors |= {f"{k}/{n}": t for n, t in weights.items()}
    about = {"curve": progress.curve, "epochs": progress.epochs, "best_loss": progress.best_loss, **more}
    _write(folder / MODEL, tensors, about)
    return about


def load_about(folder: Path) -> Mapping[str, Any] | None:
    """Read what a stored model's header says; None where nothing was stored."""
    if not (folder / MODEL).exists():
        return None
    return _read(folder / MODEL)[1]


def load_model(folder: Path) -> StoredModel:
    """Read what :func:`save_model` wrote."""
    tensors, about = _read(folder / MODEL)
    outputs = tensors.pop("outputs").numpy()
    n_stacks = 1 + max(int(name.split("/")[0]) for name in tensors)
    return StoredModel(outputs, [_below(tensors, f"{k}/") for k in range(n_stacks)], about)


def load_outputs(folder: Path) -> npt.NDArray[Any]:
    """Read the validation outputs of a stored model."""
    return load_model(folder).outputs


def load_progress(folder: Path, epoch: int) -> Progress:
    """Put together the progress of a training that stood at ``epoch``."""
    if epoch == 0:
        return Progress()
    model = load_model(folder)
    epochs = [e for e in model.about["epochs"] if e <= epoch]
    curve = list(model.about["curve"])[: len(epochs)]
    return Progress(epoch, curve, epochs, model.about["best_loss"], model.outputs, model.weights)


def _write(path: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    text = json.dumps(about)
    temporary = path.with_suffix(".tmp")
    try:
        # One entry: safetensors writes several in an order of chance, and the same run is to make the same file.
        save_file(whole, temporary, metadata={_ABOUT: f"{_digest(whole, text)} {text}"})
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace does the same; this is the call that says "atomic"
    except BaseException:
        temporary.unlink(missing_ok=True)  # on a full disk every byte counts
        raise


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        digest, _, text = metadata[_ABOUT].partition(" ")
        whole = digest == _digest(tensors, text)
    except (SafetensorError, OSError, KeyError) as error:
        raise Unreadable(f"{str(path)!r} cannot be read ({error}): it is gone, or was truncated or altered") from error
    if not whole:
        raise Unreadable(f"{str(path)!r} was altered")
    return tensors, json.loads(text)


def _digest(tensors: Mapping[str, torch.Tensor], about: str) -> str:
    """Compute what tells whether a file is as it was written; against accidents, not against people."""
    digest = hashlib.blake2b(about.encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _below(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
