"""The NumPy forward pass against Keras's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdnn._network.activations import NUMPY_ACTIVATIONS, activation_names
from skdnn._network.architectures import dense_network
from skdnn._network.keras_model import build
from skdnn._network.layers import CategoryEmbedding, Periodic, PiecewiseLinear

pytestmark = pytest.mark.quick

ACTIVATIONS = sorted(set(activation_names()) & set(NUMPY_ACTIVATIONS))
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
    got = spec.forward(weights, x)
    np.testing.assert_allclose(got, expected, rtol=500 * eps, atol=50 * eps)
    assert got.dtype == dtype


def test_a_function_of_the_user_is_not_covered():
    spec = dense_network((2,), [(3, abs, 0.0)], (1, "linear"), scaled=False)
    assert not spec.has_numpy_forward
