"""Which files of the documentation pytest runs, and where."""

import pytest

# Scripts of the galleries run when the pages are built, not when pytest imports modules.
collect_ignore_glob = [
    "_build/*",
    "_sphinx/*",
    "lesson/*",
    "examples/*",
    "auto_*",
    "api/generated/*",
]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Run each page in an empty folder, so that its examples can write files by short names."""
    monkeypatch.chdir(tmp_path)
