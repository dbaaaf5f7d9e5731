"""Augmentation: what each step does to images and targets, and that it is the same each time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.presets import load_preset
from autonas.spaces import values
from autonas.training.augment import OPERATIONS, Augmentation, make_augmentation
from autonas.training.loop import NonFiniteLossError, _batch_loss, _cross_entropy, _squared_error
from autonas.training.stack import Batch
from autonas.training.trial import Trainer
from autonas.training.validation import make_folds
from tests.training.image_tasks import build, configuration_of, make_task, small_family
from tests.training.test_trial import assert_same_files

EVERYTHING = {
    "crop_padding": 0.1,
    "flip": True,
    "randaugment_magnitude": 6,
    "cutout": 0.35,
    "mixup_alpha": 0.4,
    "cutmix_alpha": 1.0,
}


def batch_of(images, target=None, weight=None):
    images = torch.as_tensor(images)
    target = torch.arange(len(images)) if target is None else torch.as_tensor(target)
    weight = None if weight is None else torch.as_tensor(weight)[None]
    return Batch(images[None], torch.zeros(1, len(images), 0), target[None], weight)


def pixels(n=40, channels=3, height=8, width=6, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, channels, height, width)).astype(dtype)


def augmented(images, seed=0, span=(0.0, 255.0), weight=None, **options):
    return Augmentation(span, **options)(batch_of(images, weight=weight), np.random.default_rng(seed))


# ------------------------------------------------------------------------------------------------ single steps


def test_flipping_mirrors_about_half():
    images = pixels(200)
    out = augmented(images, flip=True).numeric[0].numpy()
    mirrored = (out == images[..., ::-1]).all(axis=(1, 2, 3))
    same = (out == images).all(axis=(1, 2, 3))
    assert (mirrored | same).all()
    assert 60 < mirrored.sum() < 140
    assert out.dtype == np.uint8


def test_a_crop_moves_each_image_by_itself():
    images = pixels(100, height=12, width=8)
    out = augmented(images, crop_padding=0.25).numeric[0].numpy()
    padded = np.pad(images, ((0, 0), (0, 0), (3, 3), (2, 2)), mode="edge")
    found = set()
    for image, image_padded in zip(out, padded, strict=True):
        places = [(i, j) for i in range(7) for j in range(5) if (image == image_padded[:, i : i + 12, j : j + 8]).all()]
        assert len(places) == 1
        found |= set(places)
    assert len(found) > 20
    assert {i for i, _ in found} == set(range(7))


def test_cutout_makes_a_square_grey():
    images = pixels(50, height=20, width=20, dtype=np.float32)
    out = augmented(images, cutout=0.5).numeric[0].numpy()
    changed = (out != images).any(axis=1)
    assert (out[np.repeat(changed[:, None], 3, axis=1)] == 127.5).all()
    areas = changed.sum(axis=(1, 2))
    assert areas.max() <= 11 * 11
    assert areas.min() >= 25  # the centre is inside the image: at least a quarter of the square
    rows = changed.any(axis=2).sum(axis=1)
    assert (areas == rows * changed.any(axis=1).sum(axis=1)).all()


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (3, np.uint8), (4, np.uint8), (3, np.float32)])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_keeps_shape_and_range(operation, channels, dtype):
    images = torch.from_numpy(pixels(6, channels, dtype=dtype)).to(torch.float32) / 255
    for magnitude in (-1.0, 0.3, 1.0):
        out = OPERATIONS[operation](images.clone(), magnitude)
        assert out.shape == images.shape
        assert out.dtype == torch.float32
        assert out.min() >= 0
        assert out.max() <= 1
        if operation == "identity":
            assert torch.equal(out, images)
        elif not (operation == "saturation" and channels == 1):
            assert not torch.equal(out[:, :3], images[:, :3])


def test_operations_work_in_any_unit():
    images = pixels(60)
    bytes_ = augmented(images, randaugment_magnitude=5)
    unit = augmented(images / 255 * 2 - 1, span=(-1.0, 1.0), randaugment_magnitude=5)
    np.testing.assert_allclose(unit.numeric, bytes_.numeric / 255 * 2 - 1, atol=0.02)
    changed = (bytes_.numeric[0].numpy() != images).any(axis=(1, 2, 3))
    assert changed.any()


# -------------------------------------------------------------------------------------------------- mixing


def test_mixup_mixes_images_and_weights_of_targets_alike():
    images = np.arange(1.0, 9, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 4, 4), np.float32)
    weight = np.linspace(0.5, 2, 8, dtype=np.float32)
    batch = augmented(images, mixup_alpha=1.0, weight=weight, span=(1.0, 8.0))
    target, second = batch.second
    own, other = torch.arange(8), torch.arange(8).roll(1)
    assert torch.equal(batch.target[0], own)
    assert torch.equal(target[0], other)
    share = batch.weight[0] / torch.from_numpy(weight)
    assert share.min() > 0
    assert share.max() < 1
    assert len(share.unique()) == 8
    torch.testing.assert_close(second[0], torch.from_numpy(weight).roll(1) * (1 - share))
    expected = share * (own + 1) + (1 - share) * (other + 1)
    torch.testing.assert_close(batch.numeric[0], expected.view(-1, 1, 1, 1).expand(8, 1, 4, 4))


def test_cutmix_weighs_by_area():
    images = np.arange(1.0, 31, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 10, 8), np.float32)
    batch = augmented(images, cutmix_alpha=1.0)
    kept = (batch.numeric[0].numpy() == images).mean(axis=(1, 2, 3))
    taken = (batch.numeric[0].numpy() == np.roll(images, 1, axis=0)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(kept + taken, 1)
    np.testing.assert_allclose(batch.weight[0], kept, rtol=1e-6)
    np.testing.assert_allclose(batch.second[1][0], taken, atol=1e-6)
    assert kept.std() > 0.1


def test_both_kinds_of_mixing_share_the_images():
    images = np.arange(1.0, 61, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 8, 8), np.float32)
    out = augmented(images, mixup_alpha=1.0, cutmix_alpha=1.0).numeric[0]
    averaged = sum(len(image.unique()) == 1 and image[0, 0, 0] % 1 != 0 for image in out)
    assert 15 < averaged < 45


def test_the_loss_of_a_mixed_batch_is_the_weighed_sum():
    outputs = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    one, two = torch.tensor([[0, 1, 2, 0]]), torch.tensor([[2, 2, 1, 0]])
    share = torch.tensor([[0.2, 0.5, 1.0, 0.7]])
    batch = Batch(outputs, outputs, one, share, (two, 1 - share))
    log = outputs.log_softmax(-1)[0]
    rows = zip(log, share[0], one[0], two[0], strict=True)
    expected = -sum(s * row[a] + (1 - s) * row[b] for row, s, a, b in rows)
    torch.testing.assert_close(_batch_loss(_cross_entropy, outputs, batch, 0.0), expected / 4)
    numbers = outputs[..., :1]
    batch = Batch(outputs, outputs, one.float(), share, (two.float(), 1 - share))
    expected = share * (numbers[..., 0] - one).square() + (1 - share) * (numbers[..., 0] - two).square()
    torch.testing.assert_close(_batch_loss(_squared_error, numbers, batch, 0.0), expected.mean())


# ---------------------------------------------------------------------------------------------- all together


def test_nothing_is_nothing():
    assert make_augmentation({}, (0, 1)) is None
    assert make_augmentation({"flip": False, "cutout": 0.0, "mixup_alpha": 0.0}, (0, 1)) is None
    assert make_augmentation({"flip": True}, (0, 1)) is not None


@settings(max_examples=25)
@given(
    options=st.fixed_dictionaries({}, optional={name: st.just(value) for name, value in EVERYTHING.items()}),
    n=st.integers(1, 40),
    shape=st.tuples(st.sampled_from([1, 3, 4]), st.integers(1, 9), st.integers(1, 9)),
    dtype=st.sampled_from([np.uint8, np.float32]),
    seed=st.integers(0, 10**6),
)
def test_any_augmentation_of_any_images(options, n, shape, dtype, seed):
    images = pixels(n, *shape, dtype=dtype, seed=seed)
    span = float(images.min()), float(images.max())
    global_state = torch.get_rng_state()
    before = images.copy()
    one, other = (augmented(images, seed=seed, span=span, **options) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), global_state)
    np.testing.assert_array_equal(images, before)
    assert one.numeric.shape == (1, *images.shape)
    assert one.numeric.isfinite().all()
    assert torch.equal(one.numeric, other.numeric)
    if one.second is not None:
        torch.testing.assert_close(one.weight + one.second[1], torch.ones(1, n))
        assert (one.weight >= 0).all()
        assert (one.second[1] >= 0).all()


def trainer_of(task, folds=2, max_epochs=6, make=build):
    folds = make_folds(folds, None, task.target, classification=task.n_classes > 0, random_state=0)
    return Trainer(task, folds, {"small": make}, max_epochs=max_epochs)


@pytest.mark.parametrize("classes", [0, 3])
def test_continued_equals_unbroken(classes, tmp_path):
    task = make_task(classes=classes, channels=3)
    configuration = configuration_of(**EVERYTHING, batch_size=32)
    trainer_of(task)(configuration, 6, seed=7, checkpoint=tmp_path / "whole")
    for epochs in (1, 3, 6):
        torch.rand(epochs)
        trainer_of(task)(configuration, epochs, seed=7, checkpoint=tmp_path / "pieces")
    assert_same_files(tmp_path / "whole", tmp_path / "pieces")


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_step_changes_the_training(name, tmp_path):
    task = make_task(channels=3)
    losses = [
        trainer_of(task, "holdout")(configuration_of(**choices), 2, seed=0, checkpoint=tmp_path / str(len(choices)))
        for choices in ({"crop_padding": 0.0}, {"crop_padding": 0.0, name: EVERYTHING[name], "optimizer": "adamw"})
    ]
    assert losses[0]["curve"] != losses[1]["curve"]


def test_global_random_state_is_left_alone(tmp_path):
    state = torch.get_rng_state()
    trainer_of(make_task())(configuration_of(**EVERYTHING), 2, seed=0, checkpoint=tmp_path)
    assert torch.equal(state, torch.get_rng_state())


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), classes=st.sampled_from([0, 2, 3]))
def test_every_configuration_trains(seed, classes, tmp_path_factory):
    space = load_preset("image").space([small_family()])
    space.seed(seed)
    configuration = values(space.sample_configuration())
    folder = tmp_path_factory.mktemp("trial")
    trainer = trainer_of(make_task(30, classes=classes, size=(20, 20)), "holdout", 2)
    try:
        trainer(configuration, 2, seed=seed, checkpoint=folder)
    except NonFiniteLossError:
        return
    assert np.isfinite(trainer.predictions(folder)).all()


def test_learns_with_augmentation(tmp_path):
    trainer = trainer_of(make_task(300, size=(12, 12)), "holdout", 27)
    choices = {"crop_padding": 0.0, "mixup_alpha": 0.2, "cutout": 0.2, "learning_rate": 0.02, "width": 8}
    result = trainer(configuration_of(**choices), 27, seed=0, checkpoint=tmp_path)
    assert result["loss"] < np.log(3) / 2


@pytest.mark.parametrize("precision", [torch.bfloat16, None])
def test_half_precision_trains(precision, tmp_path, monkeypatch):
    # What an accelerator would do, on the processor.
    monkeypatch.setattr("autonas.training.stack._precision", lambda _: precision)
    trainer = trainer_of(make_task(), "holdout", 3)
    configuration = configuration_of(mixup_alpha=0.2, gradient_clipping=1.0)
    result = trainer(configuration, 3, seed=0, checkpoint=tmp_path)
    assert np.isfinite(result["curve"]).all()
    assert all(p.dtype == torch.float32 for p in trainer.make_stacks(configuration, 0)[0].parameters)
