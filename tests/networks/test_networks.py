"""Every network family: shapes, odd inputs, where training starts, and that stacked networks do not see each other."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autonas.networks import NETWORKS, InputSpec
from autonas.networks.noise import Noise
from tests.networks.samples import CLASSES, NUMBERS, batch_of, build, configuration_of, spec_of, stir

columns = st.tuples(st.integers(0, 4), st.lists(st.integers(1, 40), max_size=3)).filter(lambda c: c[0] + len(c[1]))
every_family = pytest.mark.parametrize("network", NETWORKS)


@every_family
@settings(max_examples=10)
@given(
    seed=st.integers(0, 10**6),
    columns=columns,
    n_members=st.sampled_from([1, 3]),
    output=st.sampled_from([CLASSES, NUMBERS]),
)
def test_shapes_of_every_configuration(network, seed, columns, n_members, output):
    spec = spec_of(*columns, n_members)
    net = build(configuration_of(network, seed), spec, output)
    out = net(*batch_of(spec))
    assert (out.shape[0], *out.shape[-2:]) == (n_members, 5, output.n_outputs)
    out.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    assert net.eval()(*batch_of(spec)).shape == (n_members, 5, output.n_outputs)


@every_family
@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), columns=columns, output=st.sampled_from([CLASSES, NUMBERS]))
def test_a_member_is_a_network_of_its_own(network, seed, columns, output):
    """Outputs, gradients and statistics of a stack are those of its members, each computed alone."""
    spec, configuration = spec_of(*columns, n_members=3), configuration_of(network, seed)
    stack = stir(build(configuration, spec, output)).double()
    numeric, categorical = batch_of(spec, 6)
    numeric = numeric.double()
    # Where all rows are equal, batch normalization divides rounding errors by a spread of nothing.
    assume(all(len(torch.cat(rows, dim=1).unique(dim=0)) > 1 for rows in zip(numeric, categorical, strict=True)))
    before = {name: t.clone() for name, t in stack.state_dict().items()}
    evaluated = stack.eval()(numeric, categorical)
    out = stack.train()(numeric, categorical)
    direction = torch.randn(out.shape, dtype=torch.double)
    (out * direction).sum().backward()
    for m in range(3):
        alone = stir(build(configuration, spec_of(*columns), output)).double()
        alone.load_state_dict({name: t[m : m + 1] for name, t in before.items()})
        inputs = numeric[m : m + 1], categorical[m : m + 1]
        torch.testing.assert_close(alone.eval()(*inputs)[0], evaluated[m])
        own = alone.train()(*inputs)
        torch.testing.assert_close(own[0], out[m])
        (own[0] * direction[m]).sum().backward()
        for (name, p), q in zip(alone.named_parameters(), stack.parameters(), strict=True):
            torch.testing.assert_close(p.grad[0], q.grad[m], msg=name)
        for name, t in alone.state_dict().items():
            torch.testing.assert_close(t[0], stack.state_dict()[name][m], msg=name)


@every_family
@pytest.mark.parametrize("training", [False, True])
def test_members_do_not_influence_each_other(network, training):
    spec = spec_of(3, (4, 40), n_members=3)
    net = stir(build(configuration_of(network), spec)).train(training)
    numeric, categorical = batch_of(spec)
    before = net(numeric, categorical)
    numeric[0] += 1
    categorical[0] = 0
    after = net(numeric, categorical)
    assert not torch.allclose(before[0], after[0])
    torch.testing.assert_close(before[1:], after[1:], rtol=0, atol=0)


@every_family
def test_members_start_apart(network):
    """Folds of one configuration are not copies of one start."""
    spec = spec_of(3, (4, 40), n_members=2)
    net = build(configuration_of(network), spec)
    drawn = [p for p in net.parameters() if not (p == p.flatten()[0]).all() and p.shape[-1] != 3]
    assert all(not torch.equal(p[0], p[1]) for p in drawn)
    assert drawn or network == "linear"


@every_family
@pytest.mark.parametrize("output", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_starts_from_the_bias(network, output):
    """Before training every row gets the classes' shares, or the target's mean."""
    spec = spec_of(3, (4,))
    out = build(configuration_of(network), spec, output).eval()(*batch_of(spec))
    expected = torch.tensor(output.bias).expand(1, 5, -1)
    if output is CLASSES:
        out, expected = out.softmax(-1), expected.softmax(-1)
    torch.testing.assert_close(out, expected)


@every_family
@pytest.mark.parametrize("kind", ["none", "piecewise_linear", "periodic"])
def test_columns_of_equal_values_can_be_embedded(network, kind):
    """Quantiles that coincide (constants, zeros and ones) make bins all the same."""
    quantiles = np.stack([np.zeros(33), np.repeat([0, 1], [30, 3]), np.linspace(0, 1, 33)], axis=1)
    spec = InputSpec(3, (), quantiles.astype(np.float32))
    net = stir(build(configuration_of(network, numeric_embedding=kind), spec))
    assert torch.isfinite(net(*batch_of(spec))).all()


@every_family
@pytest.mark.parametrize("columns", [(0, (5, 1)), (3, ()), (1, (1,))])
def test_tables_without_a_kind_of_column(network, columns):
    spec = spec_of(*columns, n_members=2)
    net = stir(build(configuration_of(network), spec)).eval()
    numeric, categorical = batch_of(spec)
    rows = net(numeric, categorical)
    assert torch.isfinite(rows).all()
    torch.testing.assert_close(rows[:, :2], net(numeric[:, :2], categorical[:, :2]), rtol=1e-3, atol=1e-3)


@every_family
def test_dropout_is_the_training_noise(network):
    """In training with noise, outputs are a function of its seed; in evaluation they are not random."""
    choices = {"linear": {}, "ft_transformer": {"attention_dropout": 0.4}, "resnet": {"hidden_dropout": 0.4}}
    spec = spec_of(3, (4,))
    net = build(configuration_of(network, **choices.get(network, {"dropout": 0.4})), spec)
    dropouts = [m for m in net.modules() if type(m).__name__ == "Dropout"]
    rates = [m.p for m in dropouts]
    stir(net)
    for m, p in zip(dropouts, rates, strict=True):
        m.p = p

    def out(seed):
        noise = Noise((seed,), torch.device("cpu"))
        for m in dropouts:
            m.noise = noise
        return net(*batch_of(spec))

    if network != "linear":
        assert not torch.equal(out(0), out(1))
    assert torch.equal(out(0), out(0))
    net.eval()
    assert torch.equal(out(0), out(1))


@every_family
def test_a_network_survives_a_pickle(network):
    spec = spec_of(3, (4,), n_members=2)
    net = stir(build(configuration_of(network), spec)).eval()
    for m in net.modules():
        if type(m).__name__ == "Dropout":
            m.noise = Noise((0,), torch.device("cpu"))
    copy = pickle.loads(pickle.dumps(net))
    assert torch.equal(copy(*batch_of(spec)), net(*batch_of(spec)))
