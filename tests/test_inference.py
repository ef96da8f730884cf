"""The NumPy forward pass against Keras's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdnn import _inference
from skdnn._keras import keras
from skdnn._lookup import activation_names
from skdnn._network import build
from skdnn._spec import CategoryEmbedding, Periodic, PiecewiseLinear
from skdnn._stacks import dense_network

pytestmark = pytest.mark.quick

ACTIVATIONS = sorted(set(activation_names()) & set(_inference.ACTIVATIONS))
# Keras computes these with constants of single precision, also in float64.
SINGLE_CONSTANTS = {"gelu", "leaky_relu"}


def precision(activation, dtype):
    return np.finfo("float32" if activation in SINGLE_CONSTANTS else dtype).eps


def random_weights(spec, rng):
    # Positive, as variances have to be; otherwise of no meaning.
    return [rng.uniform(0.1, 1, s) for _, _, shapes in spec.walk() for s in shapes]


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), max_size=3),
    activation=st.sampled_from(ACTIVATIONS),
    head=st.sampled_from(["softmax", "sigmoid", "linear", "exponential"]),
    ascending=st.booleans(),
    batch_norm=st.booleans(),
    embedding=st.sampled_from([None, PiecewiseLinear("bins", 3, 4), Periodic("waves", 2, 3)]),
    n_members=st.integers(1, 3),
    dtype=st.sampled_from(["float32", "float64"]),
    n_rows=st.integers(1, 9),
    categories=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), max_size=3),
    seed=st.integers(0, 99),
)
def test_forward_agrees_with_keras(
    sizes,
    activation,
    head,
    ascending,
    batch_norm,
    embedding,
    n_members,
    dtype,
    n_rows,
    categories,
    seed,
):
    rng = np.random.default_rng(seed)
    hidden = [(size, activation, 0.3) for size in sizes]
    entry = (CategoryEmbedding(*zip(*categories, strict=True)),) if categories else ()
    entry += () if embedding is None else (embedding,)
    options = {"entry": entry, "batch_norm": batch_norm, "ascending": ascending, "dtype": dtype}
    spec = dense_network(
        (3 + len(categories),), hidden, (2, head), scaled=False, n_members=n_members, **options
    )
    weights = [w.astype(dtype) for w in random_weights(spec, rng)]
    codes = [rng.integers(0, n, size=n_rows, endpoint=True) for n, _ in categories]
    x = np.column_stack([rng.normal(size=(n_rows, 3)), *codes]).astype(dtype)
    model = build(spec)
    model.set_weights(weights)
    expected = np.asarray(model(x, training=False))
    eps = precision(activation, dtype)
    got = _inference.forward(spec, weights, x)
    np.testing.assert_allclose(got, expected, rtol=500 * eps, atol=50 * eps)
    assert got.dtype == dtype


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_agrees_with_keras(name, dtype):
    x = np.concatenate([np.linspace(-30, 30, 121), [0.5, -0.5, 1, -1]]).astype(dtype)[:, None]
    x = np.hstack([x, x[::-1]])
    expected = np.asarray(getattr(keras.activations, name)(x))
    eps = precision(name, dtype)
    got = _inference.ACTIVATIONS[name](x)
    np.testing.assert_allclose(got, expected, rtol=64 * eps, atol=8 * eps)
    assert got.dtype == dtype


@pytest.mark.parametrize("name", ["sigmoid", "softmax", "tanh", "gelu", "softplus", "elu", "mish"])
def test_activation_survives_extreme_inputs(name):
    x = np.array([[-1e4, 0, 1e4]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        assert np.all(np.isfinite(_inference.ACTIVATIONS[name](x)))


def test_a_function_of_the_user_is_not_covered():
    spec = dense_network((2,), [(3, abs, 0.0)], (1, "linear"), scaled=False)
    assert not _inference.covers(spec)


def test_each_code_has_its_vector_and_code_zero_none():
    spec = dense_network(
        (3,), [], (1, "linear"), scaled=False, entry=(CategoryEmbedding((2, 3), (1, 2)),)
    )
    layer = spec.layers[0]
    vectors = np.arange(8.0)[:, np.newaxis]  # 2 of length 1, then 3 of length 2
    x = np.array([[9.0, 0, 1], [9, 1, 0], [9, 2, 3]])
    got = _inference.LAYERS[CategoryEmbedding](layer, x, [vectors])
    np.testing.assert_array_equal(got, [[9, 0, 2, 3], [9, 0, 0, 0], [9, 1, 6, 7]])
