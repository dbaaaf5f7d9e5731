from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ConfigSpace import CategoricalHyperparameter, OrdinalHyperparameter

from autonas.benchmarks import load_benchmark
from autonas.spaces import values

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


@pytest.fixture(scope="module")
def cells(made_up):
    return pd.read_csv(made_up / "nasbench/nasbench201/cifar10.csv.gz")


def architecture(row):
    return {f"op{i}": OPS[int(row[f"op{i}"])] for i in range(6)}


def test_nasbench201_gives_what_the_table_says(made_up, cells):
    benchmark = load_benchmark("nasbench201:cifar10", made_up)
    seeds = [f"cifar10_val200_s{s}" for s in range(3)]
    for _, row in cells.sample(50, random_state=0).iterrows():
        configuration = architecture(row)
        mean = 1 - row[seeds].mean() / 100
        assert benchmark.objective(configuration, 200)["loss"] == pytest.approx(mean, abs=1e-12)
        assert benchmark.loss(configuration) == pytest.approx(mean, abs=1e-12)
        assert benchmark.objective(configuration, 200)["cost"] == pytest.approx(row["cifar10_train_time"])
        short = benchmark.objective(configuration, 12)
        assert short["loss"] == pytest.approx(1 - row["cifar10_val12"] / 100, abs=1e-12)
        assert short["cost"] == pytest.approx(0.06 * row["cifar10_train_time"])
        for seed, column in enumerate(seeds):
            measured = row[column] if np.isfinite(row[column]) else row[seeds[0]]
            one = benchmark.with_seed(seed + 3).objective(configuration, 200)
            assert one["loss"] == pytest.approx(1 - measured / 100, abs=1e-12)


def test_nasbench201_knows_its_best_and_its_median(made_up, cells):
    benchmark = load_benchmark("nasbench201:cifar10", made_up)
    mean = cells[[f"cifar10_val200_s{s}" for s in range(3)]].mean(axis=1)
    assert benchmark.exact
    assert benchmark.optimum == pytest.approx(1 - mean.max() / 100)
    assert benchmark.median == pytest.approx(1 - mean.median() / 100)
    assert benchmark.regret(architecture(cells.loc[mean.idxmax()])) == pytest.approx(0, abs=1e-12)
    assert benchmark.regret(architecture(cells.loc[mean.idxmin()])) == 1
    assert (benchmark.min_fidelity, benchmark.max_fidelity, benchmark.eta) == (12, 200, 16)


@pytest.mark.parametrize(
    ("name", "key", "sign"),
    [("hpobench_mlp:australian", "val_acc", -1), ("fcnet:slice_localization", "val_loss", 1)],
)
def test_full_grids_give_what_the_table_says(made_up, name, key, sign):
    benchmark = load_benchmark(name, made_up)
    path = f"nasbench/{name.replace(':', '/')}.npz"
    with np.load(made_up / path) as file:
        losses, seconds = file[key].astype(float), file["train_time"].astype(float)
    losses = losses if sign > 0 else 1 - losses
    grid = [
        getattr(hp, "choices", None) or getattr(hp, "sequence", None) for hp in map(benchmark.space.get, AXES[name])
    ]
    assert [len(choices) for choices in grid] == list(losses.shape[:-1])
    rng = np.random.default_rng(1)
    for _ in range(50):
        cell = tuple(int(rng.integers(n)) for n in losses.shape[:-1])
        configuration = {axis: choices[i] for axis, choices, i in zip(AXES[name], grid, cell, strict=True)}
        got = benchmark.objective(configuration, 1)
        assert got["loss"] == pytest.approx(losses[cell].mean(), abs=1e-12)
        assert got["cost"] == pytest.approx(seconds[cell].mean())
        assert benchmark.with_seed(2).objective(configuration, 1)["loss"] == losses[cell][2]
    means = losses.mean(axis=-1)
    assert benchmark.optimum == means.min()
    assert benchmark.median == np.median(means)
    assert benchmark.n_seeds == losses.shape[-1]


AXES = {
    "hpobench_mlp:australian": ["alpha", "batch_size", "depth", "learning_rate_init", "width"],
    "fcnet:slice_localization": [
        "activation_fn_1", "activation_fn_2", "batch_size", "dropout_1", "dropout_2", "init_lr", "lr_schedule",
        "n_units_1", "n_units_2",
    ],
}  # fmt: skip


def test_names_are_categorical_and_numbers_ordinal(made_up):
    space = load_benchmark("fcnet:slice_localization", made_up).space
    kinds = {name for name, hp in space.items() if isinstance(hp, CategoricalHyperparameter)}
    assert kinds == {"activation_fn_1", "activation_fn_2", "lr_schedule"}
    assert all(isinstance(space[name], OrdinalHyperparameter) for name in set(space) - kinds)


def test_every_configuration_of_the_space_is_in_the_table(made_up):
    for name in ("nasbench201:cifar10", *AXES):
        benchmark = load_benchmark(name, made_up)
        for configuration in benchmark.space.sample_configuration(200):
            assert np.isfinite(benchmark.objective(values(configuration), benchmark.max_fidelity)["loss"])


def test_what_the_table_lacks_is_refused(made_up):
    benchmark = load_benchmark("hpobench_mlp:australian", made_up)
    configuration = values(benchmark.space.get_default_configuration())
    with pytest.raises(ValueError, match=r"The fidelity is 3, but hpobench_mlp:australian knows 1 only"):
        benchmark.objective(configuration, 3)
    with pytest.raises(ValueError, match=r"depth is 7, but must be one of 1, 2, 3"):
        benchmark.objective({**configuration, "depth": 7}, 1)
    configuration.pop("width")
    with pytest.raises(ValueError, match="has no 'width'"):
        benchmark.objective(configuration, 1)
