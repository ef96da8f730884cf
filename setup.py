"""The README for PyPI, with links that lead to the repository. All else is in setup.cfg."""

import re
from pathlib import Path

from setuptools import setup

REPOSITORY = "https://github.com/skdnn/skdnn"
FILES = "https://raw.githubusercontent.com/skdnn/skdnn/main"


def absolute(match: re.Match[str]) -> str:
    """Return the link with the address of the file, or of the page that shows it."""
    before, target = match.groups()
    picture = re.search(r"\.(svg|png)$", target)
    return f"{before}{FILES if picture else f'{REPOSITORY}/blob/main'}/{target}"


text = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
relative = r"(\]\(|(?:href|src|srcset)=\")(?![a-z]+:|#)([^)\"\s]+)"
setup(long_description=re.sub(relative, absolute, text))
