"""Weight sharing by itself: what a search costs, and how good the cells are that it finds."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from autonas._names import unknown_name
from autonas.benchmarks._files import find_data
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect
from autonas.benchmarks.image_sets import load_images

if TYPE_CHECKING:
    from autonas.networks import ImageSpec, OutputSpec
    from autonas.one_shot.data import Sample

__all__ = ["VARIANTS", "CostRun", "Run", "compare_searches", "costs_markdown", "markdown", "measure_costs"]

#: Name to strategy, whether the guards are on, and partial channels.
VARIANTS: Mapping[str, tuple[str, bool, int]] = {
    "plain_darts": ("darts", False, 1),
    "darts": ("darts", True, 1),
    "pc_darts": ("darts", True, 4),
    "darts_second_order": ("darts_second_order", True, 1),
    "robust_darts": ("robust_darts", True, 1),
    "gdas": ("gdas", True, 1),
    "enas": ("enas", True, 1),
    "path_dropout": ("path_dropout", True, 1),
    "random_sharing": ("random_sharing", True, 1),
}
_MACRO = {"channels": 16, "cells_per_stage": 1, "n_cells": 3, "stem": "strided", "dropout": 0.0}


@dataclass(frozen=True)
class Run:
    """What is run: one search on the cells of NAS-Bench-201.

    Attributes
    ----------
    dataset : str
        A set of images.
    variant : str
        A name of :data:`VARIANTS`.
    seed : int
    seconds : float
        Of the search at most.
    """

    dataset: str
    variant: str
    seed: int
    seconds: float


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Search, and look the found cell up.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.image_sets.load_images`.

    Returns
    -------
    dict
        ``cell``, as the table names it; ``test``, its mean test accuracy (%) after 200 epochs on CIFAR-10; ``skips`` of
        its six edges; ``rank`` among all 15,625 cells, in per cent from the best; ``epochs``; ``took``: seconds;
        ``entropy`` of the operations' probabilities at the end, or None.
    """
    from autonas.networks import nasbench201  # noqa: PLC0415  torch is slow to import
    from autonas.one_shot import Settings, find_architectures  # noqa: PLC0415

    strategy, guarded, partial = VARIANTS[what.variant]
    specs, learn, judge = _halves(what.dataset, what.seed, data_dir)
    found = find_architectures(
        nasbench201.SPACE,
        _MACRO,
        specs,
        learn,
        judge,
        strategy=strategy,
        time_limit=what.seconds,
        settings=Settings() if guarded else Settings(max_skips=None),
        partial_channels=partial,
        seed=what.seed,
        n_architectures=1,
    )
    cell = nasbench201.to_string(found.genotypes[0])
    table = _table(data_dir)
    return {
        "cell": cell,
        "test": float(table[cell]),
        "skips": cell.count("skip_connect"),
        "rank": float(100 * (table > table[cell]).mean()),
        "epochs": len(found.record),
        "took": round(found.seconds, 2),
        "entropy": found.record[-1].get("entropy"),
    }


@functools.cache
def _table(data_dir: str | Path | None) -> pd.Series[float]:
    table = pd.read_csv(find_data("nasbench/nasbench201/cifar10.csv.gz", data_dir))
    tests: pd.Series[float] = table.set_index("arch")["cifar10_test200"]
    return tests


def _halves(
    dataset: str, seed: int, data_dir: str | Path | None
) -> tuple[tuple[ImageSpec, OutputSpec], Sample, Sample]:
    import torch  # noqa: PLC0415  slow to import

    from autonas.networks import OutputSpec  # noqa: PLC0415
    from autonas.one_shot.data import Sample  # noqa: PLC0415
    from autonas.training.image_preprocessing import ImagePreprocessor  # noqa: PLC0415
    from autonas.training.images import ImageSchema  # noqa: PLC0415

    data = load_images(dataset, data_dir)
    images = ImageSchema().fit(data.X).transform(data.X)
    preprocessor = ImagePreprocessor({"image_size": 32}).fit(images)
    pixels = torch.from_numpy(preprocessor.transform(images).numeric)
    n_classes = int(data.y.max()) + 1
    target = torch.from_numpy(data.y.astype(np.int64))
    places = torch.from_numpy(np.random.default_rng(seed).permutation(len(target)))
    halves = [Sample((pixels[part],), target[part]) for part in places.tensor_split(2)]
    output = OutputSpec("classification", n_classes, (-math.log(n_classes),) * n_classes)
    return (preprocessor.input_spec, output), halves[0], halves[1]


def compare_searches(
    out: str | Path,
    *,
    datasets: Sequence[str] = ("fashion_mnist_sub",),
    variants: Sequence[str] = ("plain_darts", "darts", "gdas", "random_sharing"),
    seeds: Sequence[int] = range(3),
    seconds: float = 300.0,
    jobs: int = 1,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Search the cells of NAS-Bench-201 on small sets of images, and look up how good they are on CIFAR-10.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        Sets of images.
    variants : sequence of str
        Names of :data:`VARIANTS`.
    seeds : sequence of int
    seconds : float, default=300
        Of each search.
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
    for variant in variants:
        if variant not in VARIANTS:
            raise unknown_name("variant", variant, VARIANTS)
    for dataset in datasets:
        load_images(dataset, data_dir)
    wanted = [Run(d, v, s, float(seconds)) for s in seeds for d in datasets for v in variants]
    return collect(
        out,
        wanted,
        functools.partial(run, data_dir=data_dir),
        describe=lambda r: f"{r['test']:.2f} %, {r['skips']} skips, {r['epochs']} epochs, {r['cell']}",
        jobs=jobs,
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table, one row a data set and variant: the accuracy in the table, over the seeds.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`compare_searches`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    rows = []
    for (dataset, variant), group in pd.DataFrame(runs).groupby(["dataset", "variant"], sort=False):
        rows.append(
            [
                dataset,
                variant,
                number(group.test.mean(), 2),
                number(group.test.min(), 2),
                number(group["rank"].mean(), 1),
                ", ".join(map(str, group.skips)),
                number(group.epochs.mean(), 0),
                str(len(group)),
            ]
        )
    header = [
        "searched on",
        "search",
        "mean test accuracy (%)",
        "worst",
        "mean rank (top %)",
        "skips",
        "epochs",
        "seeds",
    ]
    return markdown_table(header, rows)


@dataclass(frozen=True)
class CostRun:
    """What is timed: epochs of a search, and epochs of training the cell that it found.

    Attributes
    ----------
    dataset : str
        A set of images.
    family : str
        ``"nasbench201"`` or ``"cell"``.
    variant : str
        A name of :data:`VARIANTS`.
    epochs : int
        Timed, after a first that is not.
    """

    dataset: str
    family: str
    variant: str
    epochs: int = 3


def cost(what: CostRun, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Time the epochs of a search and of a training, on the same rows in the same batches.

    Parameters
    ----------
    what : CostRun
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.image_sets.load_images`.

    Returns
    -------
    dict
        ``search`` and ``training``: seconds of the median epoch; ``search_mib``, ``training_mib``: what a step keeps
        for its gradients.
    """
    import torch  # noqa: PLC0415  slow to import

    from autonas.networks import IMAGE_NETWORKS  # noqa: PLC0415
    from autonas.networks.cells import cell_space_of  # noqa: PLC0415
    from autonas.networks.cost import saved_bytes  # noqa: PLC0415
    from autonas.one_shot import STRATEGIES, Settings, Supernet  # noqa: PLC0415
    from autonas.one_shot.data import criterion  # noqa: PLC0415
    from autonas.training.stack import OfImages  # noqa: PLC0415

    strategy, _, partial = VARIANTS[what.variant]
    space = cell_space_of(IMAGE_NETWORKS[what.family])
    assert space is not None
    specs, learn, judge = _halves(what.dataset, 0, data_dir)
    settings = Settings()
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    supernet = Supernet(space, _MACRO, *specs, partial=partial)
    searcher = STRATEGIES[strategy](supernet, settings, rng)

    def search_epoch() -> None:
        for rows, other in zip(
            learn.batches(settings.batch_size, rng), judge.batches(settings.batch_size, rng), strict=False
        ):
            searcher.step(rows, other, 0.5)

    search = _median_seconds(search_epoch, what.epochs)
    shape = tuple(learn.inputs[0].shape[1:])
    search_bytes = saved_bytes(OfImages(supernet.network), shape, 0)
    genotype = searcher.best(1, judge)[0]
    child = space.build({**_MACRO, **space.values(genotype)}, *specs)
    optimizer = torch.optim.SGD(child.parameters(), lr=settings.learning_rate, momentum=settings.momentum)

    def training_epoch() -> None:
        for rows in learn.batches(settings.batch_size, rng):
            loss = criterion(child(*rows.inputs), rows)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(child.parameters(), settings.gradient_clipping)
            optimizer.step()

    training = _median_seconds(training_epoch, what.epochs)
    mib = settings.batch_size / 2**20
    return {
        "search": round(search, 3),
        "training": round(training, 3),
        "search_mib": round(search_bytes * mib, 1),
        "training_mib": round(saved_bytes(OfImages(child), shape, 0) * mib, 1),
        "cell": space.write(genotype),
    }


def _median_seconds(epoch: Callable[[], None], n: int) -> float:
    taken = []
    for _ in range(n + 1):
        started = time.perf_counter()
        epoch()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken[1:]))


def measure_costs(
    out: str | Path,
    *,
    datasets: Sequence[str] = ("sign_digits64",),
    families: Sequence[str] = ("nasbench201", "cell"),
    variants: Sequence[str] = ("darts", "pc_darts", "gdas", "random_sharing"),
    epochs: int = 3,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Time epochs of searches against epochs of training the found cell.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines, as for :func:`compare_searches`.
    datasets, families, variants : sequence of str
        Sets of images, families of cells, and names of :data:`VARIANTS`.
    epochs : int, default=3
        Timed ones of each.
    data_dir, only_read, say
        As for :func:`compare_searches`.

    Returns
    -------
    list of dict
        What each run is and what :func:`cost` gave.
    """
    for variant in variants:
        if variant not in VARIANTS:
            raise unknown_name("variant", variant, VARIANTS)
    wanted = [CostRun(d, f, v, epochs) for d in datasets for f in families for v in variants]
    return collect(
        out,
        wanted,
        functools.partial(cost, data_dir=data_dir),
        describe=lambda r: f"{r['search']:.2f} s against {r['training']:.2f} s",
        only_read=only_read,
        say=say,
    )


def costs_markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table of costs, one row a search.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`measure_costs`.

    Returns
    -------
    str
    """
    rows = [
        [
            r["dataset"],
            r["family"],
            r["variant"],
            number(r["search"], 2),
            number(r["training"], 2),
            number(r["search"] / r["training"], 2),
            number(r["search_mib"], 1),
            number(r["training_mib"], 1),
        ]
        for r in runs
    ]
    header = [
        "data set",
        "cells",
        "search",
        "epoch of search (s)",
        "of training (s)",
        "ratio",
        "search (MiB)",
        "training (MiB)",
    ]
    return markdown_table(header, rows) if rows else "No runs."
