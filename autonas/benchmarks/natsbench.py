"""NAS-Bench-201 from the official API of NATS-Bench, where a user has it: three data sets."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from autonas._names import check_names
from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.grids import NASBENCH201, of_cells

__all__ = ["DATASETS", "nats_bench", "nats_bench_table"]

#: Ours to the API's: the one whose training part is without the images that validate.
DATASETS = {"cifar10": "cifar10-valid", "cifar100": "cifar100", "ImageNet16-120": "ImageNet16-120"}
#: Of the trainings with 200 epochs; an architecture has two or three of them, with 12 epochs the first.
_SEEDS = (777, 888, 999)
_OPERATION = re.compile(r"\|?([a-z0-9_]+)~\d\|")


def nats_bench(api: Any, dataset: str = "cifar10") -> Benchmark:
    """Make a benchmark of the official API object of NATS-Bench's topology space [1]_, which is NAS-Bench-201.

    Parameters
    ----------
    api : object
        As ``nats_bench.create(path, "topology", fast_mode=True, verbose=False)`` gives it (the package is
        ``nats_bench``, its data are the authors'). All of it is read once; then the benchmark stands by itself.
    dataset : {"cifar10", "cifar100", "ImageNet16-120"}, default="cifar10"
        What the cells were trained on.

    Returns
    -------
    Benchmark
        ``"nasbench201:DATASET"``, as :func:`~autonas.benchmarks.load_benchmark` makes it of a table: validation errors
        after 12 and 200 epochs.

    Raises
    ------
    ValueError
        If the data set is unknown, or the API is not of these 15,625 cells.

    See Also
    --------
    nats_bench_table : The same as a table, to be kept.

    References
    ----------
    .. [1] X. Dong, L. Liu, K. Musial and B. Gabrys. NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology
       and Size. IEEE TPAMI, 2021.
    """
    return of_cells(f"nasbench201:{dataset}", dataset, nats_bench_table(api, dataset))


def nats_bench_table(api: Any, dataset: str = "cifar10") -> pd.DataFrame:
    """Read what a benchmark needs out of the official API object of NATS-Bench.

    Kept as ``nasbench/nasbench201/DATASET.csv.gz`` in the data folder, the benchmark has a name, as in
    ``autonas benchmark optimizers --benchmarks nasbench201:cifar100``, and is loaded in a second.

    Parameters
    ----------
    api, dataset
        As for :func:`nats_bench`.

    Returns
    -------
    pandas.DataFrame
        One row a cell: ``arch``, the official string; ``op0`` to ``op5``, its operations by number;
        ``DATASET_val200_s0`` to ``_s2``, the validation accuracy in percent after 200 epochs by seed, NaN where there
        is no third; ``DATASET_val12``, that after 12 epochs; ``DATASET_train_time``, seconds of 200 epochs and a
        validation.

    Raises
    ------
    ValueError
        As for :func:`nats_bench`.

    Examples
    --------
    >>> from nats_bench import create  # doctest: +SKIP
    >>> api = create("NATS-tss-v1_0-3ffb9-simple", "topology", fast_mode=True, verbose=False)  # doctest: +SKIP
    >>> table = nats_bench_table(api, "cifar100")  # doctest: +SKIP
    >>> table.to_csv("data/nasbench/nasbench201/cifar100.csv.gz", index=False)  # doctest: +SKIP
    """
    check_names("dataset", [dataset], DATASETS)
    cells = 5 ** len(NASBENCH201)
    if len(api) != cells:
        raise ValueError(f"The API has {len(api)} architectures, but the topology space has {cells}: pass that one.")
    table: pd.DataFrame = pd.DataFrame([_row(api, index, dataset) for index in range(cells)])
    if table.duplicated([*NASBENCH201]).any():
        raise ValueError("The API has a cell twice; pass the one of the topology space.")
    return table


def _row(api: Any, index: int, dataset: str) -> dict[str, Any]:
    name = DATASETS[dataset]
    arch = api.arch(index)
    full = api.get_more_info(index, name, hp="200", is_random=False)
    row: dict[str, Any] = {"arch": arch, **_operations(arch)}
    accuracies = []
    for seed in _SEEDS:
        with suppress(ValueError):  # the API's word for a seed that it does not have
            accuracies.append(api.get_more_info(index, name, hp="200", is_random=seed)["valid-accuracy"])
    if not accuracies:
        raise ValueError(f"The API has no training of {arch!r} with 200 epochs from one of the seeds {_SEEDS}.")
    for number in range(len(_SEEDS)):
        row[f"{dataset}_val200_s{number}"] = accuracies[number] if number < len(accuracies) else np.nan
    row[f"{dataset}_val12"] = api.get_more_info(index, name, hp="12", is_random=False)["valid-accuracy"]
    row[f"{dataset}_train_time"] = full["train-all-time"] + full["valid-per-time"]
    return row


def _operations(arch: str) -> dict[str, int]:
    """Number the operations of an official string, whose order is that of the edges here."""
    names = _OPERATION.findall(arch)
    try:
        return {op: choices.index(name) for (op, choices), name in zip(NASBENCH201.items(), names, strict=True)}
    except ValueError:
        raise ValueError(f"The API has the architecture {arch!r}; pass the one of the topology space.") from None
