"""The HTML of the estimators in a notebook: links, tooltips and well-formed tags."""

import inspect
import re
from configparser import ConfigParser
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor
from skdnn._utils.sklearn_compat import DOCUMENTATION
from skdnn.wrappers import BaseWrapper

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parents[2]
ESTIMATORS = [DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor]
has_tooltips = pytest.mark.skipif(
    "doc_link" not in inspect.signature(getattr(BaseEstimator, "_get_params_html", id)).parameters,
    reason="scikit-learn has tooltips of parameters from 1.8 on",
)


class Page(HTMLParser):
    """The links and texts of a page. Every tag has to be closed in its order."""

    VOID = ("br", "input", "wbr")

    def __init__(self, html):
        super().__init__()
        self.open, self.links, self.texts = [], [], []
        # scikit-learn writes a body that ends after the script.
        self.feed(re.sub(r"<style>.*?</style>|<script>.*?</script>", "", html, flags=re.DOTALL))
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href"))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def tooltips(html):
    """The text of each parameter's tooltip, by the name of the parameter."""
    found = re.findall(r"""copyToClipboard\('(\w+)'.*?class="param">(.*?)</td>""", html, re.DOTALL)
    return {name: " ".join("".join(Page(cell).texts).split()) for name, cell in found}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_name_links_to_the_page_of_the_class(cls):
    link = f"{DOCUMENTATION}/api/generated/skdnn.{cls.__name__}.html"
    assert link in Page(estimator_html_repr(cls())).links
    assert link in Page(estimator_html_repr(make_pipeline(StandardScaler(), cls()))).links


@pytest.mark.parametrize("cls", [*ESTIMATORS, BaseWrapper])
def test_the_page_of_the_class_is_in_the_api_reference(cls):
    page = cls()._get_doc_link().rpartition("/")[2].removesuffix(".html")
    index = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8")
    assert re.search(rf"^ +{page.removeprefix('skdnn.')}$", index, re.MULTILINE)


def test_the_documentation_is_where_the_metadata_says():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    urls = config.get("metadata", "project_urls", fallback="")
    found = re.search(r"^Documentation *= *(\S+?)/?$", urls, re.MULTILINE)
    if found is None:
        pytest.skip("the metadata has no URL of the documentation")
    assert DOCUMENTATION.startswith(found[1])


def test_a_subclass_outside_of_skdnn_has_no_page():
    class Own(DNNClassifier):
        pass

    assert not Own()._get_doc_link()


@has_tooltips
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_has_the_tooltip_of_its_docstring(cls):
    html = cls()._get_params_html(doc_link=cls()._get_doc_link())._repr_html_()
    found = tooltips(html)
    assert found.keys() == cls().get_params(deep=False).keys()
    doc = inspect.getdoc(cls)
    for name, text in found.items():
        entry = re.search(rf"^{name} : (.*)\n +(.*)$", doc, re.MULTILINE)
        assert text.startswith(f"{name} {name}: {entry[1]}{entry[2]}"[: len(name) + 60])


@has_tooltips
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_each_parameter_links_to_its_own_entry(cls):
    html = cls()._get_params_html(doc_link=cls()._get_doc_link())._repr_html_()
    names = [re.search(r"#:~:text=(\w+),-", link)[1] for link in Page(html).links]
    assert names == list(tooltips(html))


@has_tooltips
def test_angle_brackets_of_a_docstring_are_text():
    html = KerasClassifier()._get_params_html(doc_link="https://x")._repr_html_()
    assert "model__ARGUMENT" in tooltips(html)["model"]
    assert "<argument>" not in html


@pytest.fixture(scope="module")
def hostile():
    rng = np.random.default_rng(0)
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"<script>x</script>": rng.random(40), "b": rng.random(40)})
    y = np.where(X["b"] > 0.5, "<script>alert(1)</script>", "<img src=x>")
    return DNNClassifier((4,), epochs=1, validation_fraction=0.2).fit(X, y), X, y


class TestFitted:
    def test_labels_and_columns_are_escaped(self, hostile):
        clf, X, y = hostile
        search = GridSearchCV(make_pipeline(clf), {"dnnclassifier__alpha": [0, 1]}, cv=2)
        for fitted in (clf, search.fit(X, y)):
            html = estimator_html_repr(fitted)
            assert "<script>x" not in html
            assert "<script>alert" not in html
            assert "<img" not in html

    @pytest.mark.parametrize("inside", [False, True])
    def test_it_is_well_formed(self, hostile, inside):
        clf, *_ = hostile
        html = estimator_html_repr(make_pipeline(clf) if inside else clf)
        Page(html)
        assert html.count("<summary>Network: ") == hasattr(BaseEstimator, "_get_params_html")

    def test_settings_of_scikit_learn_still_apply(self, hostile):
        clf, *_ = hostile
        with config_context(display="text"):
            assert not hasattr(clf, "_repr_html_")
            assert "text/html" not in clf._repr_mimebundle_()
        assert "text/html" in clf._repr_mimebundle_()
        changed = "DNNClassifier(epochs=1, hidden_layer_sizes=(4,), validation_fraction=0.2)"
        assert " ".join(repr(clf).split()) == changed
        with config_context(print_changed_only=False):
            assert "batch_size='auto'" in repr(clf)
