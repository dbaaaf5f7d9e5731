"""HTML: a page that needs nothing but itself."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

__all__ = ["figure", "page", "paragraph", "section", "table"]

#: Ink of the drawings, which becomes the colour of the page's text, light or dark.
_INK = "#010203"
#: Likewise what becomes the page's own background, behind text in a drawing.
_PAPER = "#020304"
#: Characters of a text that is not broken into lines.
SHORT = 12
#: In inches: the width of a drawing that is narrowed no further on a phone, but moved.
BROAD = 8.0
#: Pixels an inch, at most.
_LARGEST = 110
_STYLE = """
:root { color-scheme: light dark;
  --ink: #1c1c1c; --paper: #ffffff; --quiet: #5f5f5f; --line: #d8d8d8; --band: #f5f5f5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #161616; --quiet: #a5a5a5; --line: #3a3a3a; --band: #202020; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
p { max-width: 46rem; margin: 0.5rem 0; } .quiet { color: var(--quiet); font-size: 0.9rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; flex: 1 1 20rem; min-width: 0; } figcaption { color: var(--quiet); font-size: 0.85rem; }
svg { width: 100%; height: auto; } .paper { background: #ffffff; color: #1c1c1c; padding: 0.5rem; }
.wide { overflow-x: auto; } .wide svg { min-width: 40rem; } .figures + * { margin-top: 1rem; }
table { border-collapse: collapse; font-size: 0.85rem; width: 100%; }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { border-bottom-width: 2px; } td.s { white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr:nth-child(even) td { background: var(--band); } pre { overflow-x: auto; font-size: 0.8rem; }
@media print {
  :root { --ink: #000000; --paper: #ffffff; --quiet: #444444; --line: #bbbbbb; --band: #ffffff; }
  body { font-size: 11pt; max-width: none; padding: 0; } h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; } .wide { overflow: visible; } .wide svg { min-width: 0; }
  details { display: none; }
}
"""


def page(title: str, sections: list[str]) -> str:
    """Put a page together."""
    # Nothing may be fetched, whatever a name of the user's holds.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{html.escape(title)}</h1>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Make a section of parts, those that are empty left out; without any there is no section."""
    told = [part for part in parts if part]
    return f"<section><h2>{html.escape(title)}</h2>\n" + "\n".join(told) + "</section>" if told else ""


def paragraph(text: str, *, quiet: bool = False) -> str:
    """Make a paragraph of plain text."""
    return f"<p{' class=quiet' if quiet else ''}>{html.escape(text)}</p>"


def table(frame: pd.DataFrame) -> str:
    """Make a table; numbers stand to the right, and short texts are not broken."""
    mark = [_mark(frame[name]) for name in frame]
    head = "".join(f"<th{m}>{html.escape(str(name))}</th>" for name, m in zip(frame, mark, strict=True))
    rows = [
        "<tr>" + "".join(f"<td{m}>{html.escape(_text(v))}</td>" for v, m in zip(row, mark, strict=True)) + "</tr>"
        for row in frame.itertuples(index=False)
    ]
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _mark(column: pd.Series[Any]) -> str:
    if pd.api.types.is_numeric_dtype(column):
        return ' class="n"'
    return ' class="s"' if column.astype(str).str.len().max() <= SHORT else ""


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return str(value)


def figure(
    draw: Callable[[Any], Any], caption: str, size: tuple[float, float] = (5.6, 3.4), *, paper: bool = False
) -> str:
    """Make a drawing a part of the page, as SVG.

    Parameters
    ----------
    draw : callable
        ``draw(ax)``, on axes of matplotlib.
    caption : str
        What it shows; also for those who cannot see it.
    size : (float, float)
        In inches.
    paper : bool, default=False
        Whether it stands on white, whatever the page's colours are.
    """
    import matplotlib as mpl  # noqa: PLC0415 - slow, and not everybody has it
    from matplotlib.figure import Figure  # noqa: PLC0415

    ink = "#1c1c1c" if paper else _INK
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "axes.titlecolor")
    settings = dict.fromkeys(inks, ink) | {"svg.fonttype": "none", "svg.hashsalt": caption, "font.size": 9}
    ground = "#ffffff" if paper else _PAPER
    settings |= {"figure.facecolor": "none", "axes.facecolor": ground, "savefig.facecolor": "none"}
    with mpl.rc_context(settings):
        drawing = Figure(figsize=size, layout="constrained")
        draw(drawing.add_subplot())
        buffer = io.StringIO()
        drawing.savefig(buffer, format="svg", dpi=120, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor").replace(_PAPER, "var(--paper)")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    alt = html.escape(caption, quote=True)
    width = f"max-width:{size[0] * _LARGEST:.0f}px"
    svg = re.sub(r"<svg ", f'<svg role="img" aria-label="{alt}" style="{width}" ', svg, count=1)
    kind = ' class="paper"' if paper else ' class="wide"' if size[0] > BROAD else ""
    return f"<figure><div{kind}>{svg}</div><figcaption>{html.escape(caption)}</figcaption></figure>"
