"""The gradients of DARTS, against autograd through the unrolled step, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import functional_call

from autonas.one_shot import Settings, Supernet
from autonas.one_shot.darts import Darts
from autonas.one_shot.data import criterion
from autonas.one_shot.gdas import Gdas
from autonas.one_shot.robust_darts import RobustDarts
from tests.one_shot.problems import OUTPUT, SPACES, configuration_of, input_of, sample_of


def make(name, strategy=Darts, partial=1):
    torch.manual_seed(0)
    supernet = Supernet(SPACES[name], configuration_of(name, width=8), input_of(name), OUTPUT, partial=partial)
    supernet.network.double()
    for p in supernet.weights:
        torch.nn.init.normal_(p, std=0.3)
    learner = strategy(supernet, Settings(), np.random.default_rng(0))
    with torch.no_grad():
        for t in learner.architecture:
            t.normal_()
    return learner


def batches(name):
    sample = sample_of(name, 24, dtype=torch.float64)
    return sample.take(np.arange(12)), sample.take(np.arange(12, 24))


def unrolled(learner, learn, judge, rate):
    """The exact gradient: autograd through one step of gradient descent."""
    network = learner.supernet.network
    named = dict(network.named_parameters())
    learner.supernet.mix(learner.probabilities())
    learner.supernet.gates.edge_weights = learner.edge_weights()
    loss = criterion(learner.supernet(*learn.inputs), learn)
    down = torch.autograd.grad(loss, list(named.values()), create_graph=True, allow_unused=True)
    moved = {n: w if d is None else w - rate * d for (n, w), d in zip(named.items(), down, strict=True)}
    loss = criterion(functional_call(network, moved, judge.inputs), judge)
    return torch.autograd.grad(loss, learner.architecture, allow_unused=True)


def relative_error(found, exact):
    found, exact = (torch.cat([g.flatten() for g in gs if g is not None]) for gs in (found, exact))
    return float((found - exact).norm() / exact.norm())


@pytest.mark.parametrize("partial", [1, 4])
def test_first_order_gradients_are_exact(partial):
    learner = make("mlp_cell", partial=partial)
    learn, judge = batches("mlp_cell")
    found = learner.gradients(judge)
    assert relative_error(found, unrolled(learner, learn, judge, rate=0.0)) < 1e-14


@pytest.mark.parametrize("partial", [1, 4])
@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_second_order_gradients(rate, partial):
    learner = make("mlp_cell", partial=partial)
    learn, judge = batches("mlp_cell")
    before = [w.detach().clone() for w in learner.supernet.weights]
    found = learner.second_order_gradients(learn, judge, rate)
    exact = unrolled(learner, learn, judge, rate)
    assert relative_error(found, exact) < 1e-4
    assert relative_error(learner.gradients(judge), exact) > 1e-3, "the test could not tell them apart"
    assert all(torch.equal(w, old) for w, old in zip(learner.supernet.weights, before, strict=True))


def test_the_eigenvalue_of_the_hessian():
    learner = make("mlp_cell", RobustDarts)
    _, judge = batches("mlp_cell")
    alphas = list(learner.alphas.values())
    n = len(alphas[0])

    def loss(flat):
        supernet = learner.supernet
        supernet.mix({e: a.softmax(0) for e, a in zip(learner.alphas, flat.split(n), strict=True)})
        return criterion(supernet(*judge.inputs), judge)

    hessian = torch.autograd.functional.hessian(loss, torch.cat([a.detach() for a in alphas]))
    exact = torch.linalg.eigvalsh(hessian).abs().max()
    assert learner.dominant_eigenvalue(judge, iterations=200) == pytest.approx(float(exact), rel=0.02)


def test_robust_darts_goes_back_to_before_it_got_sharp(monkeypatch):
    learner = make("mlp_cell", RobustDarts)
    sharp = iter([1.0] * 11 + [5.0] * 10)
    monkeypatch.setattr(learner, "dominant_eigenvalue", lambda _: next(sharp))
    sample = sample_of("mlp_cell", 24, dtype=torch.float64)
    kept = []
    for _ in range(21):
        with torch.no_grad():
            for t in learner.architecture:
                t.add_(1.0)
        kept.append(learner.keep())
        if learner.end_epoch(sample).get("stop"):
            break
    assert len(kept) == 12, "the average of five epochs has grown by a third"
    assert all(torch.equal(a, b) for a, b in zip(learner.architecture, kept[-1 - learner.window], strict=True))


def test_gdas_draws_by_probability_and_its_factors_carry_the_gradient():
    learner = make("mlp_cell", Gdas)
    edge = learner.space.edges[0]
    p = learner.probabilities()[edge].detach().numpy()
    drawn = [learner.draw_path(1.0) for _ in range(2000)]
    shares = [np.mean([path[edge] == op for path, _ in drawn]) for op in learner.space.operations]
    assert np.abs(shares - p).max() < 0.05
    _, factors = drawn[0]
    assert float(factors[edge].detach()) == pytest.approx(1.0)
    (gradient,) = torch.autograd.grad(factors[edge], learner.alphas[edge])
    assert gradient.abs().sum() > 0
    assert float(gradient.sum()) == pytest.approx(0.0, abs=1e-12)
