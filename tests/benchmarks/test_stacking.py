from __future__ import annotations

from autonas.__main__ import main
from autonas.benchmarks.stacking import markdown, measure_stacking
from autonas.training.trial import Trainer


def test_both_ways_are_timed(made_up, tmp_path):
    asked = {"datasets": ["pets"], "widths": [32], "folds": 3, "steps": 3, "data_dir": made_up}
    before = Trainer.stack_bytes
    runs = measure_stacking(tmp_path / "s.jsonl", **asked, say=lambda _: None)
    assert [(r["network"], r["width"], r["folds"]) for r in runs] == [("realmlp", 32, 3), ("mlp", 32, 3)]
    assert all(min(r["stacked"], r["one_by_one"]) > 0 for r in runs)
    assert Trainer.stack_bytes == before
    assert measure_stacking(tmp_path / "s.jsonl", **asked, only_read=True) == runs


def test_markdown_is_exact():
    made = {"dataset": "pets", "network": "mlp", "width": 64, "stacked": 20.0, "one_by_one": 50.0, "batch_size": 70}
    wide = {**made, "width": 128, "stacked": 40.0, "one_by_one": 42.0}
    assert markdown([wide, made]).splitlines()[-1] == "| pets | 70 | 2.50 (50 : 20 ms) | 1.05 (42 : 40 ms) |"
    assert markdown([]) == "No runs."


def test_an_unknown_network(made_up, capsys):
    assert main(["benchmark", "stacking", "--networks", "mlpp", "--data-dir", str(made_up)]) == 2
    assert "Unknown network 'mlpp'; did you mean 'mlp'" in capsys.readouterr().err
