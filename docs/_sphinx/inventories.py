"""Links to the documentation of other projects, from lists that are kept in `docs/inventories/`.

Each list has the name and the address of a project, and one line for each of its objects: name,
role, page and anchor ("$" is the name). A role without a domain is one of Python's. A build needs
no network: `sphinx_inventories` writes the files that intersphinx reads.

With a network, `python docs/_sphinx/inventories.py` compares the lists with the inventories that
the projects publish, and writes the pages that have moved. To link to another object, add a line
with its name, any role and any page, and run the command. Keras publishes no inventory: its list is
written by hand, after the pages of https://keras.io/api/.
"""

import sys
import urllib.request
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "inventories"
BY_HAND = {"keras"}


@dataclass(frozen=True)
class Project:
    """The documented objects of another project: `objects` maps a name to its role and page."""

    title: str
    url: str
    objects: dict[str, tuple[str, str]]


def read_list(path: Path) -> Project:
    """Read one of the lists."""
    title, url, *lines = path.read_text(encoding="utf-8").splitlines()
    rows = (line.split() for line in lines)
    return Project(title[2:], url[2:], {name: (role, page) for name, role, page in rows})


def write_list(path: Path, project: Project) -> None:
    """Write a list, sorted by name."""
    rows = (" ".join([name, *place]) for name, place in sorted(project.objects.items()))
    text = "\n".join([f"# {project.title}", f"# {project.url}", *rows])
    path.write_text(text + "\n", encoding="utf-8")


def read_all() -> dict[str, Project]:
    """Read all lists, by the name of the file."""
    return {path.stem: read_list(path) for path in sorted(FOLDER.glob("*.txt"))}


def kind(role: str) -> str:
    """Return the role of a list with its domain."""
    return role if ":" in role else f"py:{role}"


def write_inventory(path: Path, project: Project) -> None:
    """Write an inventory in Sphinx's format, version 2."""
    name, _, version = project.title.rpartition(" ")
    head = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: {version}\n"
    rows = (f"{key} {kind(role)} 1 {page} -\n" for key, (role, page) in project.objects.items())
    head += "# The remainder of this file is compressed using zlib.\n"
    path.write_bytes(head.encode() + zlib.compress("".join(rows).encode()))


def sphinx_inventories(folder: Path) -> dict[str, tuple[str, str]]:
    """Write an inventory for each list into a folder, and return `intersphinx_mapping`."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for name, project in read_all().items():
        write_inventory(folder / f"{name}.inv", project)
        mapping[name] = (project.url, str(folder / f"{name}.inv"))
    return mapping


def published(url: str) -> dict[str, tuple[str, str]]:
    """Download the inventory of a project, and return the role and the page of each object."""
    with urllib.request.urlopen(f"{url}objects.inv", timeout=60) as answer:
        content = answer.read().split(b"\n", 4)[4]
    objects = {}
    for line in zlib.decompress(content).decode().splitlines():
        name, role, _, page, *_ = line.split(" ")  # names with blanks are not ours
        if role.startswith("py:") or role == "std:term":
            objects[name] = (role.removeprefix("py:"), page)
    return objects


def renew(project: Project, objects: dict[str, tuple[str, str]]) -> tuple[Project, list[str]]:
    """Return a list with the published roles and pages, and the names that are not published."""
    found = {name: objects[name] for name in project.objects if name in objects}
    missing = [name for name in project.objects if name not in objects]
    return replace(project, objects=found), missing


def main() -> int:
    """Renew all lists, and print the names that are dropped."""
    for name, project in read_all().items():
        if name in BY_HAND:
            continue
        renewed, missing = renew(project, published(project.url))
        write_list(FOLDER / f"{name}.txt", renewed)
        print(f"{project.title}: {len(renewed.objects)} objects", *missing, sep="\n  not found: ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
