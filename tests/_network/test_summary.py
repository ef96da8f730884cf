"""The network's table in scikit-learn's HTML representation."""

import re

import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier
from skdnn._network.summary import layers_of, network_html

pytestmark = [
    pytest.mark.quick,
    pytest.mark.skipif(
        not hasattr(BaseEstimator, "_get_params_html"),
        reason="scikit-learn has tables of parameters from 1.7 on",
    ),
]


@pytest.fixture(scope="module")
def clf(iris):
    return DNNClassifier((8,), epochs=1).fit(*iris)


def table(estimator):
    """Rows of cells of the network's table, without their tags; empty where there is none."""
    html = estimator._repr_html_()
    found = re.search(r"<summary>Network: .*?</table>", html, flags=re.DOTALL)
    shown = found[0].replace("<wbr>", "") if found else ""  # where a long name may break
    rows = re.findall(r"<tr.*?</tr>", shown, flags=re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_a_fitted_network_has_the_table_of_its_summary(clf):
    lines = []
    clf.summary(lines.append)
    rows = lines[0].splitlines()
    assert table(clf)[0] == ["Layer", "Type", "Output shape", "Parameters"]
    assert table(clf)[1:] == [re.split(r"  +", rows[n]) for n in (2, 3, 4)]


def test_it_stands_beneath_the_parameters(clf):
    html = clf._repr_html_()
    first, second = html.index("<summary>Parameters"), html.index("<summary>Network: 3 layers, 67 ")
    assert first < second
    assert html.count("<summary>Network") == 1


def test_an_unfitted_network_looks_as_scikit_learn_has_it():
    class Plain(DNNClassifier):
        _get_params_html = BaseEstimator._get_params_html

    shown = DNNClassifier()._get_params_html()._repr_html_()
    assert shown == Plain()._get_params_html()._repr_html_()
    assert not table(DNNClassifier())


def test_resolved_values_are_grey_beside_auto(clf):
    html = clf.set_params(random_state=0)._get_params_html()._repr_html_()
    cells = dict(
        re.findall(r"""copyToClipboard\('(\w+)',.*?class="value">(.*?)</td>""", html, re.S)
    )
    cells = {name: re.sub(r"&#x27;", "'", cell) for name, cell in cells.items()}
    grey = """'auto' <span style="color: #666" title="Value in the last fit">{}</span>"""
    assert cells["preset"] == grey.format("'plain'")
    assert cells["batch_size"] == grey.format(32)
    assert cells["learning_rate"] == grey.format(None)
    assert cells["epochs"] == "1"  # given
    assert cells["loss"] == "'auto'"  # not a value of the preset
    resolved = [name for name, cell in cells.items() if "span" in cell]
    auto = [name for name in clf.resolved_params_ if clf.get_params()[name] == "auto"]
    assert sorted(resolved) == sorted(set(auto) - {"scaling"})


def test_the_table_of_parameters_stays_a_dict_of_them(clf):
    assert dict(clf._get_params_html()) == clf.get_params()


def test_it_is_shown_inside_of_a_pipeline_a_search_and_an_ensemble(iris):
    pipe = make_pipeline(StandardScaler(), DNNClassifier((8,), epochs=1)).fit(*iris)
    search = GridSearchCV(pipe, {"dnnclassifier__alpha": [0, 1]}, cv=2).fit(*iris)
    for fitted in (pipe, search):
        assert table(fitted)[-1] == ["output", "Dense (softmax)", "(None, 3)", "27"]
    assert not table(make_pipeline(StandardScaler(), DNNClassifier()))
    # An ensemble shows what it was given, and trains copies.
    assert not table(VotingClassifier([("a", DNNClassifier(preset="plain", epochs=1))]).fit(*iris))


def test_a_wrapper_shows_its_keras_model(digits):
    import keras

    layers = [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax", name="end")]
    wrapper = KerasClassifier(layers, epochs=1, verbose=0)
    assert not table(wrapper)
    assert table(wrapper.fit(*digits))[-1] == ["end", "Dense (softmax)", "(None, 10)", "650"]


def wicked(x):
    return x


wicked.__name__ = "<script>&"


def test_names_are_escaped(diabetes):
    html = DNNRegressor((2,), wicked, epochs=1).fit(*diabetes)._repr_html_()
    assert "Dense (&lt;script&gt;&amp;)" in html
    assert "(<script>&" not in html


def test_a_long_table_is_folded(clf):
    rows = layers_of(clf)
    assert "<details open>" in network_html(rows)
    assert "<details>" in network_html(rows * 8)


def test_long_names_may_break_on_a_narrow_page(clf):
    (row,) = [row for row in layers_of(clf) if row.name == "hidden_1"]
    html = network_html([row._replace(name="a_<long>_name", kind="MyDense (relu)")])
    name, kind = re.findall(r'<td style="([^"]*)">([^\n]*?)</td>', html)[:2]
    assert name[1] == "a_<wbr>&lt;long&gt;_<wbr>name"
    assert kind[1] == "My<wbr>Dense (relu)"
    assert "overflow-wrap: anywhere" in name[0]
    assert "overflow-wrap: anywhere" in kind[0]
