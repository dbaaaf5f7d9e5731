"""Sphinx's settings for the documentation: ``make docs`` builds it."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from autonas import __version__

sys.path.insert(0, str(Path(__file__).parent / "_extension"))
# The authors of what is imported for the reference warn of their own future, not of ours.
warnings.filterwarnings("ignore")

project = "AutoNAS"
author = "the AutoNAS developers"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "command_line",
    "gallery",
    "links",
    "reference",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
nitpicky = True
# "Returns: list of str" is a description, not a link; names in signatures are in the descriptions below them.
nitpick_ignore_regex = [("py:class", ".*"), ("py:attr", ".*")]

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
numpydoc_xref_param_type = False
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"AutoNAS {version}"
html_static_path = ["_static"]
html_css_files = ["autonas.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0063a0", "color-brand-content": "#0063a0"},
    "dark_css_variables": {"color-brand-primary": "#6cb8ea", "color-brand-content": "#6cb8ea"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
