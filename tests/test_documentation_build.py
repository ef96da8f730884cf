"""What the build of the pages relies on: groups of parameters, and lists of documented objects."""

import importlib
import importlib.util
import inspect
import zlib
from pathlib import Path

import pytest

from skdnn import DNNClassifier, DNNRegressor

SPHINX = Path(__file__).parents[1] / "docs" / "_sphinx"


def helper(name):
    spec = importlib.util.spec_from_file_location(name, SPHINX / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


inventories = helper("inventories")
LISTS = sorted(inventories.FOLDER.glob("*.txt"))


def test_every_parameter_is_in_one_group():
    groups = helper("parameter_groups").GROUPS
    grouped = [name for names in groups.values() for name in names]
    parameters = {
        name for cls in (DNNClassifier, DNNRegressor) for name in inspect.signature(cls).parameters
    }
    assert sorted(grouped) == sorted(parameters)


def test_the_groups_keep_every_line_of_a_parameter():
    module = helper("parameter_groups")
    names = [name for names in module.GROUPS.values() for name in names][::-1]
    entries = [line for name in names for line in (f"    **{name}** : int", f"        {name}", "")]
    lines = module.grouped(["Title", "", ":Parameters:", "", *entries, ":Attributes:", ""])
    assert sorted(line for line in lines if line.startswith(" ")) == sorted(filter(None, entries))
    first = lines.index(":Network:")
    assert lines[first + 2 : first + 4] == [
        "    **hidden_layer_sizes** : int",
        "        hidden_layer_sizes",
    ]


def exists(name):
    """Whether a dotted name leads to an object that can be imported."""
    words = name.split(".")
    for n_words in range(len(words), 0, -1):
        try:
            found = importlib.import_module(".".join(words[:n_words]))
        except ImportError:
            continue
        for word in words[n_words:]:
            found = getattr(found, word)
        return True
    return False


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_listed_objects_exist_in_the_installed_package(path):
    objects = inventories.read_list(path).objects
    names = [name for name, (role, _) in objects.items() if ":" not in role]
    if path.stem == "python":
        names = [name if "." in name else f"builtins.{name}" for name in names]
        names = [name for name in names if name not in MODULES]
    else:
        pytest.importorskip(names[0].partition(".")[0])
    assert names
    assert not [name for name in names if not exists(name)]


MODULES = {"builtins.multiprocessing", "builtins.pickle"}


def test_an_inventory_has_the_format_of_sphinx(tmp_path):
    project = inventories.Project("A project 1.2", "https://a/", {"a.B": ("class", "b.html#$")})
    inventories.write_inventory(tmp_path / "a.inv", project)
    *head, body = (tmp_path / "a.inv").read_bytes().split(b"\n", 4)
    assert head[:3] == [b"# Sphinx inventory version 2", b"# Project: A project", b"# Version: 1.2"]
    assert zlib.decompress(body) == b"a.B py:class 1 b.html#$ -\n"


def test_lists_are_renewed_from_a_published_inventory(tmp_path):
    objects = {"a.B": ("class", "new.html#$"), "a.c": ("function", "c.html#$")}
    project = inventories.Project("A 2", tmp_path.as_uri() + "/", objects)
    inventories.write_inventory(tmp_path / "objects.inv", project)
    published = inventories.published(project.url)
    assert published == objects
    old = inventories.Project("A 1", "", {"a.B": ("x", "old.html"), "a.gone": ("class", "g.html")})
    renewed, missing = inventories.renew(old, published)
    assert renewed.objects == {"a.B": ("class", "new.html#$")}
    assert missing == ["a.gone"]
