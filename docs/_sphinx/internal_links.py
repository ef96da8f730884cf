"""A link of the finished pages that leads to no page, file or heading of them fails the build.

Sphinx checks its own roles and the links of MyST. Pages also have links that Sphinx does not know:
those in HTML, such as the tables of estimators, and addresses in reStructuredText.
"""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

LINKS = {"href", "src"}
NAMES = {"id", "name"}
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//")
COPIES = {"_static", "_downloads", "_sources"}  # no pages of the documentation


class Page(HTMLParser):
    """The links of one page, and the names that links may lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the attributes of one element."""
        self.links.update(value for name, value in attrs if name in LINKS and value)
        self.names.update(value for name, value in attrs if name in NAMES and value)


def broken_links(folder: Path) -> list[str]:
    """Return the broken links of all pages in a folder, each with the page that has it.

    Parameters
    ----------
    folder : Path
        The folder with the pages that were built.
    """
    folder = folder.resolve()
    names = [path.relative_to(folder) for path in folder.rglob("*.html")]
    paths = [folder / name for name in sorted(names) if not COPIES & {*name.parts}]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    return [
        f"{path.relative_to(folder).as_posix()}: {link}"
        for path, page in pages.items()
        for link in sorted(page.links)
        if not OUTSIDE.match(link) and not leads_somewhere(path, link, pages)
    ]


def leads_somewhere(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Return whether a relative link of the page `path` has a target."""
    address, _, name = link.partition("#")
    address = unquote(address.partition("?")[0])
    target = (path.parent / address).resolve() if address else path
    if not target.exists():
        return False
    return not name or target not in pages or unquote(name) in pages[target].names


def check(app: Any, error: Exception | None) -> None:
    """Raise an error that lists the broken links of a build."""
    if error is None and app.builder.format == "html":
        found = broken_links(Path(app.outdir))
        if found:
            raise ValueError("Broken links:\n" + "\n".join(found))


def setup(app: Any) -> dict[str, bool]:
    """Connect the check to the end of the build."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
