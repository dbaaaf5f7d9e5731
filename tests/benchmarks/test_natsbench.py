"""The official API of NATS-Bench, as an object that answers as it does."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from autonas import search
from autonas.benchmarks import load_benchmark, nats_bench, nats_bench_table

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
#: Nodes in the order of the official string: (node, input).
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))


class API:
    """Answers as ``NATStopology`` of nats_bench 1.8: accuracy 50 + 5 x (share of 3x3) + data set + seed, in percent."""

    def __init__(self, n=5**6, verbose=False):
        cells = list(itertools.product(OPS, repeat=6))
        order = np.random.default_rng(0).permutation(len(cells))[:n]
        self.cells = [cells[i] for i in order]

    def __len__(self):
        return len(self.cells)

    def arch(self, index):
        nodes = [[f"{op}~{i}" for op, (node, i) in zip(self.cells[index], EDGES, strict=True) if node == n]
                 for n in (1, 2, 3)]  # fmt: skip
        return "+".join(f"|{'|'.join(inputs)}|" for inputs in nodes)

    def seeds(self, index, hp):
        return [777] if hp == "12" else [777, 999] if index % 2 else [777, 888, 999]

    def get_more_info(self, index, dataset, iepoch=None, hp="12", is_random=True):
        datasets = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
        seeds = self.seeds(index, hp)
        if is_random is not False:
            assert is_random is not True, "a random one is no table"
            if is_random not in seeds:
                raise ValueError(f"can not find random seed ({is_random}) from {seeds}")
            seeds = [is_random]
        share = self.cells[index].count("nor_conv_3x3") / 6
        accuracy = 50 + 5 * share + datasets.index(dataset) + np.mean(seeds) / 1000 - 20 * (hp == "12")
        info = {"train-all-time": 10.0 * int(hp), "train-per-time": 10.0}
        if dataset != "cifar10":  # which has no images that validate
            info |= {"valid-accuracy": accuracy, "valid-per-time": 3.0, "valid-all-time": 3.0 * int(hp)}
        return info


@pytest.fixture(scope="module")
def api():
    return API()


@pytest.mark.parametrize(("dataset", "plus"), [("cifar10", 0), ("cifar100", 2), ("ImageNet16-120", 3)])
def test_the_benchmark_says_what_the_api_says(api, dataset, plus):
    benchmark = nats_bench(api, dataset)
    assert benchmark.name == f"nasbench201:{dataset}"
    for index in (0, 1, 77, 15_624):
        configuration = {f"op{i}": op for i, op in enumerate(api.cells[index])}
        share = api.cells[index].count("nor_conv_3x3") / 6
        base = 50 + 5 * share + plus
        seeds = api.seeds(index, "200")
        full = benchmark.objective(configuration, 200)
        assert full["loss"] == pytest.approx(1 - (base + np.mean(seeds) / 1000) / 100)
        assert full["cost"] == pytest.approx(2003)
        assert benchmark.objective(configuration, 12)["loss"] == pytest.approx(1 - (base + 0.777 - 20) / 100)
        third = seeds[2] if len(seeds) == 3 else seeds[0]
        for number, seed in enumerate([*seeds[:2], third]):
            loss = benchmark.with_seed(number).objective(configuration, 200)["loss"]
            assert loss == pytest.approx(1 - (base + seed / 1000) / 100)
    assert benchmark.optimum == pytest.approx(1 - (55 + plus + 0.888) / 100)


def test_the_table_that_is_kept_has_a_name(api, tmp_path):
    folder = tmp_path / "nasbench" / "nasbench201"
    folder.mkdir(parents=True)
    table = nats_bench_table(api, "cifar100")
    table.to_csv(folder / "cifar100.csv.gz", index=False)
    named, direct = load_benchmark("nasbench201:cifar100", tmp_path), nats_bench(api, "cifar100")
    assert (named.optimum, named.median) == pytest.approx((direct.optimum, direct.median))
    history = search(named.objective, named.space, min_fidelity=12, max_fidelity=200, eta=16, n_trials=20)
    best = history.best.configuration
    assert named.regret(best) == pytest.approx(direct.regret(best))


def test_it_is_the_table_that_comes_with_the_data(data_dir, api):
    """The columns and the order of the operations, by the official strings."""
    kept = pd.read_csv(data_dir / "nasbench/nasbench201/cifar10.csv.gz").set_index("arch")
    ours = nats_bench_table(api).set_index("arch")
    ops = [f"op{i}" for i in range(6)]
    pd.testing.assert_frame_equal(ours[ops].sort_index(), kept[ops].sort_index())
    assert set(ours) <= set(kept)


def test_what_is_no_topology_space_is_refused(api):
    with pytest.raises(ValueError, match="has 100 architectures, but the topology space has 15625"):
        nats_bench(API(n=100))
    with pytest.raises(ValueError, match="did you mean 'cifar100'"):
        nats_bench(api, "cifar_100")

    class Sizes(API):
        def arch(self, index):
            return "64:32:16:64:8"

    with pytest.raises(ValueError, match=r"architecture '64:32:16:64:8'; pass the one of the topology space"):
        nats_bench(Sizes())
