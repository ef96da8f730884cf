"""Pickles name the version of skdnn that wrote them, and another version warns."""

import copy
import pickle
import warnings

import pytest
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdnn
from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor, compare
from skdnn._utils import pickle_version
from skdnn.wrappers import BaseWrapper

pytestmark = pytest.mark.quick


class Own(KerasClassifier):
    """A user's subclass, in a module of the user's own."""


ESTIMATORS = [DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor, BaseWrapper, Own]


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return request.param()


def test_the_state_names_the_version(estimator):
    assert estimator.__getstate__()["_skdnn_version"] == skdnn.__version__


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, clone])
def test_a_copy_of_the_same_version_is_silent_and_plain(estimator, copied):
    twin = copied(pickle.loads(pickle.dumps(estimator)))
    assert "_skdnn_version" not in vars(twin)
    assert vars(twin).keys() == vars(estimator).keys()


def written_by(version, value, monkeypatch):
    with monkeypatch.context() as context:
        context.setattr(pickle_version, "__version__", version)
        return pickle.dumps(value)


def test_another_version_warns_with_scikit_learns_fields(estimator, monkeypatch):
    pickled = written_by("0.0.1", estimator, monkeypatch)
    with pytest.warns(InconsistentVersionWarning, match=r"from version 0\.0\.1 of skdnn") as caught:
        twin = pickle.loads(pickled)
    (warning,) = [record.message for record in caught]
    assert warning.estimator_name == type(estimator).__name__
    assert warning.original_sklearn_version == "0.0.1"
    assert warning.current_sklearn_version == skdnn.__version__
    has_file = isinstance(estimator, DNNClassifier | DNNRegressor)
    assert ("by skdnn.save" in str(warning), "load_model" in str(warning)) == (
        has_file,
        not has_file,  # skdnn.save does not take it
    )
    assert "_skdnn_version" not in vars(twin)


def test_a_state_without_a_version_warns(estimator):
    state = estimator.__getstate__()
    del state["_skdnn_version"]
    twin = object.__new__(type(estimator))
    with pytest.warns(InconsistentVersionWarning, match="from version unknown"):
        twin.__setstate__(state)
    assert twin.get_params().keys() == estimator.get_params().keys()


def test_the_warning_points_at_the_line_that_loads(monkeypatch):
    pickled = written_by("0.0.1", DNNClassifier(), monkeypatch)
    with pytest.warns(InconsistentVersionWarning) as caught:
        pickle.loads(pickled)
    assert caught[0].filename == __file__


def test_an_estimator_in_a_pipeline_warns_once(monkeypatch):
    pickled = written_by("0.0.1", make_pipeline(StandardScaler(), DNNClassifier()), monkeypatch)
    with pytest.warns(InconsistentVersionWarning) as caught:
        pickle.loads(pickled)
    assert [record.message.estimator_name for record in caught] == ["DNNClassifier"]


def test_a_comparison_names_its_version(iris, monkeypatch):
    result = compare(*iris, {"linear": LogisticRegression(max_iter=500)}, cv=2)
    pickled = written_by("0.0.1", result, monkeypatch)
    with pytest.warns(InconsistentVersionWarning, match=r"Comparison from version 0\.0\.1 of"):
        assert str(pickle.loads(pickled)) == str(result)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(pickle.loads(pickle.dumps(result))) == str(result)
