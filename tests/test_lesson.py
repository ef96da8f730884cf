"""The lesson in `docs/lesson/`, and the notebook that is made of its pages.

The pages are run when the documentation is built, so they are not run here.
"""

import ast
import importlib.util
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from skdnn import DNNClassifier

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "lesson").glob("*.py"))
SCRIPT = ROOT / "docs" / "_sphinx" / "lesson_notebook.py"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("lesson_notebook", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = tmp_path_factory.mktemp("lesson") / "new" / "skdnn-lesson.ipynb"
    module.write_lesson_notebook(path)
    return nbformat.read(path, as_version=4)


def cells(notebook, kind):
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def test_the_notebook_is_valid(notebook):
    nbformat.validate(notebook)


def test_the_notebook_has_every_page_in_order(notebook):
    titles = [re.match(r"\s*# (.+)", text) for text in cells(notebook, "markdown")]
    titles = [title[1] for title in titles if title]
    docstrings = [ast.get_docstring(ast.parse(page.read_text("utf-8"))) for page in PAGES]
    assert titles == ["The lesson", *[text.partition("\n")[0] for text in docstrings]]


def test_the_notebook_has_the_code_of_every_page(notebook):
    joined = "\n".join(cells(notebook, "code"))
    pages = [page.read_text("utf-8") for page in PAGES]
    written = [ast.unparse(statement) for page in pages for statement in ast.parse(page).body[1:]]
    assert [ast.unparse(statement) for statement in ast.parse(joined).body] == written


def test_the_notebook_has_no_markup_of_sphinx(notebook):
    for text in cells(notebook, "markdown"):
        assert not re.search(r":[a-z]+:`|^\.\. |`_", text, re.M), text


def test_the_links_of_the_notebook_lead_to_its_headings(notebook):
    texts = "\n".join(cells(notebook, "markdown"))
    headings = {title.replace(" ", "-") for title in re.findall(r"^#+ (.+)", texts, re.M)}
    links = re.findall(r"\]\(#(\S+?)\)", texts)
    assert len(links) > 14
    assert set(links) <= headings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_starts_with_a_title_and_what_it_shows(page):
    title, line, _, shows = ast.get_docstring(ast.parse(page.read_text("utf-8"))).splitlines()[:4]
    assert line == "=" * len(title)
    assert shows


def test_the_numbers_of_parameters_in_the_lesson(capsys):
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(20, 28, 28), dtype=np.uint8)
    DNNClassifier((100,), epochs=1, random_state=0).fit(images, np.arange(20) % 10).summary()
    printed = capsys.readouterr().out
    assert "78,500" in printed  # 100 units * (784 pixels + 1)
    assert "1,010" in printed  # 10 classes * (100 units + 1)
