"""The pages of the gallery: each example's docstring, code, and what it printed and drew.

The outputs are kept in ``docs/outputs``, written by ``docs/make_outputs.py``: the examples search for half a minute
each, and a page need not wait for that.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_FOLDERS = re.compile(r"(own_\w+)/\w+\.(?:py|yaml)")


def split(source: str) -> tuple[str, str, str]:
    """Split an example into its title, the rest of its docstring, and its code.

    Parameters
    ----------
    source : str
        A script that begins with a docstring.

    Returns
    -------
    title, text, code : str
        The title is the docstring's first sentence.
    """
    docstring = ast.get_docstring(ast.parse(source)) or ""
    first, _, rest = docstring.partition("\n\n")
    title, _, more = " ".join(first.split()).partition(". ")
    code = source[source.index('"""', 3) + 3 :].strip()
    return title.rstrip("."), f"{more}\n\n{rest}".strip(), code


def write(examples: Path, folder: Path, outputs: Path) -> None:
    """Write a page for each example, and the gallery's index."""
    pages = {example.stem: _page(example, outputs) for example in sorted(examples.glob("[0-9]*.py"))}
    names = "\n".join(pages)
    rows = "\n".join(
        f"| [{number}]({name}.md) | {title} |"
        for name, text in pages.items()
        for number, title in [(name[:2], text.partition("\n")[0].removeprefix("# "))]
    )
    pages["index"] = f"{_INTRODUCTION}\n\n| | |\n|---|---|\n{rows}\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.md"):
        if file.stem not in pages:
            file.unlink()
    for name, text in pages.items():
        file = folder / f"{name}.md"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


_INTRODUCTION = """# Gallery

The scripts of `examples/`, with what they printed. Each runs in under a minute on two cores. Where a time limit ends
the search, the figures differ from machine to machine: these were made on one core, by a clock that counts its time."""


def _page(example: Path, outputs: Path) -> str:
    title, text, code = split(example.read_text(encoding="utf-8"))
    parts = [f"# {title}", text, f"```python\n{code}\n```"]
    printed = outputs / f"{example.stem}.txt"
    if printed.exists():
        body = printed.read_text(encoding="utf-8").partition("\n")[2].strip("\n")
        parts.append(f"## What it printed\n\n```text\n{body}\n```")
    parts += [f"![{title}](../outputs/{p.name})" for p in sorted(outputs.glob(f"{example.stem}*.png"))]
    folders = dict.fromkeys(_FOLDERS.findall(f"{text}\n{code}".replace('" / "', "/")))
    parts += [_beside(example.parent / name) for name in folders]
    parts.append(f"{{download}}`{example.name} <../../examples/{example.name}>`")
    return "\n\n".join(parts) + "\n"


def _beside(folder: Path) -> str:
    """Show the files of an example's own folder, too."""
    shown = []
    for file in sorted(folder.glob("*.*")):
        language = {".py": "python", ".yaml": "yaml"}[file.suffix]
        place = f"../../examples/{folder.name}/{file.name}"
        shown.append(f"## {folder.name}/{file.name}\n\n```{{literalinclude}} {place}\n:language: {language}\n```")
    return "\n\n".join(shown)


def _prepare(app: Sphinx) -> None:
    docs = Path(app.srcdir)
    write(docs.parent / "examples", docs / "gallery", docs / "outputs")


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of all this."""
    app.connect("builder-inited", _prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
