"""One-shot searches as a whole: all strategies find what is plainly better; limits; errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autonas.one_shot import STRATEGIES, Settings, find_architectures
from autonas.one_shot.strategy import Strategy, n_skips
from tests.one_shot.problems import OUTPUT, SPACES, configuration_of, input_of, sample_of

FAST = Settings(batch_size=16, n_judged=20)


def find(name="mlp_cell", strategy="darts", *, n=192, **options):
    learn, judge = sample_of(name, n), sample_of(name, n, seed=1)
    given = {"epochs": 2, "settings": FAST, **options}
    return find_architectures(
        SPACES[name],
        configuration_of(name, dropout=0.1),
        (input_of(name), OUTPUT),
        learn,
        judge,
        strategy=strategy,
        **given,
    )


#: Three to twenty seconds each: eight operations on 28 edges, or gradients of gradients.
DEAR = {("cell", strategy) for strategy in STRATEGIES if strategy != "gdas"}
DEAR |= {("nasbench201", "robust_darts"), ("nasbench201", "darts_second_order")}


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        pytest.param(name, strategy, marks=[pytest.mark.slow] if (name, strategy) in DEAR else [])
        for name in SPACES
        for strategy in STRATEGIES
    ],
)
def test_every_strategy_on_every_space(name, strategy):
    found = find(name, strategy, n=48)
    assert 1 <= len(found.genotypes) <= 3
    assert len({tuple(sorted(g.items())) for g in found.genotypes}) == len(found.genotypes)
    for genotype in found.genotypes:
        assert SPACES[name].is_connected(genotype)
        assert n_skips(genotype) <= 2
    assert [entry["epoch"] for entry in found.record] == [1, 2]
    assert found.activation_bytes > 0


@pytest.mark.parametrize(
    "strategy", [pytest.param(s, marks=[pytest.mark.slow] if s == "darts_second_order" else []) for s in STRATEGIES]
)
def test_the_same_seed_finds_the_same_and_leaves_the_global_generators_alone(strategy):
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    one, other = find(strategy=strategy, seed=3), find(strategy=strategy, seed=3)
    assert one.genotypes == other.genotypes
    assert [e["loss"] for e in one.record] == [e["loss"] for e in other.record]
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert find(strategy=strategy, seed=4).record != one.record


@pytest.mark.parametrize(
    "strategy", ["darts", *(pytest.param(s, marks=pytest.mark.slow) for s in ("darts_second_order", "robust_darts"))]
)
def test_alphas_come_to_prefer_what_learns(strategy):
    """The class depends on a product of numbers: "none" everywhere cannot tell it."""
    settings = Settings(batch_size=16, learning_rate=0.1, architecture_learning_rate=0.05, max_skips=None)
    found = find(strategy=strategy, epochs=12, settings=settings)
    losses = [entry["loss"] for entry in found.record]
    assert losses[-1] < losses[0]
    assert SPACES["mlp_cell"].is_connected(found.genotypes[0])
    assert found.record[-1]["entropy"] < found.record[0]["entropy"] < 1.0


def test_a_warm_up_trains_the_weights_only():
    entropies = [e["entropy"] for e in find(epochs=4, settings=FAST.changed(warm_up=0.5)).record]
    assert entropies[0] == entropies[1]
    assert len({*entropies[1:]}) == 3


def test_by_perturbation_an_edge_keeps_what_the_loss_needs():
    """Of a class that depends on a product of numbers "none" tells nothing: taking it away never hurts."""
    settings = Settings(batch_size=16, learning_rate=0.1)
    found = find(strategy="darts_pt", epochs=12, settings=settings)
    assert "entropy" not in found.record[0], "nothing is decided while all edges are open"
    assert found.record[-1]["entropy"] < 1
    assert SPACES["mlp_cell"].is_connected(found.genotypes[0])


def test_one_path_at_a_time_takes_less_memory():
    sizes = {strategy: find("nasbench201", strategy, n=32, epochs=1).activation_bytes for strategy in ("darts", "gdas")}
    assert sizes["gdas"] < 0.6 * sizes["darts"]
    partial = find_architectures(
        SPACES["nasbench201"],
        configuration_of("nasbench201"),
        (input_of("nasbench201"), OUTPUT),
        sample_of("nasbench201", 32),
        sample_of("nasbench201", 32),
        epochs=1,
        settings=FAST,
        partial_channels=4,
    )
    assert partial.activation_bytes < 0.7 * sizes["darts"]


def test_the_time_limit_ends_it_and_it_names_architectures_all_the_same():
    found = find(epochs=None, time_limit=1e-6)
    assert found.genotypes
    assert len(found.record) == 1


@pytest.mark.parametrize("strategy", ["random_sharing", "path_dropout", "enas"])
def test_when_it_is_late_no_more_architectures_are_judged(strategy, monkeypatch):
    judged = []
    loss = Strategy.loss

    def watch(self, batch):
        if not torch.is_grad_enabled():
            judged.append(len(batch.target))
        return loss(self, batch)

    monkeypatch.setattr(Strategy, "loss", watch)
    assert len(find(strategy=strategy, epochs=None, time_limit=1e-6).genotypes) == 1
    assert len(judged) <= 2, "one for the controller, one architecture"


def test_stop_ends_it():
    calls = []

    def stop():
        calls.append(0)
        return len(calls) == 3

    found = find(epochs=50, stop=stop)
    assert len(calls) == 3
    assert len(found.record) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "dart"}, "Unknown one-shot strategy 'dart'; did you mean 'darts'"),
        ({"epochs": None}, "epochs=None and time_limit=None: nothing would end the search"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        find(**options)
