"""The wrappers on the other backends of Keras: this file is a program, too, that each of them runs.

A process has one backend, so each has a process of its own, which goes through all that begins with
`check_`.
"""

import copy
import importlib.util
import os
import pickle
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

from skdnn import DNNClassifier, KerasClassifier, KerasRegressor

X, y = load_iris(return_X_y=True)
SILENT = {"optimizer": "adam", "optimizer__learning_rate": 0.05, "verbose": 0, "random_state": 0}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def build(units=16, dropout=0.0):
    model = keras.Sequential([keras.layers.Dense(units, "relu"), keras.layers.Dropout(dropout)])
    model.add(keras.layers.Dense(3, "softmax"))
    return model


def classifier(model=build, **parameters):
    return KerasClassifier(model, **{**SILENT, **parameters})


def proba(clf, X=X):
    return clf.predict_proba(X)


def check_it_learns():
    clf = classifier(epochs=30).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert_allclose(proba(clf).sum(axis=1), 1, rtol=1e-5)
    assert_array_equal(proba(clf), proba(clone(clf).fit(X, y)))


def check_dense_network_by_default():
    assert classifier(None, epochs=20).fit(X, y).score(X, y) > 0.9


def check_regressor():
    columns = KerasRegressor([keras.layers.Dense(4)], **SILENT).fit(X, X).predict(X)
    assert columns.shape == X.shape


def check_convolution():
    images = X[:, :, np.newaxis, np.newaxis]
    network = [keras.layers.Conv2D(2, (2, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    assert proba(classifier(network).fit(images, y), images).shape == (150, 3)


def check_several_inputs_and_outputs():
    left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([left, right])
    outputs = [keras.layers.Dense(1, name=name)(both) for name in ("one", "two")]
    rows = {"left": X, "right": X[:, :2]}
    model = keras.Model({"left": left, "right": right}, outputs)
    reg = KerasRegressor(model, **SILENT).fit(rows, X[:, :2])
    assert reg.predict(rows).shape == (150, 2)
    assert set(reg.history_) == {"loss", "one_loss", "two_loss"}


def check_grid_search():
    grid = {"model__units": [2, 16], "optimizer__learning_rate": [0.001, 0.05]}
    search = GridSearchCV(classifier(epochs=5), grid, cv=2, scoring="neg_log_loss").fit(X, y)
    assert search.best_params_ == {"model__units": 16, "optimizer__learning_rate": 0.05}


def check_copies():
    clf = classifier(epochs=2, metrics=["accuracy"]).fit(X, y)
    for way in (copy.deepcopy, lambda clf: pickle.loads(pickle.dumps(clf))):
        twin, other = way(clf), way(clf)
        assert_array_equal(proba(twin), proba(clf))
        assert_allclose(proba(twin.partial_fit(X, y)), proba(other.partial_fit(X, y)), **CLOSE)
        assert len(twin.history_["accuracy"]) == 3


def check_random_state_is_local():
    before = random.getstate(), np.random.get_state()[1].tolist()
    first, second = (classifier(model__dropout=0.5).fit(X, y) for _ in range(2))
    assert_array_equal(proba(first), proba(second))
    assert before == (random.getstate(), np.random.get_state()[1].tolist())


def check_weight_of_two_is_the_row_twice():
    weight = np.arange(150) % 3
    clf = classifier(batch_size=-1, epochs=10)
    weighted = clone(clf).fit(X, y, sample_weight=weight)
    repeated = clone(clf).fit(X.repeat(weight, axis=0), y.repeat(weight))
    assert_allclose(proba(weighted), proba(repeated), rtol=1e-2, atol=1e-3)


def check_partial_fit_and_fit_train_the_same():
    fitted, steps = classifier(epochs=3).fit(X, y), classifier()
    for _ in range(3):
        steps.partial_fit(X, y)
    assert_allclose(proba(steps), proba(fitted), **CLOSE)
    assert_allclose(steps.history_["loss"], fitted.history_["loss"], **CLOSE)


def check_warm_start():
    clf = classifier(warm_start=True).fit(X, y)
    model = clf.model_
    assert clf.fit(X, y).model_ is model


def check_sparse_rows():
    dense, sparse = classifier().fit(X, y), classifier().fit(csr_array(X), y)
    assert_allclose(proba(sparse, csr_array(X)), proba(dense), **CLOSE)


def check_callbacks_and_validation():
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=100, restore_best_weights=True)
    clf = classifier(epochs=9, callbacks=stop, validation_split=0.2).fit(X, y)
    assert clf.current_epoch == 2


class Interrupt(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def check_interrupted_fit_keeps_the_one_before():
    clf = classifier(warm_start=True, callbacks=Interrupt()).fit(X, y)
    before = proba(clf)
    with pytest.raises(KeyboardInterrupt):
        clf.set_params(epochs=3).fit(X, y)
    assert_array_equal(proba(clf), before)


def check_it_reports_that_keras_trains():
    classifier(verbose=2).fit(X, y)  # what it writes is read below


def check_error_of_the_engine_names_the_wrappers():
    backend = keras.backend.backend()
    message = (
        f"skdnn trains with TensorFlow, but Keras was started with its {backend} backend: unset "
        "KERAS_BACKEND, or set it to 'tensorflow', .* KerasClassifier and KerasRegressor work with"
    )
    for _ in range(2):
        with pytest.raises(ImportError, match=message):
            DNNClassifier().fit(X, y)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_of_keras(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    # Folds and clones compile the same programs again, which jax then finds there.
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    result = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "KERAS_BACKEND": backend, **cache},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"on the {backend} backend" in result.stdout
    assert f"Training with Keras's fit: Keras runs on its {backend} backend.\n" in result.stdout


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            sys.stdout.write(f"{name} on the {keras.backend.backend()} backend\n")
            check()
