"""The table of our own: complete, true to the code that made it, and a benchmark like the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ConfigSpace import Configuration

from autonas import search
from autonas.__main__ import main
from autonas.benchmarks import load_benchmark, mlp_digits, mlp_digits_table
from autonas.benchmarks._member_adamw import MemberAdamW
from autonas.benchmarks.mlp_digits import FILE, GRID, MAX_EPOCHS, N_SEEDS, configurations
from autonas.benchmarks.mlp_digits_training import (
    CURVES,
    FIXED,
    N_TEST,
    N_VALID,
    SETTINGS,
    Group,
    _trainer,
    pack,
    train_group,
    train_table,
)
from autonas.benchmarks.optimizers import compare_optimizers
from autonas.benchmarks.simulator import simulate
from autonas.spaces import values
from autonas.training.loop import Progress, train
from autonas.training.trial import Trainer

NAME = "autonas_mlp:digits"
EVERY = list(configurations())


@pytest.fixture(scope="module")
def benchmark():
    return load_benchmark(NAME)


def test_the_configurations_are_all_that_the_space_has(benchmark):
    assert len({tuple(c.items()) for c in EVERY}) == len(EVERY) >= 2000
    shapes = sum(2**n_layers for n_layers in GRID["n_layers"])
    others = [len(choices) for name, choices in GRID.items() if not name.startswith(("n_layers", "width"))]
    assert len(EVERY) == shapes * np.prod(others)
    for configuration in EVERY[:: len(EVERY) // 100]:
        Configuration(benchmark.space, values=configuration).check_valid_configuration()
    known = {tuple(c.items()) for c in EVERY}
    for drawn in benchmark.space.sample_configuration(300):
        configuration = values(drawn)
        assert tuple((name, configuration[name]) for name in GRID if name in configuration) in known


def test_the_table_is_complete():
    table = mlp_digits_table()
    for name in GRID:
        missing = "" if isinstance(GRID[name][0], str) else 0
        assert table[name].tolist() == [c.get(name, missing) for c in EVERY]
    shape = len(EVERY), N_SEEDS, MAX_EPOCHS
    for part in ("valid", "test"):
        assert table[f"{part}_loss"].shape == table[f"{part}_error"].shape == shape
        assert np.isfinite(table[f"{part}_loss"]).all()
        assert table[f"{part}_loss"].min() > 0
        assert 0 < table[f"{part}_error"].min() < table[f"{part}_error"].max() <= 1
    assert table["seconds"].shape == (len(EVERY), MAX_EPOCHS)
    assert table["seconds"].min() > 0
    assert table["n_parameters"].min() == 61 * 8 + 8 + 8 * 10 + 10
    assert FILE.stat().st_size < 5e6


def test_no_two_seeds_are_the_same():
    losses = mlp_digits_table()["valid_loss"][:, :, -1]
    distinct = [len(set(row)) for row in losses.tolist()]
    # Three digits are kept: now and then two are equal.
    assert np.mean(distinct) > 2.9


def test_the_best_is_the_best_of_all(benchmark):
    losses = [benchmark.loss(configuration) for configuration in EVERY]
    assert benchmark.exact
    assert benchmark.optimum == min(losses)
    assert benchmark.median == pytest.approx(np.median(losses))
    assert benchmark.regret(EVERY[int(np.argmin(losses))]) == 0
    assert benchmark.regret(EVERY[int(np.argmax(losses))]) == 1
    # A problem worth searching: few are nearly as good as the best.
    assert np.mean([benchmark.regret(c) < 0.05 for c in EVERY]) < 0.1


def test_it_gives_what_was_measured(benchmark):
    table = mlp_digits_table()
    assert (benchmark.min_fidelity, benchmark.max_fidelity, benchmark.n_seeds) == (1, MAX_EPOCHS, N_SEEDS)
    for row in range(0, len(EVERY), len(EVERY) // 20):
        for epochs in (1, 4, MAX_EPOCHS):
            got = benchmark.objective(EVERY[row], epochs)
            losses = table["valid_loss"][row, :, epochs - 1].astype(float)
            assert got["loss"] == pytest.approx(losses.mean())
            assert got["cost"] == pytest.approx(table["seconds"][row, :epochs].sum())
            assert benchmark.with_seed(4).objective(EVERY[row], epochs)["loss"] == losses[1]


def test_the_order_of_a_configuration_does_not_matter(benchmark):
    configuration = EVERY[-1]
    backwards = dict(reversed(configuration.items()))
    assert benchmark.objective(backwards, 3) == benchmark.objective(configuration, 3)


def test_what_the_table_lacks_is_refused(benchmark):
    with pytest.raises(ValueError, match=r"The fidelity is 10, but autonas_mlp:digits knows 1 to 9 epochs"):
        benchmark.objective(EVERY[0], 10)
    with pytest.raises(ValueError, match="width_1 is 17, but must be one of 8, 32"):
        benchmark.objective({**EVERY[0], "width_1": 17}, 1)
    with pytest.raises(ValueError, match="n_layers is 4, but must be one of 1, 2"):
        benchmark.objective({**EVERY[0], "n_layers": 4}, 1)
    with pytest.raises(ValueError, match="has no 'width_2'"):
        benchmark.objective({**EVERY[0], "n_layers": 2}, 1)
    with pytest.raises(ValueError, match="has no 'n_layers'"):
        benchmark.objective({}, 1)


def test_the_table_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        mlp_digits_table()["valid_loss"][0] = 0


def rows_of(group):
    """Say where the configurations of a group stand in the table, in the order of its settings."""
    places = {tuple(c.items()): row for row, c in enumerate(EVERY)}
    keys = [tuple((n, {**group.shared, **s}[n]) for n in GRID if n in {**group.shared, **s}) for s in SETTINGS]
    return [places[key] for key in keys]


@pytest.mark.parametrize(
    "group",
    [
        Group(1, 8, None, "relu", "none", skip=False),
        Group(2, 32, 8, "tanh", "batch", skip=True),
    ],
)
def test_training_again_gives_the_same(group):
    """To the digits kept where the arithmetic is the same; other processors round otherwise, and paths drift apart."""
    table, again, rows = mlp_digits_table(), train_group(group, epochs=2), rows_of(group)
    for part in ("valid", "test"):
        before, after = table[f"{part}_loss"][rows, :, :2].astype(float), np.array(again[f"{part}_loss"])
        np.testing.assert_allclose(np.median(after / before), 1, atol=0.002)
        np.testing.assert_allclose(after, before, rtol=0.2)
    assert again["n_parameters"] == table["n_parameters"][rows[0]]
    assert len(again["seconds"]) == 2


@pytest.mark.slow
def test_training_again_to_the_end_gives_the_same():
    table = mlp_digits_table()
    for row in np.random.default_rng(0).choice(len(EVERY), 5, replace=False):
        shared = {name: EVERY[row].get(name) for name in GRID if name not in SETTINGS[0]}
        group = Group(**shared)
        after = np.array(train_group(group)["valid_loss"])[:, :, -1]
        before = table["valid_loss"][rows_of(group), :, -1].astype(float)
        assert np.median(after / before) == pytest.approx(1, abs=0.02)


def test_networks_side_by_side_learn_as_each_would_alone():
    """The optimizer of a group is the library's own AdamW, with a rate and a decay for each network."""
    outputs, group = [], Group(2, 8, 32, "tanh", "none", skip=True)
    for rates, constant in (
        (None, None),
        ((0.02, 0.02, 0.02), (False, False, True)),
        ((0.02, 0.3, 0.001), [False] * 3),
    ):
        trainer = _trainer()
        trainer = Trainer(trainer.task, trainer.folds[:3], trainer.builds, max_epochs=MAX_EPOCHS)
        configuration = {**FIXED, **group.shared, "learning_rate": 0.02, "weight_decay": 0.5, "schedule": "cosine"}
        (stack,) = trainer.make_stacks(configuration, 5)
        if rates:
            stack.optimizer = MemberAdamW(stack.optimizer, np.array(rates), np.full(3, 0.5), np.array(constant))
        progress = train(
            [stack],
            configuration,
            Progress(),
            to_epoch=1,
            max_epochs=MAX_EPOCHS,
            seed=5,
            loss=trainer.loss,
            classification=True,
        )
        outputs.append(progress.best_outputs.reshape(3, N_VALID + N_TEST, 10))
    plain, alike, apart = outputs
    np.testing.assert_allclose(alike[:2], plain[:2], atol=1e-3)
    # In the first epoch the cosine has not fallen far yet.
    assert 0.01 < np.abs(alike[2] - plain[2]).max() < 1
    np.testing.assert_allclose(apart[0], plain[0], atol=1e-3)
    assert np.abs(apart[1:] - plain[1:]).max(axis=(1, 2)).min() > 0.5


def test_what_was_trained_is_kept(tmp_path):
    out, said = tmp_path / "table.jsonl", []
    first = train_table(out, sample=1, say=said.append)
    assert train_table(out, sample=1, say=said.append) == first
    assert len(said) == 1
    assert len(out.read_text().splitlines()) == 1
    assert np.shape(first[0]["test_loss"]) == (len(SETTINGS), N_SEEDS, MAX_EPOCHS)
    left = len(EVERY) - len(SETTINGS)
    with pytest.raises(ValueError, match=f"{left} of {len(EVERY)} configurations are not trained yet"):
        pack(first, tmp_path / "table.npz")


def test_packing_keeps_what_was_measured(tmp_path, monkeypatch):
    table = mlp_digits_table()
    groups = {Group(**{name: c.get(name) for name in GRID if name not in SETTINGS[0]}) for c in EVERY}
    results = []
    for group in groups:
        rows = rows_of(group)
        result = {**asdict(group), "seconds": table["seconds"][rows[0]], "n_parameters": table["n_parameters"][rows[0]]}
        for part, n in (("valid", N_VALID), ("test", N_TEST)):
            result[f"{part}_loss"] = table[f"{part}_loss"][rows]
            result[f"{part}_wrong"] = np.round(table[f"{part}_error"][rows] * n).astype(int)
        results.append(result)
    monkeypatch.setattr(mlp_digits, "FILE", tmp_path / "again.npz", raising=True)
    pack(results, tmp_path / "again.npz")
    again = mlp_digits_table.__wrapped__()
    assert again.keys() == table.keys()
    for name, column in table.items():
        np.testing.assert_array_equal(again[name], column)


def test_searches_need_no_data_folder(benchmark, tmp_path, monkeypatch):
    monkeypatch.delenv("AUTONAS_DATA", raising=False)
    runs = compare_optimizers(
        tmp_path / "runs.jsonl", optimizers=["hyperband"], benchmarks=[NAME], seeds=[0], budget=5, say=lambda _: None
    )
    assert {run["optimizer"] for run in runs} == {"hyperband", "random"}
    done = simulate(
        tmp_path / "sim.jsonl", optimizers=["random"], benchmarks=[NAME], workers=[2], seeds=[0], say=lambda _: None
    )
    assert len(done) == 1
    history = search(
        benchmark.objective, benchmark.space, optimizer="asha", max_fidelity=MAX_EPOCHS, n_trials=9, random_state=0
    )
    assert 0 <= benchmark.regret(history.best.configuration) <= 1


def test_loading_it_needs_no_torch():
    code = "import sys; from autonas.benchmarks import load_benchmark as f; f(%r); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code % NAME],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "False\n", done.stderr


def test_the_command_describes_what_there_is(tmp_path, capsys):
    out = tmp_path / "table.jsonl"
    assert main(["benchmark", "own-table", "--summary", "--out", str(out)]) == 0
    assert capsys.readouterr().out == "Nothing is trained yet.\n"
    assert not out.exists()
    table, groups = mlp_digits_table(), [Group(1, 32, None, "relu", kind, skip=True) for kind in GRID["normalization"]]
    with out.open("w") as file:
        for group in groups:
            result = {**asdict(group), **dict.fromkeys(CURVES, table["valid_loss"][rows_of(group)].tolist())}
            file.write(json.dumps(result) + "\n")
    assert main(["benchmark", "own-table", "--summary", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    rows = [row for group in groups for row in rows_of(group)]
    means = pd.DataFrame(table["valid_loss"][rows].astype(float).mean(axis=1))
    assert f"| {len(means)} | {means[8].min():.4f} |" in text
    for epoch in (1, 8):
        assert f"| {epoch} | {means[epoch - 1].corr(means[8], method='spearman'):.3f} |" in text
    assert main(["benchmark", "own-table", "--summary", "--out", str(out), "--pack", str(tmp_path / "t.npz")]) == 2
    assert "configurations are not trained yet" in capsys.readouterr().err
