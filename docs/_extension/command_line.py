"""The page of the command line, from the commands themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from typer.main import get_command

from autonas.cli.app import make_app

PAGE = "reference/command_line.md"


def page() -> str:
    """Describe every command with its arguments and options, in Markdown."""
    root = get_command(make_app(lambda _: 0))
    parts = ["# Every command and option", str(root.help), _COMMON]
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            parts += [_described(f"{name} {inner}", c) for inner, c in command.commands.items()]
        else:
            parts.append(_described(name, command))
    return "\n\n".join(parts) + "\n"


_COMMON = """Exit codes: 0; 1 if every trial failed; 2 for a wrong argument or missing data; 130 if the keyboard stopped
it. `autonas --version` prints the version, and `autonas --debug COMMAND ...` shows where an error came from."""


def _described(name: str, command: Any) -> str:
    shown = [p for p in command.params if p.name != "help"]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    usage = " ".join([f"autonas {name}", *(p.name.upper() for p in arguments), "[OPTIONS]"])
    rows = [_row(p.name.upper() if p in arguments else ", ".join(map(_code, p.opts)), p) for p in shown]
    # `benchmark` hands on what it is given.
    table = "" if not rows else "\n\n| | | default |\n|---|---|---|\n" + "\n".join(rows)
    text = "\n\n".join(" ".join(part.split()) for part in str(command.help).split("\n\n"))
    return f"## `autonas {name}`\n\n{text}\n\n    {usage}{table}"


def _code(option: str) -> str:
    return f"`{option}`"


def _row(name: str, parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    default = parameter.default
    if isinstance(shown, str):
        default = shown
    elif default in (None, False, ()) or parameter.required or callable(default):
        default = ""
    return f"| {name} | {parameter.help or ''} | {default} |"


def _write(app: Sphinx) -> None:
    file, text = Path(app.srcdir, PAGE), page()
    file.parent.mkdir(exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of all this."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
