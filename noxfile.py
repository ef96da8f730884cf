#!/usr/bin/env python3
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The checks of a change, each in an environment of its own: `nox -l` lists them.

`nox` alone runs the linters and the tests. What follows `--` is passed on:
`nox -s tests -- tests/_data -k category`.
"""

import os
import re
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"  # uv, where it is installed
nox.options.reuse_existing_virtualenvs = True

# Nightly builds of scikit-learn and of what it is built on.
NIGHTLY = "https://pypi.anaconda.org/scientific-python-nightly-wheels/simple"


def install(session: nox.Session, extra: str, *options: str) -> None:
    """Install skdnn with one extra; in CI, where tests on real data must run, also the data."""
    session.install(*options, "-e", f".[{extra}]")
    if os.environ.get("CI"):
        session.run("python", "-c", "from skdnn.datasets import load_fashion_mnist as f; f()")


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linters."""
    session.install("pre-commit>=4")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests and all examples, with the newest versions of the dependencies."""
    install(session, "test")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def oldest(session: nox.Session) -> None:
    """Run the quick tests with the oldest supported versions of the dependencies."""
    install(session, "test", "-c", ".ci/oldest-requirements.txt")
    # Later versions have fixed the causes of many warnings.
    options = ["-m", "quick", "-W", "default", "--disable-warnings"]
    session.run("pytest", *options, "tests", *session.posargs)


@nox.session(default=False)
def nightly(session: nox.Session) -> None:
    """Run the tests with the newest nightly build of scikit-learn."""
    install(session, "test")
    session.install("--pre", "--upgrade", "--extra-index-url", NIGHTLY, "scikit-learn")
    session.run("pytest", "tests", *session.posargs)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Run the tests and measure which lines and branches they reach."""
    install(session, "test", "coverage>=7.10", "pytest-cov>=7")
    session.run("pytest", "--cov", "--cov-report=", *session.posargs)
    session.run("coverage", "report")
    session.run("coverage", "xml")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the pages; a warning is an error."""
    install(session, "docs")
    session.run("sphinx-build", "-W", "-b", "html", "docs", "docs/_build/html", *session.posargs)


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """Build both distributions into dist/, check them, and try the wheel."""
    session.install("build>=1.2", "twine>=6.1")
    dist = Path("dist")
    for old in dist.glob("skdnn-*"):
        old.unlink()
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *map(str, dist.iterdir()))
    (wheel,) = dist.glob("*.whl")
    session.install("--force-reinstall", f"{wheel}[plot]")
    with session.chdir(session.create_tmp()):  # away from the sources
        session.run("skdnn", "--version")
        session.run("skdnn", "train", "iris", "-o", "iris.skdnn")
        session.run("skdnn", "predict", "iris.skdnn", "iris", "-o", "iris.csv")


@nox.session(venv_backend="none", default=False)
def release_check(session: nox.Session) -> None:
    """Look for the version of a tag, such as v0.1.0, in each file that names it."""
    (tag,) = session.posargs
    version, date = re.escape(tag.removeprefix("v")), r"\d{4}-\d\d-\d\d"
    lines = [
        ("skdnn/__init__.py", f'__version__ = "{version}"'),
        ("CITATION.cff", f"version: {version}"),
        ("CITATION.cff", f"date-released: {date}"),
        ("CHANGELOG.md", f"## {version} - {date}"),
    ]
    for name, line in lines:
        if not re.search(f"^{line}$", Path(name).read_text(encoding="utf-8"), re.MULTILINE):
            session.error(f"{name} has no line {line}")


if __name__ == "__main__":
    nox.main()
