"""The code of a page of the documentation, and how it is run: as it stands, but with small budgets.

A block of Python is run in the names of those before it on the page, a block of bash line by line through the command
``autonas``. Two comments of HTML before a block, which readers do not see, say more: ``<!-- file: NAME -->`` writes the
block into a file, ``<!-- not run: REASON -->`` leaves it alone.
"""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml

from autonas.__main__ import main

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(
    r"^(?:<!-- (?P<kind>not run|file): (?P<note>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
ESTIMATORS = ("AutoNASClassifier", "AutoNASRegressor")
#: In place of whatever a page says: claims about speed and accuracy are not for tests.
N_TRIALS, EPOCHS = 2, 3
#: What is shown, and not code: what a command printed.
SHOWN = ("text",)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, and the line of the page on which the code begins."""

    language: str
    code: str
    line: int
    not_run: str = ""
    file: str = ""


def blocks(text):
    """List the blocks of a page of Markdown, in their order, but what is only shown."""
    found = []
    for match in _BLOCK.finditer(text):
        if match["language"] in SHOWN:
            continue
        note = {match["kind"].replace(" ", "_"): match["note"]} if match["kind"] else {}
        line = text.count("\n", 0, match.start("code")) + 1
        found.append(Block(match["language"], match["code"], line, **note))
    return found


class _SmallBudget(ast.NodeTransformer):
    """Let estimators try few configurations for few epochs, whatever their time limit."""

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ESTIMATORS:
            given = {k.arg: k.value for k in node.keywords}
            if isinstance(given.get("one_shot"), ast.Constant) and isinstance(given["one_shot"].value, str):
                given["one_shot"] = ast.parse(f"OneShot({given['one_shot'].value!r}, epochs=1)", mode="eval").body
            limits = {"time_limit": None, "n_trials": _least(given, "n_trials", N_TRIALS)}
            limits |= {"min_epochs": 1, "max_epochs": _least(given, "max_epochs", EPOCHS)}
            given |= {name: ast.Constant(value) for name, value in limits.items()}
            node.keywords = [ast.keyword(name, value) for name, value in given.items()]
        if name == "OneShot" and not any(k.arg == "epochs" for k in node.keywords):
            node.keywords.append(ast.keyword("epochs", ast.Constant(1)))
        return node


def _least(given, name, ours):
    """Of runs that grow from call to call, the growth stays."""
    said = getattr(given.get(name), "value", None)
    return ours if said is None else min(said, 2 * ours + 1)


def with_small_budget(code):
    """Give the code, parsed, with small budgets."""
    return ast.fix_missing_locations(_SmallBudget().visit(ast.parse(code)))


def run_python(block, page, names):
    """Run a block of Python in names that it may add to."""
    tree = with_small_budget("\n" * (block.line - 1) + block.code)
    exec(compile(tree, page, "exec"), names)  # noqa: S102 - that is the test


def commands(code):
    """List the commands of a block of bash, without comments."""
    return [words for line in code.splitlines() if (words := shlex.split(line, comments=True))]


def run_command(words):
    """Run ``autonas ...``, with small budgets, in this process, which has torch already."""
    assert words[0] == "autonas", f"{shlex.join(words)}: say why it is not run"
    assert main(_small(words[1:])) == 0, shlex.join(words)


def _small(arguments):
    given = list(arguments)
    if "--time" in given:
        place = given.index("--time")
        # Of `resume`, more than there were.
        given[place : place + 2] = ["--trials", str(N_TRIALS + (given[0] == "resume"))]
        if given[0] == "fit":
            given += ["--min-epochs", "1", "--max-epochs", str(EPOCHS)]
    return given


def run_page(page, names):
    """Run all blocks of a page of Markdown, in the present folder."""
    for block in blocks((ROOT / page).read_text(encoding="utf-8")):
        if block.not_run:
            continue
        if block.file:
            Path(block.file).write_text(block.code, encoding="utf-8")
        elif block.language == "python":
            run_python(block, page, names)
        elif block.language == "bash":
            for words in commands(block.code):
                run_command(words)
        elif block.language == "yaml":
            assert yaml.safe_load(block.code)
        else:
            raise AssertionError(f"{page}, line {block.line}: a block of {block.language or 'no language'} is not run")
