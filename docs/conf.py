"""How Sphinx builds these pages: `sphinx-build -W -b html docs docs/_build/html`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import skdnn

project = "skdnn"
author = copyright = "The skdnn developers"
version = release = skdnn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
]
exclude_patterns = ["_build", "examples", "development/benchmarks"]
templates_path = ["_templates"]

# `fit` in a docstring becomes a link if that name is documented, and code otherwise.
default_role = "py:obj"
autodoc_typehints = "none"  # the docstrings state types and shapes
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False  # the template lists a class's own members

toc_object_entries = False
myst_heading_anchors = 3

html_title = "skdnn"
html_theme = "alabaster"
html_theme_options = {
    "description": "A deep neural network as a scikit-learn estimator",
    "page_width": "1160px",
    "sidebar_width": "230px",
    "code_font_size": "0.78em",
    "fixed_sidebar": True,
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_show_sourcelink = False


def write_help(app: Any) -> None:
    """Write the help texts of the command, which `api/index.md` includes."""
    folder = Path(app.srcdir, "api", "generated")
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "COLUMNS": "84", "NO_COLOR": "1"}
    for words in ([], ["train"], ["predict"], ["export"], ["info"], ["compare"]):
        command = [sys.executable, "-m", "skdnn", *words, "--help"]
        text = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout
        (folder / f"{'-'.join(['skdnn', *words])}.txt").write_text(text, encoding="utf-8")


def close_up(app: Any, page: str, source: list[str]) -> None:
    """Drop the empty line at the end of each code block, which only doctest needs."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def setup(app: Any) -> None:
    """Connect the functions above to the build."""
    app.connect("builder-inited", write_help)
    app.connect("source-read", close_up)
