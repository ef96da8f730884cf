"""What the build of the pages relies on: groups of parameters, lists of objects, links."""

import importlib
import importlib.util
import inspect
import zlib
from pathlib import Path
from types import SimpleNamespace

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


LINKED = """<h1 id="top">Title</h1><a href="#top"></a><a href="b/c.html?x=1#caf%C3%A9"></a>
<img src="picture.png"/><a href="https://example.org/none"></a><a href="mailto:a@b"></a>"""


@pytest.fixture
def built(tmp_path):
    """Two pages, a picture, and a page that is only a download."""
    (tmp_path / "b").mkdir()
    (tmp_path / "_static").mkdir()
    (tmp_path / "picture.png").write_bytes(b"")
    (tmp_path / "_static" / "copy.html").write_text('<a href="none"></a>', encoding="utf-8")
    page = '<h2 id="caf\u00e9"></h2><a href="../a.html#top"></a>'
    (tmp_path / "b" / "c.html").write_text(page, encoding="utf-8")
    (tmp_path / "a.html").write_text(LINKED, encoding="utf-8")
    return tmp_path


def test_links_with_a_target_are_not_reported(built):
    assert helper("internal_links").broken_links(built) == []


@pytest.mark.parametrize("link", ["d.html", "#other", "b/c.html#top", "../a.html", "img/x.png"])
def test_a_link_without_a_target_is_reported_with_its_page(built, link):
    (built / "a.html").write_text(f"{LINKED}<a href='{link}'>&lt;</a>", encoding="utf-8")
    assert helper("internal_links").broken_links(built) == [f"a.html: {link}"]


def test_broken_links_end_a_build_of_html(built):
    (built / "a.html").write_text("<img src='none.png'>", encoding="utf-8")
    builder = SimpleNamespace(format="html")
    app = SimpleNamespace(outdir=built, builder=builder)
    module = helper("internal_links")
    with pytest.raises(ValueError, match=r"Broken links:\na\.html: none\.png\nb/c\.html: \.\./a"):
        module.check(app, None)
    builder.format = "linkcheck"
    module.check(app, None)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("learning_rate_schedule", ["learning_", "rate_", "schedule"]),
        ("model__units", ["model__", "units"]),
        ("best_epoch_", ["best_", "epoch_"]),
        ("profile=&quot;resume&quot;", ["profile=", "&quot;resume&quot;"]),
        ("keras.Input((2,))", ["keras.", "Input(", "(2,))"]),
        ("n_jobs", ["n_jobs"]),
        ("partial_fit", ["partial_fit"]),
        ("verbose=1", ["verbose=1"]),
        (".skdnn", [".skdnn"]),
        ("1.25", ["1.25"]),
        ("to_onnx()", ["to_", "onnx()"]),
    ],
)
def test_a_long_name_breaks_between_its_parts(word, parts):
    marked = helper("code_breaks").mark_breaks(f'<p>a_text <span class="pre">{word}</span></p>')
    assert marked == f'<p>a_text <span class="pre">{"<wbr>".join(parts)}</span></p>'


def test_an_option_of_the_command_does_not_break():
    marked = helper("code_breaks").mark_breaks('<span class="pre">--time-limit</span>')
    assert marked == '<span class="pre option">--time-limit</span>'
