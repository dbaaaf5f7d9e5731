"""Every block of code in the README and the documentation runs, the site has all pages, and builds without warnings."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from sklearn.datasets import load_breast_cancer, load_digits

import autonas
from autonas import SAMPLERS, SCHEDULES
from autonas.cli.benchmark import make_parser
from autonas.loggers import TensorBoardLogger
from autonas.spaces import values
from tests.optimization.samplers.test_samplers import history
from tests.optimization.spaces import HAND_MADE
from tests.pages import ROOT, blocks, commands, run_command, run_page, with_small_budget

DOCS = ROOT / "docs"
#: Written when the site is built.
GENERATED = ("reference", "gallery", "_build")
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]
    if page.relative_to(ROOT).parts[1:2] not in [(name,) for name in GENERATED]
)
WITH_CODE = [page for page in PAGES if any(not b.not_run for b in blocks((ROOT / page).read_text(encoding="utf-8")))]
#: They start worker processes, train networks for images, or many, or write files that tests of their own read.
SLOW = {
    "docs/about/faq.md",
    "docs/explanation/which_optimizer.md",
    "docs/export.md",
    "docs/how_to/images.md",
    "docs/how_to/limits.md",
    "docs/how_to/metric_and_validation.md",
    "docs/how_to/reproducibility.md",
    "docs/how_to/resume.md",
    "docs/how_to/search_space.md",
    "docs/how_to/two_stages.md",
    "docs/how_to/watch.md",
}


SAMPLER_PAGE = "docs/add_a_sampler.md"


@pytest.fixture
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # What a page draws is drawn into files.
    monkeypatch.setenv("MPLBACKEND", "Agg")


@pytest.mark.usefixtures("_in_a_folder")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(p, marks=pytest.mark.slow if p in SLOW else ())
        for p in WITH_CODE
        if p not in ("README.md", SAMPLER_PAGE)
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, about MLflow
def test_the_code_of_a_page_runs(page):
    run_page(page, {})


def test_few_blocks_are_not_run_and_each_says_why():
    left = [(page, b) for page in PAGES for b in blocks((ROOT / page).read_text(encoding="utf-8")) if b.not_run]
    assert all(len(block.not_run) > 20 for _, block in left)
    assert len(left) <= 7, [f"{page}, line {block.line}" for page, block in left]


@pytest.mark.parametrize("page", PAGES)
def test_no_block_hides_from_the_tests(page):
    """A fence that is indented, or a comment that is a little different, would be passed over without a word."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.findall(r"^\s*(?:```|~~~)(?!\{)\S*$", text, flags=re.MULTILINE)
    directives = len(re.findall(r"^```\{", text, flags=re.MULTILINE))
    shown = len(re.findall(r"^```text$", text, flags=re.MULTILINE))
    assert len(fences) == 2 * (len(blocks(text)) + shown) + directives
    assert len(re.findall(r"<!--", text)) == sum(bool(b.not_run or b.file) for b in blocks(text))


# ------------------------------------------------------------------------------------------- how to add a sampler


@pytest.fixture(scope="module")
def defined():
    names = {}
    run_page(SAMPLER_PAGE, names)
    return names


def test_it_is_short():
    assert len((ROOT / SAMPLER_PAGE).read_text().splitlines()) < 60


def test_the_search_of_the_page_finds_the_bottom(defined):
    assert defined["history"].best.loss < 0.5
    assert {"climber", "random"} <= {trial.origin for trial in defined["history"].trials}


@pytest.mark.parametrize("name", HAND_MADE)
def test_its_sampler_is_legal_and_pure(defined, name):
    space = HAND_MADE[name]()
    trials = history(space, 40)
    for seed in range(10):
        first = defined["Climber"](space).suggest(trials, np.random.default_rng(seed))
        first.check_valid_configuration()
        again = defined["Climber"](space)
        again.suggest(trials[:20], np.random.default_rng(99))
        assert values(again.suggest(trials, np.random.default_rng(seed))) == values(first)


# ---------------------------------------------------------------------------------------------------- the README


@pytest.mark.slow
@pytest.mark.usefixtures("_in_a_folder")
def test_what_the_readme_says_that_can_be_typed():
    """Line by line, on a small table; each estimator is fitted, with a small budget."""
    shutil.copytree(ROOT / "examples" / "own_network", ".", dirs_exist_ok=True)
    shutil.copy("maxout.yaml", "my_network.yaml")
    (block,) = [b for b in blocks((ROOT / "README.md").read_text(encoding="utf-8")) if "my_network.yaml" in b.code]
    X, y = load_breast_cancer(return_X_y=True)
    rows = slice(0, 120)
    digits = load_digits()
    names = {**vars(autonas), "TensorBoardLogger": TensorBoardLogger, "y": digits.target[rows]}
    names["images"] = digits.images[rows].astype("uint8")
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        names["Client"] = lambda _: Client(cluster)
        for line in block.code.splitlines():
            said = eval(compile(ast.Expression(with_small_budget(line).body[0].value), line, "eval"), names)  # noqa: S307
            if "one_shot" in line:
                said.fit(names["images"], names["y"])
            elif not hasattr(said, "best_params_"):
                said.fit(X[rows], y[rows])
            assert said.best_params_, line


@pytest.mark.slow
@pytest.mark.usefixtures("_in_a_folder")
def test_the_commands_of_the_readme():
    table = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "y"}).iloc[:200, -6:]
    table.to_csv("data.csv", index=False)
    table.drop(columns="y").to_csv("new.csv", index=False)
    every = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    (block,) = [b for b in every if "autonas fit" in b.code and not b.not_run]
    for words in commands(block.code):
        run_command(words)
    assert len(pd.read_csv("out.csv")) == 200
    assert Path("run", "report.html").exists()
    assert Path("model.onnx").exists()


# ---------------------------------------------------------------------------------------- commands, figures, links


@pytest.mark.parametrize("page", PAGES)
def test_measurements_are_asked_for_as_the_command_line_has_them(page):
    """They take hours: here their arguments are read, no more."""
    text = (ROOT / page).read_text(encoding="utf-8")
    asked = r"^    python -m autonas (benchmark .*)$|`python -m autonas (benchmark [^`]*)`"
    for line in re.findall(asked, text, re.MULTILINE):
        arguments = shlex.split("".join(line))
        if arguments[1:] and arguments[1].islower():
            make_parser().parse_args([*arguments[1:], *(["judge"] if arguments[1:] == ["portfolio"] else [])])


def test_every_sampler_and_schedule_is_explained_with_a_figure():
    for kind, known in (("sampler", SAMPLERS), ("schedule", SCHEDULES)):
        text = (DOCS / "explanation" / f"{kind}s.md").read_text(encoding="utf-8")
        sections = dict(re.findall(r"^## (\w+)\n+!\[[^\]]+\]\(\.\./(figures/\w+\.png)\)\n\n\w", text, re.MULTILINE))
        assert sections == {name: f"figures/{kind}_{name}.png" for name in known}
    figures = list((DOCS / "figures").glob("*.png"))
    assert all(figure.read_bytes().startswith(b"\x89PNG") for figure in figures)
    assert sum(figure.stat().st_size for figure in figures) < 1_000_000


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = link.partition("#")
        if place.startswith("https://"):
            continue
        target = (ROOT / page).parent / place if place else ROOT / page
        if any(name in target.relative_to(DOCS).parts for name in GENERATED if DOCS in target.parents):
            continue
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


def _anchors(text):
    """Name headings as GitHub and the site do."""
    headings = re.findall(r"^#{1,3} (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# ------------------------------------------------------------------------------------------------------- the site


@pytest.fixture(scope="module")
def scripts():
    """What makes the gallery's outputs, and the figures."""
    made = {}
    for name in ("make_outputs", "make_figures"):
        spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
        made[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made[name])
    yield made
    for name in made:
        del sys.modules[name]


def test_the_gallery_shows_what_the_examples_print(scripts):
    outputs = scripts["make_outputs"]
    kept = [e for e in sorted(outputs.EXAMPLES.glob("[0-9]*.py")) if outputs.output_of(e).exists()]
    old = [example.name for example in kept if not outputs.is_current(example)]
    assert not old, "the examples have changed since; run: python docs/make_outputs.py"
    names = {example.stem for example in kept}
    assert {file.stem for file in outputs.OUTPUTS.glob("*.txt")} == names, "outputs of examples that are gone"


def test_figures_are_drawn_from_the_library_itself(scripts, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    figures = scripts["make_figures"]
    chance = np.array([figures.run_sampler("random", seed, 16).best for seed in range(2)])
    deep, plain, curve = figures.draw_sampler("kde", chance).axes
    assert len(deep.collections) + len(plain.collections) > 16  # the proposals, and the ground
    assert len(curve.lines) == 2
    reach, gantt = figures.draw_schedule("asha", limit=40.0).axes
    assert [tick.get_text() for tick in reach.get_yticklabels()][:2] == ["1", "3"]
    ends = [bar.get_x() + bar.get_width() for bar in gantt.patches]
    assert len(ends) > 20
    assert max(ends) <= 40
    text = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    left, _ = figures.draw_optimizers(text).axes
    assert left.get_yticklabels()[0].get_text() == "auto"
    assert len(figures.draw_peers(text).axes[0].patches) == 9
    figures.plt.close("all")


@pytest.fixture(scope="module")
def _site_can_be_built():
    for name in ("sphinx", "furo", "myst_parser", "numpydoc"):
        pytest.importorskip(name, reason="needs the documentation's tools: pip install '.[docs]'")


@pytest.mark.usefixtures("_site_can_be_built")
def test_every_public_object_has_one_home_in_the_reference(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "_extension")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sphinx and docutils, at their import
        reference = importlib.import_module("reference")
    pages = reference.collect()
    assert pages.homes["autonas.optimization.history.RunHistory"] == "autonas.RunHistory"
    assert pages.homes["autonas.optimization.interfaces.Trial"] == "autonas.optimization.Trial"
    documented = [f"{module}.{name}" for module, names in pages.modules.items() for name in names]
    assert len(documented) == len(set(documented)) == len(set(pages.homes.values()))
    index = reference._index(pages)
    assert all(f"[`{module}`]({module}.rst)" in index for module, names in pages.modules.items() if names)


@pytest.mark.slow
@pytest.mark.usefixtures("_site_can_be_built")
def test_the_site_builds_without_warnings_and_asks_nothing_of_other_hosts(tmp_path):
    for name in ("docs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(*GENERATED))
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "site"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 100
    asked = re.compile(
        r"<(?:script|img|iframe|source)[^>]*\ssrc=\"(https?:)?//|<link[^>]*rel=\"(?!canonical)[^>]*href=\"(https?:)?//"
    )
    assert not [page.name for page in pages if asked.search(page.read_text(encoding="utf-8"))]
    styles = [*(tmp_path / "site").rglob("*.css")]
    assert styles
    assert not [
        s.name for s in styles if re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", s.read_text(encoding="utf-8"))
    ]
