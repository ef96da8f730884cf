"""From a spec to a Keras model."""

import subprocess
import sys

import numpy as np
import pytest

from skdnn import _inference
from skdnn._embedding import bins, frequencies
from skdnn._keras import keras
from skdnn._network import build, initial_weights
from skdnn._spec import CategoryEmbedding, ColumnTransform, Periodic, PiecewiseLinear
from skdnn._stacks import dense_network

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
    is_linear = isinstance(embedding, PiecewiseLinear)
    start = bins(x, 4) if is_linear else frequencies(6, 3, rng)
    spec = _members(embedding, batch_norm=True)
    weights = initial_weights(spec, "he_normal", rng, "Owner", {type(embedding): start})
    model = build(spec)
    model.set_weights(weights)
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(x), model(x))
    np.testing.assert_allclose(_inference.forward(spec, weights, x), model(x), rtol=1e-5, atol=1e-6)
    assert f"Total parameters: {model.count_params():,}\n" in spec.summary()


def test_each_member_is_a_network_of_its_own():
    spec = _members(None, batch_norm=True)
    weights = initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner")
    x = np.random.default_rng(1).normal(size=(9, 6)).astype("float32")
    alone = dense_network(
        (6,), [(5, "relu", 0.2), (4, "tanh", 0.0)], (2, "softmax"), scaled=False, batch_norm=True
    )
    outputs = [_inference.forward(alone, [w[i] for w in weights], x) for i in range(3)]
    assert not np.allclose(outputs[0], outputs[1])
    expected = np.mean(outputs, axis=0)
    np.testing.assert_allclose(_inference.forward(spec, weights, x), expected, rtol=1e-5)


def test_members_normalise_their_batches_as_keras_does():
    spec = _members(None, batch_norm=True)
    model = build(spec)
    model.set_weights(initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner"))
    x = np.random.default_rng(1).normal(size=(3, 30, 5)).astype("float32")
    mine = next(layer for layer in model.layers if "batch_norm" in layer.name)
    got = np.asarray(mine(x, training=True))
    for member in range(3):
        its = keras.layers.BatchNormalization(momentum=0.9)
        np.testing.assert_allclose(got[member], its(x[member], training=True), atol=1e-5)
        for my, its_own in zip(mine.get_weights(), its.get_weights(), strict=True):
            np.testing.assert_allclose(my[member], its_own, atol=1e-6)


def test_columns_and_categories_are_layers_that_keras_can_load_by_itself(tmp_path):
    entry = ColumnTransform((0, 2), (2,), (1,)), CategoryEmbedding((4,), (3,))
    spec = dense_network((3,), [(5, "relu", 0.0)], (1, "linear"), scaled=True, entry=entry)
    shapes = [shape for _, shape, _ in spec.walk()]
    assert shapes == [(4,), (4,), (6,), (5,), (1,)]
    model = build(spec, np.zeros(4), np.ones(4), np.array([7.0, 8.0]))
    assert [layer.output.shape[1:] for layer in model.layers] == shapes
    x = np.array([[1.0, 4, 2], [np.nan, 0, np.nan]])
    np.testing.assert_array_equal(model.layers[0](x), [[1, 2, 0, 4], [7, 8, 1, 0]])
    model.set_weights(initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner"))
    model.save(tmp_path / "network.keras")
    program = (
        "import sys, keras, numpy as np; model = keras.saving.load_model(sys.argv[1]); "
        "print(model(np.array([[1.0, 4, 2]])).numpy().item(), 'skdnn' in sys.modules)"
    )
    command = [sys.executable, "-c", program, tmp_path / "network.keras"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert float(printed[0]) == pytest.approx(float(model(x[:1])[0, 0]))
    assert printed[1] == "False"


def test_initial_vectors_have_the_spread_that_keras_gives():
    entry = (CategoryEmbedding((500,), (9,)),)
    spec = dense_network((1,), [], (1, "linear"), scaled=False, entry=entry)
    vectors, *_ = initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner")
    keras_layer = keras.layers.Embedding(500, 9)
    keras_layer.build()
    assert vectors.std() == pytest.approx(keras_layer.embeddings.numpy().std(), rel=0.1)
