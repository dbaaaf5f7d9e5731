"""The wheel holds every search space and pipeline and the table of our own, and the library finds them there."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CHECK = """
import sys
from pathlib import Path
from autonas.benchmarks import load_benchmark
from autonas.benchmarks.mlp_digits import FILE
from autonas.portfolio import load_portfolio
from autonas.presets import load_preset
from autonas.spaces import available, load_space

home = Path(sys.argv[1])
loads = {
    "search_spaces": lambda name: load_space(name).get_default_configuration(),
    "pipelines": lambda name: load_preset(name).space().get_default_configuration(),
    "pipelines/portfolios": load_portfolio,
}
for folder, load in loads.items():
    for name, path in available(folder).items():
        assert home in path.parents, path
        load(name)
        print(folder, name)
assert home in FILE.parents, FILE
assert load_benchmark("autonas_mlp:digits").optimum > 0
"""


def test_every_yaml_file_loads_from_the_wheel(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    for name in ("autonas", "search_spaces", "pipelines"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, project / name)
    readme = ROOT / "README.md"
    (project / "README.md").write_text(readme.read_text() if readme.exists() else "AutoNAS")

    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(project),
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    (wheel,) = tmp_path.glob("autonas-*.whl")
    unzipped = (tmp_path / "unzipped").resolve()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unzipped)
    environment = {**os.environ, "PYTHONPATH": str(unzipped)}
    command = [sys.executable, "-c", CHECK, str(unzipped)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    wanted = [
        f"{folder} {p.stem}"
        for folder in ("search_spaces", "pipelines", "pipelines/portfolios")
        for p in sorted((ROOT / folder).glob("*.yaml"))
    ]
    assert done.stdout.split("\n")[:-1] == wanted
    assert (unzipped / "autonas" / "py.typed").exists()
