"""Several architectures in one network."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdnn._network.architectures import dense_stack, realmlp_stack
from skdnn._network.initial_weights import initial_weights
from skdnn._network.keras_model import build, dropout_layers
from skdnn._network.layers import Mean, Members, Parallel, PiecewiseLinear, TrainingSample
from skdnn._network.spec import INPUT, NetworkSpec, State
from skdnn._network.summary import rows_of_spec, text_table
from skdnn._training import trainer
from skdnn._training.callbacks import Report
from skdnn._training.dense_program import Program
from skdnn._training.dense_program_key import Constants, ProgramKey
from skdnn._training.optimizers import resolve_optimizer
from skdnn._training.trainer import train
from skdnn._training.training_job import Plan

N_COLUMNS, N_NUMERIC, N_BINS = 5, 3, 4


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
    sample = TrainingSample(lambda: X[:, :N_NUMERIC])
    return initial_weights(spec, "he_normal", np.random.default_rng(seed), "Owner", sample)


def shuffled(weights, rng):
    """Other weights of the same shapes, none of them where training starts."""
    return [w + 0.3 * rng.normal(size=w.shape) for w in weights]


# ------------------------------------------------------------------------------- parallel


def test_stacks_put_out_what_each_does_alone(mixed, X, rng, assert_same_in_keras):
    weights = shuffled(start(mixed, X), rng)
    each = assert_same_in_keras(mixed.without_mean(), weights[:-1], X)
    alone = [network(*stack) for stack in groups()]
    n = sum(len(shapes) for _, _, shapes in alone[0].walk())
    parts = zip(alone, (weights[:n], weights[n:-1]), strict=True)
    expected = [spec.forward(own, X) for spec, own in parts]
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
    summary, trained = text_table(mixed), sum(np.prod(w.shape) for w in model.trainable_weights)
    assert f"Total parameters: {model.count_params():,}\n" in summary
    assert f"Trainable parameters: {trained:,}\n" in summary


def test_a_summary_has_a_line_for_each_layer_of_each_stack(mixed):
    rows = list(mixed.rows())
    names = [row.layer.name for row in rows]
    assert names[:3] == ["a_bins", "a_members", "a_hidden_1"]
    assert names[-5:] == ["b_hidden_2", "b_hidden_2_activation", "b_output", "groups", "mean"]
    assert len(set(names)) == len(names)
    lines = text_table(mixed).splitlines()[2 : 2 + len(rows)]
    assert [line.split()[0] for line in lines] == names
    inputs = [names[n] for n in range(len(rows)) if rows[n].sources == (INPUT,)]
    assert inputs == ["a_bins", "b_clip"]
    join = rows[names.index("groups")]
    assert [names[n] for n in join.sources] == ["a_output", "b_output"]
    assert join.weight_shapes == ()
    shown = {row.name: row for row in rows_of_spec(mixed)}
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
    assert mixed.has_numpy_forward


def test_a_function_of_the_user_in_a_stack_is_not_covered():
    stack = realmlp_stack([(3, abs, 0.0)], (1, "linear"), n_inputs=N_COLUMNS, n_members=2)
    assert not network(Parallel("groups", (stack,))).has_numpy_forward


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
