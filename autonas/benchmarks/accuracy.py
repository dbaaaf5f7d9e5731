"""How well AutoNAS predicts real tables, against scikit-learn's network and boosted trees as they come."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score, root_mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from autonas._names import check_names
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect, fresh_process
from autonas.benchmarks.datasets import Dataset, load_dataset

__all__ = ["DEFAULT_DATASETS", "SYSTEMS", "Run", "compare_accuracy", "markdown", "run"]

#: Small to large, two of them regression, two with missing cells, three with categories only or mostly.
DEFAULT_DATASETS = (
    "auto_mpg",
    "australian",
    "credit_g",
    "cnae_9",
    "car",
    "hypothyroid",
    "phoneme",
    "satimage",
    "california_housing",
    "adult",
)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Run:
    """What is run.

    Attributes
    ----------
    system : str
        A name of :data:`SYSTEMS`.
    dataset : str
    seed : int
        Of the split, and of the system.
    seconds : float or None
        AutoNAS's time limit; None for what has none.
    """

    system: str
    dataset: str
    seed: int
    seconds: float | None


def _autonas(train: Dataset, seed: int, seconds: float | None) -> Any:
    from autonas.estimator import AutoNASClassifier, AutoNASRegressor  # noqa: PLC0415  torch is slow to import

    kind: Any = AutoNASClassifier if train.classification else AutoNASRegressor
    return kind(time_limit=seconds, random_state=seed)


def _mlp(train: Dataset, seed: int, _: float | None) -> Any:
    """Prepare as is usual: imputed and scaled numbers, categories one-hot, a scaled target."""
    numeric, categorical = _columns(train)
    prepare = ColumnTransformer(
        [
            ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
            ("categorical", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categorical),
        ]
    )
    if train.classification:
        return make_pipeline(prepare, MLPClassifier(random_state=seed))
    network = make_pipeline(prepare, MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def _boosting(train: Dataset, seed: int, _: float | None) -> Any:
    numeric, categorical = _columns(train)
    kind = HistGradientBoostingClassifier if train.classification else HistGradientBoostingRegressor
    keep = ColumnTransformer([("all", "passthrough", [*numeric, *categorical])], verbose_feature_names_out=False)
    model = kind(categorical_features="from_dtype", random_state=seed)
    return make_pipeline(keep.set_output(transform="pandas"), model)


def _columns(train: Dataset) -> tuple[list[str], list[str]]:
    """Name the numeric and the categorical columns, but not those all missing: scikit-learn fails on them."""
    present = train.X.columns[train.X.notna().any()]
    categorical = [name for name in present if train.X[name].dtype == "category"]
    return [name for name in present if name not in categorical], categorical


SYSTEMS: Mapping[str, Callable[[Dataset, int, float | None], Any]] = MappingProxyType(
    {"autonas": _autonas, "mlp": _mlp, "hist_gradient_boosting": _boosting}
)
"""Name to what makes an estimator: ``make(train, seed, seconds)``. Only ``"autonas"`` has a time limit."""


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Fit on 70 % of a table and judge on the rest.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``score`` (accuracy or R2), ``loss`` (log loss or RMSE), ``balanced_accuracy`` (or None),
        ``fit_seconds``, ``predict_seconds`` (for 1,000 rows at once), ``train_rows``, ``classification``.
    """
    train, test = load_dataset(what.dataset, data_dir).split(what.seed)
    model = SYSTEMS[what.system](train, what.seed, what.seconds)
    with warnings.catch_warnings():
        # scikit-learn's defaults do not always converge; that is part of what is compared.
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        model.fit(train.X, train.y)
        fit_seconds = time.perf_counter() - started
        judged = _judge(model, train, test)
        thousand = test.X.sample(1000, replace=True, random_state=0)
        started = time.perf_counter()
        model.predict(thousand)
        predict_seconds = time.perf_counter() - started
    return {
        **judged,
        "fit_seconds": round(fit_seconds, 3),
        "predict_seconds": round(predict_seconds, 5),
        "train_rows": len(train.y),
        "classification": train.classification,
    }


def _judge(model: Any, train: Dataset, test: Dataset) -> dict[str, Any]:
    predicted = model.predict(test.X)
    if not train.classification:
        return {
            "score": float(r2_score(test.y, predicted)),
            "loss": float(root_mean_squared_error(test.y, predicted)),
            "balanced_accuracy": None,
        }
    return {
        "score": float(accuracy_score(test.y, predicted)),
        "loss": log_loss(test.y.to_numpy(), model.predict_proba(test.X), model.classes_),
        "balanced_accuracy": float(balanced_accuracy_score(test.y, predicted)),
    }


def log_loss(y: Array, probabilities: Array, classes: Array) -> float:
    """Compute the log loss, where ``y`` may have a class that the model never saw: its probability is 0.

    Parameters
    ----------
    y : ndarray of shape (n,)
    probabilities : ndarray of shape (n, n_classes)
    classes : ndarray of shape (n_classes,)
        Which class each column is.

    Returns
    -------
    float
        Probabilities count as 1e-7 at least.

    Examples
    --------
    >>> round(log_loss(np.array(["a", "b"]), np.array([[0.5, 0.5], [0.75, 0.25]]), np.array(["a", "b"])), 4)
    1.0397
    """
    hit = y[:, None] == np.asarray(classes)[None, :]
    return float(-np.log(np.clip((probabilities * hit).sum(axis=1), 1e-7, 1)).mean())


def compare_accuracy(
    out: str | Path,
    *,
    datasets: Sequence[str] = DEFAULT_DATASETS,
    systems: Sequence[str] = tuple(SYSTEMS),
    seconds: float = 60,
    seeds: Sequence[int] = range(3),
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Run all systems on all data sets from all seeds, one at a time, each in a process of its own.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        Names of the data folder's ``index.json``.
    systems : sequence of str
        Names of :data:`SYSTEMS`.
    seconds : float, default=60
        AutoNAS's time limit.
    seeds : sequence of int
        Of the splits, and of the systems.
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.
    """
    check_names("system", systems, SYSTEMS)
    for dataset in datasets:
        load_dataset(dataset, data_dir)
    wanted = [
        Run(system, dataset, seed, seconds if system == "autonas" else None)
        for seed in seeds
        for dataset in datasets
        for system in systems
    ]
    return collect(
        out,
        wanted,
        functools.partial(fresh_process, functools.partial(run, data_dir=data_dir)),
        describe=lambda r: f"score {r['score']:.4f}, loss {r['loss']:.4f}, fit {r['fit_seconds']:.1f} s",
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write the scores, the losses, how often AutoNAS is ahead, and the times, as tables.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`compare_accuracy`.

    Returns
    -------
    str
        Means over the seeds, with standard errors.
    """
    if not runs:
        return "No runs."
    table = pd.DataFrame(runs)
    parts = [
        _table(table, "score", "accuracy, or R2", largest=True),
        _table(table, "loss", "log loss, or RMSE", largest=False),
        _ahead(table),
        _table(table, "fit_seconds", "seconds to fit", digits=1),
        _table(table, "predict_seconds", "seconds to predict 1,000 rows", digits=3),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(table: pd.DataFrame, column: str, title: str, *, largest: bool | None = None, digits: int = 4) -> str:
    """One row a data set, one column a system; the best mean in bold."""
    systems = list(dict.fromkeys(table["system"]))
    rows = []
    for dataset, runs in table.groupby("dataset", sort=False):
        groups = runs.groupby("system")[column]
        means, errors = (values.reindex(systems) for values in (groups.mean(), groups.sem()))
        best = None if largest is None else means.max() if largest else means.min()
        cells = [number(m, digits, e, bold=m == best) for m, e in zip(means, errors, strict=True)]
        rows.append([str(dataset), *cells])
    return markdown_table([title, *systems], rows)


def _ahead(table: pd.DataFrame) -> str:
    lines = []
    for column, sign in (("score", 1), ("loss", -1)):
        means = sign * table.pivot_table(index="dataset", columns="system", values=column)
        for system in means.columns.drop("autonas", errors="ignore"):
            if "autonas" in means:
                both = means[["autonas", system]].dropna()
                ahead = int((both["autonas"] > both[system]).sum())
                lines.append(f"- AutoNAS is ahead of {system} by {column} on {ahead} of {len(both)} data sets.")
    return "\n".join(lines)
