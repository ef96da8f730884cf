"""Code that names a documented object, such as `GridSearchCV`, becomes a link to it."""

import re
from typing import Any

from docutils import nodes
from inventories import read_all
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

import skdnn

# Usual abbreviations of modules, and modules whose objects are named without them.
ALIASES = {"np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot"}
BARE = ("sklearn.", "keras.", "pandas.DataFrame", "pandas.Series")
# Words that are also an argument, a value or a thing of skdnn.
AMBIGUOUS = {
    "Add",
    "Average",
    "Constant",
    "Input",
    "Model",
    "Ones",
    "Zeros",
    "Callback",
    "Identity",
}
WORDS = {"datasets", "exceptions", "load", "save"}
NOT_LINKED = (nodes.title, nodes.reference, pending_xref, nodes.term)


def short_names() -> dict[str, str]:
    """Return the full name of each object that has a distinctive last part.

    Of two objects with the same last part, neither is in the table.
    """
    names: dict[str, set[str]] = {}
    for project in read_all().values():
        for name in project.objects:
            last = name.rpartition(".")[2]
            distinctive = "_" in last or (last[0].isupper() and last not in AMBIGUOUS)
            if name.startswith(BARE) and distinctive and name.count(".") < 4:
                names.setdefault(last, set()).add(name)
    table = {last: full.pop() for last, full in names.items() if len(full) == 1}
    own = {name: f"skdnn.{name}" for name in skdnn.__all__ if name not in WORDS}
    return {**table, **own}


def full_name(text: str, table: dict[str, str], known: set[str]) -> str | None:
    """Return the full name of the object that a piece of code names, or None."""
    words = re.fullmatch(r"([A-Za-z_][\w.]*)(\(\))?", text)
    if not words:
        return None
    first, dot, rest = words[1].partition(".")
    if not dot:
        return table.get(first)
    name = f"{table.get(first) or ALIASES.get(first, first)}.{rest}"
    return name if name in known or name.startswith("skdnn.") else None


class CodeLinks(SphinxTransform):
    """Replaces literals that name an object by references, which Sphinx resolves."""

    default_priority = 210  # after the parser, before references are resolved

    def apply(self, **kwargs: Any) -> None:
        """Replace the literals of one page."""
        projects = read_all().values()
        known = {name for project in projects for name in project.objects}
        table = short_names()
        for literal in list(self.document.findall(nodes.literal)):
            name = full_name(literal.astext(), table, known)
            if name and not any(isinstance(p, NOT_LINKED) for p in ancestors(literal)):
                literal.replace_self(reference(literal, name, self.env.docname))


def ancestors(node: Any) -> Any:
    """Yield the parents of a node, the nearest first."""
    while node.parent is not None:
        node = node.parent
        yield node


def reference(literal: Any, name: str, page: str) -> pending_xref:
    """Return a reference to an object, with the literal as its text."""
    return pending_xref(
        "",
        literal.deepcopy(),
        refdomain="py",
        reftype="obj",
        reftarget=name,
        refdoc=page,
        refexplicit=True,
        code_link=True,
    )


def keep_code(app: Any, env: Any, node: Any, text: Any) -> Any:
    """Keep the code of a reference that nothing resolves."""
    return text if node.get("code_link") else None


def setup(app: Any) -> dict[str, bool]:
    """Connect the transform to the build."""
    app.add_transform(CodeLinks)
    app.connect("missing-reference", keep_code, priority=900)  # after intersphinx
    return {"parallel_read_safe": True, "parallel_write_safe": True}
