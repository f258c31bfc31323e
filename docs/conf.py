"""Sphinx configuration. `make docs` builds the pages; nothing is fetched from the network."""

from importlib.metadata import version as installed_version

project = "skregnet"
author = "the skregnet developers"
copyright = "2026, the skregnet developers"
release = version = installed_version("skregnet")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False  # the autosummary templates list the methods
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = "skregnet"
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}
