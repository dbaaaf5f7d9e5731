"""What the commands print."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["command", "print_json", "print_table", "say"]


def command() -> str:
    """Give the name by which this program can be called again: by its path as typed, where the name is not enough."""
    typed = sys.argv[0]
    return typed if Path(typed).name == "autonas" and shutil.which("autonas") is None else "autonas"


def say(line: str) -> None:
    """Tell people something; what programs read is on stdout alone."""
    print(line, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print JSON; numbers that it does not know are null."""
    print(json.dumps(_plain(value), indent=1, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def print_table(table: pd.DataFrame, title: str = "") -> None:
    """Print a table: with lines on a terminal, else as plain text."""
    texts = pd.DataFrame({name: [_text(value) for value in table[name]] for name in table})
    if not sys.stdout.isatty():
        print(_aligned(texts, [pd.api.types.is_numeric_dtype(table[name]) for name in table]))
        return
    from rich.console import Console  # noqa: PLC0415 - not needed elsewhere
    from rich.table import Table  # noqa: PLC0415

    lines = Table(title=title, title_justify="left")
    for name in table:
        numbers = pd.api.types.is_numeric_dtype(table[name])
        lines.add_column(str(name), justify="right" if numbers else "left", overflow="fold")
    for row in texts.itertuples(index=False):
        lines.add_row(*row)
    Console().print(lines)


def _aligned(texts: pd.DataFrame, right: Sequence[bool]) -> str:
    rows = [[str(name) for name in texts], *texts.values.tolist()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.rjust(n) if r else text.ljust(n) for text, n, r in zip(row, widths, right, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.5g}"
    return str(value)
