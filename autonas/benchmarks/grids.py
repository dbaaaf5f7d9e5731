"""Tables that hold every configuration of a grid: NAS-Bench-201, HPOBench's MLP, FCNet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, OrdinalHyperparameter

from autonas.benchmarks._files import find_data
from autonas.benchmarks.benchmark import Benchmark, scale

__all__ = ["NASBENCH201", "fcnet", "hpobench_mlp", "nasbench201", "of_cells"]

Array = npt.NDArray[Any]

NASBENCH201 = MappingProxyType(
    {f"op{i}": ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3") for i in range(6)}
)
#: Which edge each operation stands on, for samplers that encode a cell by its paths.
_NASBENCH201_EDGES = ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")
_HPOBENCH_MLP = MappingProxyType(
    {
        "alpha": (1e-8, 7.742637e-8, 5.994842e-7, 4.641589e-6, 3.5938137e-5, 2.7825593e-4, 2.1544348e-3,
                  1.6681006e-2, 1.2915497e-1, 1.0),
        "batch_size": (4, 6, 10, 16, 25, 40, 64, 101, 161, 256),
        "depth": (1, 2, 3),
        "learning_rate_init": (1e-5, 3.5938137e-5, 1.2915497e-4, 4.641589e-4, 1.6681006e-3, 5.9948424e-3,
                               2.1544347e-2, 7.742637e-2, 2.7825594e-1, 1.0),
        "width": (16, 25, 40, 64, 101, 161, 256, 406, 645, 1024),
    }
)  # fmt: skip
_FCNET = MappingProxyType(
    {
        "activation_fn_1": ("relu", "tanh"),
        "activation_fn_2": ("relu", "tanh"),
        "batch_size": (8, 16, 32, 64),
        "dropout_1": (0.0, 0.3, 0.6),
        "dropout_2": (0.0, 0.3, 0.6),
        "init_lr": (5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1),
        "lr_schedule": ("cosine", "const"),
        "n_units_1": (16, 32, 64, 128, 256, 512),
        "n_units_2": (16, 32, 64, 128, 256, 512),
    }
)


def nasbench201(name: str, dataset: str, data_dir: str | Path | None) -> Benchmark:
    """NAS-Bench-201: the error after 12 epochs (one seed) and after 200 (two or three seeds).

    The 12 epochs have a learning-rate schedule of their own, yet a search that goes on to 200 pays for 188
    more. An architecture that has two seeds gives the first again for the third, as in HPOBench.
    """
    return of_cells(name, dataset, pd.read_csv(find_data(f"nasbench/nasbench201/{dataset}.csv.gz", data_dir)))


def of_cells(name: str, dataset: str, table: pd.DataFrame) -> Benchmark:
    """Make a benchmark of NAS-Bench-201 from its table, a row a cell."""
    cells = tuple(table[op].to_numpy() for op in NASBENCH201)
    seeds = 1 - table[[f"{dataset}_val200_s{s}" for s in range(3)]].to_numpy() / 100
    short, mean, seconds = (np.full([5] * 6, np.nan) for _ in range(3))
    short[cells] = 1 - table[f"{dataset}_val12"].to_numpy() / 100
    mean[cells] = np.nanmean(seeds, axis=1)
    seconds[cells] = table[f"{dataset}_train_time"].to_numpy()
    full = np.full([5] * 6 + [3], np.nan)
    full[cells] = np.where(np.isnan(seeds), seeds[:, :1], seeds)

    def evaluate(configuration: Mapping[str, Any], fidelity: int, seed: int | None) -> tuple[float, float]:
        cell = _indices(NASBENCH201, configuration)
        _check_fidelity(name, fidelity, (12, 200))
        if fidelity == 12:
            return float(short[cell]), float(seconds[cell]) * 12 / 200
        return float(mean[cell] if seed is None else full[cell][seed]), float(seconds[cell])

    space = ConfigurationSpace()
    for (op, choices), edge in zip(NASBENCH201.items(), _NASBENCH201_EDGES, strict=True):
        space.add(CategoricalHyperparameter(op, choices, meta={"edge": edge}))
    return Benchmark(
        name,
        space,
        min_fidelity=12,
        max_fidelity=200,
        eta=16,
        **scale(mean),
        exact=True,
        n_seeds=3,
        evaluate=evaluate,
    )


def hpobench_mlp(name: str, dataset: str, data_dir: str | Path | None) -> Benchmark:
    """HPOBench's MLP: one minus the balanced accuracy of a full training."""
    with np.load(find_data(f"nasbench/hpobench_mlp/{dataset}.npz", data_dir)) as file:
        return _full_grid(name, _HPOBENCH_MLP, 1 - file["val_acc"].astype(float), file["train_time"])


def fcnet(name: str, dataset: str, data_dir: str | Path | None) -> Benchmark:
    """FCNet: the mean squared error after 100 epochs."""
    with np.load(find_data(f"nasbench/fcnet/{dataset}.npz", data_dir)) as file:
        return _full_grid(name, _FCNET, file["val_loss"].astype(float), file["train_time"])


def _full_grid(name: str, grid: Mapping[str, tuple[Any, ...]], losses: Array, seconds: Array) -> Benchmark:
    """Full trainings only; the arrays have an axis a hyperparameter, and the seeds last."""
    mean, mean_seconds = losses.mean(axis=-1), seconds.mean(axis=-1, dtype=float)

    def evaluate(configuration: Mapping[str, Any], fidelity: int, seed: int | None) -> tuple[float, float]:
        cell = _indices(grid, configuration)
        _check_fidelity(name, fidelity, (1,))
        if seed is None:
            return float(mean[cell]), float(mean_seconds[cell])
        return float(losses[cell][seed]), float(seconds[cell][seed])

    return Benchmark(
        name,
        _space(grid),
        min_fidelity=1,
        max_fidelity=1,
        eta=3,
        **scale(mean),
        exact=True,
        n_seeds=losses.shape[-1],
        evaluate=evaluate,
    )


def _space(grid: Mapping[str, tuple[Any, ...]]) -> ConfigurationSpace:
    """Numbers become ordinals, names categoricals, as in HPOBench."""
    space = ConfigurationSpace()
    for name, choices in grid.items():
        kind = CategoricalHyperparameter if isinstance(choices[0], str) else OrdinalHyperparameter
        space.add(kind(name, choices))
    return space


def _indices(grid: Mapping[str, tuple[Any, ...]], configuration: Mapping[str, Any]) -> tuple[int, ...]:
    try:
        return tuple(choices.index(configuration[name]) for name, choices in grid.items())
    except KeyError as error:
        raise ValueError(f"The configuration {dict(configuration)} has no {error}.") from None
    except ValueError:
        name = next(n for n, choices in grid.items() if configuration[n] not in choices)
        raise ValueError(
            f"{name} is {configuration[name]!r}, but must be one of {', '.join(map(repr, grid[name]))}."
        ) from None


def _check_fidelity(name: str, fidelity: int, known: tuple[int, ...]) -> None:
    if fidelity not in known:
        raise ValueError(f"The fidelity is {fidelity}, but {name} knows {' and '.join(map(str, known))} only.")
