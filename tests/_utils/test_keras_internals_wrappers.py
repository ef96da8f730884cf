"""Private names of Keras that the wrappers use: where one is hidden, its fallback does the same."""

import keras
import numpy as np
import pytest
from keras.src.backend.common import global_state
from numpy.testing import assert_array_equal

from skdnn import KerasClassifier
from skdnn._utils import keras_internals

LOSS = "sparse_categorical_crossentropy"


class Nested(keras.layers.Layer):
    """A layer with layers in its attributes, in a list and in a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one = keras.layers.Dense(2)
        self.several = [keras.layers.Dropout(0.5), keras.layers.Dense(3)]
        self.named = {"last": keras.layers.Dense(4)}

    def call(self, x):
        for layer in [self.one, *self.several, self.named["last"]]:
            x = layer(x)
        return x


LAYERS = {
    "dense": lambda: keras.layers.Dense(2),
    "sequential": lambda: keras.Sequential([keras.layers.Dense(2), keras.layers.ReLU()]),
    "built": lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]),
    "model in a model": lambda: keras.Sequential([LAYERS["built"](), keras.layers.Dense(1)]),
    "wrapped": lambda: keras.layers.Bidirectional(keras.layers.LSTM(2)),
    "own": Nested,
}


def ids(layers):
    return {id(layer) for layer in layers}


@pytest.mark.parametrize("name", LAYERS)
def test_all_layers_are_found_without_the_private_method(name, monkeypatch):
    layer = LAYERS[name]()
    expected = keras_internals.all_layers(layer)
    monkeypatch.delattr(keras.layers.Layer, "_flatten_layers")
    found = keras_internals.all_layers(layer)
    assert found[0] is layer
    assert len(ids(found)) == len(found)
    assert ids(expected) <= ids(found)
    assert all(isinstance(part, keras.layers.Layer) for part in found)


@pytest.fixture
def compiled():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    metric = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")
    model.compile(keras.optimizers.SGD(0.5), LOSS, metrics=["accuracy", metric])
    return model


def test_arguments_of_compile_are_those_given(compiled):
    arguments = keras_internals.compile_settings(compiled)
    assert arguments["optimizer"] is compiled.optimizer
    assert arguments["loss"] == LOSS
    assert arguments["metrics"][0] == "accuracy"


def test_arguments_of_compile_without_the_private_attribute(compiled):
    del compiled._compile_config
    # Keras's own `get_compile_config` reads the attribute, too: it stands for the public way.
    metric = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")
    given = {"optimizer": "sgd", "loss": LOSS, "metrics": ["accuracy", metric]}
    compiled.get_compile_config = lambda: keras.saving.serialize_keras_object(given)
    arguments = keras_internals.compile_settings(compiled)
    assert arguments["optimizer"] is compiled.optimizer
    assert arguments["loss"] == LOSS
    assert arguments["metrics"][0] == "accuracy"
    assert arguments["metrics"][1].name == "top_2"


def draws(seed):
    with keras_internals.seeded_random(seed):
        return keras.ops.convert_to_numpy(keras.random.uniform((3,))).tolist()


def test_draws_of_keras_are_seeded_and_the_generator_is_put_back():
    keras.utils.set_random_seed(0)
    before = global_state.get_global_attribute("global_seed_generator")
    assert draws(1) == draws(1) != draws(2)
    assert global_state.get_global_attribute("global_seed_generator") is before


def test_generator_is_put_back_after_an_error():
    before = global_state.get_global_attribute("global_seed_generator")
    with pytest.raises(KeyError), keras_internals.seeded_random(1):
        raise KeyError
    assert global_state.get_global_attribute("global_seed_generator") is before


def test_without_the_private_module_the_generator_is_left_alone(monkeypatch):
    monkeypatch.delattr(global_state, "get_global_attribute")
    with keras_internals.seeded_random(1):
        pass


def test_a_wrapper_fits_alike_with_each_private_name_hidden(iris, monkeypatch):
    def template():
        return keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])

    def proba():
        clf = KerasClassifier(template(), verbose=0, random_state=0).fit(*iris)
        return clf.predict_proba(iris[0])

    expected = proba()
    monkeypatch.setattr(
        keras_internals, "all_layers", lambda layer: keras_internals._found_layers(layer)
    )
    for module in ("custom_objects", "templates"):
        monkeypatch.setattr(f"skdnn.wrappers.{module}.all_layers", keras_internals._found_layers)
    assert_array_equal(proba(), expected)
    assert np.isfinite(expected).all()
