"""The two-stage mode against one stage, against the found network alone, and against a network made by hand."""

from __future__ import annotations

import copy
import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

from autonas._names import check_names
from autonas.benchmarks._files import find_data
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect, fresh_process
from autonas.benchmarks.datasets import load_dataset
from autonas.benchmarks.image_sets import load_images

if TYPE_CHECKING:
    from torch import nn

__all__ = ["IMAGES", "SYSTEMS", "Run", "compare_stages", "judged", "load_parts", "markdown", "run"]

Array = npt.NDArray[Any]

IMAGES = ("fashion_mnist_sub", "mnist_t10k", "sign_digits64", "cifar10_sub")
#: Name to arguments of our estimators; None: not ours.
SYSTEMS: Mapping[str, Mapping[str, Any] | None] = {
    "one_stage": {},
    "two_stage": {"one_shot": "darts_pt"},
    # Stage one takes as long as in two_stage; then its best cell is trained once, with all other defaults.
    "nas_alone": {"one_shot": "darts_pt", "n_trials": 1, "ensemble_size": 1},
    "cnn_by_hand": None,
}


@dataclass(frozen=True)
class Run:
    """What is run.

    Attributes
    ----------
    dataset : str
        A set of images or a table.
    system : str
        A name of :data:`SYSTEMS`.
    seed : int
    seconds : float
        The time limit.
    """

    dataset: str
    system: str
    seed: int
    seconds: float


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Fit a system, and judge it on the test part.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``loss``: log loss or RMSE; ``score``: accuracy or R2; ``took``: seconds of fit; ``trials``; ``stage_one``:
        seconds; ``cell`` of the best trial.
    """
    X, y, X_test, y_test = load_parts(what.dataset, what.seed, data_dir)
    classification = y.dtype.kind in "OUiu"
    arguments = SYSTEMS[what.system]
    started = time.monotonic()
    if arguments is None:
        predicted = _cnn_by_hand(X, y, X_test, seconds=what.seconds, seed=what.seed)
        return judged(y_test, predicted, np.unique(y)) | {"took": round(time.monotonic() - started, 1)}
    from autonas import AutoNASClassifier, AutoNASRegressor  # noqa: PLC0415  torch is slow to import

    kind = AutoNASClassifier if classification else AutoNASRegressor
    estimator = kind(time_limit=what.seconds, random_state=what.seed, **arguments).fit(X, y)
    took = round(time.monotonic() - started, 1)
    found = getattr(estimator, "one_shot_", None)
    predicted = estimator.predict_proba(X_test) if classification else estimator.predict(X_test)
    return judged(y_test, predicted, estimator.classes_ if classification else None) | {
        "took": took,
        "trials": len(estimator.history_.trials),
        "stage_one": None if found is None else round(found.seconds, 1),
        "cell": None if found is None else estimator.best_params_[f"{found.family}:cell"],
    }


def load_parts(name: str, seed: int, data_dir: str | Path | None) -> tuple[Any, Array, Any, Array]:
    """Load images, split as their makers did, or a table of at most 20,000 rows, split 70 to 30 by the seed."""
    listed = json.loads(find_data("index.json", data_dir).read_text(encoding="utf-8"))
    if any(entry["name"] == name for entry in listed["images"]):
        images = load_images(name, data_dir)
        return images.X, images.y, images.X_test, images.y_test
    train, test = load_dataset(name, data_dir).sample(20_000, seed=0).split(seed)
    return train.X, train.y.to_numpy(), test.X, test.y.to_numpy()


def judged(truth: Array, predicted: Array, classes: Array | None) -> dict[str, float]:
    """Judge probabilities or numbers: ``loss``, log loss or RMSE, and ``score``, accuracy or R2."""
    if classes is None:
        return {
            "loss": float(root_mean_squared_error(truth, predicted)),
            "score": float(r2_score(truth, predicted)),
        }
    chosen = classes[predicted.argmax(axis=1)]
    return {
        "loss": float(log_loss(truth, predicted, labels=classes)),
        "score": float(accuracy_score(truth, chosen)),
    }


def _cnn_by_hand(X: Array, y: Array, X_test: Array, *, seconds: float, seed: int) -> Array:
    """Train a network of LeNet's size as one would by hand, and keep its best epoch on a fifth of the images.

    Two convolutions with normalization and pooling, and two linear layers; AdamW, one cycle over as many epochs as fit
    into the time, 60 at most; no augmentation.
    """
    import torch  # noqa: PLC0415  slow to import

    started = time.monotonic()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, std = X.mean(), X.std() + 1e-9
    pixels, test = (_pixels((part - mean) / std) for part in (X, X_test))
    target = torch.from_numpy(y.astype(np.int64))
    order = torch.from_numpy(rng.permutation(len(y)))
    valid, train = order[: len(y) // 5], order[len(y) // 5 :]
    network = _lenet(tuple(pixels.shape[1:]), int(y.max()) + 1)

    def epoch(model: nn.Module, optimizer: Any, schedule: Any, rows: Any) -> None:
        model.train()
        for batch in rows[torch.from_numpy(rng.permutation(len(rows)))].split(64):
            loss = torch.nn.functional.cross_entropy(model(pixels[batch]), target[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()

    def ways(model: nn.Module, n_epochs: int) -> tuple[Any, Any]:
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
        steps = n_epochs * -(-len(train) // 64)
        return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)

    # A copy's first epoch says how many fit.
    trial = copy.deepcopy(network)
    before = time.monotonic()
    epoch(trial, *ways(trial, 1), train)
    each = time.monotonic() - before
    n_epochs = int(np.clip((0.95 * seconds - (time.monotonic() - started)) / each, 1, 60))
    optimizer, schedule = ways(network, n_epochs)
    best, state = np.inf, network.state_dict()
    for _ in range(n_epochs):
        epoch(network, optimizer, schedule, train)
        network.eval()
        with torch.inference_mode():
            judged = float(torch.nn.functional.cross_entropy(network(pixels[valid]), target[valid]))
        if judged < best:
            best, state = judged, {k: v.clone() for k, v in network.state_dict().items()}
        if time.monotonic() - started > seconds:
            break
    network.load_state_dict(state)
    with torch.inference_mode():
        return np.asarray(network(test).double().softmax(1).numpy())


def _pixels(images: Array) -> Any:
    import torch  # noqa: PLC0415  slow to import

    images = images[..., None] if images.ndim == 3 else images
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32))


def _lenet(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    from torch import nn  # noqa: PLC0415  slow to import

    channels, height, width = shape
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(64 * (height // 4) * (width // 4), 128),
        nn.ReLU(),
        nn.Linear(128, n_classes),
    )


def compare_stages(
    out: str | Path,
    *,
    datasets: Sequence[str] = IMAGES,
    systems: Sequence[str] = tuple(SYSTEMS),
    seconds: float = 300.0,
    seeds: Sequence[int] = range(2),
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Fit each system on each data set, one at a time, each in a process of its own.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        Sets of images, split as their makers did, or tables, split 70 to 30 by the seed (of 20,000 rows at most).
    systems : sequence of str
        Names of :data:`SYSTEMS`. What is made by hand is for images only.
    seconds : float, default=300
        Time limit of each.
    seeds : sequence of int
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    check_names("system", systems, SYSTEMS)
    listed = json.loads(find_data("index.json", data_dir).read_text(encoding="utf-8"))
    images = {entry["name"] for entry in listed["images"]}
    known = images | {entry["name"] for entry in listed["tabular"]}
    check_names("data set", datasets, known)
    wanted = [
        Run(dataset, system, seed, float(seconds))
        for seed in seeds
        for dataset in datasets
        for system in systems
        if dataset in images or SYSTEMS[system] is not None
    ]
    return collect(
        out,
        wanted,
        functools.partial(fresh_process, functools.partial(run, data_dir=data_dir)),
        describe=lambda r: f"loss {r['loss']:.4f}, score {r['score']:.4f}, {r['took']:.0f} s",
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write two tables, score and loss: a row a data set, a column a system, means over the seeds.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`compare_stages`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    table = pd.DataFrame(runs)
    systems = list(dict.fromkeys(table.system))
    parts = []
    for title, column, best in (("Accuracy or R2", "score", "idxmax"), ("Log loss or RMSE", "loss", "idxmin")):
        means = table.pivot_table(index="dataset", columns="system", values=column, sort=False)[systems]
        leaders = getattr(means, best)(axis=1)
        rows = [
            [str(name), *(number(value, 4, bold=leaders[name] == system) for system, value in row.items())]
            for name, row in means.iterrows()
        ]
        parts.append(f"{title}:\n\n{markdown_table(['data set', *systems], rows)}")
    counts = table.groupby("system", sort=False).size().to_dict()
    longest = table.groupby("system", sort=False).took.max().round(1).to_dict()
    notes = ", ".join(f"{name}: {counts[name]} runs, the longest {longest[name]} s" for name in systems)
    return "\n\n".join([*parts, notes + "."])
