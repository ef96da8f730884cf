"""Copies of wrappers: vocabularies of layers, and settings of losses."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skdnn import KerasClassifier, KerasRegressor

pytestmark = pytest.mark.quick

SILENT = {"verbose": 0, "random_state": 0}


def build(units=4):
    return keras.Sequential([Dense(units, "relu"), Dropout(0.5), Dense(3, "softmax")])


def by_vocabulary(table):
    inputs = keras.Input((4,))
    return keras.Model(inputs, Dense(3, "softmax")(keras.ops.cast(table(inputs), "float32")))


@pytest.mark.parametrize("lookup", ["IntegerLookup", "StringLookup"])
def test_pickle_keeps_the_vocabulary_of_a_layer_that_is_a_parameter(lookup):
    words = np.array([7, 3, 3]) if lookup == "IntegerLookup" else np.array(["b", "a", "a"])
    table = getattr(keras.layers, lookup)()
    table.adapt(words)
    clf = pickle.loads(pickle.dumps(KerasClassifier(by_vocabulary, model__table=table)))
    assert clf.model__table.get_vocabulary() == table.get_vocabulary()
    assert_array_equal(clf.model__table(words), table(words))


def test_threads_that_read_a_restored_parameter_get_the_same_object():
    clf = KerasClassifier(
        build, optimizer=keras.optimizers.SGD(0.25), metrics=[keras.metrics.AUC()]
    )
    clf, start = pickle.loads(pickle.dumps(clf)), Barrier(8)

    def read(i):
        start.wait()
        return clf.optimizer if i % 2 else clf.metrics[0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, range(8)))
    assert all(x is found[i % 2] for i, x in enumerate(found))
    assert float(found[1].learning_rate) == 0.25
    assert set(found[:2]) == {clf.metrics[0], clf.optimizer}


def test_compiled_model_that_is_not_built_can_be_pickled(iris):
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy")
    clf = pickle.loads(pickle.dumps(KerasClassifier(model, **SILENT)))
    assert clf.fit(*iris).predict(iris[0]).shape == (150,)


# --------------------------------------------------------------------- settings of a Keras loss


def huber_of_five(errors):
    """Huber's loss with a delta of 5, by the formula."""
    errors = np.abs(errors)
    return np.where(errors <= 5, errors**2 / 2, 5 * errors - 12.5).mean()


@pytest.fixture
def far():
    X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    return X, np.repeat([0.0, 30.0], 20).astype("float32")


@pytest.fixture
def with_huber():
    return KerasRegressor([Dense(1)], loss=keras.losses.Huber(delta=5), shuffle=False, **SILENT)


@pytest.mark.parametrize("copied", [clone, lambda reg: pickle.loads(pickle.dumps(reg))])
def test_copies_keep_the_settings_of_a_loss(with_huber, far, copied):
    X, y = far
    reg = copied(with_huber).set_params(batch_size=-1).fit(X, y)
    start = copied(with_huber).initialize(X, y)
    assert_allclose(reg.history_["loss"], huber_of_five(start.predict(X) - y), rtol=1e-5)


def test_losses_in_a_list_and_in_other_parameters_keep_their_settings(far):
    loss = keras.losses.Huber(delta=5)
    reg = KerasRegressor(build, loss=[loss], model__loss=loss)
    for other in (clone(reg), pickle.loads(pickle.dumps(reg))):
        assert_allclose(other.loss[0]([[0.0]], [[30.0]]), huber_of_five(30))
        assert_allclose(other.model__loss([[0.0]], [[30.0]]), huber_of_five(30))


def test_scores_in_worker_processes_are_those_of_the_same_loss(with_huber, far):
    def loss(reg, X, y):
        return reg.partial_fit(X, y).history_["loss"][-1]

    scores = [cross_val_score(with_huber, *far, cv=2, scoring=loss, n_jobs=n) for n in (1, 2)]
    assert_allclose(*scores, rtol=1e-5)


@pytest.mark.parametrize("compiled", [True, False])
def test_loaded_estimator_trains_further_with_the_same_loss(with_huber, far, compiled):
    X, y = far
    if compiled:
        model = keras.Sequential([keras.Input((3,)), Dense(1)])
        model.compile("sgd", keras.losses.Huber(delta=5))
        with_huber.set_params(model=model, loss=None)
    reg = with_huber.set_params(batch_size=-1).fit(X, y)
    loaded = pickle.loads(pickle.dumps(reg))
    expected = huber_of_five(reg.predict(X) - y)
    assert_allclose(loaded.partial_fit(X, y).history_["loss"][-1], expected, rtol=1e-5)
    assert_allclose(loaded.history_["loss"], reg.partial_fit(X, y).history_["loss"], rtol=1e-5)


class SumOfErrors(keras.metrics.Metric):
    """A metric that Keras's own copy cannot find, because it is not registered."""

    def __init__(self, name="sum_of_errors", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        errors = keras.ops.reshape(y_true, (-1, 1)) - y_pred
        self.total.assign_add(keras.ops.sum(keras.ops.abs(errors)))

    def result(self):
        return self.total


@pytest.mark.parametrize("nest", [lambda m: m, lambda m: [m, "mae"], lambda m: {"output": m}])
def test_metric_object_of_the_users_own_class_in_clones_and_folds(nest):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)).astype("float32"), rng.normal(size=40)
    metric = SumOfErrors()
    settings = {"optimizer": keras.optimizers.SGD(0.0), "metrics": nest(metric), **SILENT}
    inputs = keras.Input((3,))  # a dict needs names of outputs, which a list of layers may lack
    network = keras.Model(inputs, Dense(1, name="output")(inputs))
    reg = KerasRegressor(network, **settings)
    assert np.isfinite(cross_val_score(reg, X, y, cv=2, error_score="raise")).all()
    for twin in (clone(reg), pickle.loads(pickle.dumps(reg))):
        twin.fit(X, y)
        errors = np.abs(twin.predict(X) - y)
        assert_allclose(twin.history_["sum_of_errors"], [errors.sum()], rtol=1e-4)
    assert float(metric.total) == 0  # the user's object is only read


@pytest.mark.filterwarnings("error::DeprecationWarning")
def test_saving_gives_no_warning_of_keras(iris):
    clf = KerasClassifier(build, **SILENT).fit(*iris)
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(iris[0]), clf.predict(iris[0]))
