"""fit, partial_fit and predict of both estimators."""

import pickle
import sys
import tracemalloc
import types
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score, log_loss

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import hold_out
from skdnn._training.forward_program import Forward
from skdnn._training.program_cache import PROGRAMS
from skdnn._utils.tensorflow import keras, tf


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    return X, (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


def quick(cls=DNNClassifier, **params):
    return cls(**{"hidden_layer_sizes": (8,), "epochs": 3, "random_state": 0, **params})


def same_weights(a, b):
    pairs = zip(a.model_.get_weights(), b.model_.get_weights(), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


# ------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_layer_sizes": (100, 0)}, r"'hidden_layer_sizes'.*at least 1.*Got \(100, 0\)"),
        ({"hidden_layer_sizes": (2.5,)}, "'hidden_layer_sizes'.*must be ints"),
        ({"hidden_layer_sizes": 0}, "'hidden_layer_sizes'.*Got 0"),
        ({"activation": "rellu"}, "'activation'.*Did you mean 'relu"),
        ({"activation": ["relu", "tanh"]}, "'activation'.*one per hidden layer: 1 of them"),
        ({"dropout": 1.0}, "'dropout'.*Got 1.0"),
        ({"dropout": (0.1, 0.2, 0.3)}, "'dropout'.*one per hidden layer"),
        ({"dropout": (1.5,)}, r"'dropout'.*range \[0, 1\)"),
        ({"optimizer": "adamm"}, "'optimizer'.*Did you mean 'adam"),
        ({"optimizer": 3}, "'optimizer'.*Got 3"),
        ({"kernel_initializer": "henormal"}, "'kernel_initializer'.*Did you mean 'he_normal'"),
        ({"learning_rate": 0}, "'learning_rate'.*Got 0"),
        ({"momentum": 0.9, "optimizer": "adam"}, "'momentum'.*no meaning"),
        ({"epochs": 0}, "'epochs'.*Got 0"),
        ({"activation": np.tanh}, "'activation'.*written with keras.ops or TensorFlow"),
        ({"activation": lambda x: x[:, :1]}, "'activation'.*keeps its shape"),
        ({"learning_rate": lambda step: 0.1}, "'learning_rate'.*a schedule"),
        ({"hidden_layer_sizes": (True,)}, "'hidden_layer_sizes'.*must be ints"),
        ({"batch_size": 0}, "'batch_size'.*Got 0"),
        ({"validation_fraction": 1.0}, "'validation_fraction'.*Got 1.0"),
        ({"scaling": "quantile"}, "'scaling'.*'quantile'"),
        ({"alpha": -1}, "'alpha'.*Got -1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_bad_parameter_is_named_with_its_owner(table, params, message):
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}") as error:
        quick(**params).fit(*table)
    assert "DNNClassifier" in str(error.value)


def test_a_failed_fit_loses_nothing(table):
    X, y = table
    model = quick().fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(np.where(X > 2, np.inf, X), y)
    with pytest.raises(ValueError, match="'epochs'"):
        model.set_params(epochs=0).fit(X[:, :2], y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_failed_first_fit_leaves_it_unfitted(table):
    X, y = table
    model = quick(optimizer="sgd", learning_rate=1e38, scaling=None)
    with pytest.raises(ValueError, match=r"diverged in epoch \d.*learning_rate"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not hasattr(model, "n_features_in_")


def test_a_finite_loss_far_above_chance_warns(table):
    with pytest.warns(ConvergenceWarning, match=r"training diverged. Lower learning_rate or alpha"):
        quick(alpha=1e9, optimizer="sgd", learning_rate=1e-30).fit(*table)


def test_fit_changes_no_parameter(table):
    mine = keras.optimizers.Adam(0.01)
    model = quick(optimizer=mine, activation=["relu"])
    before = dict(model.get_params())
    model.fit(*table)
    assert all(model.get_params()[name] is value for name, value in before.items())
    assert not mine.built


def test_an_optimizer_object_is_not_shared_between_fits(table):
    model = quick(optimizer=keras.optimizers.Adam(0.01))
    assert same_weights(clone(model).fit(*table), model.fit(*table).fit(*table))


# ------------------------------------------------------------------- data


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_infinity_is_refused_in_x_and_both_in_y(table, cls, bad):
    X, y = table
    broken = X.copy()
    broken[3, 1] = np.inf
    with pytest.raises(ValueError, match="Input X contains"):
        quick(cls).fit(broken, y)
    with pytest.raises(ValueError, match=r"Input y? ?contains"):
        quick(cls).fit(X, np.where(y == 1, bad, 0.0))


def test_dates_are_refused(table):
    X, y = table
    dates = np.datetime64("2026-01-01") + (X * 100).astype(int).astype("timedelta64[D]")
    with pytest.raises(TypeError, match=r"must hold numbers. Got datetime64.*days since"):
        quick().fit(dates, y)


def test_another_shape_than_in_fit_is_refused(digits):
    X, y = digits
    model = quick().fit(X, y)
    with pytest.raises(
        ValueError, match=r"shape \(64,\), but .* fitted on samples of shape \(8, 8\)"
    ):
        model.predict(X.reshape(-1, 64))
    with pytest.raises(ValueError, match=r"a single sample as X\[np.newaxis\]"):
        model.predict(X[0])
    flat = quick().fit(X.reshape(-1, 64), y)
    with pytest.raises(ValueError, match="X has 63 features, but DNNClassifier is expecting 64"):
        flat.predict(X.reshape(-1, 64)[:, 1:])


@pytest.mark.parametrize("shape", [(4,), (2, 2), (2, 1, 2), (1, 2, 2, 1)])
def test_samples_of_any_rank(table, shape):
    X, y = table
    model = quick(epochs=20).fit(X.reshape(-1, *shape), y)
    assert model.score(X.reshape(-1, *shape), y) > 0.7
    assert model.n_features_in_ == 4
    assert model.model_.input_shape == (None, *shape)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "int64", "float16", "float32", "float64", "bool"]
)
def test_numbers_of_any_dtype(digits, dtype):
    X, y = digits
    X = (X > 8).astype(dtype) if dtype == "bool" else X.astype(dtype)
    model = quick(epochs=20, learning_rate=0.01).fit(X, y)
    assert model.score(X, y) > 0.9
    proba = model.predict_proba(X)
    assert proba.dtype == (np.float64 if dtype in ("int64", "float64") else np.float32)


def test_neither_the_byte_order_of_x_nor_the_type_of_the_batch_size_matters(table):
    X, y = table
    expected = quick(batch_size=9).fit(X.astype("<f4"), y)
    found = quick(batch_size=np.int32(9)).fit(X.astype(">f4"), y)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


def test_a_memory_map_that_cannot_be_written_to(table, tmp_path):
    X, y = table
    np.save(tmp_path / "X.npy", X.astype("float32"))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert same_weights(quick().fit(mapped, y), quick().fit(X.astype("float32"), y))


def test_zero_weight_is_as_if_the_row_were_not_there(table):
    X, y = table
    weight = np.r_[np.ones(60), np.zeros(30)]
    poisoned = X.copy()
    poisoned[60:] = 1e6
    assert same_weights(quick().fit(poisoned, y, weight), quick().fit(X[:60], y[:60]))


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_weight_two_is_the_row_twice(table, cls):
    X, y = table
    twice = np.arange(90) % 3
    params = {"batch_size": 512, "epochs": 50}
    weighted = quick(cls, **params).fit(X, y, twice)
    repeated = quick(cls, **params).fit(X.repeat(twice, axis=0), y.repeat(twice))
    for a, b in zip(weighted.model_.get_weights(), repeated.model_.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("weight", [-1.0, 0.0])
def test_invalid_weights_are_rejected(table, weight):
    X, y = table
    with pytest.raises(ValueError, match=r"must not be negative|at least one non-zero"):
        quick().fit(X, y, np.full(90, weight))


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33])
def test_few_rows_and_a_batch_of_all_of_them(table, n):
    X, y = table[0][:n], np.arange(n) * 1.0
    model = quick(DNNRegressor, batch_size=10**9, batch_norm=True).fit(X, y)
    assert model.predict(X).shape == (n,)


def test_a_column_that_only_a_leak_could_use():
    # Scaling fitted on all rows would reveal the held-out outlier by shrinking the others.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    y = rng.permutation(200).astype(float)
    model = quick(DNNRegressor, validation_fraction=0.25).fit(X, y)
    held_out = rng.normal(size=(200, 1))
    held_out[:] = X
    # The same training rows with other held-out ones: the same network.
    training = np.ones(200, bool)
    _, rows = hold_out(np.arange(200), None, 0.25, model._continuation.split_seed)
    training[rows] = False
    held_out[~training] = 1e9
    again = quick(DNNRegressor, validation_fraction=0.25).fit(held_out, np.where(training, y, -5))
    assert same_weights(model, again)


# --------------------------------------------------------------- training


def test_history_has_an_entry_per_epoch(table):
    model = quick(validation_fraction=0.2, epochs=4).fit(*table)
    assert set(model.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == model.n_iter_ == 4 for values in model.history_.values())
    assert model.history_["loss"][-1] < model.history_["loss"][0]


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_figures_are_those_of_the_rows_held_out(table, weighted):
    X, y = table
    weight = np.random.default_rng(1).uniform(0.1, 5, size=90) if weighted else None
    model = quick(validation_fraction=0.25).fit(X, y, weight)
    _, rows = hold_out(np.arange(90), y, 0.25, model._continuation.split_seed)
    w = weight[rows] if weighted else None
    proba = model.predict_proba(X[rows])
    loss = log_loss(y[rows], proba, sample_weight=w)
    accuracy = accuracy_score(y[rows], proba.argmax(axis=1), sample_weight=w)
    assert model.history_["val_loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert model.history_["val_accuracy"][-1] == pytest.approx(accuracy, rel=1e-5)


def test_warm_start_continues_from_the_end_of_fit(table):
    whole = quick(epochs=6, dropout=0.2).fit(*table)
    parts = quick(epochs=3, dropout=0.2, warm_start=True).fit(*table).fit(*table)
    assert same_weights(parts, whole)
    assert parts.history_ == whole.history_
    assert parts.n_iter_ == 6


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_partial_fit_is_one_epoch_with_the_optimizer_state_kept(table, cls):
    X, y = table
    whole, parts = quick(cls, epochs=3).fit(X, y), quick(cls)
    first = {"classes": [0, 1]} if cls is DNNClassifier else {}
    parts.partial_fit(X, y, **first).partial_fit(X, y).partial_fit(X, y)
    assert same_weights(parts, whole)


def test_optimizer_state_survives_pickle(table):
    model = quick().fit(*table)
    again = pickle.loads(pickle.dumps(model))
    assert same_weights(again.partial_fit(*table), model.partial_fit(*table))


def test_without_warm_start_fit_starts_from_new_weights(table):
    model = quick().fit(*table)
    assert same_weights(model.fit(*table), quick().fit(*table))


@pytest.mark.parametrize("change", [{"hidden_layer_sizes": (9,)}, {"scaling": "minmax"}], ids=str)
def test_warm_start_of_another_network_is_rejected(table, change):
    model = quick(warm_start=True).fit(*table)
    with pytest.raises(ValueError, match="not the one that its parameters now describe"):
        model.set_params(**change).fit(*table)


def test_continuing_with_another_type_of_y_is_rejected(table):
    X, y = table
    labels = np.column_stack([y, 1 - y, y])
    for first, then in [(y, labels), (labels, y), (labels, labels[:, :2])]:
        model = quick(warm_start=True).fit(X, first)
        with pytest.raises(ValueError, match=r"One row of y has shape .* when training began"):
            model.fit(X, then)


def test_parameters_are_checked_in_every_partial_fit(table):
    model = quick().fit(*table)
    with pytest.raises(ValueError, match="'batch_size' parameter of DNNClassifier"):
        model.set_params(batch_size=0).partial_fit(*table)


def test_warm_start_with_another_optimizer_resets_its_state(table):
    model = quick(warm_start=True, optimizer="sgd").fit(*table)
    model.set_params(optimizer="adam").fit(*table)
    assert model.n_iter_ == 6
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_a_learning_rate_set_between_calls_is_used(table):
    X, y = table
    model = quick(optimizer="sgd").fit(X, y)
    before = model.predict_proba(X)
    model.set_params(learning_rate=1e-30).partial_fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_validation_goes_unmeasured_in_partial_fit(table):
    model = quick(validation_fraction=0.2).fit(*table).partial_fit(*table)
    assert np.isnan(model.history_["val_loss"]).tolist() == [False, False, False, True]


def test_same_seed_same_network_and_other_seed_another(table):
    assert same_weights(quick().fit(*table), quick().fit(*table))
    assert not same_weights(quick().fit(*table), quick(random_state=1).fit(*table))


def test_a_random_state_instance_moves_on_from_fit_to_fit(table):
    model = quick(random_state=np.random.RandomState(0))
    first = model.fit(*table).predict_proba(table[0])
    assert not np.array_equal(model.fit(*table).predict_proba(table[0]), first)


def test_float64_computes_in_float64(table):
    model = quick(dtype="float64").fit(*table)
    assert all(weights.dtype == np.float64 for weights in model.model_.get_weights())


def test_activation_may_be_a_function_of_the_user(table):
    import tensorflow as tf

    def bent(x):
        return tf.sqrt(1 + x * x) - 1

    X, y = table
    model = quick(activation=bent, epochs=20).fit(X, y)
    np.testing.assert_allclose(
        model.model_.predict(X, verbose=0), model.predict_proba(X), atol=1e-6
    )


def test_a_linear_stack_is_a_linear_map(table):
    X, _ = table
    model = quick(DNNRegressor, hidden_layer_sizes=(9, 9), activation="linear", epochs=20)
    output = model.fit(X, X[:, 0] ** 2).predict(X)
    design = np.column_stack([X, np.ones(len(X))])
    residual = output - design @ np.linalg.lstsq(design, output, rcond=None)[0]
    np.testing.assert_allclose(residual, 0, atol=1e-5)


def test_dropout_affects_training_and_not_prediction(table):
    X, y = table
    plain, dropped = quick(epochs=20).fit(X, y), quick(epochs=20, dropout=0.8).fit(X, y)
    assert dropped.history_["loss"][-1] > plain.history_["loss"][-1]
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))


def test_penalty_shrinks_the_weights(table):
    norms = []
    for alpha in (0, 0.1):
        model = quick(alpha=alpha, epochs=30, learning_rate=0.01).fit(*table)
        norms.append(sum(np.square(w).sum() for w in model.model_.get_weights()))
    assert norms[1] < norms[0] / 2


# ---------------------------------------------------------------- inspection


def test_summary_before_fit_is_an_error_with_advice():
    with pytest.raises(NotFittedError, match=r"no summary yet.*call fit\(X, y\) first"):
        DNNClassifier().summary()


def test_summary_is_printed(table, capsys):
    quick().fit(*table).summary()
    assert "hidden_1" in capsys.readouterr().out


def test_model_before_fit_is_no_attribute():
    assert not hasattr(DNNClassifier(), "model_")


def test_a_missing_attribute_raises_the_error_of_python():
    class Mine(DNNClassifier):
        @property
        def broken(self):
            return self.classes_.nothing

    with pytest.raises(AttributeError, match="'Mine' object has no attribute 'layers_'"):
        Mine().layers_  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'classes_'"):
        Mine().broken  # noqa: B018


@pytest.mark.parametrize("shape", [(90,), (90, 1), (90, 2)])
def test_keras_model_predicts_in_the_units_of_y(table, shape):
    X, _ = table
    y = np.random.default_rng(1).normal(1e4, 50, size=shape)
    model = quick(DNNRegressor).fit(X, y)
    got = model.model_.predict(X, verbose=0).reshape(shape)
    np.testing.assert_allclose(got, model.predict(X), rtol=1e-5)


def test_keras_model_is_compiled_with_loss_and_metric(table):
    X, y = table
    model = quick(epochs=30).fit(X, y)
    _, accuracy = model.model_.evaluate(X, y, verbose=0)
    assert accuracy == pytest.approx(model.score(X, y))


def test_verbose_writes_one_line_per_epoch(table, capsys):
    quick(verbose=1, validation_fraction=0.2).fit(*table)
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all(line.count("(val ") == 2 for line in lines)


# -------------------------------------------------- many rows, and single ones


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_many_rows_are_predicted_as_few_are(table, cls, monkeypatch):
    X, y = table
    model = quick(cls, activation="tanh", batch_norm=True).fit(X.astype(np.float32), y)
    many = np.tile(X.astype(np.float32), (200, 1))
    method = "predict_proba" if cls is DNNClassifier else "predict"
    few = getattr(model, method)(many[: len(X)])
    monkeypatch.setattr("skdnn._training.forward_program.available_threads", lambda: 2)
    np.testing.assert_allclose(
        getattr(model, method)(many), np.tile(few.T, 200).T, rtol=1e-5, atol=1e-6
    )
    assert any(isinstance(key, Forward) for key in PROGRAMS._idle)  # they were compiled


def test_predicting_does_not_wait_for_another_thread_that_loads_the_engine(table, monkeypatch):
    X, y = table
    model = quick().fit(X.astype(np.float32), y)
    monkeypatch.setattr("skdnn._training.compiled_forward._provider", None)
    monkeypatch.setitem(sys.modules, "skdnn._training.trainer", types.ModuleType("half"))
    assert model.predict(np.zeros((9000, 4), np.float32)).shape == (9000,)


def test_narrow_rows_of_wide_layers_are_predicted_a_few_at_a_time(table):
    X, y = table
    model = quick(hidden_layer_sizes=(512,)).fit(X[:, :1], y)
    many = np.zeros((200_000, 1))  # all at once they would take 800 MB
    tracemalloc.start()
    model.predict(many)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.array([[1, np.inf, 1, 1.0]]), "contains infinity"),
        (np.array([[1.0, 2.0, 3.0]]), "X has 3 features, but DNNClassifier is expecting 4"),
        (np.empty((0, 4)), "0 sample"),
        (np.ones(4), "Reshape your data"),
        (np.array(3.0), "got scalar array"),
        (np.ones((1, 4), dtype=complex), "Complex data not supported"),
    ],
    ids=["inf", "columns", "empty", "rank", "scalar", "complex"],
)
def test_invalid_rows_to_predict_are_an_error(table, bad, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(*table).predict(bad)


def test_large_numbers_are_not_taken_for_infinite(table):
    X, y = table
    model = quick(scaling="minmax").fit(X, y)
    row = np.full((1, 4), 3e38, np.float32)  # their sum is infinite in float32
    with warnings.catch_warnings(action="error"):
        model.predict(row)
    assert model.predict(row).shape == (1,)


# ---------------------------------------------------------- what TensorFlow or Keras objects may do


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """Not registered with Keras, so that it cannot be made from its configuration."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate / (1 + tf.cast(step, "float32"))

    def get_config(self):
        return {"rate": self.rate}


@pytest.mark.parametrize("kind", ["adam", "adamw", "momentum", "rmsprop"])
def test_a_schedule_of_the_users_own(table, kind):
    assert quick(optimizer=kind, learning_rate=Halving(0.1)).fit(*table).n_iter_ == 3


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, keras.optimizers.SGD])
def test_an_optimizer_object_with_a_schedule_of_the_users_own(table, kind):
    by_object = quick(optimizer=kind(Halving(0.1))).fit(*table)
    by_parameter = quick(optimizer=kind, learning_rate=Halving(0.1)).fit(*table)
    assert same_weights(by_object, by_parameter)


class Doubling(keras.optimizers.SGD):
    """Reads its rate once and for all."""

    def __init__(self, learning_rate=0.1, **config):
        super().__init__(learning_rate, **config)
        self.double = 2 * learning_rate

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient * self.double)


def test_an_optimizer_class_of_the_users_own_gets_the_rate_of_each_fit(table):
    first = quick(optimizer=Doubling, learning_rate=0.5).fit(*table)
    second = quick(optimizer=Doubling, learning_rate=0.01).fit(*table)
    assert not same_weights(first, second)
    assert same_weights(second, quick(optimizer="sgd", learning_rate=0.02).fit(*table))


def test_an_activation_with_a_variable_is_refused(table):
    factor = tf.Variable(2.0)
    with pytest.raises(TypeError, match=r"'activation'.*has a variable of its own"):
        quick(activation=lambda x: x * factor).fit(*table)


def test_training_inside_a_graph_is_refused(table):
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match=r"outside of tf\.function"):
        quick().fit(*table)
