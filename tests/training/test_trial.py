"""One trial: continued bit for bit, stopped by the deadline, refused when it diverges."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from autonas.networks import NETWORKS
from autonas.presets import load_preset
from autonas.spaces import narrow, values
from autonas.training import loop, trial
from autonas.training.checkpoint import load_model
from autonas.training.loop import NonFiniteLossError
from autonas.training.optim import OPTIMIZERS
from autonas.training.stack import outputs_of
from autonas.training.trial import Trainer
from autonas.training.validation import make_folds
from tests.training.tasks import make_task

PRESET = load_preset("tabular")
SPACE = PRESET.space([*PRESET.networks, "mlp_cell"])


def configuration_of(**choices):
    return values(narrow(SPACE, choices).get_default_configuration())


def make_trainer(task, validation=2, max_epochs=9):
    folds = make_folds(validation, None, task.target, classification=task.n_classes > 0, random_state=0)
    return Trainer(task, folds, NETWORKS, max_epochs=max_epochs)


def contents(path):
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def assert_same_files(one, other):
    for name in ("state.safetensors", "model.safetensors"):
        (a, about_a), (b, about_b) = contents(one / name), contents(other / name)
        assert about_a == about_b
        assert a.keys() == b.keys()
        for key in a:
            assert torch.equal(a[key], b[key]), key


@pytest.mark.parametrize(
    ("network", "optimizer"),
    [
        pytest.param(network, optimizer, marks=[] if network == "mlp" or optimizer == "adamw" else [pytest.mark.slow])
        for network in NETWORKS
        for optimizer in OPTIMIZERS
    ],
)
def test_continued_equals_unbroken(network, optimizer, tmp_path):
    trainer = make_trainer(make_task())
    configuration = configuration_of(network=network, optimizer=optimizer)
    whole = trainer(configuration, 9, seed=7, checkpoint=tmp_path / "whole")
    for epochs in (1, 3, 9):
        torch.rand(epochs)  # the global generator must not matter
        pieces = make_trainer(make_task())(configuration, epochs, seed=7, checkpoint=tmp_path / "pieces")
    assert_same_files(tmp_path / "whole", tmp_path / "pieces")
    whole.pop("train_seconds"), pieces.pop("train_seconds")
    assert whole == pieces
    assert whole["fidelity"] == 9
    assert whole["curve_epochs"] == list(range(1, len(whole["curve"]) + 1))
    assert whole["loss"] == min(whole["curve"])


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), classes=st.sampled_from([0, 2, 4]))
def test_every_configuration_trains(seed, classes, tmp_path_factory):
    """Any configuration of the preset gives finite predictions, or says that it diverged."""
    space = load_preset("tabular").space()
    space.seed(seed)
    task = make_task(60, classes=classes, seed=seed)
    folder = tmp_path_factory.mktemp("trial")
    trainer = make_trainer(task, "holdout", max_epochs=2)
    configuration = values(space.sample_configuration())
    try:
        result = trainer(configuration, 2, seed=seed, checkpoint=folder)
    except NonFiniteLossError:
        return
    predictions = trainer.predictions(folder)
    assert np.isfinite(predictions).all()
    assert result["loss"] == pytest.approx(trainer.judge(predictions))
    if classes:
        np.testing.assert_allclose(predictions.sum(axis=1), 1)


def test_global_random_state_is_left_alone(tmp_path):
    state = torch.get_rng_state()
    make_trainer(make_task())(configuration_of(), 1, seed=0, checkpoint=tmp_path)
    assert torch.equal(state, torch.get_rng_state())


def test_restored_networks_repeat_the_stored_predictions(tmp_path):
    task = make_task()
    trainer = make_trainer(task, 3)
    trainer(configuration_of(), 3, seed=0, checkpoint=tmp_path)
    networks = trainer.restore(configuration_of(), load_model(tmp_path).weights)
    assert len(networks) == 1
    trained = networks[0]
    assert len(trained.scales) == 3
    places = [torch.from_numpy(rows) for _, rows in trainer.folds]
    outputs = outputs_of(trained.network, trainer.side(configuration_of()).rows, torch.stack(places))
    again = [scale.decode(out) for scale, out in zip(trained.scales, outputs, strict=True)]
    np.testing.assert_allclose(np.concatenate(again), trainer.predictions(tmp_path), rtol=1e-5, atol=1e-7)
    everything = trained.preprocessor.transform(task.table)
    np.testing.assert_allclose(trained.predict(everything).sum(axis=1), 1)


@pytest.mark.parametrize("classes", [0, 3])
def test_learns(classes, tmp_path):
    task = make_task(400, classes=classes, missing=False)
    trainer = make_trainer(task, "holdout", max_epochs=27)
    result = trainer(configuration_of(), 27, seed=0, checkpoint=tmp_path)
    nothing = np.log(3) if classes else task.target.std()
    assert result["loss"] < nothing / 2


def test_deadline_in_the_past_still_leaves_a_network(tmp_path):
    trainer = make_trainer(make_task())
    result = trainer(configuration_of(), 9, seed=0, checkpoint=tmp_path, deadline=time.monotonic() - 1)
    assert result["fidelity"] == 0
    assert np.isfinite(result["loss"])
    assert np.isfinite(trainer.predictions(tmp_path)).all()


def test_goes_on_after_a_deadline(tmp_path):
    configuration = configuration_of()
    trainer = make_trainer(make_task())
    trainer(configuration, 3, seed=0, checkpoint=tmp_path / "cut")
    trainer(configuration, 9, seed=0, checkpoint=tmp_path / "cut", deadline=time.monotonic() - 1)
    trainer(configuration, 9, seed=0, checkpoint=tmp_path / "cut")
    trainer(configuration, 9, seed=0, checkpoint=tmp_path / "whole")
    assert_same_files(tmp_path / "whole", tmp_path / "cut")


def test_divergence_is_named(tmp_path):
    configuration = {**configuration_of(), "learning_rate": 1e30, "gradient_clipping": "none"}
    configuration["mlp:normalization"] = "none"
    with pytest.raises(NonFiniteLossError, match="epoch"):
        make_trainer(make_task())(configuration, 9, seed=0, checkpoint=tmp_path)


def test_regression_predictions_stay_in_the_range_seen(tmp_path):
    task = make_task(classes=0)
    trainer = make_trainer(task, "holdout")
    trainer(configuration_of(), 9, seed=0, checkpoint=tmp_path)
    (trained,) = trainer.restore(configuration_of(), load_model(tmp_path).weights)
    far = task.table.take(np.arange(5))
    far.numeric[:] = 1e6
    learnt = task.target[trainer.folds[0][0]]
    predictions = trained.predict(trained.preprocessor.transform(far))
    assert (predictions >= learnt.min()).all()
    assert (predictions <= learnt.max()).all()


def test_class_weights_raise_the_probability_of_the_rare_class(tmp_path):
    rng = np.random.default_rng(0)
    task = make_task(600, classes=2)
    keep = np.flatnonzero((task.target == 0) | (rng.random(600) < 0.15))
    task = task.take(keep)
    mean = {}
    for kind in ("none", "balanced"):
        trainer = make_trainer(task, "holdout", max_epochs=27)
        trainer(configuration_of(class_weights=kind), 27, seed=0, checkpoint=tmp_path / kind)
        mean[kind] = trainer.predictions(tmp_path / kind)[:, 1].mean()
    assert mean["balanced"] > mean["none"]


def test_rows_of_weight_zero_do_not_matter(tmp_path):
    task = make_task(100)
    twice = make_task(100, weight=np.r_[np.ones(50), np.zeros(50)])
    twice.target[50:] = 0
    folds = [(np.arange(40), np.arange(40, 50))]
    with_junk = [(np.r_[np.arange(40), np.arange(50, 90)], np.arange(40, 50))]
    weights = [
        Trainer(t, f, NETWORKS, max_epochs=3).make_stacks(configuration_of(), 0)[0].weight
        for t, f in ((task, folds), (twice, with_junk))
    ]
    assert weights[0] is None
    assert weights[1][0, 50:90].sum() == 0
    torch.testing.assert_close(weights[1][0, with_junk[0][0]].mean(), torch.tensor(1.0))


@pytest.mark.parametrize("name", ["state.safetensors", "model.safetensors"])
@pytest.mark.parametrize("spoil", ["pickle", "truncated", "altered", "gone"])
def test_a_damaged_file_is_not_executed_and_the_training_starts_over(spoil, name, tmp_path):
    """And so comes to the same."""
    trainer, configuration = make_trainer(make_task()), configuration_of()
    unbroken = trainer(configuration, 2, seed=0, checkpoint=tmp_path / "unbroken")
    trainer(configuration, 1, seed=0, checkpoint=tmp_path / "broken")
    file = tmp_path / "broken" / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    if spoil == "gone":
        file.unlink()
    else:
        pickle = f"cos\nsystem\n(S'touch {tmp_path / 'executed'}'\ntR.".encode()
        file.write_bytes({"pickle": pickle, "truncated": content[: len(content) // 2], "altered": content}[spoil])
    again = trainer(configuration, 2, seed=0, checkpoint=tmp_path / "broken")
    assert not (tmp_path / "executed").exists()
    assert {**again, "train_seconds": 0} == {**unbroken, "train_seconds": 0}
    one, other = (trainer.predictions(tmp_path / folder) for folder in ("unbroken", "broken"))
    assert (one == other).all()


def out_of_memory_above(batch_size, monkeypatch):
    """Let a GPU's memory suffice for so many rows only; gives the batch sizes that were tried."""
    tried = []

    def train(stacks, configuration, progress, **arguments):
        tried.append(configuration["batch_size"])
        if configuration["batch_size"] > batch_size:
            progress.curve.append(0.0)  # what was begun does not count
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return loop.train(stacks, configuration, progress, **arguments)

    monkeypatch.setattr(trial, "train", train)
    return tried


def test_the_batch_size_is_halved_once_where_the_gpus_memory_does_not_suffice(tmp_path, monkeypatch):
    tried = out_of_memory_above(64, monkeypatch)
    configuration = configuration_of(network="mlp", batch_size=128)
    halved = [make_trainer(make_task())(configuration, e, seed=7, checkpoint=tmp_path / "a") for e in (1, 3)]
    assert tried == [128, 64, 128, 64]
    assert [result["batch_size"] for result in halved] == [64, 64]
    small = make_trainer(make_task())(configuration | {"batch_size": 64}, 3, seed=7, checkpoint=tmp_path / "b")
    assert "batch_size" not in small
    assert halved[1]["curve"] == small["curve"], "it is the training with the smaller batches"
    assert_same_files(tmp_path / "a", tmp_path / "b")


def test_a_trial_for_which_half_the_batch_is_too_much_has_failed(tmp_path, monkeypatch):
    tried = out_of_memory_above(16, monkeypatch)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        make_trainer(make_task())(configuration_of(network="mlp", batch_size=128), 1, seed=7, checkpoint=tmp_path)
    assert tried == [128, 64]
