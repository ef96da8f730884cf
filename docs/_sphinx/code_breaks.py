"""Code in running text breaks after a part of a long name, and never inside an option.

A browser would otherwise cut `learning_rate_schedule` at any letter in a narrow column.
"""

import re
from typing import Any

WORD = re.compile(r'(?<=<span class="pre">)[^<]+(?=</span>)')
# After "_", ".", "(" or "=" behind at least two letters, if four characters or more follow.
END_OF_PART = re.compile(r"(?<=[^\W\d]{2}_)(?=[^\W_].{3})|(?<=[^\W\d]{2}[.(=])(?=[\w&\[(].{3})")


def mark_breaks(body: str) -> str:
    """Return the HTML of a page in which each word of code says where it may break."""
    body = body.replace('<span class="pre">--', '<span class="pre option">--')
    return WORD.sub(lambda word: END_OF_PART.sub("<wbr>", word[0]), body)


def mark_page(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Mark the breaks of one page, before it is written."""
    if "body" in context:
        context["body"] = mark_breaks(context["body"])


def setup(app: Any) -> dict[str, Any]:
    """Connect the marks to the build."""
    app.connect("html-page-context", mark_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
