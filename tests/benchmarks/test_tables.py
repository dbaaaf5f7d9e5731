from __future__ import annotations

import pytest

from autonas.benchmarks import DEFAULT_BENCHMARKS, TABLES, load_benchmark
from autonas.spaces import values


def test_unknown_names_are_answered_with_the_nearest(made_up):
    with pytest.raises(ValueError, match="did you mean 'lcbench:126029'"):
        load_benchmark("lcbench:12602", made_up)


def test_the_data_are_asked_for(monkeypatch, tmp_path):
    monkeypatch.delenv("AUTONAS_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="set the environment variable AUTONAS_DATA"):
        load_benchmark("nasbench201:cifar10")
    with pytest.raises(FileNotFoundError, match="`data_dir` is .* but must be a folder that has nasbench/nasb"):
        load_benchmark("nasbench201:cifar10", tmp_path)
    monkeypatch.setenv("AUTONAS_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="the environment variable AUTONAS_DATA is"):
        load_benchmark("nasbench201:cifar10")


def test_the_default_benchmarks_exist():
    assert set(DEFAULT_BENCHMARKS) <= set(TABLES)
    assert len(DEFAULT_BENCHMARKS) == 8


@pytest.mark.parametrize(
    ("name", "optimum", "n_seeds"),
    [
        ("nasbench201:cifar10", 1 - 0.9160667, 3),
        ("fcnet:parkinsons_telemonitoring", 6.706e-3, 4),
        ("fcnet:slice_localization", 1.916e-4, 4),
        ("hpobench_mlp:australian", 0.055331, 5),
        ("hpobench_mlp:car", 0.0, 5),
        ("hpobench_mlp:phoneme", 0.055530, 5),
        ("hpobench_mlp:vehicle", 0.048430, 5),
    ],
)
def test_the_best_of_the_real_tables_is_known(data_dir, name, optimum, n_seeds):
    benchmark = load_benchmark(name, data_dir)
    assert benchmark.optimum == pytest.approx(optimum, rel=1e-3)
    assert benchmark.n_seeds == n_seeds
    regrets = [benchmark.regret(values(c)) for c in benchmark.space.sample_configuration(500)]
    assert min(regrets) >= 0
    assert max(regrets) == 1
