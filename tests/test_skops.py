"""Fitted estimators, alone and inside pipelines and searches, in files of skops."""

import pickle
from decimal import Decimal
from fractions import Fraction

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor

pytestmark = pytest.mark.quick

SMALL = {"preset": "plain", "hidden_layer_sizes": (4,), "epochs": 1, "random_state": 0}
N = 60
_RNG = np.random.default_rng(0)
NUMBERS = _RNG.normal(size=(N, 4)).astype(np.float32)
POSITIVE = np.abs(NUMBERS[:, 0]).astype(float) + 0.1
LABELS = np.array(["no", "maybe", "yes"], object)[np.arange(N) % 3]
# Boolean keys of a dict, and integers beyond 64 bits, are what files of JSON get wrong.
COLUMNS = {
    "text": pd.Series(["u", "v", "wé\0"] * 20, dtype=object).mask(np.arange(N) == 7),
    "integers": pd.Categorical([3, -7, 2**62 + 1] * 20),
    "large": pd.Categorical([2**70, -(3**50), 1] * 20),
    "floats": pd.Categorical([1.5, 2.0, 0.1] * 20),
    "booleans": pd.Series([True, False, None] * 20, dtype=object),
    "mixed": pd.Categorical(pd.Series([True, False, 2**70] * 20, dtype=object)),
    "decimals": pd.Categorical([Decimal("0.1234567890123456789"), Decimal("1.5"), Decimal(2)] * 20),
    "fractions": pd.Categorical([Fraction(1, 3), Fraction(1, 7), Fraction(2)] * 20),
    "number": NUMBERS[:, 0].astype(float),
}
# Where the types come from that a file may ask to trust. Those of Keras are for its wrappers.
KNOWN = ("skdnn.", "sklearn.", "keras.", "scikeras.", "numpy.dtype", "decimal.", "fractions.")
TABLE = pd.DataFrame(COLUMNS)
TABLE.loc[3, "number"] = np.nan


def through_skops(estimator):
    """Return what a file of skops restores, after a look at the types that it asks to trust."""
    data = skops.io.dumps(estimator)
    types = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith(KNOWN) for name in types), types
    assert len(types) < 30
    return skops.io.loads(data, trusted=types)


def through_joblib(estimator, path):
    joblib.dump(estimator, path)
    return joblib.load(path)


def predictions(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def assert_same_and_resumes(estimator, X, y):
    """Assert equal bits of predictions, before and after one more epoch of both."""
    expected = predictions(estimator, X)  # fills the caches, which no file is to hold
    twin = through_skops(estimator)
    assert_array_equal(predictions(twin, X), expected)
    assert_array_equal(twin.predict(X), estimator.predict(X))
    estimator.partial_fit(X, y)
    twin.partial_fit(X, y)
    assert_array_equal(predictions(twin, X), predictions(estimator, X))
    assert not np.array_equal(predictions(twin, X), expected)


@pytest.mark.parametrize("preset", ["fast", "balanced", "best"])
def test_every_preset_is_restored_and_resumes(preset):
    clf = DNNClassifier(preset=preset, hidden_layer_sizes=(4,), epochs=1, random_state=0)
    assert_same_and_resumes(clf.fit(TABLE, LABELS), TABLE, LABELS)


@pytest.mark.parametrize("column", list(TABLE)[:-1])
def test_every_kind_of_column_is_restored(column):
    X = TABLE[[column, "number"]]
    assert_same_and_resumes(DNNClassifier(**SMALL).fit(X, LABELS), X, LABELS)


TARGETS = {
    "integers": np.arange(N) % 3 * 1000,
    "booleans": np.arange(N) % 3 > 0,
    "fixed width text": LABELS.astype(str),
    "above int64": np.array([2**63 + 1, 5, 7], np.uint64)[np.arange(N) % 3],
    "several labels": np.c_[NUMBERS[:, 0] > 0, NUMBERS[:, 1] > 0].astype(int),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_every_kind_of_label_is_restored(kind):
    clf = DNNClassifier(**SMALL).fit(NUMBERS, TARGETS[kind])
    assert through_skops(clf).classes_.dtype == clf.classes_.dtype
    assert_same_and_resumes(clf, NUMBERS, TARGETS[kind])


REGRESSIONS = {
    "one column": ({}, POSITIVE),
    "two columns": ({}, np.c_[POSITIVE, -POSITIVE]),
    "positive": ({"loss": "gamma"}, POSITIVE),
    "quantile": ({"loss": "quantile", "quantile": 0.3}, POSITIVE),
    "quantiles": ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, POSITIVE),
    "double": ({"dtype": "float64"}, POSITIVE),
}


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_every_kind_of_regression_is_restored(kind):
    parameters, y = REGRESSIONS[kind]
    assert_same_and_resumes(DNNRegressor(**SMALL, **parameters).fit(NUMBERS, y), NUMBERS, y)


def test_images_and_a_random_state_are_restored():
    images, state = NUMBERS.reshape(N, 2, 2), np.random.RandomState(0)
    clf = DNNClassifier(**{**SMALL, "random_state": state}).fit(images, LABELS)
    assert_same_and_resumes(clf, images, LABELS)


def test_extreme_values_and_infinite_limits_are_restored():
    X = np.r_[NUMBERS[1:], [[1e20, 0, 0, 0]]]
    with pytest.warns(UserWarning, match="another order of magnitude"):
        clf = DNNClassifier(**SMALL).fit(X, LABELS)
    assert_array_equal(through_skops(clf).predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("family", [DNNClassifier, KerasClassifier])
def test_class_weights_of_false_and_true_are_restored(family):
    weights = {False: 1.0, True: 3.0}
    assert through_skops(family(class_weight=weights)).class_weight == weights
    assert pickle.loads(pickle.dumps(family(class_weight=weights))).class_weight == weights


def test_fit_keeps_the_class_weights_that_were_given():
    weights = {False: 1.0, True: 3.0}
    clf = DNNClassifier(**SMALL, class_weight=weights).fit(NUMBERS, NUMBERS[:, 0] > 0)
    assert clf.class_weight is weights


@pytest.mark.parametrize("rate", [0.01, keras.optimizers.schedules.ExponentialDecay(0.01, 9, 0.9)])
def test_an_optimizer_object_is_restored_with_its_settings(rate):
    optimizer = keras.optimizers.Adam(rate, beta_1=0.8)
    clf = DNNClassifier(**SMALL, optimizer=optimizer).fit(NUMBERS, LABELS)
    assert clf.optimizer is optimizer
    for twin in (through_skops(clf), pickle.loads(pickle.dumps(clf))):
        assert twin.optimizer.get_config() == optimizer.get_config()
    assert_same_and_resumes(clf, NUMBERS, LABELS)


# -------------------------------------------------------------- pipelines and other tools


def table_pipeline(estimator):
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["text"]),
            (make_pipeline(SimpleImputer(), StandardScaler()), ["number"]),
        ),
        estimator,
    )


ENDS = {
    "classifier": (DNNClassifier(**SMALL), LABELS),
    "regressor": (DNNRegressor(**SMALL), POSITIVE),
    "Keras classifier": (KerasClassifier(epochs=1, verbose=0, random_state=0), LABELS),
    "Keras regressor": (KerasRegressor(epochs=1, verbose=0, random_state=0), POSITIVE),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_pipeline_is_restored_by_skops_joblib_and_pickle(end, tmp_path):
    estimator, y = ENDS[end]
    pipeline = table_pipeline(estimator).fit(TABLE, y)
    expected = predictions(pipeline, TABLE)
    for twin in (
        through_skops(pipeline),
        through_joblib(pipeline, tmp_path / "pipeline.joblib"),
        pickle.loads(pickle.dumps(pipeline)),
    ):
        assert_array_equal(predictions(twin, TABLE), expected)


def test_a_pipeline_with_the_default_estimator_asks_to_trust_few_types():
    pipeline = make_pipeline(StandardScaler(), DNNClassifier(random_state=0).set_params(epochs=1))
    data = skops.io.dumps(pipeline.fit(NUMBERS, LABELS))
    types = skops.io.get_untrusted_types(data=data)
    assert [name for name in types if not name.startswith("skdnn.")] == [
        "sklearn.utils._bunch.Bunch"
    ]
    twin = skops.io.loads(data, trusted=types)
    assert_array_equal(twin.predict_proba(NUMBERS), pipeline.predict_proba(NUMBERS))


@pytest.mark.parametrize(
    "make",
    [lambda e: GridSearchCV(e, {"alpha": [0, 1]}, cv=2), lambda e: CalibratedClassifierCV(e, cv=2)],
)
def test_searches_and_calibrated_classifiers_are_restored(make):
    fitted = make(DNNClassifier(**SMALL)).fit(NUMBERS, LABELS)
    assert_array_equal(through_skops(fitted).predict_proba(NUMBERS), fitted.predict_proba(NUMBERS))


def test_files_do_not_depend_on_the_calls_before():
    clf = DNNClassifier(**SMALL).fit(TABLE, LABELS)
    before = pickle.dumps(clf)
    clf.predict_proba(TABLE)
    assert len(pickle.dumps(clf)) == len(before)
