from __future__ import annotations

from autonas.__main__ import main
from autonas.benchmarks.parallel import markdown


def test_the_same_work_with_one_and_with_two(tmp_path, capsys):
    command = ["benchmark", "workers", "--trials", "4", "--millions", "1", "--repeats", "1"]
    assert main([*command, "--out", str(tmp_path / "workers.jsonl")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| worker processes | trials a minute | each time | ratio |"
    assert lines[2].startswith("| 1 |")
    assert lines[2].endswith("| 1.00 |")
    assert lines[3].startswith("| 2 |")
    assert len((tmp_path / "workers.jsonl").read_text().splitlines()) == 2


def test_the_table():
    runs = [{"n_jobs": n, "trials_per_minute": rate} for n, rate in ((1, 10.0), (2, 19.0), (1, 20.0), (2, 41.0))]
    assert markdown(runs).splitlines()[2:] == ["| 1 | 15.0 | 10.0, 20.0 | 1.00 |", "| 2 | 30.0 | 19.0, 41.0 | 2.00 |"]
    assert markdown([]) == "No runs."
