"""Private names of TensorFlow: what a program leaves behind, with them and without."""

import gc
import sys
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from skdnn import DNNClassifier, clear_program_cache
from skdnn._training.optimizers import optimizer_names
from skdnn._training.session import SessionFunctions, Threads
from skdnn._utils import tensorflow_internals
from skdnn.wrappers import KerasClassifier


def test_without_the_cache_of_kernels_nothing_is_freed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow.python.eager", None)
    tensorflow_internals.clear_kernel_cache()


def test_a_session_is_forgotten_or_kept(monkeypatch):
    monkeypatch.setattr(tensorflow_internals, "_KEPT_SESSIONS", [])
    session = SimpleNamespace(_session=1, _closed=False)
    tensorflow_internals.forget_session(session)
    assert (session._session, session._closed) == (None, True)
    other = SimpleNamespace()
    tensorflow_internals.forget_session(other)
    assert [other] == tensorflow_internals._KEPT_SESSIONS


@pytest.fixture(scope="module", autouse=True)
def what_others_left():
    """Keep it out of the collections and counts below, and so these quick."""
    clear_program_cache()
    gc.collect()
    gc.freeze()


def registered():
    return {name for name in ops.gradient_registry.list() if name.startswith("CustomGradient")}


def counts():
    """The number of Python objects, and of custom gradients that TensorFlow keeps."""
    clear_program_cache()
    for _ in range(3):
        gc.collect()
    return len(gc.get_objects()), len(registered())


def grown(fit, n_warm=1, n_more=2):
    """How many Python objects and custom gradients each further architecture leaves behind."""
    for units in range(3, 3 + n_warm):
        fit(units)
    before = counts()
    for units in range(10, 10 + n_more):
        fit(units)
    return [(after - b) / n_more for after, b in zip(counts(), before, strict=True)]


@pytest.mark.parametrize("optimizer", sorted(optimizer_names()))
def test_architectures_leave_nothing_behind_with_any_optimizer(iris, optimizer):
    objects, gradients = grown(
        lambda units: DNNClassifier((units,), optimizer=optimizer, epochs=1).fit(*iris)
    )
    assert gradients == 0
    assert objects < 50


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "nadam"])
def test_networks_of_the_user_leave_nothing_behind(iris, optimizer):
    def fit(units):
        layers = [keras.layers.Dense(units, "relu"), keras.layers.Dense(3, "softmax")]
        KerasClassifier(layers, optimizer=optimizer, epochs=1, verbose=0).fit(*iris)

    objects, gradients = grown(fit)
    assert gradients == 0
    assert objects < 50


def test_an_activation_with_a_custom_gradient_leaves_nothing_behind(iris):
    objects, gradients = grown(
        lambda units: DNNClassifier((units,), activation="silu", epochs=1).fit(*iris)
    )
    assert gradients == 0
    assert objects < 50


@tf.custom_gradient
def doubled(x):
    return 2 * x, lambda slope: 5 * slope  # not the derivative, to tell the two apart


def gradient_in_a_loop(x):
    def body(i, total):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = doubled(x)
        return i + 1, total + tape.gradient(y, x)

    return tf.while_loop(lambda i, total: i < 2, body, (0, 0.0))[1]


def test_custom_gradients_are_used_and_then_forgotten():
    before = registered()
    functions = SessionFunctions([])
    functions.add("slope", gradient_in_a_loop, [tf.TensorSpec([])])
    assert functions.call(Threads(), "slope", 1.0) == 10
    functions.close()
    assert registered() == before


def test_the_gradient_of_a_function_of_the_user_stays():
    """The function is traced once, so that its gradient is looked up again in another program."""
    own = tf.function(lambda x: doubled(x))

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = own(x)
        return tape.gradient(y, x)

    for _ in range(2):
        functions = SessionFunctions([])
        functions.add("slope", slope, [tf.TensorSpec([])])
        assert functions.call(Threads(), "slope", 1.0) == 5
        functions.close()
    x = tf.constant(1.0)
    assert slope(x).numpy() == 5


def test_without_the_registry_nothing_is_forgotten(monkeypatch):
    function = tf.function(gradient_in_a_loop, autograph=False)
    graph = function.get_concrete_function(tf.TensorSpec([])).graph.as_graph_def()
    before = registered()
    with monkeypatch.context() as hidden:
        hidden.setitem(sys.modules, "tensorflow.python.framework", None)
        tensorflow_internals.forget_custom_gradients(graph)
    assert registered() == before
    tensorflow_internals.forget_custom_gradients(graph)
    assert len(before - registered()) == 1
