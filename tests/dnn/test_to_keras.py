"""The Keras model of a fitted estimator, and prediction from one fit among threads."""

import copy
import pickle
from threading import Thread

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from onnxruntime import InferenceSession
from sklearn.exceptions import NotFittedError

from skdnn import DNNClassifier, DNNRegressor
from skdnn._network import keras_model
from skdnn._training import forward_program

QUICK = {"hidden_layer_sizes": (8,), "epochs": 2, "random_state": 0}


def double_tanh(x):
    return 2 * keras.ops.tanh(x)


@pytest.fixture
def builds(monkeypatch):
    """Count how often a Keras model is built for prediction or for the user."""
    calls, build = [], keras_model.build

    def counted(*args, **kwargs):
        calls.append(args)
        return build(*args, **kwargs)

    monkeypatch.setattr(keras_model, "build", counted)
    monkeypatch.setattr(forward_program, "build", counted)
    return calls


def test_to_keras_computes_the_predictions(iris):
    clf = DNNClassifier(**QUICK).fit(*iris)
    model = clf.to_keras()
    assert type(model) is keras.Sequential
    assert_allclose(model.predict(iris[0], verbose=0), clf.predict_proba(iris[0]), 1e-5, 1e-6)
    assert model is not clf.to_keras()
    model.set_weights([0 * weight for weight in model.get_weights()])
    assert np.ptp(clf.predict_proba(iris[0])) > 0
    with pytest.raises(NotFittedError, match="no Keras model yet"):
        DNNClassifier().to_keras()


EXPORTED = {
    "plain": {"preset": "plain"},
    "default": {},
    "images": {"preset": "plain"},
    "table": {},
}


# tf2onnx uses a name that NumPy is about to change.
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
@pytest.mark.parametrize("kind", EXPORTED)
def test_a_model_is_exported_before_its_first_call(kind, iris, tmp_path):
    X, y = iris
    if kind == "images":
        X = X.reshape(-1, 2, 2)
    if kind == "table":
        X = pd.DataFrame({"town": np.array(["Bonn", "Ulm", None] * 50), "size": X[:, 0]})
        X.loc[:9, "size"] = np.nan
    clf = DNNClassifier(**QUICK, **EXPORTED[kind]).fit(X, y)
    clf.model_.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = InferenceSession(tmp_path / "model.onnx")
    (entry,) = session.get_inputs()
    (output,) = session.run(None, {entry.name: clf.encode(X).astype(np.float64)})
    assert_allclose(output, clf.predict_proba(X), 0, 1e-5)


def test_a_model_is_exported_for_tensorflow_before_its_first_call(iris, tmp_path):
    clf = DNNClassifier(**QUICK, preset="plain").fit(*iris)
    clf.to_keras().export(tmp_path / "model", format="tf_saved_model", verbose=False)
    served = tf.saved_model.load(tmp_path / "model")
    assert_allclose(served.serve(iris[0]), clf.predict_proba(iris[0]), 1e-5, 1e-6)


def test_looking_at_attributes_builds_nothing(iris, builds):
    clf = DNNClassifier(**QUICK).fit(*iris)
    builds.clear()
    for _ in range(5):
        assert hasattr(clf, "model_")
        assert getattr(clf, "model_", None) is not None
        assert "model_" not in vars(clf)
    clf._repr_html_()
    assert not builds
    assert not hasattr(DNNClassifier(), "model_")


def test_stand_in_works_as_the_model(iris, builds, tmp_path):
    X, y = iris
    clf = DNNClassifier(**QUICK).fit(X, y)
    builds.clear()
    model = clf.model_
    assert isinstance(model, keras.Model)
    proba = model.predict(X, verbose=0)
    assert_allclose(proba, clf.predict_proba(X), rtol=1e-5, atol=1e-6)
    assert len(builds) == 1
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_allclose(twin.predict(X, verbose=0), proba, rtol=1e-6)
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert_allclose(loaded.predict(X, verbose=0), proba, rtol=1e-6)
    longer = keras.Sequential([keras.Input((4,)), model, keras.layers.Dense(1)])
    assert longer.predict(X, verbose=0).shape == (len(X), 1)
    assert keras.Model(model.inputs, model.layers[-2].output).output_shape == (None, 8)
    model.trainable = False
    assert model.trainable_weights == []
    assert len(builds) == 1


@pytest.mark.parametrize("activation", [double_tanh, "sparsemax"])
def test_own_activation_predicts_with_one_program(iris, builds, activation):
    X, y = iris
    clf = DNNClassifier(activation=activation, **QUICK).fit(X, y)
    expected = clf.to_keras().predict(X, verbose=0)
    builds.clear()
    for row in range(10):
        found = clf.predict_proba(X[row : row + 1])
        assert_allclose(found, expected[row : row + 1], rtol=1e-4, atol=1e-6)
    assert len(builds) == 1
    other = DNNClassifier(activation=activation, **QUICK).fit(X, y[::-1])
    assert_allclose(
        other.predict_proba(X), other.to_keras().predict(X, verbose=0), rtol=1e-4, atol=1e-6
    )
    assert_allclose(clf.predict_proba(X), expected, rtol=1e-4, atol=1e-6)


def predictions_while(train, predict):
    found, errors, ended = [], [], []

    def loop():
        try:
            while not ended:
                found.append(predict())
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=loop) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        train()
    finally:
        ended.append(True)
        for thread in threads:
            thread.join()
    assert not errors
    return found


def test_labels_come_from_the_fit_that_computed_the_probabilities(iris):
    X, y = iris
    data = [(X, y), (X, np.array(["left", "right"])[y % 2])]
    clf = DNNClassifier(**QUICK)
    known = [clf.fit(*pair).predict(X) for pair in data]

    def train():
        for i in range(20):
            clf.fit(*data[i % 2])

    for found in predictions_while(train, lambda: clf.predict(X)):
        assert any(found.dtype == one.dtype and (found == one).all() for one in known)


def test_means_and_deviations_come_from_one_fit(diabetes):
    X, y = diabetes
    reg = DNNRegressor(n_members=2, **QUICK)
    known = [reg.fit(X, target).predict(X, return_std=True) for target in (y, 1000 * y)]

    def train():
        for i in range(12):
            reg.fit(X, (y, 1000 * y)[i % 2])

    for mean, std in predictions_while(train, lambda: reg.predict(X, return_std=True)):
        assert any(
            np.allclose(mean, one[0], 1e-4) and np.allclose(std, one[1], 1e-4) for one in known
        )


def test_prediction_does_not_change_the_attributes(iris):
    clf = DNNClassifier(**QUICK).fit(*iris)
    before = dict(vars(clf))
    clf.predict(iris[0])
    clf.score(*iris)
    assert vars(clf).keys() == before.keys()
    assert all(vars(clf)[name] is value for name, value in before.items())
    assert_array_equal(clf.classes_, [0, 1, 2])
