"""Learned vectors of categories."""

import subprocess
import sys

import numpy as np
import pytest

from skdnn._network.architectures import dense_network
from skdnn._network.initial_weights import initial_weights
from skdnn._network.keras_model import build
from skdnn._network.layers import CategoryEmbedding, ColumnTransform
from skdnn._network.layers.category_embedding import embedding_length
from skdnn._utils.tensorflow import keras


def test_each_code_has_its_vector_and_code_zero_none():
    spec = dense_network(
        (3,), [], (1, "linear"), scaled=False, entry=(CategoryEmbedding((2, 3), (1, 2)),)
    )
    layer = spec.layers[0]
    vectors = np.arange(8.0)[:, np.newaxis]  # 2 of length 1, then 3 of length 2
    x = np.array([[9.0, 0, 1], [9, 1, 0], [9, 2, 3]])
    got = layer.forward(x, [vectors])
    np.testing.assert_array_equal(got, [[9, 0, 2, 3], [9, 0, 0, 0], [9, 1, 6, 7]])


@pytest.mark.parametrize(
    ("n_categories", "length"), [(1, 2), (2, 2), (10, 6), (100, 21), (1000, 77), (10**6, 600)]
)
def test_length_of_vectors_is_that_of_fast_ai(n_categories, length):
    # Values of its emb_sz_rule.
    assert embedding_length(n_categories) == length


def test_initial_vectors_have_the_spread_that_keras_gives():
    entry = (CategoryEmbedding((500,), (9,)),)
    spec = dense_network((1,), [], (1, "linear"), scaled=False, entry=entry)
    vectors, *_ = initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner")
    keras_layer = keras.layers.Embedding(500, 9)
    keras_layer.build()
    assert vectors.std() == pytest.approx(keras_layer.embeddings.numpy().std(), rel=0.1)


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
