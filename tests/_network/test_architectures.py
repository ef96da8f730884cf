"""The layers of RealMLP, and stacks of different kinds side by side."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.preprocessing import RobustScaler

from skdnn._network import numpy_forward
from skdnn._network.architectures import dense_stack, realmlp_stack
from skdnn._network.initial_constants import bins, robust_scale
from skdnn._network.keras_model import build, dropout_layers, initial_weights
from skdnn._network.spec import (
    INPUT,
    Dense,
    LearnedScale,
    Mean,
    Members,
    MixedActivation,
    NetworkSpec,
    Parallel,
    PiecewiseLinear,
    ScaledDense,
    SmoothClip,
    State,
)
from skdnn._network.summary import _layers_of_spec
from skdnn._training import trainer
from skdnn._training.callbacks import Report
from skdnn._training.optimizers import resolve_optimizer
from skdnn._training.program import Constants, Program, ProgramKey
from skdnn._training.trainer import Plan, train
from skdnn._utils.tensorflow import keras, tf

N_COLUMNS, N_NUMERIC, N_BINS = 5, 3, 4
_RATE = 2.0**-10  # Keras has it in float32
LAYERS = {
    "clip": SmoothClip("layer", N_NUMERIC),
    "clip_all": SmoothClip("layer", N_COLUMNS),
    "scale": LearnedScale("layer", 3.0),
    "dense": ScaledDense("layer", 4, "tanh", 0.5, 0.1),
    "mixed": MixedActivation("layer", "selu", 0.1),
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(name="X")
def rows(rng):
    return 3 * rng.normal(size=(40, N_COLUMNS))


def network(*layers, dtype="float64"):
    return NetworkSpec((N_COLUMNS,), layers, dtype)


def groups(n_classes=3, dropout=0.0, rate=20.0):
    """A stack of piecewise-linear members, and one of RealMLP's."""
    plain = dense_stack([(6, "relu", dropout)], (n_classes, "softmax"), prefix="a_")
    plain = (PiecewiseLinear("a_bins", N_NUMERIC, N_BINS), Members("a_members", 2), *plain)
    hidden = [(7, "selu", dropout), (4, "mish", dropout)]
    sizes = {"n_inputs": N_COLUMNS, "n_numeric": N_NUMERIC, "n_members": 3}
    return plain, realmlp_stack(hidden, (n_classes, "softmax"), **sizes, rate=rate, prefix="b_")


@pytest.fixture
def mixed():
    return network(Parallel("groups", groups()), Mean("mean", weighted=True))


def start(spec, X, seed=0):
    numbers = X[:, :N_NUMERIC]
    rng = np.random.default_rng(seed)
    constants = {PiecewiseLinear: bins(numbers, N_BINS), SmoothClip: robust_scale(numbers)}
    return initial_weights(spec, "he_normal", rng, "Owner", constants)


def shuffled(weights, rng):
    """Other weights of the same shapes, none of them where training starts."""
    return [w + 0.3 * rng.normal(size=w.shape) for w in weights]


def assert_same_in_keras(spec, weights, X):
    model = build(spec)
    model.set_weights(weights)
    got = numpy_forward.forward(spec, weights, X)
    assert_allclose(got, model(X, training=False), rtol=1e-12, atol=1e-12)
    assert numpy_forward.forward(spec, weights, X.astype("float32")).dtype == "float32"
    return got


# ------------------------------------------------------------------------------- each layer


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("place", ["alone", "members", "parallel"])
def test_numpy_computes_what_keras_does(layer, place, X, rng):
    behind = Members("members", 2), layer, Dense("output", 2)
    other = Members("others", 3), replace(layer, name="other"), Dense("end", 2)
    layers = {"alone": (layer,), "members": behind, "parallel": (Parallel("p", (behind, other)),)}
    spec = network(*layers[place])
    shapes = [shape for _, _, shapes in spec.walk() for shape in shapes]
    before = X.copy()
    got = assert_same_in_keras(spec, [rng.normal(size=shape) for shape in shapes], X)
    assert_array_equal(X, before)
    assert (
        got.shape
        == {
            "alone": (40, spec.n_outputs),
            "members": (2, 40, 2),
            "parallel": (5, 40, 2),
        }[place]
    )


@pytest.mark.parametrize("n_columns", [N_NUMERIC, N_COLUMNS])
def test_smooth_clipping_is_robust_scaling_that_ends_at_three(n_columns, X):
    scaler = RobustScaler().fit(X[:, :n_columns])
    constants = robust_scale(X[:, :n_columns])
    assert_allclose(constants[0], scaler.center_)
    assert_allclose(constants[1], 1 / scaler.scale_)
    got = numpy_forward.forward(network(SmoothClip("clip", n_columns)), constants, X)
    z = scaler.transform(X[:, :n_columns])
    assert_allclose(got[:, :n_columns], 3 * np.sin(np.arctan(z / 3)))
    assert_array_equal(got[:, n_columns:], X[:, n_columns:])
    far = numpy_forward.forward(network(SmoothClip("clip", n_columns)), constants, 1e9 * X)
    assert_allclose(np.abs(far[:, :n_columns]), 3)


def test_columns_of_few_values_are_scaled_by_their_range():
    x = np.zeros((9, 3))
    x[0, 0], x[1, 0], x[:, 1] = 1, -3, 7
    x[:, 2] = np.arange(9)
    center, factor = robust_scale(x)
    assert_array_equal(center, [0, 7, 4])
    assert_array_equal(factor, [2 / 4, 0, 1 / 4])


def test_a_weighted_mean_is_numpys_average(X, rng):
    spec = network(Members("members", 3), Dense("output", 2), Mean("mean", weighted=True))
    kernel, bias, _ = (rng.normal(size=s) for _, _, shapes in spec.walk() for s in shapes)
    share = rng.dirichlet(np.ones(3))
    got = assert_same_in_keras(spec, [kernel, bias, share], X)
    each = X @ kernel + bias[:, None]
    assert_allclose(got, np.average(each, axis=0, weights=share))
    assert_array_equal(initial_weights(spec, "zeros", rng, "Owner")[-1], np.full(3, 1 / 3))


# ---------------------------------------------------------------------------------- gains


def fit(model, X, y, rate, n_steps):
    """Train with Adam, of an epsilon that is as good as none."""
    optimizer = keras.optimizers.Adam(rate, epsilon=1e-30)
    for _ in range(n_steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(X) - y))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)


@pytest.mark.parametrize("gain", [1 / 8, 8.0])
def test_a_gain_is_a_factor_of_adams_rate(gain, X, rng):
    y, kernel, bias = rng.normal(size=(40, 4)), rng.normal(size=(N_COLUMNS, 4)), np.ones(4)
    scaled = build(network(ScaledDense("output", 4, "tanh", gain, gain)))
    scaled.set_weights([kernel / gain, bias / gain])
    plain = build(network(Dense("output", 4, "tanh")))
    plain.set_weights([kernel, bias])
    fit(scaled, X, y, _RATE, 30)
    fit(plain, X, y, gain * _RATE, 30)
    assert np.abs(plain.get_weights()[0] - kernel).max() > gain * 10 * _RATE
    for mine, its in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        assert_allclose(gain * mine, its, rtol=1e-9)


@pytest.mark.parametrize(
    ("layer", "gains"),
    [
        (ScaledDense("layer", 4, "linear", 0.5, 0.1, 1.0, 1.0), [0.5, 0.1]),
        (LearnedScale("layer", 6.0), [6.0]),
        (MixedActivation("layer", "selu", 0.1), [0.1]),
    ],
    ids=["dense", "scale", "mixed"],
)
def test_adams_first_step_is_the_rate_times_the_gain(layer, gains, X, rng):
    spec = network(layer)
    model, weights = build(spec), initial_weights(spec, "zeros", rng, "Owner")
    model.set_weights(weights)
    fit(model, X, rng.normal(size=(40, spec.n_outputs)), _RATE, 1)
    for before, after, gain in zip(weights, model.get_weights(), gains, strict=True):
        assert_allclose(np.abs(gain * (after - before)), gain * _RATE, rtol=1e-5)


# ---------------------------------------------------------------------------------- start


@pytest.mark.parametrize("rate", [1.0, 20.0])
def test_weights_start_as_in_the_neural_tangent_parametrisation(rate):
    stack = realmlp_stack([(200, "selu", 0.0)] * 2, (2, "linear"), n_inputs=300, rate=rate)
    spec = NetworkSpec((300,), stack, "float64")
    weights = initial_weights(spec, "zeros", np.random.default_rng(0), "Owner")
    dense = [pair for pair in spec.deal(weights) if isinstance(pair[0], ScaledDense)]
    for layer, (kernel, bias) in dense[:2]:
        kernel = np.sqrt(len(kernel)) * layer.kernel_gain * kernel
        assert [kernel.mean(), kernel.std()] == pytest.approx([0, 1], abs=0.02)
        bias = layer.bias_gain * bias
        assert [bias.mean(), bias.std()] == pytest.approx([0, 1], abs=0.2)
    assert not any(array.any() for array in dense[2][1])
    assert [layer.kernel_gain / rate for layer, _ in dense] == pytest.approx(
        [300**-0.5, 200**-0.5, 200**-0.5]
    )


def test_scales_and_mixes_start_as_if_they_were_not_there(X, rng):
    stack = realmlp_stack([(9, "silu", 0.0)], (2, "linear"), n_inputs=N_COLUMNS, rate=20.0)
    spec = network(*stack)
    weights = initial_weights(spec, "zeros", rng, "Owner")
    weights[4:] = rng.normal(size=(9, 2)), rng.normal(size=2)  # the output would be zero
    _, kernel, bias, _, out, end = weights
    h = X @ kernel * 20 / np.sqrt(N_COLUMNS) + 2 * bias
    expected = (h * expit(h)) @ out * 20 / np.sqrt(9) + 2 * end
    assert_allclose(numpy_forward.forward(spec, weights, X), expected, rtol=1e-9)


def test_each_member_is_drawn_apart(rng):
    stack = realmlp_stack([(9, "silu", 0.0)], (2, "linear"), n_inputs=N_COLUMNS, n_members=2)
    _, kernel, bias, *_ = initial_weights(network(*stack), "zeros", rng, "Owner")
    assert not np.any(kernel[0] == kernel[1])
    assert not np.any(bias[0] == bias[1])


# ------------------------------------------------------------------------------- parallel


def test_stacks_put_out_what_each_does_alone(mixed, X, rng):
    weights = shuffled(start(mixed, X), rng)
    each = assert_same_in_keras(mixed.without_mean(), weights[:-1], X)
    alone = [network(*stack) for stack in groups()]
    n = sum(len(shapes) for _, _, shapes in alone[0].walk())
    parts = zip(alone, (weights[:n], weights[n:-1]), strict=True)
    expected = [numpy_forward.forward(spec, own, X) for spec, own in parts]
    assert_array_equal(each, np.concatenate(expected))
    whole = assert_same_in_keras(mixed, weights, X)
    assert_allclose(whole, np.tensordot(weights[-1], each, 1))


def test_shapes_and_counts_are_keras_own(mixed):
    model = build(mixed)
    walk = list(mixed.walk())
    assert [layer.name for layer in model.layers] == ["groups", "mean"]
    assert [shape for _, shape, _ in walk] == [(5, 3), (3,)]
    shapes = [shape for _, _, shapes in walk for shape in shapes]
    assert [tuple(w.shape) for w in model.weights] == shapes
    assert (mixed.n_members, mixed.n_outputs, mixed.widest) == (5, 3, 2 * (5 + 3 * 4))
    summary, trained = mixed.summary(), sum(np.prod(w.shape) for w in model.trainable_weights)
    assert f"Total parameters: {model.count_params():,}\n" in summary
    assert f"Trainable parameters: {trained:,}\n" in summary


def test_a_summary_has_a_line_for_each_layer_of_each_stack(mixed):
    rows = list(mixed.rows())
    names = [row.layer.name for row in rows]
    assert names[:3] == ["a_bins", "a_members", "a_hidden_1"]
    assert names[-5:] == ["b_hidden_2", "b_hidden_2_activation", "b_output", "groups", "mean"]
    assert len(set(names)) == len(names)
    lines = mixed.summary().splitlines()[2 : 2 + len(rows)]
    assert [line.split()[0] for line in lines] == names
    inputs = [names[n] for n in range(len(rows)) if rows[n].sources == (INPUT,)]
    assert inputs == ["a_bins", "b_clip"]
    join = rows[names.index("groups")]
    assert [names[n] for n in join.sources] == ["a_output", "b_output"]
    assert join.weight_shapes == ()
    shown = {row.name: row for row in _layers_of_spec(mixed)}
    assert shown["b_hidden_1_activation"].kind == "MixedActivation (selu)"
    assert shown["groups"].sources == tuple(n + 1 for n in join.sources)


def test_each_stack_loses_its_output_activation(mixed):
    assert mixed.activations == (
        *("relu", "softmax"),
        *("linear", "selu", "linear", "mish", "softmax"),
    )
    bare = mixed.without_output_activation()
    assert bare.activations == ("relu", "linear", "linear", "selu", "linear", "mish", "linear")
    assert [layer.name for layer in bare.layers] == ["groups"]
    assert numpy_forward.covers(mixed)


def test_a_function_of_the_user_in_a_stack_is_not_covered():
    stack = realmlp_stack([(3, abs, 0.0)], (1, "linear"), n_inputs=N_COLUMNS, n_members=2)
    assert not numpy_forward.covers(network(Parallel("groups", (stack,))))


def test_keras_saves_it_and_loads_it_in_another_process(mixed, X, rng, tmp_path):
    model = build(mixed)
    model.set_weights(shuffled(start(mixed, X), rng))
    model.save(tmp_path / "network.keras")
    np.save(tmp_path / "X.npy", X)
    program = (
        "import sys, numpy as np; from skdnn._network import keras_layers; "
        "from skdnn._utils.tensorflow import keras; "
        "folder = sys.argv[1]; model = keras.saving.load_model(folder + '/network.keras'); "
        "np.save(folder + '/y.npy', model(np.load(folder + '/X.npy')))"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True, capture_output=True)
    assert_array_equal(np.load(tmp_path / "y.npy"), model(X))


# ------------------------------------------------------------------------------- training


def trained(spec, X, y, weight=None, state=None, epochs=3):
    recipe = ProgramKey(
        spec,
        resolve_optimizer("adam", 2e-3, None, "Owner"),
        "sparse_categorical_crossentropy",
        "accuracy",
        "int32",
        1,
        weighted=weight is not None,
        penalized=False,
    )
    columns = [X, y, *([] if weight is None else [weight])]
    plan = Plan(np.arange(len(X)), np.arange(0), epochs, batch_size=16, shuffle=False)
    constants = Constants(np.ones(1), np.float64(0))
    state = State(start(spec, X)) if state is None else state
    rng = np.random.default_rng(1)
    return train(
        recipe, lambda rows: [x[rows] for x in columns], constants, state, plan, rng, Report()
    )


@pytest.fixture
def y(rng):
    return rng.integers(3, size=40).astype("int32")


def test_stacks_train_as_each_does_alone(mixed, X, y):
    weights = start(mixed, X)[:-1]
    together, history = trained(mixed, X, y, state=State(weights))
    stop, losses = 0, []
    for stack in groups():
        alone = network(*stack, Mean("mean"))
        begin, stop = stop, stop + sum(len(shapes) for _, _, shapes in alone.walk())
        state, own = trained(alone, X, y, state=State(weights[begin:stop]))
        for mine, its in zip(together.weights[begin:stop], state.weights, strict=True):
            assert_allclose(mine, its, rtol=1e-9, atol=1e-12)
        losses.append(own["loss"])
    assert stop == len(weights)
    assert_allclose(history["loss"], np.average(losses, axis=0, weights=[2, 3]))
    assert history["loss"][-1] < history["loss"][0]


def test_a_thread_for_each_stack_changes_nothing(mixed, X, y, monkeypatch):
    weights, states, used = start(mixed, X)[:-1], [], []
    load = Program.load

    def spied(self, *arguments):
        used.append(arguments[-1])
        load(self, *arguments)

    monkeypatch.setattr(Program, "load", spied)
    for n_available in (1, 2):
        monkeypatch.setattr(trainer, "available_threads", lambda n=n_available: n)
        states.append(trained(mixed, X, y, state=State(weights), epochs=20)[0])
    for one, two in zip(*(state.weights for state in states), strict=True):
        assert_array_equal(one, two)
    assert used == [(1, 1), (1, 2)]


def test_constants_are_not_trained(mixed, X, y):
    weights = start(mixed, X)[:-1]
    state, _ = trained(mixed, X, y, state=State(weights))
    clip = next(n for n, w in enumerate(weights) if w.shape == (N_NUMERIC,))
    for n, (before, after) in enumerate(zip(weights, state.weights, strict=True)):
        assert np.array_equal(before, after) == (n < 4 or n in (clip, clip + 1))


def test_weights_of_rows_go_to_the_members_in_their_order(mixed, X, y):
    weights = start(mixed, X)[:-1]
    weight = np.tile([1.0, 0, 0, 1, 0], (40, 1))
    state, _ = trained(mixed, X, y, weight, State(weights))
    for before, after in zip(weights, state.weights, strict=True):
        if len(before) in (2, 3) and before.ndim == 3:  # a kernel
            moved = np.any(before != after, axis=(1, 2))
            assert moved.tolist() == [[True, False], [False, True, False]][len(before) - 2]


def test_dropout_within_stacks_has_its_seeds(X, y):
    spec = network(Parallel("groups", groups(dropout=0.3)), Mean("mean"))
    names = ["a_hidden_1_dropout", "b_hidden_1_dropout", "b_hidden_2_dropout"]
    assert [layer.name for layer in dropout_layers(build(spec))] == names
    weights = start(spec, X)
    state, _ = trained(spec, X, y, state=State(weights))
    assert len(state.seeds) == 3
    assert not np.array_equal(state.seeds[0], state.seeds[1])
    plain = network(Parallel("groups", groups()), Mean("mean"))
    without, _ = trained(plain, X, y, state=State(weights))
    for n in (4, -2):  # a kernel of each stack
        assert not np.allclose(state.weights[n], without.weights[n])
    half, _ = trained(spec, X, y, state=State(weights), epochs=1)
    rest, _ = trained(spec, X, y, state=half, epochs=2)
    for mine, its in zip(rest.weights, state.weights, strict=True):
        assert_allclose(mine, its, rtol=1e-9)
