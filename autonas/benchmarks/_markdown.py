"""Tables for documents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd

__all__ = ["frame_table", "markdown_table", "number"]


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


def frame_table(frame: pd.DataFrame, digits: int = 3) -> str:
    """Write a data frame without its index."""
    rows = [
        [number(value, digits) if isinstance(value, float) else str(value) for value in row]
        for row in frame.itertuples(index=False)
    ]
    return markdown_table([str(name) for name in frame.columns], rows)
