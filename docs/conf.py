"""How Sphinx builds these pages: `sphinx-build -W -b html docs docs/_build/html`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_sphinx"))  # what only the build needs
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's log would be on the pages

from inventories import sphinx_inventories  # noqa: E402
from lesson_notebook import write_lesson_notebook  # noqa: E402

import skdnn  # noqa: E402

project = "skdnn"
author = copyright = "The skdnn developers"
version = release = skdnn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "code_breaks",
    "code_links",
    "internal_links",
    "parameter_groups",
]
exclude_patterns = ["_build", "_sphinx", "lesson", "examples", "development/benchmarks"]
templates_path = ["_templates"]

# `fit` in a docstring becomes a link if that name is documented, and code otherwise.
default_role = "py:obj"
smartquotes = False
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"[^.]*"),  # a word in single backticks: mostly a parameter, or a value
    ("py:obj", r".*\(.*"),  # a call with its arguments
    ("py:obj", r"(input_tags|target_encoder_)\..*"),  # an attribute of an attribute
    ("py:obj", r"skl2onnx\..*"),  # has no page of its own for each function
]
autodoc_typehints = "none"  # the docstrings state types and shapes
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False  # the template lists a class's own members
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # link only these words of types
numpydoc_xref_aliases = {
    "array-like": ":term:`scikit-learn:array-like`",
    "bool": ":class:`python:bool`",
    "boolean": ":class:`python:bool`",
    "scalar": "scalar",
    "Axes": "matplotlib.axes.Axes",
    "Bunch": "sklearn.utils.Bunch",
    "DataFrame": "pandas.DataFrame",
    "Path": "pathlib.Path",
    "Series": "pandas.Series",
    "TimeSeriesSplit": "sklearn.model_selection.TimeSeriesSplit",
}

toc_object_entries_show_parents = "hide"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

# The prompts and the output of an example are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Each script becomes a page, with its output and figures, and a notebook.
sphinx_gallery_conf = {
    "examples_dirs": ["lesson", "examples"],
    "gallery_dirs": ["auto_lesson", "auto_examples"],
    "filename_pattern": r"\.py$",
    # This one is run by hand: see its first lines.
    "ignore_pattern": r"looking_at_training\.py$",
    "subsection_order": [f"examples/{part}" for part in ("data", "training", "keras", "use")],
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/generated/examples",
    "doc_module": ("skdnn",),
    "reset_modules": ("matplotlib", "gallery_settings.reset"),
    "parallel": min(2, os.cpu_count() or 1),
    "image_srcset": ["2x"],
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r"matplotlib|builtins\.NoneType|Display'",
    "download_all_examples": True,
    "show_signature": False,
    "remove_config_comments": True,
    "write_computation_times": False,
}

# `sphinx-build -b linkcheck docs docs/_build/linkcheck` follows all links; it needs a network.
linkcheck_timeout = 30
linkcheck_retries = 2
linkcheck_ignore = [r"https?://(localhost|127\.0\.0\.1)"]

html_title = f"skdnn {version}"
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "getting_started": [], "migration": []}
html_static_path = ["_static"]
html_css_files = ["skdnn.css"]
html_show_sourcelink = False


def write_inventories(app: Any, config: Any) -> None:
    """Write the inventories that intersphinx reads: a build needs no network."""
    config.intersphinx_mapping = sphinx_inventories(Path(app.doctreedir, "inventories"))


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


def write_notebook(app: Any) -> None:
    """Write the notebook of the whole lesson, which the first page of the lesson offers."""
    write_lesson_notebook(Path(app.srcdir, "auto_lesson", "skdnn-lesson.ipynb"))


def close_up(app: Any, page: str, source: list[str]) -> None:
    """Drop the empty line at the end of each code block, which only doctest needs."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def setup(app: Any) -> None:
    """Connect the functions above to the build."""
    app.connect("config-inited", write_inventories)
    app.connect("builder-inited", write_help)
    app.connect("builder-inited", write_notebook)
    app.connect("source-read", close_up)
