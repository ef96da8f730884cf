"""Private names of Keras and TensorFlow, and what happens where they are gone."""

import builtins
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdnn import DNNClassifier, clear_program_cache
from skdnn._training import keras_fit, optimizers
from skdnn._training.keras_fit import RowSource
from skdnn._utils import keras_internals
from skdnn._utils.tensorflow import keras, tf

SOURCE = Path(keras_internals.__file__).read_text()
NAMES = sorted(set(re.findall(r"(?:\.|\")(_[a-z][a-z_]*)\b", SOURCE)))


@pytest.fixture
def hide(monkeypatch):
    """Hides names from the module alone: Keras itself still has them."""
    hidden = set()

    def has(thing, name):
        return name not in hidden and builtins.hasattr(thing, name)

    def get(thing, name, *default):
        if name in hidden:
            return default[0]
        return builtins.getattr(thing, name, *default)

    monkeypatch.setattr(keras_internals, "hasattr", has, raising=False)
    monkeypatch.setattr(keras_internals, "getattr", get, raising=False)
    return lambda *names: hidden.update(names)


@pytest.fixture(params=[False, True], ids=["private", "public"])
def either(request, hide):
    """Both ways: with private names, and without."""
    hide(*(NAMES if request.param else ()))
    return request.param


def network(**options):
    keras.utils.set_random_seed(0)
    stack = [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2)]
    model = keras.Sequential([*stack, keras.layers.Dense(3, "softmax")])
    settings = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **options}
    model.compile(metrics=["accuracy"], **settings)
    return model


def built(optimizer):
    optimizer.build([keras.Variable(np.ones(3), name="kernel"), keras.Variable(1.0, name="bias")])
    return optimizer


def test_all_names_are_known():
    assert {"_learning_rate", "_compile_config", "_backend_update_step"} <= set(NAMES)


# --------------------------------------------------------------------------- whole fits without


def test_a_dense_network_trains_the_same_without_them(hide, iris, monkeypatch):
    settings = {"clipnorm": 0.05, "weight_decay": 0.1, "ema_momentum": 0.9, "epochs": 5}
    callback = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)
    clf = DNNClassifier((8,), callbacks=callback, random_state=0, **settings)
    expected = clf.fit(*iris).predict_proba(iris[0])
    clear_program_cache()
    hide(*NAMES)
    monkeypatch.setattr(optimizers, "_FUSED", {})
    assert_allclose(clf.fit(*iris).predict_proba(iris[0]), expected, rtol=1e-4, atol=1e-6)
    clear_program_cache()


def fit_keras_model(iris):
    X, y = iris[0].astype("float32"), iris[1]
    source, model = RowSource(lambda rows: (X[rows], y[rows]), len(y)), network()
    sizes = {"batch_size": 32, "validation_batch_size": 32}
    callbacks = [keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1.0)]
    order = np.arange(len(y))
    return keras_fit.fit(
        model,
        source,
        source,
        **sizes,
        epochs=4,
        initial_epoch=0,
        order=lambda epoch: order,
        callbacks=callbacks,
        verbose=0,
    )


def test_a_keras_model_trains_the_same_without_them(hide, iris, monkeypatch):
    expected = fit_keras_model(iris)
    hide(*NAMES)
    monkeypatch.setattr(optimizers, "_FUSED", {})
    history = fit_keras_model(iris)
    assert history.keys() == expected.keys()
    for name, values in expected.items():
        assert_allclose(history[name], values, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------------------------- TensorFlow


def test_the_variable_of_tensorflow():
    ours, theirs = keras.Variable(1.0), tf.Variable(1.0)
    assert keras_internals.tf_variable(ours) is ours._value
    assert keras_internals.tf_variable(theirs) is theirs


# ---------------------------------------------------------------------------------- optimizers


def test_learning_rate(either):
    optimizer = keras.optimizers.SGD(0.5)
    assert keras_internals.learning_rate_variable(optimizer) is optimizer._learning_rate
    assert keras_internals.learning_rate_rule(optimizer) is None


def test_learning_rate_of_a_schedule(either):
    optimizer = keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.5, 10))
    assert keras_internals.learning_rate_variable(optimizer) is None
    assert float(keras_internals.learning_rate_rule(optimizer)(0)) == 0.5


def test_averages_of_weights(either):
    optimizer = built(keras.optimizers.Adam(use_ema=True))
    averages = keras_internals.weight_averages(optimizer)
    expected = optimizer._model_variables_moving_average
    assert [id(v) for v in averages] == [id(v) for v in expected]


@pytest.mark.parametrize("given", ["var_list", "var_names"])
def test_excluded_variables(given):
    kernel = keras.Variable(1.0, name="kernel")
    optimizer = keras.optimizers.AdamW(weight_decay=0.1)
    assert not keras_internals.may_exclude_from_weight_decay(optimizer)
    excluded = {"var_list": [kernel], "var_names": ["kernel"]}
    optimizer.exclude_from_weight_decay(**{given: excluded[given]})
    assert keras_internals.may_exclude_from_weight_decay(optimizer)


def test_variables_may_be_excluded_where_nobody_knows(hide):
    hide("_use_weight_decay")
    assert keras_internals.may_exclude_from_weight_decay(keras.optimizers.AdamW())
    assert not keras_internals.may_exclude_from_weight_decay(keras.optimizers.Adam())


def test_a_step_of_ours_needs_the_hooks_of_keras(hide):
    def step(*arguments):
        return True

    kind = keras.optimizers.SGD
    assert keras_internals.with_step(kind, step) is not kind
    hide("_backend_update_step")
    assert keras_internals.with_step(kind, step) is kind


@pytest.mark.parametrize("hidden", ["nothing", "_momentums"])
def test_the_step_of_adam_is_that_of_keras(hide, hidden):
    hide(hidden)
    ours, its = (keras.Variable(np.arange(3.0), dtype="float32") for _ in range(2))
    fused = optimizers.fused(keras.optimizers.Adam, keras.optimizers.Adam().get_config())
    assert fused is not keras.optimizers.Adam
    for kind, variable in ((fused, ours), (keras.optimizers.Adam, its)):
        optimizer = kind(0.1)
        for _ in range(3):
            optimizer.apply([tf.constant([1.0, -2.0, 3.0])], [variable])
    assert_allclose(ours.numpy(), its.numpy(), rtol=1e-5)


def test_clipping(hide):
    optimizer = keras.optimizers.SGD(clipnorm=1.0)
    keras_internals.clip_by(optimizer, tf.constant(0.5))
    assert_allclose(optimizer._clip_by_norm(tf.constant([3.0, 4.0])), [0.3, 0.4], rtol=1e-6)
    hide("_clip_by_norm")
    assert not keras_internals.can_clip_by_tensor(optimizer)
    keras_internals.clip_by(optimizer, tf.constant(0.5))
    assert optimizer.clipnorm is None


# -------------------------------------------------------------------------------------- models


def test_metrics_are_made(either):
    model = network()
    before = [np.array(v) for v in model.get_weights()]
    keras_internals.build_metrics(model, (np.zeros((1, 4), "float32"), np.zeros(1, int)))
    assert len(model.metrics_variables) == 4
    assert not any(np.any(v.numpy()) for v in model.metrics_variables)
    for weight, same in zip(model.get_weights(), before, strict=True):
        assert_array_equal(weight, same)


def test_what_was_compiled(either):
    settings = keras_internals.compile_settings(network())
    assert settings["loss"] == "sparse_categorical_crossentropy"
    assert settings["metrics"] == ["accuracy"]


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_metrics_of_the_users_own_that_were_compiled_cannot_be_read(hide):
    hide("_compile_config")
    model = network()
    model.compile(loss="mse", metrics=[lambda y, output: y - output])
    with pytest.raises(TypeError, match="was compiled with cannot be read"):
        keras_internals.compile_settings(model)


@pytest.mark.parametrize("asked", [True, False, "auto"])
def test_compilation_by_xla_that_was_asked_for(either, asked):
    assert keras_internals.is_jit_compiled(network(jit_compile=asked)) == (asked is True)


def test_layers_within_layers(hide):
    inner = keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((3, 4)), keras.layers.TimeDistributed(inner)])
    expected = {id(layer) for layer in keras_internals.all_layers(model)}
    assert {id(model), id(inner)} < expected
    hide("_flatten_layers")
    assert {id(layer) for layer in keras_internals.all_layers(model)} >= expected


def test_the_epoch_of_a_backup(hide):
    model = network()
    assert keras_internals.starting_epoch(model) == 0
    model._initial_epoch = 3
    assert keras_internals.starting_epoch(model) == 3
    hide("_initial_epoch")
    assert keras_internals.starting_epoch(model) == 0


# ------------------------------------------------------------------ losses, metrics, callbacks


def test_settings_of_a_loss(hide):
    loss = keras.losses.Huber(delta=2.0)
    assert keras_internals.function_options(loss)["delta"] == 2.0
    assert keras_internals.function_options(keras.regularizers.L2()) == {}
    hide("_fn_kwargs")
    for thing in (loss, keras.metrics.MeanSquaredError()):
        with pytest.raises(TypeError, match="cannot be read"):
            keras_internals.function_options(thing)


def test_the_model_of_a_callback(either):
    callback, model = keras.callbacks.Callback(), network()
    assert keras_internals.model_of(callback) is None
    callback.set_model(model)
    assert keras_internals.model_of(callback) is model
    keras_internals.forget_model(callback)
    assert keras_internals.model_of(callback) is None


@pytest.mark.parametrize(("profiled", "expected"), [(0, False), (2, True)])
def test_profiling(hide, tmp_path, profiled, expected):
    callback = keras.callbacks.TensorBoard(tmp_path, profile_batch=profiled)
    assert keras_internals.profiles_batches(callback) == expected
    hide("_should_trace")
    assert keras_internals.profiles_batches(callback)
