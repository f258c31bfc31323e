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
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py"]
templates_path = ["_templates"]

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False  # the autosummary templates list the methods
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"^(?!plot_)",  # what draws no picture is no page
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("skregnet",),
    "backreferences_dir": "gallery/backreferences",  # pages of classes link the examples
    "reference_url": {"skregnet": None},
    "reset_modules": ("matplotlib",),
    "min_reported_time": 30,  # seconds
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
    "abort_on_example_error": False,  # a warning, so `make docs` fails and names all of them
    "only_warn_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "skregnet"
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}

# Pages without pages below them have nothing to show at the left.
html_sidebars = {
    page: [] for page in ("which_regularizer", "coming_from_mlp", "extend", "design", "techniques")
}
