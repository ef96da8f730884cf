"""The documentation agrees with the code: parameters, docstrings, pages, links, commands."""

import importlib.util
import inspect
import re
import shlex
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc, NumpyDocString
from numpydoc.validate import validate

import skdnn
from skdnn import (
    Comparison,
    ComparisonDisplay,
    DNNClassifier,
    DNNRegressor,
    KerasClassifier,
    KerasRegressor,
    NetworkDisplay,
    TrainingHistoryDisplay,
)
from skdnn.cli import main
from skdnn.wrappers import BaseWrapper

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATED = (DOCS / "_build", DOCS / "api" / "generated")
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if not any(page.is_relative_to(folder) for folder in GENERATED)
]
ESTIMATORS = [DNNClassifier, DNNRegressor]
WRAPPERS = [KerasClassifier, KerasRegressor, BaseWrapper]
DISPLAYS = [ComparisonDisplay, NetworkDisplay, TrainingHistoryDisplay]
CLASSES = [*ESTIMATORS, *WRAPPERS, Comparison, *DISPLAYS]
FUNCTIONS = [
    "compare",
    "comparison.default_models",
    "datasets.load_fashion_mnist",
    "load",
    "persistence.info.read_info",
    "register_onnx_converters",
    "save",
    "to_onnx",
]

# The whole set-up on a new machine: for the command `skdnn compare`, and for the tests.
MAIN_JOB = "pip install . && skdnn compare"
TESTS = 'pip install ".[test]" && pytest'

# numpydoc's checks that are not enforced here; scikit-learn leaves out the same ones.
ACCEPTED = {
    "ES01": "the summary line is often enough",
    "EX01": "the class has an example; its methods need none of their own",
    "RT02": "a returned value is named, so that its shape can be stated",
    "SA01": "a See Also section is optional",
    "SA03": "a See Also description may start with a proper name in lower case",
}


def documented(cls):
    """Parameters of a class's docstring, by name."""
    return {parameter.name: parameter for parameter in ClassDoc(cls)["Parameters"]}


def defaults(cls):
    parameters = inspect.signature(cls).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def public_names():
    """Every function, class and member that is ours, as a path to import."""
    yield from (f"skdnn.{name}" for name in FUNCTIONS)
    for cls in CLASSES:
        owner = "skdnn.wrappers" if cls in WRAPPERS else "skdnn"
        yield f"{owner}.{cls.__name__}"
        for name in dir(cls):
            member = inspect.getattr_static(cls, name)
            member = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if not name.startswith("_") and getattr(member, "__module__", "").startswith("skdnn"):
                yield f"{owner}.{cls.__name__}.{name}"


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_has_a_constraint_and_a_docstring_entry(cls):
    assert set(defaults(cls)) == set(cls._parameter_constraints)
    assert list(defaults(cls)) == list(documented(cls))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_default_in_the_docstring_is_the_default(cls):
    for name, parameter in documented(cls).items():
        stated = re.search(r"default=(.+)$", parameter.type).group(1)
        assert literal_eval(stated) == defaults(cls)[name], name


@pytest.mark.parametrize("cls", WRAPPERS)
def test_parameters_of_a_wrapper_are_those_of_its_docstring(cls):
    signature = {name: default for name, default in defaults(cls).items() if name != "kwargs"}
    entries = {name: entry for name, entry in documented(cls).items() if name != "**kwargs"}
    assert list(entries) == list(signature)
    for name, entry in entries.items():
        stated = re.search(r"default=(.+)$", entry.type).group(1)
        assert literal_eval(stated) == signature[name], name


def test_parameters_of_both_estimators_are_described_alike():
    regressor = documented(DNNRegressor)
    both = regressor.keys() & documented(DNNClassifier).keys()
    for name, parameter in documented(DNNClassifier).items():
        if name not in both or name == "monitor":  # which has more measures for classifiers
            continue
        assert parameter.type == regressor[name].type
        if name not in ("hidden_layer_sizes", "loss", "validation_fraction"):  # differ by task
            assert parameter.desc == regressor[name].desc


def attributes_of(cls):
    pandas = pytest.importorskip("pandas")
    y = [0.0, 1.0, 0.0, 1.0]
    X = pandas.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    fitted = cls((2,), epochs=1, early_stopping=True).fit(X, y)
    return fitted, {name for name in vars(fitted) if re.fullmatch(r"[a-z].*_", name)}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_attributes_of_the_docstring_are_those_of_a_fitted_estimator(cls):
    fitted, learned = attributes_of(cls)
    listed = [attribute.name for attribute in ClassDoc(cls)["Attributes"]]
    assert learned <= set(listed)
    assert all(hasattr(fitted, name) for name in listed)
    unfitted = cls()
    assert not [name for name in listed if hasattr(unfitted, name)]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_parameters_of_methods_are_documented_in_order(cls):
    for name in ("fit", "partial_fit", "predict", "summary"):
        method = getattr(cls, name)
        listed = [p.name for p in NumpyDocString(inspect.getdoc(method))["Parameters"]]
        assert listed == list(inspect.signature(method).parameters)[1:], name


@pytest.mark.parametrize("name", sorted(public_names()))
def test_docstring_follows_numpydoc(name):
    errors = [f"{code} {text}" for code, text in validate(name)["errors"] if code not in ACCEPTED]
    assert not errors


def test_every_public_name_is_in_the_api_reference():
    page = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    assert not [name for name in skdnn.__all__ if not re.search(rf"\b{name}\b", page)]


def listed_paths():
    """Files and folders in the package tree of the architecture page, relative to the package."""
    page = (DOCS / "development" / "architecture.md").read_text(encoding="utf-8")
    tree = re.search(r"^```text\nskdnn/\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL).group(1)
    folders = []
    for line in tree.splitlines():
        indent, name, description = re.fullmatch(r"( +)(\S+) *(.*)", line).groups()
        assert description, f"{name} has no description"
        del folders[len(indent) // 2 - 1 :]
        yield "".join(folders) + name
        if name.endswith("/"):
            folders.append(name)


def test_the_architecture_page_lists_every_file_of_the_package():
    package = Path(skdnn.__file__).parent
    files = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    listed = set(listed_paths())
    # A folder that is listed without its files stands for all of them.
    closed = {path for path in listed if sum(other.startswith(path) for other in listed) == 1}
    closed = tuple(path for path in closed if path.endswith("/"))
    expected = {file for file in files if not file.endswith("__init__.py")}
    expected = {file for file in expected if not file.startswith(closed)}
    assert expected == {path for path in listed if path.endswith(".py")} - {"__init__.py"}
    assert all((package / path).exists() for path in listed)


@pytest.mark.parametrize(
    ("file", "command"),
    [("README.md", MAIN_JOB), ("README.md", TESTS), (".ci/run", TESTS)],
)
def test_set_up_is_one_command(file, command):
    assert command in (ROOT / file).read_text(encoding="utf-8")


def headings(page):
    """Anchors of a page: its headings as GitHub and MyST spell them in links."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def relative_name(page):
    return page.relative_to(ROOT).as_posix()


def source_of(link):
    """Return what the page of a gallery, made when the site is built, is made from."""
    link = re.sub(r"\bauto_(lesson|examples)/index\.rst$", r"\1/GALLERY_HEADER.rst", link)
    return re.sub(r"\bauto_((?:lesson|examples)/.+)\.rst$", r"\1.py", link)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=relative_name)
def test_relative_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / source_of(path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("page", PAGES, ids=relative_name)
def test_python_on_a_page_is_a_doctest(page):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    for block in blocks:
        assert block.startswith(">>> "), block
        # Without the empty line the closing fence would be taken for expected output.
        assert block.endswith("\n\n"), block


def example(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_drawn(tmp_path):
    written = example("looking_at_training").run(tmp_path / "pictures", epochs=2)
    assert [path.name for path in written if path.stat().st_size] == [
        "training.svg",
        "folds.svg",
        "network.svg",
        "table.html",
    ]
    for path in written[:3]:
        assert (DOCS / "pictures" / path.name).exists()
    assert "DNNClassifier" in written[3].read_text(encoding="utf-8")


def test_no_picture_is_large():
    pictures = list((DOCS / "pictures").iterdir())
    assert len(pictures) == 6
    assert all(picture.stat().st_size < 150_000 for picture in pictures)


def masked(text):
    """Return the words of a text, with fractions and versions as #: they differ by machine."""
    return re.sub(r"\d+(\.\d+)+(e-\d+)?", "#", text).split()


def sessions(page):
    """Commands and outputs of the blocks of a page that show the command `skdnn`."""
    blocks = re.findall(r"^```text\n(\$ .*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    for block in blocks:
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)


def test_the_sessions_of_the_command_line_page_are_true(tmp_path, monkeypatch, capsys, iris):
    pandas = pytest.importorskip("pandas")
    X, y = iris
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    flowers = pandas.DataFrame(X, columns=names)
    flowers["species"] = np.array(["setosa", "versicolor", "virginica"])[y]
    flowers.to_csv(tmp_path / "flowers.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    checked = 0
    for command, expected in sessions(DOCS / "user_guide" / "command_line.md"):
        program, *words = shlex.split(command)
        if "|" in words or program not in ("skdnn", "head"):
            continue
        if program == "head":
            printed = "".join(Path(words[-1]).read_text().splitlines(keepends=True)[:3])
        else:
            main(words)
            printed = "".join(capsys.readouterr())
        assert masked(printed) == masked(expected), command
        checked += 1
    assert checked >= 8
