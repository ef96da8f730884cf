"""Pipelines of scikit-learn as ONNX models of skl2onnx, run by onnxruntime."""

import builtins

import numpy as np
import onnx
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnxruntime import InferenceSession
from skl2onnx import to_onnx as convert
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from skdnn import DNNClassifier, DNNRegressor, register_onnx_converters

pytestmark = pytest.mark.quick

N = 60
_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(N, 4)).astype(np.float32)
WORDS = np.array(["a", "b", "ç"])[np.arange(N) % 3]
NUMBERS = X[:, 0] * 10 + 3
TABLE = pd.DataFrame(
    {
        "size": X[:, 0],
        "age": X[:, 1].astype(float),
        "rooms": _RNG.integers(0, 5, N),
        "town": np.array(["Bonn", "Köln", "Trier"])[_RNG.integers(0, 3, N)],
        "kind": np.array(["flat", "house"])[_RNG.integers(0, 2, N)],
        "new": _RNG.random(N) > 0.5,
    }
)
TABLE.loc[3, "size"] = np.nan
SMALL = {"preset": "plain", "hidden_layer_sizes": (4,), "epochs": 1}
ARRAYS = {"zipmap": False}


@pytest.fixture(autouse=True, scope="module")
def registered():
    register_onnx_converters()
    register_onnx_converters()


def classifier(seed=0, **parameters):
    return DNNClassifier(**{**SMALL, "random_state": seed, **parameters})


def regressor(seed=0, **parameters):
    return DNNRegressor(**{**SMALL, "random_state": seed, **parameters})


def to_onnx(estimator, X=None, **arguments):
    """The model, of a version that the oldest onnxruntime reads."""
    return convert(estimator, X, **{"target_opset": 18, **arguments})


def run(model, X):
    """The outputs of a model by name. A table is passed column by column."""
    onnx.checker.check_model(model)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [x.name for x in session.get_outputs()]
    inputs = session.get_inputs()
    if isinstance(X, pd.DataFrame):
        feed = {x.name: X[[x.name]].to_numpy() for x in inputs}
        feed = {name: x.astype(object) if x.dtype.kind in "OU" else x for name, x in feed.items()}
    else:
        feed = {inputs[0].name: X}
    return dict(zip(names, session.run(None, feed), strict=True))


def assert_equal_predictions(estimator, X, **options):
    """Assert that the model of a fitted classifier or regressor predicts what it predicts."""
    if not hasattr(estimator, "predict_proba"):
        out = run(to_onnx(estimator, X[:1], **options), X)
        expected = estimator.predict(X)
        assert_allclose(out["variable"].reshape(expected.shape), expected, 1e-5, 1e-5)
        return
    out = run(to_onnx(estimator, X[:1], options=ARRAYS, **options), X)
    assert list(out) == ["label", "probabilities"]
    assert_allclose(out["probabilities"], estimator.predict_proba(X), 0, 1e-5)
    assert_array_equal(out["label"], estimator.predict(X))


# ------------------------------------------------------------------ the estimator alone

LABELS = {
    "text": WORDS,
    "integers": np.arange(N) % 3 + 5,
    "booleans": X[:, 0] > 0,
    "large integers": np.array([2**63 + 1, 5, 7], np.uint64)[np.arange(N) % 3],
    "several labels": np.c_[X[:, 0] > 0, X[:, 1] > 0].astype(int),
}


@pytest.mark.parametrize("kind", LABELS)
def test_each_kind_of_label(kind):
    assert_equal_predictions(classifier().fit(X, LABELS[kind]), X)


@pytest.mark.parametrize(
    "given", [X, X.astype(float), (X * 10).astype(np.int64), X.reshape(N, 2, 2)]
)
def test_each_kind_of_input(given):
    assert_equal_predictions(classifier().fit(given, WORDS), given)


def test_floats_are_as_wide_as_the_first_input():
    clf = classifier().fit(X, WORDS)
    for dtype in (np.float32, np.float64):
        given = X.astype(dtype)
        out = run(to_onnx(clf, given[:1], options=ARRAYS), given)
        assert out["probabilities"].dtype == dtype


REGRESSIONS = {
    "one column": ({}, NUMBERS),
    "two columns": ({}, np.c_[NUMBERS, -NUMBERS]),
    "quantiles": ({"loss": "quantile", "quantile": [0.1, 0.9]}, NUMBERS),
    "counts": ({"loss": "poisson"}, np.abs(NUMBERS)),
}


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_each_kind_of_regression(kind):
    parameters, y = REGRESSIONS[kind]
    assert_equal_predictions(regressor(**parameters).fit(X, y), X)


@pytest.mark.parametrize("preset", ["plain", "balanced"])
def test_a_table_has_one_input_for_each_column(preset):
    clf = classifier(preset=preset).fit(TABLE, WORDS)
    assert_equal_predictions(clf, TABLE)
    # Columns are found by their names, where all have the names of the columns in training.
    other = TABLE[list(TABLE)[::-1]]
    out = run(to_onnx(clf, other[:1], options=ARRAYS), other)
    assert_allclose(out["probabilities"], clf.predict_proba(TABLE), 0, 1e-5)


# --------------------------------------------------------------------------- pipelines


def prepared_table():
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town", "kind"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["size"]),
        ("passthrough", ["age"]),
    )


def partly_prepared_table(columns):
    made = make_column_transformer((StandardScaler(), ["age"]), ("passthrough", columns))
    return made.set_output(transform="pandas")


PIPELINES = {
    "scaler": (make_pipeline(StandardScaler(), classifier()), X, WORDS),
    "regressor": (make_pipeline(StandardScaler(), PCA(2), regressor()), X, NUMBERS),
    "nested": (
        make_pipeline(make_pipeline(StandardScaler()), make_pipeline(MinMaxScaler(), classifier())),
        X,
        WORDS,
    ),
    "union": (make_pipeline(make_union(StandardScaler(), PCA(2)), classifier()), X, WORDS),
    "table": (make_pipeline(prepared_table(), classifier()), TABLE, WORDS),
    "table, default": (
        make_pipeline(prepared_table(), classifier(preset="balanced")),
        TABLE,
        WORDS,
    ),
    "text passed through": (
        make_pipeline(partly_prepared_table(["town", "size", "kind"]), classifier()),
        TABLE,
        WORDS,
    ),
    "numbers and booleans passed through": (
        make_pipeline(partly_prepared_table(["rooms", "new"]), regressor()),
        TABLE,
        NUMBERS,
    ),
}


@pytest.mark.parametrize("kind", PIPELINES)
def test_pipelines(kind):
    pipeline, given, y = PIPELINES[kind]
    assert_equal_predictions(pipeline.fit(given, y), given)


def test_integers_beyond_float32_pass_through_exactly():
    # A concatenation with floats would round them, but the network takes the columns themselves.
    table = TABLE.assign(rooms=2**40 + np.arange(N) % 3, age=X[:, 1])
    columns = partly_prepared_table(["rooms"])
    pipeline = make_pipeline(columns, classifier(categorical_features=[1]))
    assert_equal_predictions(pipeline.fit(table, WORDS), table)


def two(make):
    return [("one", make()), ("other", make(1))]


ENSEMBLES = {
    "voting": VotingClassifier(two(classifier), voting="soft", flatten_transform=False),
    "stacking": StackingClassifier(
        [("linear", LogisticRegression()), *two(classifier)], final_estimator=classifier(2), cv=2
    ),
    "calibrated": CalibratedClassifierCV(classifier(), cv=2),
    "search": GridSearchCV(classifier(), {"alpha": [0, 1]}, cv=2),
    "search of a pipeline": GridSearchCV(
        make_pipeline(StandardScaler(), classifier()), {"dnnclassifier__alpha": [0, 1]}, cv=2
    ),
    "voting regressor": VotingRegressor([("linear", LinearRegression()), *two(regressor)]),
    "stacking regressor": StackingRegressor(two(regressor), cv=2),
}


@pytest.mark.parametrize("kind", ENSEMBLES)
def test_several_estimators_in_one_model(kind):
    estimator = ENSEMBLES[kind]
    y = NUMBERS if kind.endswith("regressor") else WORDS
    assert_equal_predictions(estimator.fit(X, y), X)


# ----------------------------------------------------------------------------- options


@pytest.fixture(scope="module")
def clf():
    return classifier().fit(X, WORDS)


def test_zipmap_gives_dicts_or_one_output_for_each_class(clf):
    expected = clf.predict_proba(X)
    out = run(to_onnx(clf, X[:1]), X)
    assert_array_equal(out["output_label"], clf.predict(X))
    found = [[row[label] for label in clf.classes_] for row in out["output_probability"]]
    assert_allclose(found, expected, 0, 1e-5)
    out = run(to_onnx(clf, X[:1], options={"zipmap": "columns"}), X)
    assert list(out) == ["output_label", "sa", "sb", "sç"]
    assert_allclose(out["sb"].ravel(), expected[:, 1], 0, 1e-5)


def test_class_labels_as_an_output_and_labels_as_indices(clf):
    options = {"zipmap": False, "output_class_labels": True}
    assert_array_equal(run(to_onnx(clf, X[:1], options=options), X)["class_labels"], clf.classes_)
    out = run(to_onnx(clf, X[:1], options={"zipmap": False, "nocl": True}), X)
    assert_array_equal(clf.classes_[out["label"]], clf.predict(X))


@pytest.mark.parametrize("version", [9, 11, 13, 15, 18])
def test_the_operator_set_is_the_one_asked_for(version):
    clf = classifier().fit(TABLE[["town", "size"]], WORDS)
    given = TABLE[["town", "size"]]
    model = to_onnx(clf, given[:1], options=ARRAYS, target_opset=version)
    assert {x.domain: x.version for x in model.opset_import} == {"": version, "ai.onnx.ml": 2}
    assert_equal_predictions(clf, given, target_opset=version)


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        (8, "DNNClassifier needs version 9 of the operator set 'ai.onnx', but target_opset"),
        ({"": 15, "ai.onnx.ml": 1}, "version 2 of the operator set 'ai.onnx.ml'"),
    ],
)
def test_an_operator_set_that_is_too_low_is_refused(versions, message):
    clf = classifier().fit(TABLE[["town", "size"]], WORDS)
    with pytest.raises(ValueError, match=message):
        to_onnx(clf, TABLE[["town", "size"]][:1], target_opset=versions)


# ------------------------------------------------------------------------------ errors


def test_errors_name_what_is_wrong(clf, monkeypatch):
    with pytest.raises(NotFittedError, match="This DNNClassifier instance is not fitted"):
        to_onnx(make_pipeline(classifier()), X[:1])
    with pytest.raises(ValueError, match="expects 4 columns, but the inputs of the ONNX graph"):
        to_onnx(clf, X[:1, :3])
    types = [("a", FloatTensorType([None, None])), ("b", FloatTensorType([None, 2]))]
    with pytest.raises(ValueError, match=r"'a' is not known: declare it, such as FloatTensorType"):
        to_onnx(clf, initial_types=types)
    types = [("a", StringTensorType([None, 1])), ("b", FloatTensorType([None, 3]))]
    with pytest.raises(ValueError, match="was numeric when DNNClassifier was fitted"):
        to_onnx(clf, initial_types=types)
    find = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("skl2onnx"):
            raise ImportError(name)
        return find(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="register_onnx_converters needs skl2onnx: pip install"):
        register_onnx_converters()
