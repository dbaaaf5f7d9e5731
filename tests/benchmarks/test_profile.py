from __future__ import annotations

import pytest

from autonas.__main__ import main
from autonas.benchmarks.profile import GROUPS, OTHER, markdown, measure_steps


def test_steps_are_timed_and_looked_into(made_up, tmp_path):
    asked = {"datasets": ["pets"], "configurations": ["realmlp_bins", "linear_bins"], "steps": 3, "data_dir": made_up}
    runs = measure_steps(tmp_path / "p.jsonl", **asked, say=lambda _: None)
    assert [r["configuration"] for r in runs] == asked["configurations"]
    for r in runs:
        assert set(r["shares"]) == {*GROUPS, OTHER}
        assert sum(r["shares"].values()) == pytest.approx(1, abs=0.01)
        assert r["shares"]["products"] > 0
        assert r["members"] == 5
        assert min(r["milliseconds"], r["estimate"], r["peak"]) > 0
    assert runs[0]["gigaflops"] > runs[1]["gigaflops"], "a linear model has hardly any products"
    assert measure_steps(tmp_path / "p.jsonl", **asked, only_read=True) == runs


def test_markdown_is_exact():
    shares = {"optimizer, average": 0.1, "products": 0.5, "lookups": 0.05, "autograd": 0.05, "element by element": 0.3}
    made = {"dataset": "pets", "configuration": "mlp_bins", "members": 5, "batch_size": 70, "milliseconds": 6.1234}
    made |= {"estimate": 5.0, "gigaflops": 33.3, "peak": 100.0, "shares": shares}
    row = "| pets | mlp_bins | 5 x 70 | 6.12 | 5.00 | 33 | 33% | 10% | 50% | 5% | 5% | 30% |"
    assert markdown([made]).splitlines()[-1] == row
    assert markdown([]) == "No runs."


def test_an_unknown_configuration(made_up, capsys):
    assert main(["benchmark", "profile", "--configurations", "mlp", "--data-dir", str(made_up)]) == 2
    assert "Unknown configuration 'mlp'; did you mean 'mlp_deep'" in capsys.readouterr().err
