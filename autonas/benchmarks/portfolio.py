"""What a portfolio is learnt from: many configurations, each trained once on many data sets."""

from __future__ import annotations

import functools
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error

from autonas._names import check_names
from autonas.benchmarks._files import find_data
from autonas.benchmarks._runs import collect
from autonas.benchmarks._trainer import prepare
from autonas.benchmarks.accuracy import log_loss
from autonas.benchmarks.candidates import candidates
from autonas.benchmarks.datasets import Dataset, load_dataset

if TYPE_CHECKING:
    from autonas._search_space import SearchSpace
    from autonas.training.data import Table
    from autonas.training.trial import Trainer

__all__ = ["SHIPPED", "Run", "available_datasets", "collect_portfolio", "run"]

Array = npt.NDArray[Any]

#: Sets that scikit-learn brings along; iris is too small to tell configurations apart.
SHIPPED = {"breast_cancer": load_breast_cancer, "diabetes": load_diabetes, "digits": load_digits, "wine": load_wine}
#: What a process keeps of a data set's preprocessed rows: there are many data sets.
CACHE_BYTES = 2**26


@dataclass(frozen=True)
class Run:
    """What is run: one candidate on one data set.

    Attributes
    ----------
    dataset : str
        A name of the data folder's ``index.json``, or of :data:`SHIPPED`.
    candidate : str
        A label of :func:`~autonas.benchmarks.candidates.candidates`.
    max_rows : int
        So many rows are drawn where the set has more; 70 % of them are learnt from.
    max_epochs : int or None
        None: by the data's size, as in every search.
    limit : float
        A training ends after so many seconds of the processor, and the best that it has seen counts.
    """

    dataset: str
    candidate: str
    max_rows: int = 5_000
    max_epochs: int | None = None
    limit: float = 300.0


def run(what: Run, known: Mapping[str, Mapping[str, Any]], data_dir: str | Path | None = None) -> dict[str, Any]:
    """Train one candidate.

    Parameters
    ----------
    what : Run
    known : mapping
        The candidates, by label.
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``valid_loss`` and ``test_loss`` (log loss or RMSE) of the best epoch, and ``score`` on the test rows (accuracy
        or R2), or None, all three, if it failed; ``failure``: why, or None; ``chance``: the test loss of knowing the
        target's distribution only; ``configuration``: what was trained, complete; ``features`` of the data set. If it
        did not fail also ``best_epoch``, ``epochs`` (reached), ``curve`` of validation losses, ``seconds``,
        ``n_parameters`` of one network.
    """
    from autonas.portfolio import legal_in  # noqa: PLC0415  torch is slow to import
    from autonas.training.loop import NonFiniteLossError  # noqa: PLC0415
    from autonas.training.trial import one_thread  # noqa: PLC0415

    data = _prepare(what.dataset, what.max_rows, what.max_epochs, data_dir)
    trainer = data.trainer
    configuration = legal_in(data.chosen.space, known[what.candidate], {}, data.chosen.defaults)
    outcome = {
        "valid_loss": None,
        "test_loss": None,
        "score": None,
        "failure": None,
        "chance": _rounded(data.chance),
        "configuration": configuration,
        "features": data.features,
    }
    if configuration is None:
        return {**outcome, "failure": "it is not legal for this data set"}
    with tempfile.TemporaryDirectory(prefix="autonas-") as folder, one_thread():
        place = Path(folder, "trial")
        begun = time.process_time()

        def stop() -> bool:
            return time.process_time() - begun > what.limit

        try:
            result = trainer(configuration, trainer.max_epochs, seed=0, checkpoint=place, stop=stop)
        except NonFiniteLossError as error:
            return {**outcome, "failure": str(error)}
        loss, score = data.judge(_predict(trainer, configuration, place, data.test))
    return {
        **outcome,
        "valid_loss": _rounded(result["loss"]),
        "test_loss": _rounded(loss),
        "score": _rounded(score),
        "best_epoch": result["best_epoch"],
        "epochs": result["fidelity"],
        "curve": [_rounded(value) for value in result["curve"]],
        "seconds": round(result["train_seconds"], 2),
        "n_parameters": result["n_parameters"],
    }


def _predict(trainer: Trainer, configuration: Mapping[str, Any], place: Path, table: Table) -> Array:
    from autonas.training.checkpoint import load_model  # noqa: PLC0415  torch is slow to import

    networks = trainer.restore(configuration, load_model(place).weights)
    parts = [network.predict(network.preprocessor.transform(table)) for network in networks]
    return np.asarray(np.average(parts, axis=0, weights=[len(network.scales) for network in networks]))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


@dataclass(frozen=True)
class _Prepared:
    """A data set ready for any configuration: what ``fit`` puts together before it searches, and the test rows."""

    trainer: Trainer
    chosen: SearchSpace
    features: Mapping[str, float]
    test: Table
    test_target: Array
    classes: Array | None

    def judge(self, predictions: Array) -> tuple[float, float]:
        """Compute the loss and the score of predictions of the test rows."""
        truth = self.test_target
        if self.classes is None:
            return float(root_mean_squared_error(truth, predictions)), float(r2_score(truth, predictions))
        predicted = self.classes[predictions.argmax(axis=1)]
        return log_loss(truth, predictions, self.classes), float(accuracy_score(truth, predicted))

    @property
    def chance(self) -> float:
        """The test loss of knowing the target's distribution only."""
        task, n = self.trainer.task, len(self.test_target)
        if self.classes is None:
            return self.judge(np.full(n, np.average(task.target, weights=task.weight)))[0]
        rows = np.bincount(task.target, task.weight, len(self.classes))
        return self.judge(np.tile(rows / rows.sum(), (n, 1)))[0]


@functools.cache
def _prepare(name: str, max_rows: int, max_epochs: int | None, data_dir: str | Path | None) -> _Prepared:
    from autonas._metafeatures import features_of  # noqa: PLC0415  torch is slow to import

    train, test = _load(name, data_dir).sample(max_rows, seed=0).split(seed=0)
    ready = prepare(train, max_epochs=max_epochs)
    ready.trainer.cache_bytes = CACHE_BYTES
    features, table = features_of(ready.trainer.task), ready.schema.transform(test.X)
    return _Prepared(ready.trainer, ready.chosen, features, table, test.y.to_numpy(), ready.classes)


def _load(name: str, data_dir: str | Path | None) -> Dataset:
    if name not in SHIPPED:
        return load_dataset(name, data_dir)
    X, y = SHIPPED[name](return_X_y=True, as_frame=True)
    classification = name != "diabetes"
    return Dataset(name, X, y.astype(str).astype(object) if classification else y.astype(float), classification)


def available_datasets(data_dir: str | Path | None = None) -> list[str]:
    """Name the data sets: all tables of the data folder, and those that scikit-learn brings along."""
    listed = json.loads(find_data("index.json", data_dir).read_text(encoding="utf-8"))["tabular"]
    return [entry["name"] for entry in listed] + list(SHIPPED)


def collect_portfolio(
    out: str | Path,
    *,
    datasets: Sequence[str] | None = None,
    draws: int = 64,
    max_rows: int = 5_000,
    max_epochs: int | None = None,
    limit: float = 300.0,
    only: int | None = None,
    jobs: int = 1,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Train every candidate on every data set: the first on all sets, then the second, and so on.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str, optional
        By default all that :func:`available_datasets` names.
    draws : int, default=64
        Random candidates, beside the preset's default and those made by hand.
    max_rows, max_epochs, limit
        As of :class:`Run`.
    only : int, optional
        No more than the first so many candidates.
    jobs, data_dir, only_read, say
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
    known_sets = available_datasets(data_dir)
    check_names("data set", datasets or (), known_sets)
    known = candidates(draws)
    wanted = [
        Run(dataset, label, max_rows, max_epochs, float(limit))
        for label in list(known)[:only]
        for dataset in datasets or known_sets
    ]
    return collect(
        out,
        wanted,
        functools.partial(run, known=known, data_dir=data_dir),
        describe=_describe,
        jobs=jobs,
        only_read=only_read,
        say=say,
    )


def _describe(result: Mapping[str, Any]) -> str:
    if result["failure"]:
        return f"failed: {result['failure']}"
    return (
        f"validation {result['valid_loss']:.4g}, test {result['test_loss']:.4g}, score {result['score']:.4f}, "
        f"epoch {result['best_epoch']} of {result['epochs']}, {result['seconds']:.1f} s"
    )
