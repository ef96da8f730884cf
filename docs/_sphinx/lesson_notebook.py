"""Joins the pages of the lesson into one Jupyter notebook.

`python docs/_sphinx/lesson_notebook.py skdnn-lesson.ipynb` writes it. The build of the pages writes
it as well, for the first page of the lesson. sphinx-gallery makes a notebook of each page; here the
same pages are the parts of one.
"""

import copy
import re
import sys
from pathlib import Path

from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
from sphinx_gallery.notebook import NotebookContent, jupyter_notebook, save_notebook
from sphinx_gallery.py_source_parser import remove_config_comments, split_code_and_text_blocks

LESSON = Path(__file__).parents[1] / "lesson"
# A role with a title, such as :doc:`the next page <02_one_hidden_layer>`, or without one.
ROLE = re.compile(r":(doc|class|func|mod):`(?:([^`<]+?)\s*<)?([^`<>]+)>?`")


def lesson_notebook() -> NotebookContent:
    """Return the notebook: the introduction, and the pages in the order of their numbers."""
    blocks = [("text", introduction(), 1)]
    for page in sorted(LESSON.glob("[0-9]*.py")):
        _, parts = split_code_and_text_blocks(page)
        blocks += [(kind, readable(kind, content), line) for kind, content, line in parts]
    return jupyter_notebook(blocks, copy.deepcopy(DEFAULT_GALLERY_CONF), LESSON)


def introduction() -> str:
    """Return the text of the first page, without the paragraph that offers the notebook."""
    text = (LESSON / "GALLERY_HEADER.rst").read_text(encoding="utf-8")
    paragraphs = [part for part in text.split("\n\n") if ":download:" not in part]
    return readable("text", "\n\n".join(paragraphs))


def readable(kind: str, content: str) -> str:
    """Return a block as it is shown in a notebook, where Sphinx's roles mean nothing."""
    if kind == "code":
        return remove_config_comments(content)
    return ROLE.sub(plain, content)


def plain(role: re.Match[str]) -> str:
    """Return what a notebook shows for a role: a link inside it, or the name of something else."""
    kind, text, target = role.groups()
    if kind != "doc":
        return text or f"``{target.rpartition('.')[2] if target.startswith('~') else target}``"
    title = title_of(target)
    if not target.startswith("/"):
        return f"[{text} ({title})](#{title.replace(' ', '-')})"
    if text is None:
        return f'"{title}" in the user guide'
    return f'{text} ("{title}")' if "user guide" in text else f'{text} (user guide: "{title}")'


def title_of(target: str) -> str:
    """Return the title of a page of the lesson, or of a page of the documentation: "/..."."""
    if target.startswith("/"):
        page = LESSON.parent / f"{target[1:]}.md"
        return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return (LESSON / f"{target}.py").read_text(encoding="utf-8").splitlines()[1]


def write_lesson_notebook(path: str | Path) -> None:
    """Write the notebook to a file, and make its folder."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_notebook(lesson_notebook(), path)


if __name__ == "__main__":
    write_lesson_notebook(sys.argv[1])
