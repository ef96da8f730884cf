"""Any Keras model in the compiled loop, against Keras's own `fit`."""

import numpy as np
import pytest

from skdnn._training import keras_fit, program_cache
from skdnn._training.keras_fit import RowSource, UnsupportedModelError
from skdnn._training.keras_program_key import ModelProgramKey
from skdnn._training.program_cache import ProgramCache
from skdnn._utils.tensorflow import keras, tf

N, BATCH = 70, 16  # the last batch has 6 rows
layers = keras.layers


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    # Now and then weights are drawn with which a filter is all but dead, and its normalization
    # makes much of rounding.
    keras.utils.set_random_seed(0)
    cache = ProgramCache(maxsize=4)
    monkeypatch.setattr(program_cache, "PROGRAMS", cache)
    monkeypatch.setattr(keras_fit, "PROGRAMS", cache)
    yield cache
    cache.trim(0)


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def images(rng):
    return rng.random((N, 8, 8, 1)).astype("float32"), rng.integers(0, 3, N)


def compiled(model, loss="sparse_categorical_crossentropy", optimizer="sgd", **options):
    model.compile(optimizer, loss, **options)
    return model


def convolutional(**options):
    stack = [
        keras.Input((8, 8, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(3, activation="softmax", kernel_regularizer="l2"),
    ]
    return compiled(keras.Sequential(stack), **{"metrics": ["accuracy"], **options})


def recurrent():
    stack = [keras.Input((5, 3)), layers.LSTM(6), layers.Dense(1)]
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    metrics = ["mae", keras.metrics.MeanSquaredError()]
    return compiled(keras.Sequential(stack), keras.losses.Huber(), optimizer, metrics=metrics)


def forked():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    hidden = layers.Dense(5, activation="gelu")(layers.Concatenate()([a, b]))
    number = layers.Dense(1, name="number")(hidden)
    kind = layers.Dense(3, activation="softmax", name="kind")(hidden)
    model = keras.Model({"a": a, "b": b}, {"number": number, "kind": kind})
    losses = {"number": "mse", "kind": "sparse_categorical_crossentropy"}
    options = {"loss_weights": {"number": 0.5, "kind": 1.0}, "metrics": {"kind": ["accuracy"]}}
    return compiled(model, losses, "adam", **options)


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(3, "softmax")

    def call(self, x):
        return self.out(tf.reshape(x, [-1, 64]))


def subclassed():
    model = compiled(Subclass())
    model(np.zeros((1, 8, 8, 1)))
    return model


def fourth_power(y, output):
    return tf.reduce_mean((y - output) ** 4, axis=-1)


def own_loss():
    stack = [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1)]
    return compiled(keras.Sequential(stack), fourth_power)


def source(data):
    n_rows = len(tf.nest.flatten(data)[0])
    return RowSource(lambda rows: tf.nest.map_structure(lambda array: array[rows], data), n_rows)


def train(model, data, held_out=None, epochs=3, callbacks=(), **options):
    settings = {
        "batch_size": BATCH,
        "validation_batch_size": BATCH,
        "epochs": epochs,
        "initial_epoch": 0,
        "order": lambda epoch: np.arange(source(data).n_rows),
        "callbacks": callbacks,
        "verbose": 0,
        **options,
    }
    held_out = None if held_out is None else source(held_out)
    return keras_fit.fit(model, source(data), held_out, **settings)


def train_by_keras(model, data, held_out=None, epochs=3, callbacks=()):
    options = {"epochs": epochs, "callbacks": list(callbacks), "shuffle": False, "verbose": 0}
    if held_out is not None:
        options |= {"validation_data": held_out, "validation_batch_size": BATCH}
    weight = data[2] if len(data) > 2 else None
    return model.fit(*data[:2], sample_weight=weight, batch_size=BATCH, **options).history


def twins(make):
    """Make two models that begin with the same weights, seeds and state of the optimizer."""
    models = [make(), make()]
    for model in models:
        model.optimizer.build(model.trainable_variables)
    for mine, its in zip(models[0].variables, models[1].variables, strict=True):
        its.assign(mine)
    return models


def assert_same(mine, its, my_history, its_history):
    for a, b in zip(
        [*mine.variables, *mine.optimizer.variables],
        [*its.variables, *its.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=2e-6)
    assert set(my_history) == set(its_history)
    for name, values in its_history.items():
        np.testing.assert_allclose(my_history[name], values, rtol=1e-4, atol=1e-6)


def assert_trained_as_by_keras(make, data, held_out=None, callbacks=tuple, **options):
    mine, its = twins(make)
    history = train(mine, data, held_out, callbacks=callbacks(), **options)
    expected = train_by_keras(its, data, held_out, callbacks=callbacks(), **options)
    assert_same(mine, its, history, expected)
    return history


@pytest.mark.parametrize("make", [convolutional, subclassed])
def test_images(make, images):
    assert_trained_as_by_keras(make, images)


def test_sample_weights(images, rng):
    assert_trained_as_by_keras(convolutional, (*images, rng.random(N).astype("float32")))


def test_validation(images):
    halves = tuple(x[:50] for x in images), tuple(x[50:] for x in images)
    assert "val_accuracy" in assert_trained_as_by_keras(convolutional, *halves)


def test_recurrent_network_with_schedule_and_metrics(rng):
    data = rng.random((N, 5, 3)).astype("float32"), rng.random((N, 1)).astype("float32")
    assert_trained_as_by_keras(recurrent, data)


def test_several_inputs_and_outputs(rng):
    x = {"a": rng.random((N, 3)).astype("float32"), "b": rng.random((N, 2)).astype("float32")}
    y = {"number": rng.random((N, 1)).astype("float32"), "kind": rng.integers(0, 3, N)}
    assert_trained_as_by_keras(forked, (x, y))


def test_a_loss_of_the_users_own(images, rng):
    assert_trained_as_by_keras(own_loss, (images[0], rng.random((N, 1)).astype("float32")))


@pytest.mark.parametrize("metric", ["auc", "f1"])
def test_metrics_with_a_state_of_their_own(images, metric):
    metrics = {"auc": keras.metrics.AUC, "f1": keras.metrics.F1Score}

    def make():
        return convolutional(
            loss="categorical_crossentropy", metrics=[metrics[metric](name=metric)]
        )

    one_hot = np.eye(3, dtype="float32")[images[1]]
    assert_trained_as_by_keras(make, (images[0], one_hot))


def callbacks_of_keras():
    return [
        # By less than 10 no epoch is better than the first, however the weights were drawn.
        keras.callbacks.EarlyStopping(
            "val_loss", min_delta=10.0, patience=2, restore_best_weights=True
        ),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=1.0),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
    ]


def test_callbacks_between_epochs_see_and_change_the_model(images):
    halves = tuple(x[:50] for x in images), tuple(x[50:] for x in images)
    history = assert_trained_as_by_keras(
        convolutional, *halves, callbacks=callbacks_of_keras, epochs=12
    )
    assert len(history["loss"]) < 12
    assert "learning_rate" in history


def test_an_epoch_in_many_calls_is_the_same_epoch(images, monkeypatch):
    monkeypatch.setattr("skdnn._training.batches.VALUES_PER_CALL", 1)
    assert_trained_as_by_keras(convolutional, images)


def test_models_of_one_configuration_share_a_program(images, cache, monkeypatch):
    train(convolutional(), images)
    monkeypatch.setattr(tf, "function", None)  # another trace would fail
    other = convolutional(optimizer=keras.optimizers.SGD(0.5))
    train(other, (images[0][:40], images[1][:40]), epochs=1)
    assert len(cache._idle) == 1


def counted(kind=keras.metrics.Precision):
    """Make a model of two outputs with metrics that Keras names by counting up."""
    x = keras.Input((6,))
    outputs = [layers.Dense(1, activation="sigmoid", name=name)(x) for name in ("a", "b")]
    metrics = {"a": [kind(), keras.metrics.AUC()], "b": [kind(name="own"), keras.metrics.AUC()]}
    weighted = {"a": [keras.metrics.AUC()]}
    options = {"metrics": metrics, "weighted_metrics": weighted}
    return compiled(keras.Model(x, outputs), "binary_crossentropy", **options)


def test_metrics_that_keras_counts_up_have_their_names_and_share_a_program(rng, cache):
    X = rng.random((N, 6)).astype("float32")
    y = [(X[:, i : i + 1] > 0.5).astype("float32") for i in (0, 1)]

    def first():
        keras.utils.clear_session()  # counts from the beginning
        return counted()

    assert {"a_auc", "b_auc_1", "a_auc_2"} <= set(assert_trained_as_by_keras(first, (X, y)))
    second = counted()
    names = set(train(second, (X, y)))
    assert {"a_auc_3", "b_auc_4", "a_auc_5", "b_own"} <= names
    assert names == set(train_by_keras(second, (X, y)))
    assert len(cache._idle) == 1
    batch = X[:1], [array[:1] for array in y]
    assert ModelProgramKey(counted(), batch) != ModelProgramKey(
        counted(keras.metrics.Recall), batch
    )


@pytest.mark.parametrize(
    "change",
    [
        {"loss": keras.losses.SparseCategoricalCrossentropy(ignore_class=0)},
        {"metrics": []},
        {"optimizer": keras.optimizers.SGD(momentum=0.5)},
        {"loss_weights": [0.5]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_compiled_differently_shares_nothing(images, change):
    batch = tuple(array[:1] for array in images)
    assert ModelProgramKey(convolutional(), batch) != ModelProgramKey(
        convolutional(**change), batch
    )


def test_rows_of_another_type_share_nothing(images):
    x, y = (array[:1] for array in images)
    keys = {
        ModelProgramKey(convolutional(), batch)
        for batch in [(x, y), (x, y.astype("int32")), (x, y, np.ones(1))]
    }
    assert len(keys) == 3


def test_training_one_model_leaves_another_of_its_kind_alone(images):
    first, second = convolutional(), convolutional()
    train(first, images)
    before = first.get_weights()
    train(second, images)
    for a, b in zip(before, first.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class OwnStep(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)


class Watcher(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.seen = batch


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model": OwnStep}, "train_step of its own"),
        ({"run_eagerly": True}, "run_eagerly"),
        ({"jit_compile": True}, "jit_compile"),
        ({"callbacks": [Watcher()]}, "Watcher has methods for batches"),
        ({"callbacks": [keras.callbacks.TerminateOnNaN()]}, "TerminateOnNaN needs Keras's own fit"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_for_keras_is_refused_and_left_alone(images, options, reason):
    callbacks = options.pop("callbacks", ())
    kind = options.pop("model", keras.Sequential)
    stack = [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = compiled(kind(stack), **options)
    before = model.get_weights()
    with pytest.raises(UnsupportedModelError, match=reason):
        train(model, images, callbacks=callbacks)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_after_each_epoch_is_written(images, tmp_path):
    path = str(tmp_path / "{epoch}.weights.h5")
    callback = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    model = convolutional()
    train(model, images, callbacks=[callback], epochs=2)
    other = convolutional()
    other.load_weights(path.format(epoch=2))
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# -------------------------------------- what a configuration does not tell is trained all the same


def dense(*stack, loss="mse", optimizer="sgd", **options):
    model = keras.Sequential([keras.Input((6,)), *stack, layers.Dense(1)])
    return compiled(model, loss, optimizer, **options)


@pytest.fixture(scope="module")
def table(rng):
    X = rng.normal(5, 3, size=(N, 6)).astype("float32")
    return X, X[:, :1] * 0.1 + 1


def relu(x):
    return tf.maximum(x, -0.9 * x)


def assert_has_no_key(model, data):
    with pytest.raises(TypeError):
        ModelProgramKey(model, tuple(array[:1] for array in data))


def test_adapted_normalization(table):
    def make():
        normalization = layers.Normalization()
        normalization.adapt(table[0])
        return dense(normalization)

    assert_trained_as_by_keras(make, table)
    assert_has_no_key(make(), table)


def test_a_function_with_the_name_of_one_of_keras(table):
    def make():
        return dense(layers.Dense(4, activation=relu))

    assert_trained_as_by_keras(make, table)
    assert_has_no_key(make(), table)


def test_losses_with_other_settings_share_nothing(table):
    batch = tuple(array[:1] for array in table)
    huber = [dense(loss=keras.losses.Huber(delta)) for delta in (1.0, 0.1)]
    assert ModelProgramKey(huber[0], batch) != ModelProgramKey(huber[1], batch)
    for delta in (1.0, 0.1):
        assert_trained_as_by_keras(lambda d=delta: dense(loss=keras.losses.Huber(d)), table)


def own_optimizer(factor):
    class Own(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, factor * learning_rate * gradient)

    return Own(0.001)


def test_optimizer_classes_of_the_users_own(table):
    for factor in (1, 5):
        assert_trained_as_by_keras(lambda f=factor: dense(optimizer=own_optimizer(f)), table)


def test_variables_left_out_of_weight_decay(table):
    def make():
        optimizer = keras.optimizers.AdamW(weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_names=["kernel"])
        return dense(optimizer=optimizer)

    assert_trained_as_by_keras(make, table)
    assert_has_no_key(make(), table)


@pytest.mark.parametrize("setting", ["trainable", "regularizer", "constraint"])
def test_settings_of_variables(table, setting):
    values = {"regularizer": keras.regularizers.L2(1.0), "constraint": keras.constraints.NonNeg()}

    def make():
        model = dense(layers.Dense(3))
        setattr(model.layers[0].kernel, setting, values.get(setting, False))
        return model

    train(dense(layers.Dense(3)), table)  # of which nothing is to be shared
    assert_trained_as_by_keras(make, table)


def trebled(x=None, y=None, y_pred=None, sample_weight=None, training=True):
    return 3 * tf.reduce_mean((y - y_pred) ** 2)


def test_a_method_set_on_a_model(table):
    def make():
        model = dense()
        model.compute_loss = trebled
        return model

    assert_trained_as_by_keras(make, table)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_rows_of_an_embedding_that_come_twice(optimizer):
    X = np.array([[1, 1, 1, 2, 3, 3]] * N)

    def make():
        stack = [keras.Input((6,), dtype="int64"), layers.Embedding(5, 3), layers.Flatten()]
        return compiled(keras.Sequential([*stack, layers.Dense(1)]), "mse", optimizer)

    assert_trained_as_by_keras(make, (X, X[:, :1].astype("float32")))


class Listener(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.heard = []

    def on_test_begin(self, logs=None):
        self.heard.append("begin")

    def on_test_end(self, logs=None):
        self.heard.append(sorted(logs))

    def on_epoch_end(self, epoch, logs=None):
        self.heard.append(round(float(self.model.get_metrics_result()["loss"]), 3))


def test_callbacks_hear_of_validation_and_see_metrics(table):
    halves = tuple(x[:50] for x in table), tuple(x[50:] for x in table)
    mine, its = twins(dense)
    listeners = Listener(), Listener()
    train(mine, *halves, callbacks=[listeners[0]])
    train_by_keras(its, *halves, callbacks=[listeners[1]])
    assert len(listeners[0].heard) == 9
    assert listeners[0].heard[:2] == listeners[1].heard[:2]


class OwnEvaluate(keras.Sequential):
    def evaluate(self, *args, **kwargs):
        return {"loss": 42.0}


def test_an_evaluation_of_the_users_own_is_for_keras(table):
    model = compiled(OwnEvaluate([keras.Input((6,)), layers.Dense(1)]), "mse")
    with pytest.raises(UnsupportedModelError, match="evaluate of its own"):
        train(model, table)


def test_backups_are_for_keras(table, tmp_path):
    with pytest.raises(UnsupportedModelError, match="BackupAndRestore needs Keras's own fit"):
        train(dense(), table, callbacks=[keras.callbacks.BackupAndRestore(tmp_path)])
