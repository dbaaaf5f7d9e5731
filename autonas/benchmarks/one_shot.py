"""Weight sharing by itself: how good the cells are that it finds."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from autonas._names import check_names
from autonas.benchmarks._files import find_data
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect
from autonas.benchmarks.image_sets import load_images

if TYPE_CHECKING:
    from autonas.networks import ImageSpec, OutputSpec
    from autonas.one_shot.data import Sample

__all__ = ["MACROS", "VARIANTS", "Run", "compare_searches", "halves", "markdown", "run"]

#: Name to strategy, whether the guards are on, and partial channels.
VARIANTS: Mapping[str, tuple[str, bool, int]] = {
    "plain_darts": ("darts", False, 1),
    "darts": ("darts", True, 1),
    "pc_darts": ("darts", True, 4),
    "darts_second_order": ("darts_second_order", True, 1),
    "robust_darts": ("robust_darts", True, 1),
    "darts_pt": ("darts_pt", True, 1),
    "gdas": ("gdas", True, 1),
    "enas": ("enas", True, 1),
    "path_dropout": ("path_dropout", True, 1),
    "random_sharing": ("random_sharing", True, 1),
}
#: What stands around the cells of each family: a small network, most of it at half the resolution.
MACROS: Mapping[str, Mapping[str, Any]] = {
    "nasbench201": {"channels": 16, "cells_per_stage": 1, "stem": "pooled", "dropout": 0.0},
    "cell": {"channels": 16, "n_cells": 3, "stem": "strided", "dropout": 0.0},
}


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
    specs, learn, judge = halves(what.dataset, what.seed, data_dir)
    found = find_architectures(
        nasbench201.SPACE,
        MACROS["nasbench201"],
        specs,
        learn,
        judge,
        strategy=strategy,
        time_limit=what.seconds,
        settings=Settings() if guarded else Settings(max_skips=None, warm_up=0.0),
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


def halves(dataset: str, seed: int, data_dir: str | Path | None) -> tuple[tuple[ImageSpec, OutputSpec], Sample, Sample]:
    """Divide a set of images into what the weights and what the architecture is learnt on.

    Parameters
    ----------
    dataset : str
        A set of images.
    seed : int
        Of the division.
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.image_sets.load_images`.

    Returns
    -------
    tuple of (ImageSpec, OutputSpec)
    Sample
        Half of the images, of 32 x 32 pixels.
    Sample
        The others.
    """
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
    variants: Sequence[str] = ("plain_darts", "darts", "darts_pt", "gdas", "random_sharing"),
    seeds: Sequence[int] = range(3),
    seconds: float = 150.0,
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
    seconds : float, default=150
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
    check_names("variant", variants, VARIANTS)
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
