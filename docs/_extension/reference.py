"""The pages of the reference: one a public module, written before Sphinx reads its sources.

What is public is what a module lists in ``__all__``, unless the module's own name begins with an underscore. An object
that can be imported from several places is documented once, at the shortest: there people import it from.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer

import autonas

#: What has no public home, but comes back from a public function.
GIVEN_BACK = {"autonas": ("autonas._two_stage.OneShotResult",)}

#: Documented by scikit-learn, with references into its own documentation.
SCIKIT_LEARNS = "score, set_fit_request, set_score_request, get_metadata_routing"

GROUPS = {
    "The estimators and the search": ("autonas",),
    "Spaces and presets": ("autonas.spaces", "autonas.presets", "autonas.portfolio"),
    "What comes after a fit": ("autonas.plots", "autonas.report", "autonas.export", "autonas.loggers"),
    "The search: samplers, schedules, history": ("autonas.optimization",),
    "The networks": ("autonas.networks",),
    "Weight sharing": ("autonas.one_shot",),
    "Training and ensembles": ("autonas.training",),
    "The command line": ("autonas.cli",),
    "Benchmarks": ("autonas.benchmarks",),
}


@dataclass
class Pages:
    """What stands where."""

    modules: dict[str, list[str]] = field(default_factory=dict)
    """Module to the names of the objects that are documented on its page."""
    homes: dict[str, str] = field(default_factory=dict)
    """Every dotted path of a public object to the one where it is documented."""


def public_modules() -> list[str]:
    """List the modules none of whose names begins with an underscore, the shortest names first."""
    found = ["autonas", *(m.name for m in pkgutil.walk_packages(autonas.__path__, "autonas."))]
    public = [name for name in found if not any(part.startswith("_") for part in name.split("."))]
    return sorted(public, key=lambda name: (name.count("."), name))


def collect() -> Pages:
    """Find a home for each public object."""
    pages, seen = Pages(), {}
    for name in public_modules():
        module = importlib.import_module(name)
        mine = pages.modules.setdefault(name, [])
        for attribute in getattr(module, "__all__", ()):
            path, value = f"{name}.{attribute}", getattr(module, attribute)
            # Small values (numbers, texts) may be one object in several places by chance.
            key = path if isinstance(value, (int, float, str, tuple)) else id(value)
            home = seen.setdefault(key, path)
            pages.homes[path] = home
            if home == path:
                mine.append(attribute)
    return pages


def write(folder: Path) -> Pages:
    """Write the pages, and nothing that has not changed, so that Sphinx need not read it again."""
    pages = collect()
    comments = _comments()
    texts = {f"{name}.rst": _page(name, names, comments) for name, names in pages.modules.items() if names}
    texts["index.md"] = _index(pages)
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        if file.name not in {*texts, "command_line.md"}:
            file.unlink()
    for name, text in texts.items():
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text:
            (folder / name).write_text(text, encoding="utf-8")
    return pages


def _page(name: str, names: list[str], comments: dict[int, list[str]]) -> str:
    lines = [f"``{name}``", "=" * (len(name) + 4), "", f".. automodule:: {name}", ""]
    module = importlib.import_module(name)
    for attribute in names:
        lines += _directive(f"{name}.{attribute}", getattr(module, attribute), comments)
    for path in GIVEN_BACK.get(name, ()):
        place, _, attribute = path.rpartition(".")
        lines += _directive(path, getattr(importlib.import_module(place), attribute), comments)
    return "\n".join(lines)


def _directive(path: str, value: Any, comments: dict[int, list[str]]) -> list[str]:
    if inspect.isclass(value):
        options = ["   :members:"]
        if path.startswith("autonas.AutoNAS"):
            options += ["   :inherited-members: BaseEstimator", f"   :exclude-members: {SCIKIT_LEARNS}"]
        return [f".. autoclass:: {path}", *options, ""]
    if inspect.isroutine(value):
        return [f".. autofunction:: {path}", ""]
    # Left to itself autodoc would describe the value's class.
    about = comments.get(id(value)) or [f"A ``{type(value).__name__}``."]
    module, _, name = path.rpartition(".")
    return [f".. py:data:: {name}", f"   :module: {module}", "", *(f"   {line}" for line in about), ""]


def _comments() -> dict[int, list[str]]:
    """Find what is written about values that are neither class nor function: below them, or above after ``#:``."""
    found = {}
    for name in public_modules():
        module = importlib.import_module(name)
        for (owner, attribute), lines in ModuleAnalyzer.for_module(name).find_attr_docs().items():
            if not owner and hasattr(module, attribute):
                found[id(getattr(module, attribute))] = lines
    return found


def _index(pages: Pages) -> str:
    lines = [
        "# Reference",
        "",
        "Every public name, from its docstring; each is described once, where it is shortest to import from.",
        "",
    ]
    known = [name for name in pages.modules if pages.modules[name]]
    for title, starts in GROUPS.items():
        members = [m for m in known if any(m == s or (s != "autonas" and m.startswith(f"{s}.")) for s in starts)]
        lines += [f"## {title}", ""]
        if "autonas.cli" in starts:
            lines += ["[Every command and option](command_line.md). In Python:", ""]
        lines += [f"- [`{m}`]({m}.rst): {_summary(importlib.import_module(m))}" for m in sorted(members)]
        lines += ["", "```{toctree}", ":hidden:", ""]
        lines += (["command_line"] if "autonas.cli" in starts else []) + sorted(members) + ["```", ""]
    return "\n".join(lines)


def _summary(module: ModuleType) -> str:
    first = inspect.getdoc(module) or ""
    return " ".join(first.partition("\n\n")[0].split()).replace("``", "`")


def _follow(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Node) -> nodes.Node | None:
    """Lead a reference to any path of an object to where it is documented; what is private stays a mere name."""
    if node.get("refdomain") != "py":
        return None
    homes = app.config.autonas_pages.homes
    domain, target = env.domains["py"], node["reftarget"]
    owner, _, method = target.rpartition(".")
    here = f"{node.get('py:module')}.{target}"
    home = homes.get(target) or homes.get(here) or (f"{homes[owner]}.{method}" if owner in homes else None)
    # A name alone is meant where it was written, and the object may have its home elsewhere.
    found = {home} if home else {name for name in domain.data["objects"] if name.endswith(f".{target}")}
    if len(found) == 1:
        return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], found.pop(), node, content)
    private = any(part.startswith("_") for part in target.split(".")) or _is_there(target)
    return content if private or node["reftype"] == "mod" else None


def _is_there(name: str) -> bool:
    """Say whether any module has this name, if only for itself; a misspelt one is nowhere."""
    return any(hasattr(importlib.import_module(module), name) for module in public_modules())


def _prepare(app: Sphinx) -> None:
    app.config.autonas_pages = write(Path(app.srcdir, "reference"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of all this."""
    app.connect("builder-inited", _prepare)
    app.connect("missing-reference", _follow)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
