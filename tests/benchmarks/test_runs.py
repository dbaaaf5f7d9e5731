from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from autonas.benchmarks._runs import append_result, collect, read_results


@dataclass(frozen=True)
class Square:
    x: int
    label: str | None = None


@pytest.fixture
def out(tmp_path):
    return tmp_path / "new" / "out.jsonl"


def make(out, wanted, **options):
    made, said = [], []

    def execute(what):
        made.append(what.x)
        if what.x < 0:
            raise RuntimeError("too small")
        return {"square": what.x**2}

    results = collect(out, wanted, execute, describe=lambda r: f"= {r['square']}", say=said.append, **options)
    return results, made, said


def test_what_is_in_the_file_is_not_made_again(out):
    first, made, _ = make(out, [Square(1), Square(2)])
    assert first == [{"x": 1, "label": None, "square": 1}, {"x": 2, "label": None, "square": 4}]
    assert made == [1, 2]
    again, made, said = make(out, [Square(3), Square(2), Square(2), Square(2, "other")])
    assert [(r["x"], r["label"]) for r in again] == [(3, None), (2, None), (2, "other")]
    assert made == [3, 2]
    assert said[0] == f"1 of 3 runs are in {out} already."
    assert said[1].startswith("[1/2, about 0 min left] x 3, label None: = 9")


def test_a_line_cut_short_costs_only_itself(out):
    make(out, [Square(1), Square(2)])
    out.write_bytes(out.read_bytes()[:-10])
    assert [r["x"] for r in read_results(out)] == [1]
    results, made, _ = make(out, [Square(1), Square(2)])
    assert made == [2]
    assert [r["x"] for r in results] == [r["x"] for r in read_results(out)] == [1, 2]


def test_a_run_that_fails_is_made_again_the_next_time(out):
    results, _, said = make(out, [Square(-1), Square(1)])
    assert [r["x"] for r in results] == [1]
    assert "x -1, label None: FAILED, RuntimeError: too small" in said[0]
    assert make(out, [Square(-1), Square(1)])[1] == [-1]


def test_reading_makes_nothing(out):
    assert make(out, [Square(1)], only_read=True) == ([], [], [])
    append_result(out, {"x": 1, "label": None, "square": 1})
    assert make(out, [Square(1), Square(2)], only_read=True)[0] == [{"x": 1, "label": None, "square": 1}]
    assert make(out, []) == ([], [], [])


STARTS_A_RUN = """
import sys
from autonas.benchmarks._runs import fresh_process
sys.path.insert(0, {folder!r})
import endless
if __name__ == "__main__":
    fresh_process(endless.run, {told!r})
"""
ENDLESS = """
import os, pathlib, time
def run(told):
    pathlib.Path(told + ".part").write_text(str(os.getpid()))
    os.rename(told + ".part", told)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_process_of_a_run_ends_with_the_one_that_started_it(tmp_path):
    told = tmp_path / "pid"
    (tmp_path / "endless.py").write_text(ENDLESS)
    script = tmp_path / "starts.py"
    script.write_text(STARTS_A_RUN.format(folder=str(tmp_path), told=str(told)))
    process = subprocess.Popen([sys.executable, script])
    try:
        wait_for(told.exists)
    finally:
        process.kill()
        process.wait()
    pid = int(told.read_text())
    wait_for(lambda: not is_alive(pid))


def wait_for(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that ended and that nobody waited for is no process that computes.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
