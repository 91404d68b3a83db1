"""Sphinx configuration."""

from __future__ import annotations

from aiida_mlhull import __version__

project = "aiida-mlhull"
author = "The aiida-mlhull team"
copyright = f"2026, {author}"  # noqa: A001  (Sphinx wants this name)
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "topics/rooms.md"]  # included by a page

autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = False  # "numpy.str_" would read as a link

html_theme = "furo"
html_title = "aiida-mlhull"
