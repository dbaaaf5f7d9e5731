"""Links that are right in the repository, made right on the site.

Pages are read in both places: ``../examples/07_search_own_function.py`` is a file there, and a page of the gallery
here; ``../README.md`` has the site's first page in its place.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from sphinx.application import Sphinx

_LINK = re.compile(r"\]\(((?:\.\./)+)([^)#\s]+)(#[^)\s]*)?\)")
_EXAMPLE = re.compile(r"examples/(\d\d_\w+)\.py")
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "about/contributing.md", "CHANGELOG.md": "about/changelog.md"}


def rewrite(text: str, page: str) -> str:
    """Rewrite the links of a page that lead out of the documentation's folder.

    Parameters
    ----------
    text : str
        The page, in Markdown.
    page : str
        Its name, relative to the documentation's folder: ``how_to/images``.

    Returns
    -------
    str

    Examples
    --------
    >>> rewrite("[so](../../examples/07_search_own_function.py)", "how_to/callbacks")
    '[so](../gallery/07_search_own_function.md)'
    """
    folder = posixpath.dirname(page)

    def lead(match: re.Match[str]) -> str:
        # Where the repository's root is "..".
        file = posixpath.normpath(posixpath.join(folder, match[1], match[2]))
        if not file.startswith("../"):
            return match[0]
        example = _EXAMPLE.fullmatch(file[3:])
        place = f"gallery/{example[1]}.md" if example else PAGES.get(file[3:])
        return match[0] if place is None else f"]({posixpath.relpath(place, folder or '.')}{match[3] or ''})"

    return _LINK.sub(lead, text)


def _read(app: Sphinx, page: str, source: list[str]) -> None:  # noqa: ARG001 - Sphinx's signature
    source[0] = rewrite(source[0], page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of all this."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
