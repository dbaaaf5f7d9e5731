"""Tables for documents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

__all__ = ["markdown_table", "number"]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def number(value: float, digits: int, error: float = math.nan, *, bold: bool = False) -> str:
    """Write a number with its standard error where there is one; nothing where there is no number."""
    if not math.isfinite(value):
        return ""
    text = f"{value:.{digits}f}"
    text = f"**{text}**" if bold else text
    return f"{text} ± {error:.{digits}f}" if math.isfinite(error) else text
