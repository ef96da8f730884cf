"""From a spec to a Keras model."""

import numpy as np
import pytest

from skdnn._network.architectures import dense_network
from skdnn._network.initial_weights import initial_weights
from skdnn._network.keras_model import build
from skdnn._network.layers import Periodic, PiecewiseLinear, TrainingSample
from skdnn._network.summary import text_table
from skdnn._utils.tensorflow import keras

pytestmark = pytest.mark.quick

_HUGE = (np.full(4, 1e6), np.full(4, 1e-6))


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
    assert f"Total parameters: {model.count_params():,}\n" in text_table(spec)


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


@pytest.mark.parametrize(
    "draw", [lambda shape, dtype: np.zeros(3), lambda shape: 0, int], ids=["shape", "dtype", "int"]
)
def test_initializer_that_does_not_give_a_kernel_is_refused(draw):
    spec = dense_network((2,), [], (1, "linear"), scaled=False)
    with pytest.raises((TypeError, ValueError), match="'kernel_initializer' parameter of Owner"):
        initial_weights(spec, draw, np.random.default_rng(0), "Owner")


def test_scaling_keeps_its_digits_whatever_the_global_policy():
    x = np.full((1, 2, 2), 1e6)
    expected = float(build(dense_network((2, 2), [], (1, "linear"), scaled=True), *_HUGE)(x)[0, 0])
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build(dense_network((2, 2), [], (1, "linear"), scaled=True), *_HUGE)
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(model.layers[1](model.layers[0](x))).all()
    assert float(model(x)[0, 0]) == expected


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


def _members(embedding, **options):
    hidden = [(5, "relu", 0.2), (4, "tanh", 0.0)]
    entry = () if embedding is None else (embedding,)
    options = {"scaled": False, "entry": entry, "n_members": 3, **options}
    return dense_network((6,), hidden, (2, "softmax"), **options)


@pytest.mark.parametrize(
    "embedding", [PiecewiseLinear("bins", 6, 4), Periodic("waves", 6, 3)], ids=["bins", "waves"]
)
def test_members_and_embeddings_survive_keras_own_format(embedding, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 6)).astype("float32")
    spec = _members(embedding, batch_norm=True)
    weights = initial_weights(spec, "he_normal", rng, "Owner", TrainingSample(lambda: x))
    model = build(spec)
    model.set_weights(weights)
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(x), model(x))
    np.testing.assert_allclose(spec.forward(weights, x), model(x), rtol=1e-5, atol=1e-6)
    assert f"Total parameters: {model.count_params():,}\n" in text_table(spec)
