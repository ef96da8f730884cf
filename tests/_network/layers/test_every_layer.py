"""What holds for each layer: it works in NumPy and in Keras alike."""

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdnn._network import layers
from skdnn._network.initial_weights import initial_weights
from skdnn._network.keras_model import build
from skdnn._network.layers import (
    Activate,
    Ascending,
    BatchNormalization,
    CategoryEmbedding,
    ColumnTransform,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LearnedScale,
    Mean,
    Members,
    MixedActivation,
    NumericEmbedding,
    OneHot,
    Parallel,
    Periodic,
    PiecewiseLinear,
    ScaledDense,
    Scaling,
    SmoothClip,
    TrainingSample,
)
from skdnn._network.onnx_graph import OnnxGraph, Tensor, UniqueNames, build_model
from skdnn._network.spec import NetworkSpec

N_COLUMNS, N_NUMERIC = 5, 3
_CODES = 2  # of the last two columns
_MEMBERS = Members("members", 2), Dense("dense", 4)
_STACKS = (*_MEMBERS,), (SmoothClip("clip", N_NUMERIC), Members("others", 3), Dense("end", 4))
# One of each class. Where it takes what another layer returns, that one comes before it.
EXAMPLES = {
    Activate: [Activate("layer", "mish")],
    Ascending: [Dense("dense", 4), Ascending("layer", 4)],
    BatchNormalization: [BatchNormalization("layer")],
    CategoryEmbedding: [CategoryEmbedding((3, 4), (2, 1), "layer")],
    ColumnTransform: [ColumnTransform((0, 1, 2), (1,), (3, 4), "layer")],
    Dense: [Dense("layer", 4, "selu")],
    Dropout: [Dropout("layer", 0.3)],
    Flatten: [Flatten("layer")],
    LearnedScale: [LearnedScale("layer", 3.0)],
    Mean: [*_MEMBERS, Mean("layer", weighted=True)],
    Members: [Members("layer", 2), Dense("dense", 4)],
    MixedActivation: [MixedActivation("layer", "selu", 0.1)],
    OneHot: [OneHot(N_NUMERIC, _CODES, 8, "layer")],
    Parallel: [Parallel("layer", _STACKS)],
    Periodic: [Periodic("layer", N_NUMERIC, 2)],
    PiecewiseLinear: [PiecewiseLinear("layer", N_NUMERIC, 4)],
    ScaledDense: [ScaledDense("layer", 4, "tanh", 0.5, 0.1, 1.0, 1.0)],
    Scaling: [Scaling("layer")],
    SmoothClip: [SmoothClip("layer", N_NUMERIC)],
}
LAYERS = {
    "clip": SmoothClip("layer", N_NUMERIC),
    "clip_all": SmoothClip("layer", N_COLUMNS),
    "scale": LearnedScale("layer", 3.0),
    "dense": ScaledDense("layer", 4, "tanh", 0.5, 0.1),
    "mixed": MixedActivation("layer", "selu", 0.1),
}
each = pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)


def network(*layers, dtype="float64"):
    return NetworkSpec((N_COLUMNS,), layers, dtype)


def example(kind):
    return network(*EXAMPLES[kind])


def start(spec, X):
    """Initial weights for rows of numbers and codes."""
    sample = TrainingSample(lambda: X[:, :N_NUMERIC], (3, 4))
    return initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner", sample)


@pytest.fixture
def rows(X, rng):
    """Rows whose last columns are codes of categories."""
    return np.column_stack([X[:, :N_NUMERIC], rng.integers(0, 4, 40), rng.integers(0, 5, 40)])


def test_there_is_an_example_of_each_layer():
    classes = {getattr(layers, name) for name in layers.__all__}
    found = {c for c in classes if isinstance(c, type) and issubclass(c, Layer)}
    assert found - {Layer, NumericEmbedding} == EXAMPLES.keys()


@each
def test_it_is_the_same_in_numpy_and_keras(kind, rows, rng, assert_same_in_keras):
    spec = example(kind)
    if kind.is_preparation:  # preprocessing computes it ahead of the network
        assert EXAMPLES[kind][0].forward(rows, []) is rows
        return
    weights = [array + 0.1 * rng.random(array.shape) for array in start(spec, rows)]
    if kind is OneHot:
        weights = start(spec, rows)  # they are compared with codes
    assert_same_in_keras(spec, weights, rows)


@pytest.mark.parametrize("kind", [k for k in EXAMPLES if not k.is_preparation])
def test_it_is_the_same_in_numpy_and_onnx(kind, rows, rng, assert_same_in_onnx):
    weights = start(example(kind), rows)
    if kind is not OneHot:  # its weights are compared with codes
        weights = [array + 0.1 * rng.random(array.shape) for array in weights]
    spec = network(*EXAMPLES[kind], dtype="float32")
    if kind is Members:
        spec = network(*EXAMPLES[kind], Mean("mean"), dtype="float32")
    assert_same_in_onnx(spec, weights, rows)


@pytest.mark.parametrize("kind", [Flatten, ColumnTransform, Scaling], ids=lambda c: c.__name__)
def test_preparation_is_the_same_in_keras_and_onnx(kind, rows, rng, run_onnx):
    rows[::3, 1] = np.nan
    offset, scale, fill = rng.random(N_COLUMNS), rng.random(N_COLUMNS), rng.random(N_NUMERIC)
    limit = np.array([0.5, np.inf, 1, 0.1, 2])
    constants = {ColumnTransform: [fill], Scaling: [offset, scale, limit]}.get(kind, [])
    (layer,), graph = EXAMPLES[kind], OnnxGraph("float64", UniqueNames(["X"]))
    output = layer.to_onnx(graph, "X", constants, (N_COLUMNS,))
    (width,) = layer.output_shape((N_COLUMNS,))
    entry, end = Tensor("X", "float64", (N_COLUMNS,)), Tensor(output, "float64", (width,))
    got = run_onnx(build_model(graph, [entry], [end], "preparation"), rows)[output]
    expected = build(example(kind), offset, scale, fill, limit=limit)(rows)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@each
def test_its_shapes_and_counts_are_those_of_keras(kind, rows):
    spec = example(kind)
    constants = [np.zeros(N_COLUMNS), np.ones(N_COLUMNS), np.zeros(N_NUMERIC)]
    model = build(spec, *constants)
    *_, row = spec.rows()
    output = model.layers[-1].output.shape
    assert (len(output), output[-1]) == (1 + len(row.shape), row.shape[-1])
    shapes = [shape for _, _, own in spec.walk() for shape in own]
    assert [tuple(w.shape) for w in model.weights] == shapes
    assert [w.shape for w in start(spec, rows)] == shapes
    fixed = sum(row.layer.n_fixed_parameters(row.input_shape) for row in spec.rows())
    assert fixed == sum(
        np.prod(w.shape) for w in model.non_trainable_weights if w.dtype != "uint32"
    )


@each
def test_it_is_plain_data(kind):
    (layer,) = [layer for layer in EXAMPLES[kind] if type(layer) is kind and layer.name == "layer"]
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert hash(replace(layer)) == hash(layer)
    with pytest.raises(FrozenInstanceError):
        layer.name = "other"


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("place", ["alone", "members", "parallel"])
def test_numpy_and_onnx_compute_what_keras_does(
    layer, place, X, rng, assert_same_in_keras, assert_same_in_onnx
):
    behind = Members("members", 2), layer, Dense("output", 2)
    other = Members("others", 3), replace(layer, name="other"), Dense("end", 2)
    layers = {"alone": (layer,), "members": behind, "parallel": (Parallel("p", (behind, other)),)}
    spec = network(*layers[place])
    shapes = [shape for _, _, shapes in spec.walk() for shape in shapes]
    before = X.copy()
    got = assert_same_in_keras(spec, [rng.normal(size=shape) for shape in shapes], X)
    assert_array_equal(X, before)
    assert_same_in_onnx(spec, [rng.normal(size=shape) for shape in shapes], X)
    assert (
        got.shape
        == {
            "alone": (40, spec.n_outputs),
            "members": (2, 40, 2),
            "parallel": (5, 40, 2),
        }[place]
    )
