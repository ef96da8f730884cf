"""Which models of a comparison are marked as networks of skdnn."""

import pickle

import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, compare
from skdnn.comparison import default_models
from skdnn.comparison.checks import contains_network
from skdnn.wrappers import BaseWrapper

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def result(iris):
    models = {
        "<script>": DummyClassifier(),
        "net": make_pipeline(StandardScaler(), DNNClassifier((4,), epochs=1)),
        "bayes": GaussianNB(),
    }
    return compare(*iris, models, cv=2)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(make_pipeline(model), {}),
        CalibratedClassifierCV,
        lambda model: VotingClassifier([("a", model)]),
    ],
)
def test_a_model_that_contains_a_network_is_a_network(wrap):
    assert contains_network(wrap(DNNClassifier()))
    assert contains_network(wrap(BaseWrapper()))
    assert not contains_network(wrap(GaussianNB()))


def test_of_the_default_models_dnn_is_the_only_network():
    models = default_models("classification")
    assert [name for name, model in models.items() if contains_network(model)] == ["DNN"]


def test_the_result_names_its_networks(result):
    assert result.best == "bayes"
    assert result.networks == ("net",)
    assert pickle.loads(pickle.dumps(result)).networks == ("net",)
    networks = {model["name"]: model["is_network"] for model in result.to_dict()["models"]}
    assert networks == {"bayes": False, "net": True, "<script>": False}


def test_the_text_marks_the_network_and_explains_the_mark(result):
    lines = str(result).splitlines()
    assert [line for line in lines if "◆" in line and not line.startswith("◆")] == [
        next(line for line in lines if line.startswith("net ◆ "))
    ]
    assert "◆ network of skdnn." in lines


def test_the_html_marks_the_network_and_the_best_and_states_the_significance(result):
    html = result._repr_html_()
    rows = {name: html.split(f">{name}")[0].rsplit("<tr", 1)[1] for name in ("bayes", "net")}
    assert "bold" in rows["bayes"]
    assert "background" not in rows["bayes"]
    assert "background" in rows["net"]
    assert html.count("◆") == 2  # the row and the note
    assert all(word in html for word in result.verdicts if "<" not in word)
    assert "<script" not in html


def test_without_a_network_there_is_no_mark(iris):
    result = compare(*iris, {"bayes": GaussianNB(), "dummy": DummyClassifier()}, cv=2)
    assert result.networks == ()
    assert "◆" not in f"{result}{result._repr_html_()}"
