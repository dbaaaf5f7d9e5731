"""A table of our own: an MLP and its training on scikit-learn's digits, every epoch of every configuration measured."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, GreaterThanCondition, OrdinalHyperparameter

from autonas.benchmarks.benchmark import Benchmark, scale

__all__ = ["FILE", "GRID", "MAX_EPOCHS", "N_SEEDS", "configurations", "mlp_digits", "mlp_digits_table"]

Array = npt.NDArray[Any]

#: Where the table lies: in the package.
FILE = Path(__file__).with_name("mlp_digits.npz")
MAX_EPOCHS, N_SEEDS = 9, 3
#: Values of each hyperparameter of the family ``mlp`` and of its training.
GRID: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "n_layers": (1, 2),
        "width_1": (8, 32),
        "width_2": (8, 32),
        "activation": ("relu", "tanh"),
        "normalization": ("none", "batch"),
        "skip": (False, True),
        "learning_rate": (0.003, 0.006, 0.012, 0.025, 0.05, 0.1, 0.2),
        "weight_decay": (0.01, 0.3, 2.0),
        "schedule": ("constant", "cosine"),
    }
)
_TRAINING = ("learning_rate", "weight_decay", "schedule")


def configurations() -> Iterator[dict[str, Any]]:
    """Go through all configurations, active values only, in the order of the table's rows."""
    seen = set()
    for choice in itertools.product(*GRID.values()):
        configuration = _active(dict(zip(GRID, choice, strict=True)))
        key = tuple(configuration.items())
        if key not in seen:
            seen.add(key)
            yield configuration


def _active(configuration: Mapping[str, Any]) -> dict[str, Any]:
    shallow = configuration["n_layers"] == 1
    return {name: value for name, value in configuration.items() if not (shallow and name == "width_2")}


def mlp_digits(name: str, _instance: str = "digits", _data_dir: str | Path | None = None) -> Benchmark:
    """Load the benchmark: the validation log loss after 1 to 9 epochs, and seconds of the processor.

    It needs no data folder. The loss is that after the last epoch asked for, not the smallest on the way there.
    """
    table = mlp_digits_table()
    losses, seconds = table["valid_loss"].astype(float), table["seconds"].cumsum(axis=1, dtype=float)
    means = losses.mean(axis=1)
    rows = {tuple(configuration.items()): row for row, configuration in enumerate(configurations())}

    def evaluate(configuration: Mapping[str, Any], fidelity: int, seed: int | None) -> tuple[float, float]:
        row = rows[_key(configuration)]
        if fidelity not in range(1, MAX_EPOCHS + 1):
            raise ValueError(f"The fidelity is {fidelity}, but {name} knows 1 to {MAX_EPOCHS} epochs.")
        loss = means[row, fidelity - 1] if seed is None else losses[row, seed, fidelity - 1]
        return float(loss), float(seconds[row, fidelity - 1])

    return Benchmark(
        name,
        _space(),
        min_fidelity=1,
        max_fidelity=MAX_EPOCHS,
        eta=3,
        **scale(means[:, -1]),
        exact=True,
        n_seeds=N_SEEDS,
        evaluate=evaluate,
    )


@functools.lru_cache(maxsize=1)
def mlp_digits_table() -> Mapping[str, Array]:
    """Load everything that was measured.

    Returns
    -------
    mapping of str to ndarray
        A row a configuration. ``valid_loss`` and ``test_loss``: log losses of shape (n, 3 seeds, 9 epochs), to three
        digits; ``valid_error`` and ``test_error``: shares of rows, of the same shape, exact; ``seconds`` of the
        processor, of one training, of shape (n, 9 epochs), each by itself; ``n_parameters`` of shape (n,); and a
        column, of shape (n,), for each hyperparameter: a width is 0 where the network has no such layer. Read-only.

    Examples
    --------
    >>> table = mlp_digits_table()
    >>> table["valid_loss"].shape[1:]
    (3, 9)
    """
    with np.load(FILE, allow_pickle=False) as file:
        table = {name: file[name] for name in file.files}
    for part in ("valid", "test"):
        table[f"{part}_error"] = table.pop(f"{part}_wrong") / table.pop(f"n_{part}")
    for column in table.values():
        column.flags.writeable = False
    return MappingProxyType(table)


def _space() -> ConfigurationSpace:
    space = ConfigurationSpace("mlp_digits")
    for name, choices in GRID.items():
        ordered = isinstance(choices[-1], (int, float)) and not isinstance(choices[-1], bool)
        kind = OrdinalHyperparameter if ordered else CategoricalHyperparameter
        space.add(kind(name, choices, meta={"role": "training" if name in _TRAINING else "architecture"}))
    space.add(GreaterThanCondition(space["width_2"], space["n_layers"], 1))
    return space


def _key(configuration: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Check a configuration, and put it into the order of the grid."""
    if "n_layers" not in configuration:
        raise ValueError(f"The configuration {dict(configuration)} has no 'n_layers'.")
    wanted = _active({**dict.fromkeys(GRID), "n_layers": configuration["n_layers"]})
    for name in wanted:
        if name not in configuration:
            raise ValueError(f"The configuration {dict(configuration)} has no {name!r}.")
        if configuration[name] not in GRID[name]:
            allowed = ", ".join(map(repr, GRID[name]))
            raise ValueError(f"{name} is {configuration[name]!r}, but must be one of {allowed}.")
    return tuple((name, configuration[name]) for name in wanted)
