"""Losses: skdnn's own, Keras's and the user's, against Keras's `fit` and scikit-learn's metrics."""

import pickle
import subprocess
import sys
from copy import copy, deepcopy
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
)
from sklearn.model_selection import GridSearchCV

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.targets import OwnUnits
from skdnn._network.keras_model import build, rescale_outputs
from skdnn._training.losses import resolve_loss
from skdnn._utils.tensorflow import keras, tf

N = 70  # not a multiple of the batch size of 16: the last batch has 6 rows
SETTINGS = {
    "hidden_layer_sizes": (8,),
    "epochs": 4,
    "batch_size": 16,
    "shuffle": False,
    "learning_rate": 0.01,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 5))
    return X, rng.gamma(2.0, np.exp(0.5 * X[:, 0])) * 30, rng.integers(3, size=N)


def root_mean_square(y_true, y_pred):
    return keras.ops.sqrt(keras.ops.mean(keras.ops.square(y_true - y_pred)))


def fourth_power(y_true, y_pred):
    return (y_true - y_pred) ** 4


class Asymmetric(keras.losses.Loss):
    """Keeps its setting out of its configuration, as many do."""

    def __init__(self, factor=3.0):
        super().__init__()
        self.factor = factor

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return keras.ops.mean(keras.ops.maximum(error, -self.factor * error), axis=-1)


def named(value):
    """Name a test: the same in every process."""
    if isinstance(value, str):
        return value
    return getattr(value, "__name__", getattr(value, "name", type(value).__name__))


def by_keras(estimator, X, y, target, loss, weight=None, in_units=True):
    """Train the network that an estimator starts from, by Keras's `fit`, and return its losses."""
    start = clone(estimator).set_params(optimizer="sgd", learning_rate=1e-30, epochs=1).fit(X, y)
    model = build(start._network.spec, start._network.inputs.offset, start._network.inputs.scale)
    model.set_weights(start._network.state.weights)
    if in_units and isinstance(estimator, DNNRegressor):
        rescale_outputs(model, start._network.targets.unit, start._network.targets.mean)
    model.compile(optimizer=keras.optimizers.Adam(estimator.learning_rate), loss=loss)
    options = {"epochs": estimator.epochs, "batch_size": 16, "shuffle": False, "verbose": 0}
    return model.fit(X, target, sample_weight=weight, **options).history["loss"]


@pytest.mark.parametrize(
    "loss",
    [
        "mean_absolute_percentage_error",
        "msle",
        "MeanSquaredError",
        keras.losses.Huber(delta=20.0),
        keras.losses.MeanAbsoluteError,
        keras.losses.mean_squared_logarithmic_error,
        fourth_power,
        root_mean_square,
        Asymmetric(5.0),
    ],
    ids=named,
)
def test_a_loss_of_keras_on_quantities_is_what_it_is_to_keras(table, loss):
    X, y, _ = table
    net = DNNRegressor(loss=loss, **SETTINGS)
    # A column, because Keras would broadcast a vector against its column of predictions.
    its = by_keras(net, X, y, y[:, None], loss() if isinstance(loss, type) else loss)
    np.testing.assert_allclose(net.fit(X, y).history_["loss"], its, rtol=1e-4)


@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "kl_divergence",
        "categorical_hinge",
        "mse",
        keras.losses.CategoricalFocalCrossentropy(gamma=1.0),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        keras.losses.SparseCategoricalCrossentropy,
        keras.losses.binary_crossentropy,
        "dice",
    ],
    ids=named,
)
def test_a_loss_of_keras_on_classes_is_what_it_is_to_keras(table, loss):
    X, _, y = table
    net = DNNClassifier(loss=loss, **SETTINGS)
    told = "sparse" in getattr(loss, "__name__", str(loss)).lower()
    target = y if told else np.eye(3)[y]
    its = by_keras(net, X, y, target, loss() if isinstance(loss, type) else loss)
    np.testing.assert_allclose(net.fit(X, y).history_["loss"], its, rtol=1e-4)


def test_a_loss_of_keras_that_takes_indices_without_sparse_in_its_name(table):
    if not hasattr(keras.losses, "CategoricalGeneralizedCrossEntropy"):
        pytest.skip("this version of Keras does not have the loss")
    X, _, y = table
    loss = keras.losses.CategoricalGeneralizedCrossEntropy(0.5)
    net = DNNClassifier(loss=loss, **{**SETTINGS, "epochs": 1, "learning_rate": 1e-30}).fit(X, y)
    own = net.predict_proba(X)[np.arange(N), y]
    assert net.history_["loss"][0] == pytest.approx(np.mean((1 - own**0.5) / 0.5), rel=1e-4)


def my_sparse_penalty(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def my_categorical_indices(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


my_categorical_indices.takes_class_indices = True


class OwnSparse(keras.losses.SparseCategoricalCrossentropy):
    """Takes what the class that it is derived from takes."""


@pytest.mark.parametrize(
    ("loss", "same"),
    [
        (my_sparse_penalty, "mse"),
        (partial(my_sparse_penalty), "mse"),
        (my_categorical_indices, "sparse_categorical_crossentropy"),
        (partial(my_categorical_indices), "sparse_categorical_crossentropy"),
        (OwnSparse(), "sparse_categorical_crossentropy"),
    ],
)
def test_type_or_attribute_of_a_loss_decides_what_it_takes_and_never_its_name(table, loss, same):
    X, _, y = table
    own, its = (DNNClassifier(loss=x, **SETTINGS).fit(X, y) for x in (loss, same))
    np.testing.assert_allclose(own.history_["loss"], its.history_["loss"], rtol=1e-5)


def test_a_loss_with_categorical_in_its_name_may_be_for_labels(table):
    X, _, classes = table
    y = np.eye(3, dtype=int)[classes] | np.eye(3, dtype=int)[::-1][classes]

    def categorical_like(y_true, y_pred):
        return my_sparse_penalty(y_true, y_pred)

    assert DNNClassifier(loss=categorical_like, **SETTINGS).fit(X, y).predict(X).shape == y.shape
    with pytest.raises(ValueError, match="is for one class in each row, but y is a multilabel"):
        DNNClassifier(loss="kl_divergence", **SETTINGS).fit(X, y)


def test_a_loss_of_keras_on_labels_is_what_it_is_to_keras(table):
    X, _, classes = table
    y = np.eye(3, dtype=int)[classes] | np.eye(3, dtype=int)[::-1][classes]
    loss = keras.losses.BinaryFocalCrossentropy(gamma=1.0)
    net = DNNClassifier(loss=loss, **SETTINGS)
    its = by_keras(net, X, y, y, loss)
    np.testing.assert_allclose(net.fit(X, y).history_["loss"], its, rtol=1e-4)


@pytest.mark.parametrize("loss", ["mape", Asymmetric(), "kl_divergence"], ids=named)
def test_rows_have_weights_in_a_loss_of_keras(table, loss):
    X, y, classes = table
    weight = np.random.default_rng(1).uniform(0.2, 2, N)
    weight /= weight.mean()
    cls, target = (DNNRegressor, y) if loss != "kl_divergence" else (DNNClassifier, classes)
    net = cls(loss=loss, scaling=None, **SETTINGS).fit(X, target, weight)
    start = clone(net).set_params(optimizer="sgd", learning_rate=1e-30, epochs=1)
    start.fit(X, target, weight)
    model = build(start._network.spec)
    model.set_weights(start._network.state.weights)
    if cls is DNNRegressor:
        rescale_outputs(model, start._network.targets.unit, start._network.targets.mean)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    options = {"epochs": 4, "batch_size": 16, "shuffle": False, "verbose": 0}
    target = y[:, None] if cls is DNNRegressor else np.eye(3)[classes]
    its = model.fit(X, target, sample_weight=weight, **options).history["loss"]
    np.testing.assert_allclose(net.history_["loss"], its, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "its_name"),
    [
        ("auto", "mean_squared_error"),
        ("squared_error", "mean_squared_error"),
        ("mse", "mean_squared_error"),
        ("absolute_error", "mean_absolute_error"),
        ("mae", "mean_absolute_error"),
        ("huber", "huber"),
        ("log_cosh", "log_cosh"),
    ],
)
def test_own_losses_are_those_of_keras_on_the_standardised_target(table, name, its_name):
    X, y, _ = table
    net = DNNRegressor(loss=name, **SETTINGS)
    standard = (y - y.mean()) / y.std()
    its = by_keras(net, X, y, standard, its_name, in_units=False)
    np.testing.assert_allclose(net.fit(X, y).history_["loss"], its, rtol=1e-4)


@pytest.mark.parametrize(
    "loss",
    ["poisson", keras.losses.Poisson(), keras.losses.Poisson, keras.losses.poisson],
    ids=named,
)
def test_poisson_is_that_of_keras_on_the_target_divided_by_its_mean(table, loss):
    X, y, _ = table
    net = DNNRegressor(loss=loss, **SETTINGS)
    its = by_keras(net, X, y, y / y.mean(), "poisson", in_units=False)
    np.testing.assert_allclose(net.fit(X, y).history_["loss"], its, rtol=1e-4)


@pytest.mark.parametrize(
    ("loss", "deviance"), [("poisson", mean_poisson_deviance), ("gamma", mean_gamma_deviance)]
)
def test_a_loss_with_a_logarithmic_link_is_half_the_deviance(table, loss, deviance, split_of):
    X, y, _ = table
    params = {**SETTINGS, "validation_fraction": 0.3}
    nets = [DNNRegressor(loss=loss, **{**params, "epochs": n}).fit(X, y) for n in (1, 20)]
    losses = [net.history_["val_loss"][-1] for net in nets]
    training, held_out = split_of(nets[0], y)
    mean = y[training].mean()
    its = [deviance(y[held_out] / mean, net.predict(X[held_out]) / mean) / 2 for net in nets]
    assert losses[1] - losses[0] == pytest.approx(its[1] - its[0], rel=1e-3)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_a_logarithmic_link_without_hidden_layers_finds_the_rates_of_two_groups(loss):
    # The maximum of the likelihood has the mean of each group, in closed form.
    rng = np.random.default_rng(0)
    group = np.repeat([0.0, 1.0], 100)
    y = rng.gamma(2.0, np.where(group == 1, 50.0, 5.0))
    training = {"epochs": 2000, "learning_rate": 0.05, "learning_rate_schedule": "cosine"}
    net = DNNRegressor((), loss=loss, batch_size=200, random_state=0, **training)
    predicted = net.fit(group[:, None], y).predict([[0.0], [1.0]])
    np.testing.assert_allclose(predicted, [y[:100].mean(), y[100:].mean()], rtol=1e-5)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_predictions_with_a_logarithmic_link_are_positive(table, loss):
    X, y, _ = table
    net = DNNRegressor(loss=loss, **{**SETTINGS, "epochs": 50}).fit(X, y)
    assert (net.predict(X * 3) > 0).all()
    np.testing.assert_allclose(net.model_(X)[:, 0], net.predict(X), rtol=1e-4)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("poisson", [1.0, -1.0, 2.0], r"requires non-negative y\. Got values down to -1"),
        ("poisson", [0.0, 0.0, 0.0], r"non-negative y and sum\(y\) > 0"),
        ("gamma", [1.0, 0.0, 2.0], r"loss='gamma' requires strictly positive y\. Got .* 0"),
    ],
)
def test_targets_that_a_loss_has_no_value_for_are_refused(loss, y, message):
    with pytest.raises(ValueError, match=message):
        DNNRegressor(loss=loss, preset="plain").fit(np.ones((3, 1)), y)


def test_a_later_batch_with_a_target_without_value_is_refused():
    net = DNNRegressor((2,), loss="poisson").partial_fit([[1.0], [2.0]], [0.0, 3.0])
    net.partial_fit([[1.0], [2.0]], [0.0, 0.0])
    with pytest.raises(ValueError, match="requires non-negative y"):
        net.partial_fit([[1.0], [2.0]], [-1.0, 3.0])


@pytest.mark.parametrize("loss", ["huber", "poisson", "gamma", "msle", "absolute_error"])
def test_several_columns_of_quantities(table, loss):
    X, y, _ = table
    both = np.column_stack([y, 1000 * y])
    net = DNNRegressor(loss=loss, **{**SETTINGS, "epochs": 80}).fit(X, both)
    assert net.predict(X).shape == both.shape
    assert net.score(X, both) > 0.2
    np.testing.assert_allclose(net.model_(X), net.predict(X), rtol=1e-3, atol=0.1)


@pytest.mark.parametrize("loss", ["auto", "huber", "gamma", "mape", Asymmetric()], ids=named)
def test_the_metric_is_the_absolute_error_in_the_units_of_y(table, loss, split_of):
    X, y, _ = table
    net = DNNRegressor(loss=loss, validation_fraction=0.3, **SETTINGS).fit(X, y)
    _, held_out = split_of(net, y)
    its = mean_absolute_error(y[held_out], net.predict(X[held_out]))
    assert net.history_["val_mean_absolute_error"][-1] == pytest.approx(its, rel=1e-4)


@pytest.mark.parametrize("shape", [(N,), (N, 2)])
def test_the_metric_of_a_quantile_is_the_pinball_loss_in_the_units_of_y(table, shape, split_of):
    X, y, _ = table
    y = np.broadcast_to(y[:, None] * [1, 100], (N, 2)) if len(shape) == 2 else y
    params = {**SETTINGS, "validation_fraction": 0.3, "quantile": 0.8}
    net = DNNRegressor(loss="quantile", **params).fit(X, y)
    _, held_out = split_of(net, y)
    its = mean_pinball_loss(y[held_out], net.predict(X[held_out]), alpha=0.8)
    assert net.history_["val_mean_pinball_loss"][-1] == pytest.approx(its, rel=1e-4)


def test_the_metric_of_classes_is_the_accuracy(table, split_of):
    X, _, y = table
    net = DNNClassifier(loss="kl_divergence", validation_fraction=0.3, **SETTINGS).fit(X, y)
    _, held_out = split_of(net, y)
    its = net.score(X[held_out], y[held_out])
    assert net.history_["val_accuracy"][-1] == pytest.approx(its)


# ------------------------------------------------------------------ classes


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mse", "hinge", "poisson"])
def test_two_classes_are_two_outputs_whose_loss_is_not_always_zero(table, loss):
    X = table[0]
    y = np.where(X[:, 0] > 0, "yes", "no")
    net = DNNClassifier(loss=loss, **{**SETTINGS, "epochs": 60}).fit(X, y)
    assert net.history_["loss"][0] > 0.01
    assert net.score(X, y) > 0.9
    assert net.predict_proba(X).shape == (N, 2)


def test_cross_entropies_are_one_loss_by_all_names(table):
    X, _, y = table
    losses = [
        "auto",
        "log_loss",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        keras.losses.CategoricalCrossentropy(from_logits=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ]
    first, *others = [
        DNNClassifier(loss=loss, **SETTINGS).fit(X, y).predict_proba(X) for loss in losses
    ]
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-4)


def test_a_loss_of_logits_is_one_of_probabilities_to_the_model(table):
    X, _, y = table
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    net = DNNClassifier(loss=loss, **SETTINGS).fit(X, y)
    told = net.model_.evaluate(X, np.eye(3)[y], verbose=0)[0]
    assert told == pytest.approx(-np.log(net.predict_proba(X)[np.arange(N), y]).mean(), rel=1e-4)


class CrossEntropy(keras.losses.Loss):
    """A loss of the user's own, with whichever attributes it is given."""

    def __init__(self, **attributes):
        super().__init__()
        vars(self).update(attributes)

    def call(self, y_true, y_pred):
        return keras.losses.categorical_crossentropy(
            y_true, y_pred, from_logits=getattr(self, "from_logits", False)
        )

    def get_config(self):
        return {}


class OnlyOfLogits(CrossEntropy):
    """One that has no form for probabilities: it takes no arguments."""

    def __init__(self):
        super().__init__(from_logits=True)


@pytest.mark.parametrize("attributes", [{}, {"from_logits": False}, {"from_logits": True}])
def test_a_loss_of_ones_own_says_whether_it_takes_logits(table, attributes):
    X, _, y = table
    net = DNNClassifier(loss=CrossEntropy(**attributes), **SETTINGS).fit(X, y)
    expected = DNNClassifier(**SETTINGS).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X), expected.predict_proba(X), rtol=1e-3)
    told = net.model_.evaluate(X, np.eye(3)[y], verbose=0)
    assert np.ravel(told)[0] == pytest.approx(expected.history_["loss"][-1], rel=0.2)


def test_a_loss_that_only_takes_logits_is_none_of_the_model(table):
    X, _, y = table
    net = DNNClassifier(loss=OnlyOfLogits(), **SETTINGS).fit(X, y)
    expected = DNNClassifier(**SETTINGS).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X), expected.predict_proba(X), rtol=1e-3)
    assert net.model_.loss is None


@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        keras.losses.CategoricalHinge(),
    ],
    ids=named,
)
def test_one_hot_rows_with_a_loss_of_one_class_are_refused_with_a_way_out(table, loss):
    X, _, y = table
    with pytest.raises(ValueError, match=r"one class in each row.*y\.argmax\(axis=1\)"):
        DNNClassifier(loss=loss, **SETTINGS).fit(X, np.eye(3, dtype=int)[y])


# ------------------------------------------------------------------- errors


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("mean_squared_erorr", "Did you mean 'mean_squared_error'"),
        ("ctc", "'loss' parameter"),
        (np.mean, "cannot be computed.*keras.ops or TensorFlow"),
        (lambda y_true: y_true, "cannot be computed"),
        (keras.losses.Loss, "'loss' parameter|cannot be computed"),
        (int, "'loss' parameter|cannot be computed"),
    ],
    ids=["typo", "ctc", "numpy", "arguments", "abstract", "other"],
)
def test_what_is_no_loss_is_refused(table, cls, loss, message):
    X, y, classes = table
    with pytest.raises((TypeError, ValueError), match=f"(?s){message}"):
        cls(loss=loss, **SETTINGS).fit(X, classes if cls is DNNClassifier else y)


def test_a_loss_of_a_whole_batch_takes_no_weights(table):
    X, y, _ = table
    with pytest.raises(TypeError, match="root_mean_square has one value for a whole batch"):
        DNNRegressor(loss=root_mean_square, **SETTINGS).fit(X, y, np.arange(N))


def test_a_loss_with_a_variable_is_refused(table):
    X, y, _ = table
    factor = tf.Variable(2.0)

    def scaled(y_true, y_pred):
        return factor * tf.square(y_true - y_pred)

    with pytest.raises(TypeError, match="or the loss scaled cannot be compiled"):
        DNNRegressor(loss=scaled, **SETTINGS).fit(X, y)


def test_going_on_with_another_loss_is_refused(table):
    X, y, _ = table
    net = DNNRegressor(loss="huber", **SETTINGS).fit(X, y)
    for change in ({"loss": "poisson"}, {"loss": "mape"}, {"loss": "quantile", "quantile": 0.1}):
        with pytest.raises(ValueError, match=r"loss, quantile or dtype was changed"):
            clone(net).fit(X, y).set_params(**change).partial_fit(X, y)


# ------------------------------------------------------- programs and state


@pytest.fixture
def no_trace(monkeypatch):
    """From when it is called on, nothing can be compiled."""
    return lambda: monkeypatch.setattr(tf, "function", None)


def test_levels_of_quantiles_compile_nothing_new(table, no_trace):
    X, y, _ = table
    net = DNNRegressor(loss="quantile", quantile=0.1, **SETTINGS).fit(X, y)
    several = DNNRegressor(loss="quantile", quantile=[0.1, 0.9], **SETTINGS).fit(X, y)
    no_trace()
    low, high = net.predict(X), net.set_params(quantile=0.9).fit(X, y).predict(X)
    assert (low < high).mean() > 0.9
    several.set_params(quantile=[0.3, 0.5]).fit(X, y)


@pytest.mark.parametrize(
    "make",
    [
        lambda: "msle",
        lambda: keras.losses.Huber(7.0),
        lambda: Asymmetric(2.0),
        lambda: fourth_power,
    ],
    ids=["name", "object", "own", "function"],
)
def test_the_same_loss_compiles_nothing_new(table, no_trace, make):
    X, y, _ = table
    net = DNNRegressor(loss=make(), **SETTINGS).fit(X, y)
    no_trace()
    clone(net).set_params(learning_rate=0.1).fit(X, y)
    clone(net).set_params(loss=make()).fit(X, y)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (keras.losses.Huber(2.0), keras.losses.Huber(3.0)),
        (Asymmetric(2.0), Asymmetric(3.0)),
        (lambda a, b: (a - b) ** 2, lambda a, b: (a - b) ** 4),
        (partial(keras.losses.huber, delta=7.0), partial(keras.losses.huber, delta=8.0)),
    ],
    ids=["keras", "own", "lambda", "partial"],
)
def test_losses_that_differ_are_told_apart(one, other):
    assert resolve_loss(one, {}, "Owner") != resolve_loss(other, {}, "Owner")


def test_a_grid_of_losses(table):
    X, y, _ = table
    losses = ["squared_error", "poisson", keras.losses.Huber(10.0), "mape"]
    grid = GridSearchCV(DNNRegressor(**SETTINGS), {"loss": losses}, cv=2).fit(X, y)
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    "loss", ["poisson", "mape", keras.losses.Huber(9.0), fourth_power], ids=named
)
def test_a_loss_survives_pickle_and_going_on(table, loss):
    X, y, _ = table
    net = DNNRegressor(loss=loss, warm_start=True, **SETTINGS).fit(X, y)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    np.testing.assert_array_equal(again.fit(X, y).predict(X), net.fit(X, y).predict(X))


@pytest.mark.parametrize("loss", [keras.losses.Huber(9.0), Asymmetric(9.0)], ids=named)
@pytest.mark.parametrize(
    "twice", [clone, copy, deepcopy, lambda net: pickle.loads(pickle.dumps(net))]
)
def test_a_copy_of_the_estimator_has_the_settings_of_its_loss(table, loss, twice):
    X, y, _ = table  # Keras's own copy of Huber has a delta of 1
    net = DNNRegressor(loss=loss, **SETTINGS)
    expected = net.fit(X, y).predict(X)
    np.testing.assert_array_equal(twice(net).fit(X, y).predict(X), expected)
    assert net.loss is loss


def test_predicting_and_scoring_start_no_tensorflow(table, tmp_path):
    X, y, _ = table
    nets = [
        DNNRegressor(loss="mape", **SETTINGS).fit(X, y),
        DNNRegressor(loss="gamma", **SETTINGS).fit(X, y),
        DNNRegressor(loss="quantile", quantile=[0.1, 0.9], **SETTINGS).fit(X, y),
    ]
    (tmp_path / "nets.pickle").write_bytes(pickle.dumps((nets, X, y)))
    code = (
        "import pickle, sys\n"
        f"nets, X, y = pickle.load(open({str(tmp_path / 'nets.pickle')!r}, 'rb'))\n"
        "[net.score(X, y) for net in nets]\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("squared_error", "mse"), ("absolute_error", "mae"), ("mape", "mape"), ("gamma", None)],
)
def test_the_model_is_compiled_with_the_loss_where_keras_has_it(table, loss, expected):
    X, y, _ = table
    model = DNNRegressor(loss=loss, **SETTINGS).fit(X, y).model_
    if expected is None:
        assert model.loss is None
    else:
        its = float(np.mean(keras.losses.get(expected)(y[:, None], model(X))))
        assert model.evaluate(X, y, verbose=0)[0] == pytest.approx(its, rel=1e-4)


# ---------------------------------------------------------- a fit that lost


@pytest.mark.parametrize(
    ("loss", "quantile"),
    [
        *(("squared_error", None), ("absolute_error", None), ("huber", None), ("log_cosh", None)),
        *(("poisson", None), ("gamma", None), ("quantile", 0.9), ("quantile", [0.1, 0.9])),
    ],
)
def test_a_guess_costs_no_more_than_is_said(table, loss, quantile):
    X, y, _ = table
    zeros = {"hidden_layer_sizes": (), "kernel_initializer": "zeros", "optimizer": "sgd"}
    params = {**SETTINGS, **zeros, "epochs": 1, "learning_rate": 1e-30}
    net = DNNRegressor(loss=loss, quantile=quantile, **params).fit(X, y)
    assert 0.1 < net.history_["loss"][0] <= net._network.targets.chance_loss * (1 + 1e-5)


def test_a_loss_of_any_size_is_no_divergence_where_a_guess_is_unknown(table):
    X, y, _ = table
    settings = {"preset": "plain", "alpha": 1e9, "optimizer": "sgd", "learning_rate": 1e-30}
    net = DNNRegressor(loss="mean_squared_error", **settings)
    with pytest.warns(ConvergenceWarning, match="a guess has at most 1"):
        net.fit(X, y)
    assert OwnUnits(y, None).chance_loss == np.inf


def test_y_reaches_a_loss_of_keras_as_it_is(table):
    X, _, y = table  # 0 must not become a millionth: a loss may ask whether y is 0

    def where_zero(y_true, y_pred):
        return keras.ops.mean(keras.ops.where(y_true == 0, 1.0, 0.0) + 0 * y_pred, axis=-1)

    net = DNNRegressor(loss=where_zero, **SETTINGS).fit(X, y)
    assert net.history_["loss"][0] == pytest.approx(np.mean(y == 0))


def test_a_vector_does_not_broadcast_against_a_column(table):
    X, y, _ = table
    shapes = []

    def spy(y_true, y_pred):
        shapes.append((y_true.shape.as_list(), y_pred.shape.as_list()))
        return (y_true - y_pred) ** 2

    DNNRegressor(loss=spy, **SETTINGS).fit(X, y)
    assert shapes[0] == ([None, 1], [None, 1])
