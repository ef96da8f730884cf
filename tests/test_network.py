"""From a spec to a Keras model."""

import numpy as np
import pytest

from skdnn._keras import keras
from skdnn._network import build, initial_weights
from skdnn._spec import dense_network


@pytest.fixture
def spec():
    hidden = [(5, "relu", 0.2), (4, "tanh", 0.0)]
    return dense_network((2, 3), hidden, (2, "softmax"), scaled=True, batch_norm=True)


@pytest.fixture
def model(spec):
    return build(spec, np.arange(6.0), np.full(6, 0.5))


def test_layers_have_names_that_a_person_recognises(spec, model):
    assert [layer.name for layer in model.layers] == [layer.name for layer in spec.layers]


def test_shapes_and_counts_are_keras_own(spec, model):
    for layer, (_, shape, weight_shapes) in zip(model.layers, spec.walk(), strict=True):
        assert layer.output.shape == (None, *shape)
        assert [tuple(w.shape) for w in layer.weights] == list(weight_shapes)
    assert f"Total parameters: {model.count_params():,}\n" in spec.summary()


def test_scaling_is_part_of_the_model(model):
    x = np.ones((1, 2, 3)) * 7
    flat, scaling = model.layers[:2]
    np.testing.assert_allclose(scaling(flat(x))[0], (7 - np.arange(6)) / 2)


def test_model_survives_keras_own_format(model, tmp_path):
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "orthogonal", "lecun_uniform"])
def test_initial_weights_have_the_spread_that_keras_gives(name):
    spec = dense_network((300,), [(200, "relu", 0.0)], (3, "softmax"), scaled=False)
    kernel, bias, *_ = initial_weights(spec, name, np.random.default_rng(0), "Owner")
    keras_kernel = np.array(keras.initializers.get(name)((300, 200)))
    assert kernel.std() == pytest.approx(keras_kernel.std(), rel=0.05)
    assert not bias.any()


def test_each_kernel_is_drawn_apart():
    spec = dense_network((9,), [(9, "relu", 0.0)] * 2, (9, "softmax"), scaled=False)
    first, _, second, _, third, _ = initial_weights(
        spec, "glorot_uniform", np.random.default_rng(0), "Owner"
    )
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)


def test_initial_weights_fit_the_model(spec, model):
    weights = initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner")
    model.set_weights(weights)
    fresh = keras.models.clone_model(model)  # as Keras starts batch normalisation
    for mine, its in zip(weights[2:6], fresh.get_weights()[2:6], strict=True):
        np.testing.assert_array_equal(mine, its)
