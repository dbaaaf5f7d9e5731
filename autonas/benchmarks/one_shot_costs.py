"""Weight sharing by itself: what a search costs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autonas._names import check_names
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect
from autonas.benchmarks.one_shot import MACROS, VARIANTS, halves

__all__ = ["Run", "markdown", "measure_costs", "run"]


@dataclass(frozen=True)
class Run:
    """What is timed: epochs of a search, and epochs of training the cell that it found.

    Attributes
    ----------
    dataset : str
        A set of images.
    family : str
        ``"nasbench201"`` or ``"cell"``.
    variant : str
        A name of :data:`~autonas.benchmarks.one_shot.VARIANTS`.
    epochs : int
        Timed, after a first that is not.
    """

    dataset: str
    family: str
    variant: str
    epochs: int = 3


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Time the epochs of a search and of a training, on the same rows in the same batches.

    Parameters
    ----------
    what : Run
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
    specs, learn, judge = halves(what.dataset, 0, data_dir)
    settings = Settings()
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    supernet = Supernet(space, MACROS[what.family], *specs, partial=partial)
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
    child = space.build({**MACROS[what.family], **space.values(genotype)}, *specs)
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
    variants: Sequence[str] = ("darts", "darts_pt", "pc_darts", "gdas", "random_sharing"),
    epochs: int = 3,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Time epochs of searches against epochs of training the found cell.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines, as for :func:`~autonas.benchmarks.one_shot.compare_searches`.
    datasets, families, variants : sequence of str
        Sets of images, families of cells, and names of :data:`~autonas.benchmarks.one_shot.VARIANTS`.
    epochs : int, default=3
        Timed ones of each.
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.one_shot.compare_searches`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.
    """
    check_names("variant", variants, VARIANTS)
    wanted = [Run(d, f, v, epochs) for d in datasets for f in families for v in variants]
    return collect(
        out,
        wanted,
        functools.partial(run, data_dir=data_dir),
        describe=lambda r: f"{r['search']:.2f} s against {r['training']:.2f} s",
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
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
