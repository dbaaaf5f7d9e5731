"""Every example runs, and the README's code with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


def run(*arguments, cwd):
    """Run Python as a user would, but with few seconds for each search, and warnings as errors."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert not result.stderr, result.stderr[-3000:]
    return result.stdout


#: What the others show has quicker tests of its own.
EACH_TIME = ("01",)


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=() if p.name.startswith(EACH_TIME) else pytest.mark.slow, id=p.stem) for p in EXAMPLES],
)
def test_example(path, tmp_path):
    assert run(str(path), cwd=tmp_path)


def test_the_examples_are_numbered_and_in_the_readme():
    assert [path.name[:2] for path in EXAMPLES] == [f"{i:02d}" for i in range(1, len(EXAMPLES) + 1)]
    readme = (ROOT / "README.md").read_text()
    assert all(f"examples/{path.name}" in readme for path in EXAMPLES)


def test_readme(tmp_path):
    """The blocks that stand alone run one after the other; those that list variants are at least valid Python."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    alone = [block for block in blocks if "import" in block]
    assert len(alone) == 2
    for block in blocks:
        compile(block, "README.md", "exec")
    script = tmp_path / "readme.py"
    script.write_text("\n".join(alone).replace("time_limit=20", "time_limit=5"))
    run(str(script), cwd=tmp_path)


def test_import_is_light():
    """Neither torch nor the search packages nor Optuna's storage load before they are used."""
    heavy = ["torch", "smac", "optuna", "hpbandster", "statsmodels", "sqlalchemy", "dask", "matplotlib"]
    code = f"import sys, autonas; print([m for m in {heavy} if m in sys.modules])"
    assert run("-c", code, cwd=ROOT).strip() == "[]"


def test_vars_of_the_package_list_what_is_imported_later():
    """Benchmark harnesses evaluate an expression in a module's names."""
    code = "import autonas; print(eval('AutoNASClassifier(time_limit=60)', {**vars(autonas)}))"
    assert run("-c", code, cwd=ROOT).strip() == "AutoNASClassifier(time_limit=60)"
