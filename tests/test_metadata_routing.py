"""Metadata routing through scikit-learn's own tools, as scikit-learn tests its estimators."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, DNNRegressor

METADATA = ("sample_weight", "X_val", "y_val", "sample_weight_val", "groups")


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def metadata(iris):
    """All that `fit` takes beside X and y; the rows to validate on are of another number."""
    X, y = iris
    return {
        "sample_weight": np.linspace(0.5, 1.5, 150),
        "X_val": X[::3] + 0.01,
        "y_val": y[::3],
        "sample_weight_val": np.linspace(1, 2, 50),
        "groups": np.arange(150) % 10,
    }


class Recorder:
    """Remembers what its `fit` was given."""

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        groups=None,
    ):
        given = [sample_weight, X_val, y_val, sample_weight_val, groups]
        self.n_rows_ = len(X)
        self.given_ = dict(zip(METADATA, given, strict=True))
        passed = {k: v for k, v in self.given_.items() if v is not None}
        return super().fit(X, y, **passed)


class RecordingClassifier(Recorder, DNNClassifier):
    pass


class RecordingRegressor(Recorder, DNNRegressor):
    pass


def quick(cls=RecordingClassifier, *requested, **params):
    model = cls((4,), **{"epochs": 2, "random_state": 0, **params})
    return model.set_fit_request(**dict.fromkeys(requested, True))


def same(a, b):
    if a is None or b is None:
        return a is b
    return np.array_equal(np.asarray(a), np.asarray(b))


# ------------------------------------------------------------------------ requests


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_nothing_is_requested_unless_asked_for(cls):
    requests = cls().get_metadata_routing()
    assert requests.fit.requests == dict.fromkeys(METADATA)
    partial = {"sample_weight": None} | ({"classes": None} if cls is DNNClassifier else {})
    assert requests.partial_fit.requests == partial
    assert requests.score.requests == {"sample_weight": None}
    assert requests.predict.requests == ({"return_std": None} if cls is DNNRegressor else {})


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_every_request_can_be_set_and_survives_clone(cls):
    model = cls().set_fit_request(**{name: f"my_{name}" for name in METADATA})
    model.set_partial_fit_request(sample_weight=True).set_score_request(sample_weight=False)
    requests = clone(model).get_metadata_routing()
    assert requests.fit.requests == {name: f"my_{name}" for name in METADATA}
    assert requests.partial_fit.requests["sample_weight"] is True
    assert requests.score.requests["sample_weight"] is False


def test_unknown_metadata_cannot_be_requested():
    with pytest.raises(TypeError, match="Unexpected args"):
        DNNClassifier().set_fit_request(weights=True)


# ---------------------------------------------------------------------- meta-estimators


def tools(cls):
    """Meta-estimators around a network, by name."""
    if cls is RecordingRegressor:
        return {
            "bagging": lambda net: BaggingRegressor(net, n_estimators=2, random_state=0),
            "voting": lambda net: VotingRegressor([("net", net)]),
            "multi-output": MultiOutputRegressor,
        }
    return {
        "pipeline": lambda net: make_pipeline("passthrough", net),
        "grid search": lambda net: GridSearchCV(net, {"alpha": [0, 0.1]}, cv=2),
        "random search": lambda net: RandomizedSearchCV(net, {"alpha": [0]}, n_iter=1, cv=2),
        "bagging": lambda net: BaggingClassifier(net, n_estimators=2, random_state=0),
        "voting": lambda net: VotingClassifier([("net", net)]),
        "stacking": lambda net: StackingClassifier([("net", net)], LogisticRegression(), cv=2),
        "one-vs-rest": OneVsRestClassifier,
    }


CASES = [(cls, tool) for cls in (RecordingClassifier, RecordingRegressor) for tool in tools(cls)]


def find_fitted(tool):
    """The networks that a meta-estimator has fitted on all rows."""
    for name in ("best_estimator_", "estimators_", "steps"):
        found = getattr(tool, name, None)
        if found is not None:
            break
    found = found if isinstance(found, list) else [found]
    parts = [part[-1] if isinstance(part, tuple) else part for part in found]
    return [part for part in parts if isinstance(part, Recorder)]


# Bagging takes weights itself, to draw rows by.
REFUSED = [(*x, n) for x in CASES for n in METADATA if (x[1], n) != ("bagging", "sample_weight")]


@pytest.mark.parametrize(("cls", "tool", "name"), REFUSED, ids=lambda x: getattr(x, "__name__", x))
def test_metadata_that_are_not_requested_are_refused(iris, metadata, cls, tool, name):
    X, y = iris
    y = y[:, np.newaxis] if tool == "multi-output" else y
    with pytest.raises(UnsetMetadataPassedError, match=f"{name}.* but are not explicitly set"):
        tools(cls)[tool](quick(cls)).fit(X, y, **{name: metadata[name]})


@pytest.mark.parametrize(("cls", "tool"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_metadata_that_are_requested_arrive(iris, metadata, cls, tool):
    X, y = iris
    y = y[:, np.newaxis] if tool == "multi-output" else y
    net = quick(cls, *METADATA, early_stopping=True)
    if tool == "stacking":  # hands all that it gets to its final estimator, too
        metadata = {"sample_weight": metadata["sample_weight"]}
    if tool == "one-vs-rest":  # hands labels of 0 and 1 to the networks
        metadata = {**metadata, "y_val": metadata["y_val"] == 1}
    if "search" in tool:
        net.set_score_request(sample_weight=True)
    fitted = tools(cls)[tool](net).fit(X, y, **metadata)
    assert find_fitted(fitted)
    for network in find_fitted(fitted):
        for name in metadata.keys() - {"sample_weight", "groups"}:
            assert same(network.given_[name], metadata[name]), name
        for name in metadata.keys() & {"sample_weight", "groups"}:  # those of the rows it was given
            assert len(network.given_[name]) == network.n_rows_, name


def test_boosting_passes_its_own_weights(iris):
    net = quick(RecordingClassifier, "sample_weight")
    boost = AdaBoostClassifier(net, n_estimators=2, random_state=0).fit(*iris)
    assert all(len(network.given_["sample_weight"]) == 150 for network in boost.estimators_)


# --------------------------------------------------------------- rows to validate on


def test_a_pipeline_transforms_the_rows_to_validate_on(iris, metadata):
    X, y = iris
    X_val, y_val = metadata["X_val"], metadata["y_val"]
    net = quick(RecordingClassifier, "X_val", "y_val", scaling=None, epochs=6, early_stopping=True)
    pipe = Pipeline([("scale", StandardScaler()), ("net", net)], transform_input=["X_val"])
    pipe.fit(X, y, X_val=X_val, y_val=y_val)
    scale = StandardScaler().fit(X)
    np.testing.assert_allclose(pipe[-1].given_["X_val"], scale.transform(X_val))
    bare = clone(net).fit(scale.transform(X), y, X_val=scale.transform(X_val), y_val=y_val)
    np.testing.assert_array_equal(pipe[-1].validation_scores_, bare.validation_scores_)
    assert pipe[-1].best_epoch_ == bare.best_epoch_


def test_a_search_over_a_pipeline_passes_them_to_every_fold(iris, metadata):
    X, y = iris
    given = {name: metadata[name] for name in ("X_val", "y_val", "sample_weight_val")}
    net = quick(RecordingClassifier, *given, epochs="auto", n_iter_no_change=2, tol=0.1)
    pipe = Pipeline([("scale", StandardScaler()), ("net", net)], transform_input=["X_val"])
    search = GridSearchCV(pipe, {"net__learning_rate": [0.001, 0.05]}, cv=3, error_score="raise")
    search.fit(X, y, **given)
    assert search.best_params_ == {"net__learning_rate": 0.05}
    best = search.best_estimator_[-1]
    assert best.best_epoch_ <= best.n_iter_ < 200
    assert best.n_rows_ == 150


def test_cross_validate_passes_groups_to_splitter_and_network(iris, metadata):
    X, y = iris
    groups = metadata["groups"]
    net = quick(RecordingClassifier, "groups", early_stopping=True)
    result = cross_validate(
        net, X, y, cv=GroupKFold(5), params={"groups": groups}, return_estimator=True
    )
    assert all(len(set(one.given_["groups"])) == 8 for one in result["estimator"])


# ---------------------------------------------------------------- score and partial_fit


def test_score_requests(iris, metadata):
    net = quick(DNNClassifier).set_score_request(sample_weight=True)
    params = {"sample_weight": metadata["sample_weight"]}
    net.set_fit_request(sample_weight=False)
    scores = cross_val_score(net, *iris, cv=2, params=params)
    scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
    np.testing.assert_array_equal(
        scores, cross_val_score(net, *iris, cv=2, params=params, scoring=scorer)
    )


def test_partial_fit_requests(iris, metadata):
    weight = metadata["sample_weight"]
    X, y = iris
    net = quick(DNNClassifier).set_partial_fit_request(sample_weight=True, classes=True)
    many = OneVsRestClassifier(net)
    many.partial_fit(X, y, classes=np.arange(3), sample_weight=weight)
    single = clone(net).partial_fit(X, y == 1, classes=[0, 1], sample_weight=weight)
    assert all(one.n_iter_ == 1 for one in many.estimators_)
    np.testing.assert_allclose(
        many.estimators_[1].predict_proba(X), single.predict_proba(X), atol=1e-5
    )
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        OneVsRestClassifier(quick(DNNClassifier)).partial_fit(
            X, y, classes=np.arange(3), sample_weight=weight
        )


def test_without_routing_ensembles_take_weights_alone(iris, metadata):
    with sklearn.config_context(enable_metadata_routing=False):
        net = RecordingClassifier((4,), epochs=1, random_state=0)
        weight = metadata["sample_weight"]
        vote = VotingClassifier([("net", net)]).fit(*iris, sample_weight=weight)
        assert same(vote.estimators_[0].given_["sample_weight"], weight)
        assert vote.estimators_[0].given_["X_val"] is None
