"""Compiled training against Keras's own `fit`."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdnn._network.architectures import dense_network
from skdnn._network.initial_weights import initial_weights
from skdnn._network.keras_model import build
from skdnn._network.spec import State
from skdnn._training import batches, trainer
from skdnn._training.callbacks import Report
from skdnn._training.dense_program_key import Constants, ProgramKey
from skdnn._training.early_stopping import EarlyStopping
from skdnn._training.optimizers import optimizer_names, resolve_optimizer
from skdnn._training.program_cache import ProgramCache
from skdnn._training.quick_dropout import QuickDropout
from skdnn._training.schedules import Schedule
from skdnn._training.trainer import train
from skdnn._training.training_job import Plan, all_epochs
from skdnn._utils.tensorflow import keras, tf

N = 70  # not a multiple of the batch size of 16: the last batch has 6 rows


# Also with the oldest versions: what is Keras's own there, or uses names of TensorFlow.
quick = pytest.mark.quick


class Data(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None
    alpha: np.floating = np.float32(0)
    dtype: str = "float32"

    def fetch(self, rows):
        columns = [self.X, self.y, *([] if self.weight is None else [self.weight])]
        return [column[rows] for column in columns]

    @property
    def constants(self):
        return Constants(np.ones(1, self.dtype), self.alpha)

    def given(self, **strengths):
        """The same constants with strengths of the optimizer or of the labels' smoothing."""
        return self.constants._replace(**strengths)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 8)).astype("float32")
    return Data(X, rng.integers(3, size=N).astype("int32"))


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch):
    monkeypatch.setattr(trainer, "PROGRAMS", ProgramCache(maxsize=4))


@pytest.fixture
def linear():
    return dense_network((8,), [], (3, "softmax"), scaled=False)


@pytest.fixture(scope="module")
def precise(data):
    """The same in float64.

    Batch normalisation takes away what the bias before it adds: its gradient is zero but for
    rounding, which Adam blows up in float32.
    """
    return data._replace(X=data.X.astype("float64"), alpha=np.float64(0), dtype="float64")


def network(*, dropout=0.0, batch_norm=False, dtype="float32"):
    hidden = [(16, "relu", dropout), (8, "tanh", dropout)]
    options = {"scaled": False, "batch_norm": batch_norm, "dtype": dtype}
    return dense_network((8,), hidden, (3, "softmax"), **options)


def key_for(spec, optimizer="adam", learning_rate=None, strengths=None, **options):
    options = {"weighted": False, "penalized": False, **options}
    return ProgramKey(
        spec,
        resolve_optimizer(optimizer, learning_rate, None, "Owner", **(strengths or {})),
        "sparse_categorical_crossentropy",
        "accuracy",
        "int32",
        1,
        **options,
    )


def start(spec):
    return State(initial_weights(spec, "glorot_uniform", np.random.default_rng(1), "Owner"))


def plan(epochs=3, **changes):
    settings = {"rows": np.arange(N), "held_out": np.arange(0), "batch_size": 16, "shuffle": False}
    return Plan(epochs=epochs, **{**settings, **changes})


def run(key, data, state, plan, seed=0, **given):
    rng = np.random.default_rng(seed)
    return train(key, data.fetch, data.given(**given), state, plan, rng, Report())


def by_keras(key, data, state, epochs=3, **fit_params):
    """Train the same network from the same weights on the same batches with Keras's `fit`."""
    model = build(key.spec)
    model.set_weights(state.weights)
    optimizer = key.optimizer.build()
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer, loss=key.loss, metrics=["accuracy"])
    options = {"batch_size": 16, "shuffle": False, "verbose": 0, **fit_params}
    return model, model.fit(data.X, data.y, epochs=epochs, **options).history


def assert_same_weights(state, model, tolerance=1e-6):
    for mine, its in zip(state.weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=tolerance, atol=tolerance)


@quick
@pytest.mark.parametrize(
    "settings",
    [
        {"amsgrad": True},
        {"clipnorm": 0.1},
        {"weight_decay": 0.1},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"use_ema": True},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 128.0},
    ],
    ids=lambda settings: next(iter(settings)),
)
@pytest.mark.parametrize("kind", ["AdamW", "SGD"])
def test_settings_of_optimizers_agree_with_keras_fit(data, kind, settings):
    if kind == "SGD":
        settings = {**settings, "momentum": 0.9}
        settings.pop("amsgrad", None)
    key = key_for(network(), getattr(keras.optimizers, kind)(**settings))
    state, _ = run(key, data, start(key.spec), plan())
    assert_same_weights(state, by_keras(key, data, start(key.spec))[0], 2e-6)


@quick
@pytest.mark.parametrize("name", [*optimizer_names(), "momentum", "nesterov"])
def test_weights_agree_with_keras_fit(data, name):
    key = key_for(network(), name)
    state, history = run(key, data, start(key.spec), plan())
    model, keras_history = by_keras(key, data, start(key.spec))
    assert_same_weights(state, model)
    for metric in ("loss", "accuracy"):
        np.testing.assert_allclose(history[metric], keras_history[metric], rtol=1e-5)


@pytest.mark.parametrize("name", ["adam", "adamw", "momentum", "nesterov", "rmsprop"])
def test_optimizers_keep_the_digits_of_float64(precise, name):
    key = key_for(network(dtype="float64"), name)
    state, _ = run(key, precise, start(key.spec), plan(epochs=20))
    assert_same_weights(state, by_keras(key, precise, start(key.spec), epochs=20)[0], 2e-8)


@quick
@pytest.mark.parametrize(
    ("loss", "metric", "activation"),
    [
        ("mean_squared_error", "mean_absolute_error", "linear"),
        ("binary_crossentropy", "binary_accuracy", "sigmoid"),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_other_targets_agree_with_keras_fit(data, loss, metric, activation, weighted):
    spec = dense_network((8,), [(16, "relu", 0.0)], (3, activation), scaled=False)
    rng = np.random.default_rng(3)
    y = rng.integers(2, size=(N, 3)).astype("float32")
    weight = rng.uniform(0.5, 1.5, N).astype("float32") if weighted else None
    key = key_for(spec, weighted=weighted)
    key = replace(key, loss=loss, metric=metric, y_dtype="float32", y_ndim=2)
    other = data._replace(y=y, weight=weight)
    state, history = run(key, other, start(spec), plan())
    model, expected = by_keras(key, other, start(spec), sample_weight=weight)
    assert_same_weights(state, model)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-5)


@quick
def test_batch_norm_agrees_with_keras_fit(precise):
    key = key_for(network(batch_norm=True, dtype="float64"))
    state, _ = run(key, precise, start(key.spec), plan())
    assert_same_weights(state, by_keras(key, precise, start(key.spec))[0], 1e-7)


@quick
def test_sample_weights_agree_with_keras_fit(data):
    weight = np.random.default_rng(2).uniform(0.5, 1.5, N).astype("float32")
    key = key_for(network(), weighted=True)
    state, _ = run(key, data._replace(weight=weight), start(key.spec), plan())
    model, _ = by_keras(key, data, start(key.spec), sample_weight=weight)
    assert_same_weights(state, model)


@quick
def test_penalty_agrees_with_keras_regularizer(data):
    key = key_for(network(), penalized=True)
    split = plan(rows=np.arange(50), held_out=np.arange(50, N))
    penalized = data._replace(alpha=np.float32(0.01))
    state, history = run(key, penalized, start(key.spec), split)
    model = build(key.spec)
    for layer in model.layers:
        layer.kernel_regularizer = layer.kernel.regularizer = keras.regularizers.L2(0.01)
    model.set_weights(start(key.spec).weights)
    model.compile(optimizer=key.optimizer.build(), loss=key.loss)
    options = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
    held_out = (data.X[50:], data.y[50:])
    its = model.fit(data.X[:50], data.y[:50], validation_data=held_out, **options).history
    assert_same_weights(state, model)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(history[name], its[name], rtol=1e-5)


@quick
def test_schedule_agrees_with_keras_fit(data):
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 10)
    key = key_for(network(), "sgd", schedule)
    state, _ = run(key, data, start(key.spec), plan())
    assert_same_weights(state, by_keras(key, data, start(key.spec))[0])


@quick
def test_held_out_rows_are_evaluated_as_keras_evaluates(data):
    key = key_for(network(dropout=0.3, batch_norm=True))
    split = plan(rows=np.arange(50), held_out=np.arange(50, N))
    state, history = run(key, data, start(key.spec), split)
    model = build(key.spec)
    model.set_weights(state.weights)
    model.compile(loss=key.loss, metrics=["accuracy"])
    loss, accuracy = model.evaluate(data.X[50:], data.y[50:], verbose=0)
    assert history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert history["val_accuracy"][-1] == pytest.approx(accuracy)


@pytest.mark.parametrize("n_rows", [1, 15, 16, 17])
def test_number_of_rows_about_the_batch_size(precise, n_rows):
    key = key_for(network(batch_norm=True, dtype="float64"))
    few = precise._replace(X=precise.X[:n_rows], y=precise.y[:n_rows])
    state, _ = run(key, few, start(key.spec), plan(rows=np.arange(n_rows)))
    assert_same_weights(state, by_keras(key, few, start(key.spec))[0], 1e-7)


@pytest.mark.parametrize("values", [1, 8 * 16 * 3, 10**9], ids=["steps", "parts", "epochs"])
def test_how_epochs_are_cut_into_calls_changes_nothing(data, values, monkeypatch):
    key = key_for(network(dropout=0.5))
    whole, history = run(key, data, start(key.spec), plan(shuffle=True))
    monkeypatch.setattr(batches, "VALUES_PER_CALL", values)
    parts, part_history = run(key, data, start(key.spec), plan(shuffle=True))
    assert history == part_history
    for a, b in zip(whole.weights, parts.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_going_on_is_as_if_never_stopped(data):
    key = key_for(network(dropout=0.3, batch_norm=True))
    rng = np.random.default_rng(5)
    state = start(key.spec)
    for _ in range(3):
        state, _ = train(
            key, data.fetch, data.constants, state, plan(1, shuffle=True), rng, Report()
        )
    at_once, _ = run(key, data, start(key.spec), plan(3, shuffle=True), seed=5)
    for a, b in zip(state.weights, at_once.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_of_the_fit_before_is_left(data):
    key = key_for(network(dropout=0.3))
    first, _ = run(key, data, start(key.spec), plan())
    second, _ = run(key, data, start(key.spec), plan())
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@quick
@pytest.mark.parametrize(
    "change",
    [{"batch_size": 7}, {"epochs": 5}, {"rows": np.arange(33)}, {"shuffle": True}],
    ids=str,
)
def test_what_is_data_compiles_nothing_new(data, change, monkeypatch):
    key = key_for(network(), learning_rate=0.1)
    run(key, data, start(key.spec), plan())
    monkeypatch.setattr(tf, "function", None)  # another trace would fail
    run(key_for(network(), learning_rate=0.2), data, start(key.spec), plan(**change))


def test_divergence_says_which_epoch_and_what_to_lower(data, linear):
    key = key_for(linear, "sgd", 1e38)
    with pytest.raises(
        ValueError, match=r"diverged in epoch 1.*Lower learning_rate \(it was 1e\+38"
    ):
        run(key, data, start(key.spec), plan())


def test_divergence_in_the_very_last_step_is_seen(data, linear):
    key = key_for(linear, "sgd", 3e38)
    one_step = plan(1, batch_size=N)
    huge = data._replace(X=data.X * 1e6)
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        run(key, huge, start(key.spec), one_step)


@pytest.mark.parametrize(
    ("n_available", "n_branches", "work", "expected"),
    [
        (1, 2, 1e3, (1, 1)),
        (2, 2, 0.1, (1, 2)),
        (2, 1, 0.1, (1, 1)),
        (8, 1, 1e3, (8, 1)),
        (8, 2, 1e3, (4, 2)),
        (8, 1, 1.5, (2, 1)),
        (8, 2, 1.5, (1, 2)),  # each part has half of the work
    ],
)
def test_parts_that_do_not_wait_have_a_thread_each(
    n_available, n_branches, work, expected, monkeypatch
):
    monkeypatch.setattr(trainer, "available_threads", lambda: n_available)
    enough_for_two = trainer._WORK_PER_THREAD // (32 + trainer._ROWS_OF_AN_UPDATE)
    program = SimpleNamespace(work=int(work * enough_for_two), n_branches=n_branches)
    assert trainer.threads_for(program, 32) == expected


@quick
def test_two_threads_train_as_one_after_the_other(data):
    key = key_for(network(dropout=0.2))
    alone = [run(key, data, start(key.spec), plan(), seed)[0] for seed in (1, 2)]
    together = {}

    def work(seed):
        together[seed] = run(key, data, start(key.spec), plan(), seed)[0]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, state in zip((1, 2), alone, strict=True):
        for a, b in zip(state.weights, together[seed].weights, strict=True):
            np.testing.assert_array_equal(a, b)


@quick
@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9, 0.999999])
def test_dropout_drops_its_rate_and_keeps_the_mean(rate):
    drop = QuickDropout(rate, seed=1)
    x = np.ones((300, 333), "float32")
    once, twice = (np.asarray(drop(x, training=True)) for _ in range(2))
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    assert np.mean(once == 0) == pytest.approx(rate, abs=5 * deviation + 2**-16)
    assert once.max() == pytest.approx(1 / (1 - rate), rel=0.01) or rate > 0.99
    assert np.mean((once == 0) & (twice == 0)) == pytest.approx(rate**2, abs=0.01)  # independent
    neighbours = np.mean((once[:, 1:] == 0) & (once[:, :-1] == 0))
    assert neighbours == pytest.approx(rate**2, abs=0.01)
    assert_array_equal(drop(x, training=False), x)


@quick
@pytest.mark.parametrize(("patience", "epochs"), [(3, 60), (1, 60), (100, 12)])
def test_early_stopping_ends_where_keras_ends(data, patience, epochs):
    key = key_for(network(), learning_rate=0.02)
    split = plan(epochs, rows=np.arange(50), held_out=np.arange(50, N))
    stopping = EarlyStopping(lambda logs: logs["val_loss"], patience, tol=0.0, resumes=False)
    rng = np.random.default_rng(0)
    _, history = train(key, data.fetch, data.constants, start(key.spec), split, rng, stopping)
    keras_stopping = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    first = data._replace(X=data.X[:50], y=data.y[:50])
    validation = {"validation_data": (data.X[50:], data.y[50:]), "callbacks": [keras_stopping]}
    model, expected = by_keras(key, first, start(key.spec), epochs, **validation)
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=1e-5)
    assert stopping.best_epoch == np.argmin(expected["val_loss"]) + 1 < len(history["loss"])
    assert_same_weights(stopping.best, model)


@quick
def test_where_training_starts_may_be_evaluated(data):
    class Look(Report):
        silent = False

        def training_begins(self, training):
            self.seen = training.evaluate()

    key = key_for(network())
    look, rng = Look(), np.random.default_rng(0)
    split = plan(1, rows=np.arange(50), held_out=np.arange(50, N))
    train(key, data.fetch, data.constants, start(key.spec), split, rng, look)
    model = build(key.spec)
    model.set_weights(start(key.spec).weights)
    model.compile(loss=key.loss, metrics=["accuracy"])
    loss, accuracy = model.evaluate(data.X[50:], data.y[50:], verbose=0)
    assert look.seen == {
        "val_loss": pytest.approx(loss, rel=1e-5),
        "val_accuracy": pytest.approx(accuracy),
    }


# ------------------------------------------------------------- strengths, averages and schedules


STRENGTHS = {"clipnorm": 0.05, "weight_decay": 0.1, "ema_momentum": 0.9}


@quick
@pytest.mark.parametrize("name", [*optimizer_names(), "momentum", "nesterov"])
def test_strengths_given_as_data_agree_with_keras_fit(data, name):
    key = key_for(network(), name, strengths=STRENGTHS)
    state, history = run(key, data, start(key.spec), plan(), **STRENGTHS)
    model, its = by_keras(key, data, start(key.spec))
    assert model.optimizer.clipnorm == 0.05
    assert model.optimizer.weight_decay == 0.1
    assert model.optimizer.use_ema
    assert_same_weights(state, model, 2e-6)
    np.testing.assert_allclose(history["loss"], its["loss"], rtol=1e-5)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_strength_is_data(data, strength, monkeypatch):
    """Another one compiles nothing, and comes to what Keras comes to with it."""
    first = key_for(network(), strengths={strength: STRENGTHS[strength]})
    run(first, data, start(first.spec), plan(), **{strength: STRENGTHS[strength]})
    key = key_for(network(), strengths={strength: 0.3})
    expected, _ = by_keras(key, data, start(key.spec))
    monkeypatch.setattr(tf, "function", None)
    state, _ = run(key, data, start(key.spec), plan(), **{strength: 0.3})
    assert_same_weights(state, expected, 2e-6)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_strength_keeps_the_digits_of_float64(precise, strength):
    key = key_for(network(dtype="float64"), strengths={strength: 0.3})
    state, _ = run(key, precise, start(key.spec), plan(), **{strength: 0.3})
    assert_same_weights(state, by_keras(key, precise, start(key.spec))[0], 2e-8)


def test_the_average_is_what_is_validated(data):
    key = key_for(network(), "sgd", 0.5, strengths={"ema_momentum": 0.9})
    split = plan(rows=np.arange(50), held_out=np.arange(50, N))
    state, history = run(key, data, start(key.spec), split, ema_momentum=0.9)
    model = build(key.spec)
    model.set_weights(state.weights)
    model.compile(loss=key.loss)
    loss = model.evaluate(data.X[50:], data.y[50:], verbose=0)
    assert history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)


@quick
def test_going_on_with_averages_is_as_if_never_stopped(data):
    key = key_for(network(dropout=0.3), strengths={"ema_momentum": 0.9})
    split = {"rows": np.arange(50), "held_out": np.arange(50, N), "shuffle": True}
    rng, state, constants = (
        np.random.default_rng(5),
        start(key.spec),
        data.given(ema_momentum=0.9),
    )
    for _ in range(3):
        state, _ = train(key, data.fetch, constants, state, plan(1, **split), rng, Report())
    at_once, _ = run(key, data, start(key.spec), plan(3, **split), seed=5, ema_momentum=0.9)
    for a, b in zip(state.weights, at_once.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@quick
@pytest.mark.parametrize(
    ("loss", "activation"),
    [("sparse_categorical_crossentropy", "softmax"), ("binary_crossentropy", "sigmoid")],
)
def test_label_smoothing_agrees_with_keras(data, loss, activation):
    spec = dense_network((8,), [(16, "relu", 0.0)], (3, activation), scaled=False)
    one_hot = np.eye(3, dtype="float32")[data.y]
    kind = "BinaryCrossentropy" if activation == "sigmoid" else "CategoricalCrossentropy"
    model = build(spec)
    model.set_weights(start(spec).weights)
    smoothed = getattr(keras.losses, kind)(label_smoothing=0.2)
    model.compile(optimizer="adam", loss=smoothed)
    options = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
    its = model.fit(data.X, one_hot, **options).history
    key = replace(key_for(spec, smoothed=True), loss=loss)
    if activation == "sigmoid":
        key = replace(key, metric="binary_accuracy", y_dtype="float32", y_ndim=2)
        data = data._replace(y=one_hot)
    state, history = run(key, data, start(spec), plan(), label_smoothing=0.2)
    assert_same_weights(state, model)
    np.testing.assert_allclose(history["loss"], its["loss"], rtol=1e-5)


def test_validation_losses_are_of_the_labels_as_they_are(data):
    key = key_for(network(), smoothed=True)
    split = plan(rows=np.arange(50), held_out=np.arange(50, N))
    state, history = run(key, data, start(key.spec), split, label_smoothing=0.2)
    model = build(key.spec)
    model.set_weights(state.weights)
    model.compile(loss=key.loss)
    loss = model.evaluate(data.X[50:], data.y[50:], verbose=0)
    assert history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("name", ["adam", "adamw", "momentum", "sgd", "rmsprop", "nadam"])
def test_cosine_with_warmup_agrees_with_keras(data, name):
    key = key_for(network(), name, 0.02, scheduled=True)
    warmed = plan(4, schedule=Schedule("cosine", warmup=0.25))  # 20 steps, 5 of them warm-up
    state, history = run(key, data, start(key.spec), warmed)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 15, warmup_target=0.02, warmup_steps=5)
    by_its_schedule = key_for(network(), name, schedule)
    model, its = by_keras(by_its_schedule, data, start(key.spec), epochs=4)
    assert_same_weights(state, model)
    np.testing.assert_allclose(history["loss"], its["loss"], rtol=1e-5)
    expected = [float(schedule(step)) for step in (4, 9, 14, 19)]
    np.testing.assert_allclose(history["learning_rate"], expected, rtol=1e-5)


def test_schedules_share_a_program(data, monkeypatch):
    key = key_for(network(), scheduled=True)
    run(key, data, start(key.spec), plan(schedule=Schedule("cosine")))
    monkeypatch.setattr(tf, "function", None)
    run(key, data, start(key.spec), plan(schedule=Schedule("one_cycle", 0.1)))


@pytest.mark.parametrize("values", [1, 8 * 16 * 3, 10**9], ids=["steps", "parts", "epochs"])
def test_a_schedule_does_not_depend_on_how_epochs_are_cut(data, values, monkeypatch):
    key = key_for(network(), scheduled=True)
    scheduled = plan(schedule=Schedule("one_cycle"))
    whole, _ = run(key, data, start(key.spec), scheduled)
    monkeypatch.setattr(batches, "VALUES_PER_CALL", values)
    parts, _ = run(key, data, start(key.spec), scheduled)
    for a, b in zip(whole.weights, parts.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@quick
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_each_member_is_trained_as_if_it_were_alone(data, optimizer):
    hidden = [(16, "relu", 0.0), (8, "tanh", 0.0)]
    several = dense_network((8,), hidden, (3, "softmax"), scaled=False, n_members=3)
    weight = np.random.default_rng(2).integers(0, 3, (N, 3)).astype("float32")
    key = key_for(several.body, optimizer, weighted=True)
    begin = start(several)
    state, history = run(key, data._replace(weight=weight), begin, plan())
    losses = []
    for member in range(3):
        alone = key_for(network(), optimizer, weighted=True)
        own = State([w[member] for w in begin.weights])
        expected, told = run(alone, data._replace(weight=weight[:, member]), own, plan())
        for mine, its in zip(state.weights, expected.weights, strict=True):
            np.testing.assert_allclose(mine[member], its, rtol=1e-4, atol=1e-5)
        losses.append(told["loss"])
    np.testing.assert_allclose(history["loss"], np.mean(losses, axis=0), rtol=1e-5)


def test_some_epochs_are_looked_at(data):
    sides = {"rows": np.arange(50), "held_out": np.arange(50, N)}
    split = plan(7, **sides, evaluation_epochs=lambda n: frozenset([3, 6, 7]))
    _, some = run(key_for(network()), data, start(network()), split)
    _, all_of_them = run(
        key_for(network()), data, start(network()), replace(split, evaluation_epochs=all_epochs)
    )
    assert np.flatnonzero(np.isfinite(some["val_loss"])).tolist() == [2, 5, 6]
    seen = np.array(all_of_them["val_loss"])[[2, 5, 6]]
    np.testing.assert_array_equal(np.array(some["val_loss"])[[2, 5, 6]], seen)
    np.testing.assert_array_equal(some["loss"], all_of_them["loss"])
