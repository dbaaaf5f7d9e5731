"""Every image family: any configuration on any size, where training starts, and what its hyperparameters do."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from autonas.networks import IMAGE_NETWORKS, ImageSpec
from autonas.networks.images import DropPath, ImageInput, InvertedResidual, SqueezeExcite, conv_norm, separable_conv
from autonas.networks.layers import Dropout
from autonas.networks.macro import levels
from autonas.networks.noise import Noise
from autonas.networks.specs import is_reproducible
from autonas.spaces import load_space, split_by_role, values
from tests.networks.samples import CLASSES, NUMBERS

OWN = ["chain_cnn", "multibranch_cnn", "mobile", "macro"]
every_family = pytest.mark.parametrize("network", IMAGE_NETWORKS)
own_family = pytest.mark.parametrize("network", OWN)
SIDES = st.one_of(st.sampled_from([8, 9, 28, 32, 64, 128]), st.integers(8, 128))


def spec_of(channels=3, height=28, width=28):
    return ImageSpec(channels, height, width, (100.0, 120.0, 90.0)[:channels], (50.0, 60.0, 70.0)[:channels])


def configuration_of(network, seed=None, **choices):
    space = load_space(network)
    space.seed(seed or 0)
    chosen = values(space.get_default_configuration() if seed is None else space.sample_configuration())
    return {**chosen, **choices}


def build(network, spec, output=CLASSES, seed=None, **choices):
    torch.manual_seed(0)
    return IMAGE_NETWORKS[network](configuration_of(network, seed, **choices), spec, output)


def images_of(spec, n=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (n, spec.channels, spec.height, spec.width)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def stir(net):
    """Give all weights values that no start has, and let the statistics be those of some batches."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator))
    return net


def dropouts_of(net):
    return [m for m in net.modules() if isinstance(m, Dropout)]


@every_family
@settings(max_examples=6)
@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(SIDES, SIDES),
    channels=st.sampled_from([1, 3]),
    output=st.sampled_from([CLASSES, NUMBERS]),
)
def test_every_configuration_on_every_size(network, seed, size, channels, output):
    spec = spec_of(channels, *size)
    net = stir(build(network, spec, output, seed))
    smallest = []
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _module, _inputs, out: smallest.append(min(out.shape[2:])))
    out = net(images_of(spec))
    assert out.shape == (3, output.n_outputs)
    assert min(smallest, default=2) >= 2
    out.square().sum().backward()
    # Of a cell with cut edges some operations lead nowhere.
    assert network not in OWN or all(p.grad is not None for p in net.parameters())
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)
    assert torch.isfinite(net.eval()(images_of(spec))).all()


@every_family
@pytest.mark.parametrize("output", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_starts_from_the_bias(network, output):
    """Before training every image gets the classes' shares, or the target's mean."""
    spec = spec_of()
    out = build(network, spec, output)(images_of(spec))
    torch.testing.assert_close(out, torch.tensor(output.bias).expand(3, -1))


@every_family
def test_images_are_judged_one_by_one(network):
    spec = spec_of()
    net = stir(build(network, spec)).eval()
    images = images_of(spec)
    torch.testing.assert_close(net(images)[1:2], net(images[1:2]), rtol=1e-3, atol=1e-4)


@every_family
@pytest.mark.parametrize("channels", [1, 3])
def test_the_unit_of_the_pixels_does_not_matter(network, channels):
    spec = spec_of(channels)
    unit = ImageSpec(channels, 28, 28, tuple(m / 255 for m in spec.mean), tuple(s / 255 for s in spec.std))
    images = images_of(spec)
    outs = [stir(build(network, spec)).eval()(images), stir(build(network, unit)).eval()(images.float() / 255)]
    assert not torch.allclose(outs[0][0], outs[0][1])
    torch.testing.assert_close(*outs, rtol=1e-3, atol=1e-3)


@every_family
def test_all_randomness_is_the_training_noise(network):
    """So the family may be marked reproducible."""
    assert is_reproducible(IMAGE_NETWORKS[network])
    space = load_space(network)
    rates = {name: min(0.4, space[name].upper) for name in ("dropout", "drop_path") if name in space}
    spec = spec_of()
    net = stir(build(network, spec, **rates))
    before = torch.get_rng_state()

    def out(seed):
        noise = Noise((seed,), torch.device("cpu"))
        for module in dropouts_of(net):
            module.noise = noise
        return net(images_of(spec))

    first = out(0)
    assert torch.equal(first, out(0))
    assert torch.equal(torch.get_rng_state(), before)
    assert not rates or not torch.equal(first, out(1))


@every_family
def test_survives_a_pickle_and_a_copy(network):
    spec = spec_of()
    net = stir(build(network, spec))
    net(images_of(spec)).sum().backward()
    net.eval()
    expected = net(images_of(spec))
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert torch.equal(other(images_of(spec)), expected)
    fresh = build(network, spec).eval()
    fresh.load_state_dict(net.state_dict())
    assert torch.equal(fresh(images_of(spec)), expected)


def structure(net):
    return repr(net), [m.p for m in dropouts_of(net)]


@own_family
def test_every_hyperparameter_does_something(network):
    """Other values of each of the default's make other networks."""
    space, spec = load_space(network), spec_of(3, 64, 64)
    default = values(space.get_default_configuration())
    everything = {name: hp.default_value for name, hp in space.items()} | default
    before = structure(IMAGE_NETWORKS[network](everything, spec, CLASSES))
    for name, value in default.items():
        hp = space[name]
        others = [v for v in getattr(hp, "choices", getattr(hp, "sequence", ())) or (hp.lower, hp.upper) if v != value]
        differs = [
            structure(IMAGE_NETWORKS[network]({**everything, name: other}, spec, CLASSES)) != before
            for other in {others[0], others[-1]}
        ]
        # A step out of the lattice stays where it is.
        assert all(differs) or (name.startswith("step_") and any(differs)), name


@own_family
def test_choices_are_of_the_architecture(network):
    roles = split_by_role(load_space(network))
    assert set(roles) == {"architecture", "training"}
    assert set(roles["training"]) <= {"dropout", "drop_path"}


@own_family
def test_large_images_enter_small(network):
    """A stem halves images to about the resolution that the configuration says: not before, and not further."""
    for size, resolution, expected in [
        (28, 32, 28),
        (40, 32, 40),
        (64, 32, 32),
        (128, 32, 32),
        (28, 16, 14),
        (8, 16, 8),
    ]:
        stem = build(network, spec_of(3, size, size), resolution=resolution)[0]
        out = stem(images_of(spec_of(3, size, size)))
        assert out.shape[2:] == stem.size == (expected, expected)


def n_parameters(net):
    return sum(p.numel() for p in net.parameters())


def test_a_chain_by_hand():
    choices = {f"stride_{i}": 1 + (i == 2) for i in (1, 2, 3)} | {f"kernel_{i}": 3 for i in (1, 2, 3)}
    net = build(
        "chain_cnn",
        spec_of(1),
        **{
            **choices,
            "n_layers": 3,
            "stem_width": 8,
            "type_1": "conv",
            "type_2": "max_pool",
            "type_3": "separable_conv",
        },
        width_1=10,
        width_3=12,
    )
    convolutions = 9 * 8 + 9 * 8 * 10 + 9 * 10 + 10 * 24  # the fourth layer comes after a halving: 24 channels
    assert n_parameters(net) == convolutions + 2 * (8 + 10 + 10 + 24) + 24 * 3 + 3
    assert [
        tuple(layer(torch.zeros(2, n, 28, 28)).shape[1:]) for layer, n in zip(net[1:4], (8, 10, 10), strict=True)
    ] == [
        (10, 28, 28),
        (10, 14, 14),
        (24, 28, 28),
    ]


def block_of(**choices):
    """Build the one block of a network whose stem has 8 channels."""
    chosen = {
        "n_blocks": 1,
        "stem_width": 8,
        "width_1": 12,
        "stride_1": 1,
        "join_1": "add",
        "skip_1": "none",
        **choices,
    }
    chosen = {"branch_1_1": "conv_1x1", "branch_2_1": "none", "branch_3_1": "none", **chosen}
    return build("multibranch_cnn", spec_of(1), **chosen)[1].eval()


def test_branches_are_joined_as_chosen():
    x = torch.randn(2, 8, 9, 9)
    three = {"branch_1_1": "conv_1x1", "branch_2_1": "conv_3x3", "branch_3_1": "max_pool"}
    added, joined = block_of(**three), block_of(**three, join_1="concat")
    torch.testing.assert_close(added(x), sum(branch(x) for branch in added.branches))
    torch.testing.assert_close(joined(x), torch.cat([branch(x) for branch in joined.branches], 1))
    assert [branch(x).shape[1] for branch in joined.branches] == [4, 4, 4]
    assert len(block_of(**{**three, "branch_2_1": "none"}).branches) == 1


def test_what_skips_a_block():
    x = torch.randn(2, 8, 9, 9)
    concatenated = block_of(skip_1="concat")
    torch.testing.assert_close(concatenated(x)[:, :8], x)
    torch.testing.assert_close(concatenated(x)[:, 8:], concatenated.branches[0](x))
    same = block_of(skip_1="add", width_1=8)
    torch.testing.assert_close(same(x), x + same.branches[0](x))
    smaller = block_of(skip_1="add", stride_1=2)
    assert smaller(x).shape == (2, 24, 5, 5)
    assert n_parameters(smaller) == 2 * n_parameters(block_of(stride_1=2))  # a 1x1 convolution each


@pytest.mark.parametrize(
    ("steps", "n_levels", "expected"),
    [
        (["down", "down", "same", "up"], 4, [1, 2, 2, 1]),
        (["down", "down", "down"], 2, [1, 1, 1]),
        (["up", "up", "down"], 3, [0, 0, 1]),
        (["down"], 1, [0]),
    ],
)
def test_the_path_stays_in_the_lattice(steps, n_levels, expected):
    configuration = {"n_layers": len(steps), **{f"step_{i}": step for i, step in enumerate(steps, 1)}}
    assert levels(configuration, n_levels) == expected


def test_resolutions_along_a_path():
    steps = {f"step_{i}": step for i, step in enumerate(["down", "down", "up", "up"], 1)}
    net = build("macro", spec_of(1, 21, 9), n_layers=4, width=8, **steps)
    shapes = []
    x = images_of(spec_of(1, 21, 9))
    for layer in list(net)[:-1]:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    up = [(16, 11, 5), (16, 11, 5), (8, 21, 9), (8, 21, 9)]
    assert shapes == [(8, 21, 9), (16, 11, 5), (32, 6, 3), *up]


def test_an_inverted_residual_by_hand():
    block = InvertedResidual(8, 8, 5, expansion=3, squeeze_excite=0.25).eval()
    inside = 8 * 24 + 25 * 24 + 24 * 8 + 2 * (24 + 24 + 8)
    assert n_parameters(block) == inside + (24 * 6 + 6) + (6 * 24 + 24)
    x = torch.randn(2, 8, 7, 7)
    torch.testing.assert_close(block(x), x + block.branch(x))
    assert torch.equal((narrower := InvertedResidual(8, 6, 3).eval())(x), narrower.branch(x))
    assert InvertedResidual(8, 8, 3, (2, 1))(x).shape == (2, 8, 4, 7)


def test_squeeze_excite_scales_whole_channels():
    x = torch.rand(2, 8, 5, 5) + 0.1
    factors = SqueezeExcite(8, 4)(x) / x
    assert ((factors > 0) & (factors < 1)).all()
    torch.testing.assert_close(factors, factors[:, :, :1, :1].expand_as(factors))


def test_drop_path_drops_whole_images():
    x = torch.rand(400, 2, 3, 3) + 1
    drop = DropPath(0.3)
    drop.dropout.noise = Noise((0,), torch.device("cpu"))
    factors = drop(x) / x
    torch.testing.assert_close(factors, factors[:, :1, :1, :1].expand_as(factors))
    kept = factors[:, 0, 0, 0] > 0
    assert kept.float().mean().item() == pytest.approx(0.7, abs=0.1)
    torch.testing.assert_close(factors[kept], torch.full_like(factors[kept], 1 / 0.7))
    assert torch.equal(drop.eval()(x), x)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_input_is_normalized_and_channels_last(channels, dtype):
    spec = spec_of(channels, 5, 4)
    images = images_of(spec).to(dtype)
    before = images.clone()
    out = ImageInput(spec)(images)
    expected = (images.numpy().astype(float) - np.reshape(spec.mean, (-1, 1, 1))) / np.reshape(spec.std, (-1, 1, 1))
    torch.testing.assert_close(out, torch.from_numpy(expected).float())
    assert torch.equal(images, before)
    assert out.stride()[1] == 1
    # What follows keeps to it.
    assert conv_norm(channels, 4, 3)(out).is_contiguous(memory_format=torch.channels_last)


def test_a_strided_1x1_convolution():
    """Few channels and many pixels: torch's own writes past the end of its memory here."""
    x = torch.randn(3, 4, 65, 64).contiguous(memory_format=torch.channels_last)
    layer = conv_norm(4, 8, 1, (2, 2), activation=None)
    expected = torch.einsum("oc,ncij->noij", next(layer.parameters())[..., 0, 0], x[..., ::2, ::2])
    torch.testing.assert_close(layer[:-1](x), expected)
    layer(x).square().sum().backward()
    assert not any(m.stride != (1, 1) for m in layer.modules() if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2)])
def test_convolutions_keep_the_resolution(kernel, dilation):
    x = torch.randn(2, 4, 7, 2)
    for make in (conv_norm, separable_conv):
        assert make(4, 6, kernel, dilation=dilation)(x).shape == (2, 6, 7, 2)
        assert make(4, 6, kernel, (2, 1), dilation=dilation)(x).shape == (2, 6, 4, 2)
