"""`KerasClassifier` and `KerasRegressor`: networks of the user's own, as estimators."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
from keras.layers import LSTM, Concatenate, Conv2D, Dense, Dropout, Embedding, Flatten, Input
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csc_array, csr_array, dok_matrix, lil_matrix
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skdnn import KerasClassifier, KerasRegressor, _model_engine
from skdnn._programs import ProgramCache
from skdnn.wrappers import BaseWrapper

pytestmark = pytest.mark.quick

SILENT = {"verbose": 0, "random_state": 0}
FAST = {**SILENT, "epochs": 20, "optimizer": "adam", "optimizer__learning_rate": 0.05}


def build(units=8, dropout=0.0):
    model = keras.Sequential()
    model.add(Dense(units, activation="relu", name="hidden"))
    if dropout:
        model.add(Dropout(dropout))
    model.add(Dense(3, activation="softmax", name="output"))
    return model


def layers():
    return [Dense(8, activation="relu"), Dense(3, activation="softmax")]


def functional(n_features=4):
    inputs = Input((n_features,))
    return keras.Model(inputs, Dense(3, activation="softmax")(Dense(8, "relu")(inputs)))


WAYS = {
    "function": lambda: build,
    "list of layers": layers,
    "list that begins with its input": lambda: [Input((4,)), *layers()],
    "sequential": lambda: build(dropout=0.1),
    "functional": functional,
    "nothing": lambda: None,
}


# ------------------------------------------------------------------- three ways, and none at all


@pytest.fixture(params=WAYS)
def model(request):
    return WAYS[request.param]()


def test_each_way_to_give_a_network_learns(model, iris):
    clf = KerasClassifier(model, **FAST).fit(*iris)
    assert clf.score(*iris) > 0.9
    assert_allclose(clf.predict_proba(iris[0]).sum(axis=1), 1, rtol=1e-5)


def test_each_way_starts_anew_in_each_fit(model, iris):
    clf = KerasClassifier(model, **FAST)
    first = clf.fit(*iris).predict_proba(iris[0])
    assert_allclose(clf.fit(*iris).predict_proba(iris[0]), first, rtol=1e-4, atol=1e-6)
    assert_allclose(clone(clf).fit(*iris).predict_proba(iris[0]), first, rtol=1e-4, atol=1e-6)


def test_random_state_decides_the_weights_of_each_way(model, iris):
    one, two = (KerasClassifier(model, verbose=0, random_state=i).fit(*iris) for i in (0, 1))
    assert not np.allclose(one.predict_proba(iris[0]), two.predict_proba(iris[0]))


@pytest.mark.parametrize("way", ["list of layers", "sequential", "functional"])
def test_objects_given_as_a_network_are_only_read(way, iris):
    model = WAYS[way]()
    before = [layer.get_weights() for layer in getattr(model, "layers", model)]
    clf = KerasClassifier(model, **SILENT).fit(*iris)
    after = [layer.get_weights() for layer in getattr(model, "layers", model)]
    for old, new in zip(before, after, strict=True):
        assert all(map(np.array_equal, old, new))
    assert clf.model is model
    assert clone(clf).model is model


def test_arguments_of_the_build_function_can_be_searched(iris):
    grid = {"model__units": [4, 8], "model__dropout": [0.0, 0.5], "epochs": [1, 2]}
    search = GridSearchCV(KerasClassifier(build, **SILENT), grid, cv=2).fit(*iris)
    hidden = search.best_estimator_.model_.get_layer("hidden")
    assert hidden.units == search.best_params_["model__units"]


def test_dense_network_is_that_of_the_parameters(digits):
    images, digit = digits
    clf = KerasClassifier(
        model__hidden_layer_sizes=(16, 8),
        model__activation=["relu", "tanh"],
        model__dropout=0.1,
        model__batch_norm=True,
        model__alpha=0.01,
        **SILENT,
    ).fit(images, digit)
    names = [layer.name for layer in clf.model_.layers]
    assert names[:3] == ["flatten", "scaling", "hidden_1"]
    assert names[-4:] == [
        "hidden_2_batch_norm",
        "hidden_2_activation",
        "hidden_2_dropout",
        "output",
    ]
    assert clf.model_.get_layer("hidden_1").kernel_regularizer.l2 == pytest.approx(0.01)


def test_dense_network_learns_the_scale_of_rows_with_weight_alone(iris):
    X, y = iris
    X = np.vstack([X, X + 1000])
    weight = np.repeat([1.0, 0.0], len(y))
    clf = KerasClassifier(**SILENT).fit(X, np.tile(y, 2), sample_weight=weight)
    assert_allclose(clf.model_.get_layer("scaling").moving_mean, iris[0].mean(axis=0), rtol=1e-4)


def test_dense_network_without_scaling(iris):
    clf = KerasClassifier(model__scaling=None, **SILENT).fit(*iris)
    assert [layer.name for layer in clf.model_.layers] == ["hidden_1", "output"]


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("model__scaling", "robust", "model__scaling must be 'auto', 'standard', 'minmax' or None"),
        (
            "model__dropout",
            [0.1, 0.2],
            "model__dropout must be one value, or one for each of the 1",
        ),
        ("model__hiden", 3, "got an unexpected keyword argument 'hiden'.*"),
    ],
)
def test_bad_parameter_of_the_dense_network(iris, parameter, value, message):
    with pytest.raises((ValueError, TypeError), match=message):
        KerasClassifier(**{parameter: value}, **SILENT).fit(*iris)


def test_subclass_builds_by_a_method(iris):
    class Own(KerasClassifier):
        def _keras_build_fn(self, units, meta, compile_kwargs):
            model = build(units)
            model.compile(**compile_kwargs)
            assert meta["n_classes_"] == 3
            return model

    clf = Own(model__units=5, loss="sparse_categorical_crossentropy", **SILENT).fit(*iris)
    assert clf.model_.get_layer("hidden").units == 5


def test_subclass_without_a_network_says_what_it_needs(iris):
    class Own(KerasClassifier):
        pass

    with pytest.raises(ValueError, match=r"Own has no network to build.*`_keras_build_fn`"):
        Own().fit(*iris)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda: None, TypeError, "must return a Keras model. Got None: does it end with a return"),
        ([], ValueError, "must have at least one layer. Got an empty list"),
        ([Dense], TypeError, r"must be a list of Keras layers. Got .* write Dense\(...\)"),
        (3, TypeError, "``model`` must be a function that builds .* KerasClassifier got 3"),
    ],
)
def test_what_is_no_network(iris, model, error, message):
    with pytest.raises(error, match=message):
        KerasClassifier(model, **SILENT).fit(*iris)


def test_misspelt_argument_of_the_build_function(iris):
    with pytest.raises(TypeError, match=r"KerasClassifier was given .* Did you mean 'units'\?"):
        KerasClassifier(build, model__unit=3).fit(*iris)


# --------------------------------------------------------------------- weights that a model brings


@pytest.fixture
def trained():
    model = functional()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.layers[-1].bias.assign([3.0, 0.0, 0.0])
    return model


def test_initialized_estimator_predicts_as_the_model_that_it_was_given(trained, iris):
    X, y = iris
    clf = KerasClassifier(trained, **SILENT).initialize(X, y)
    assert_allclose(clf.predict_proba(X), trained.predict(X, verbose=0), rtol=1e-5)


def test_training_goes_on_from_weights_that_were_trained(trained, iris):
    clf = KerasClassifier(trained, **SILENT).fit(*iris)
    assert clf.model_.layers[-1].bias.numpy()[0] == pytest.approx(3, abs=0.1)
    assert_array_equal(trained.layers[-1].bias.numpy(), [3.0, 0.0, 0.0])


def test_frozen_layers_stay_frozen(trained, iris):
    trained.layers[1].trainable = False
    clf = KerasClassifier(trained, **SILENT).fit(*iris)
    assert_array_equal(clf.model_.layers[1].kernel.numpy(), trained.layers[1].kernel.numpy())


def test_compiled_model_keeps_its_own_loss_optimizer_and_metrics(iris):
    model = functional()
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    clf = KerasClassifier(model, optimizer="adam", **SILENT).fit(*iris)
    assert clf.model_.optimizer is not optimizer
    assert clf.model_.optimizer.momentum == 0.9
    assert set(clf.history_) == {"loss", "accuracy"}
    assert int(optimizer.iterations) == 0


# ------------------------------------------------------------------------- losses and what they say


@pytest.mark.parametrize(
    ("kind", "last", "loss"),
    [
        ("labels", Dense(3, activation="softmax"), "sparse_categorical_crossentropy"),
        ("two labels", Dense(1, activation="sigmoid"), "binary_crossentropy"),
        ("two labels", Dense(2, activation="softmax"), "sparse_categorical_crossentropy"),
        ("several labels", Dense(3, activation="sigmoid"), "binary_crossentropy"),
        ("one-hot", Dense(3, activation="softmax"), "categorical_crossentropy"),
    ],
)
def test_loss_suits_labels_and_output_layer(iris, kind, last, loss):
    X, y = iris
    one_hot = np.eye(3, dtype=int)[y]
    targets = {
        "labels": np.array(["a", "b", "c"])[y],
        "two labels": y > 0,
        "several labels": np.vstack([one_hot[:-1], [[1, 1, 0]]]),
        "one-hot": one_hot,
    }
    clf = KerasClassifier([Dense(4), last], **SILENT).fit(X, targets[kind])
    assert clf.model_.loss.name == loss
    assert clf.predict(X).shape == targets[kind].shape
    assert clf.predict_proba(X[:1]).shape == (1, 2 if kind == "two labels" else 3)


@pytest.mark.parametrize("units", [1, 2, 3])
def test_logits_become_probabilities(iris, units):
    X, y = iris
    y = y if units == 3 else y > 0
    clf = KerasClassifier([Dense(units)], **FAST).fit(X, y)
    assert clf.model_.loss.from_logits
    proba = clf.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert proba.min() >= 0
    assert_array_equal(clf.classes_[proba.argmax(axis=1)], clf.predict(X))


def test_one_label_per_row_is_not_one_hot_with_a_binary_loss(iris):
    X, y = iris
    outputs = [Dense(3, activation="sigmoid")]
    clf = KerasClassifier(outputs, loss="binary_crossentropy", **SILENT).fit(
        X, np.eye(3, dtype=int)[y]
    )
    assert set(np.unique(clf.predict(X).sum(axis=1))) != {1}


def test_labels_suit_a_loss_that_the_network_was_compiled_with(iris):
    model = functional()
    model.compile("adam", "categorical_crossentropy")
    clf = KerasClassifier(model, **SILENT).fit(*iris)
    assert set(clf.predict(iris[0])) <= {0, 1, 2}


def test_function_that_asks_for_the_compile_arguments_decides_on_the_loss(iris):
    def own(compile_kwargs):
        return build()

    with pytest.raises(ValueError, match="must provide a loss"):
        KerasClassifier(own, **SILENT).fit(*iris)


@pytest.mark.parametrize(
    ("wrapper", "y", "message"),
    [
        (
            KerasClassifier,
            np.arange(150) % 5,
            r"3 values for each sample, but y has 5 classes: end",
        ),
        (KerasRegressor, np.arange(150.0), r"3 values for each sample, but y has 1: .*Dense\(1\)"),
    ],
)
def test_network_whose_output_does_not_suit_y(iris, wrapper, y, message):
    with pytest.raises(ValueError, match=message):
        wrapper(layers(), **SILENT).fit(iris[0], y)


def test_one_class_alone(iris):
    clf = KerasClassifier(**SILENT).fit(iris[0], np.full(150, "only"))
    assert_array_equal(clf.predict(iris[0][:2]), ["only", "only"])
    assert_array_equal(clf.predict_proba(iris[0][:2]), [[1], [1]])


# ------------------------------------------------------------------- what goes in and comes out


def test_images_go_in_as_they_are(digits):
    images, digit = digits
    convolution = [Conv2D(4, 3, activation="relu"), Flatten(), Dense(10, activation="softmax")]
    clf = KerasClassifier(convolution, **SILENT).fit(images[..., np.newaxis], digit)
    assert clf.X_shape_ == (600, 8, 8, 1)
    assert clf.predict_proba(images[:1, ..., np.newaxis]).shape == (1, 10)


def test_recurrent_network(rng):
    words = rng.integers(20, size=(40, 6))
    network = [Embedding(20, 4), LSTM(5), Dense(1, activation="sigmoid")]
    clf = KerasClassifier(network, **SILENT).fit(words, np.arange(40) % 2)
    again = clone(clf).fit(words, np.arange(40) % 2)
    assert_allclose(clf.predict_proba(words), again.predict_proba(words), rtol=1e-4)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def two_inputs(structure):
    left, right = Input((4,), name="left"), Input((2,), name="right")
    output = Dense(3, activation="softmax")(Concatenate()([left, right]))
    return keras.Model(structure(left, right), output)


INPUTS = {
    "dict": lambda left, right: {"left": left, "right": right},
    "tuple": lambda left, right: (left, right),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_several_inputs(kind, iris):
    X, y = iris
    structure = INPUTS[kind]
    model = two_inputs(structure if kind == "dict" else lambda *both: list(both))
    both = structure(X, X[:, :2])
    clf = KerasClassifier(model, **FAST).set_params(epochs=40)
    clf.fit(both, y, sample_weight=np.arange(150) % 3)
    assert clf.score(both, y) > 0.8
    assert clf.X_shape_ == structure((150, 4), (150, 2))
    assert_allclose(clf.partial_fit(both, y).predict_proba(both).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 4)), "X is one input, but KerasClassifier was fitted on several"),
        ({"left": np.ones((2, 4))}, r"X has the inputs \['left'\], but .* on \['left', 'right'\]"),
        (
            {"left": np.ones((2, 4)), "right": np.ones((2, 3))},
            "X has shape .* expecting X of shape",
        ),
    ],
)
def test_other_inputs_than_in_fit(iris, X, message):
    model = two_inputs(INPUTS["dict"])
    clf = KerasClassifier(model, **SILENT).fit({"left": iris[0], "right": iris[0][:, :2]}, iris[1])
    with pytest.raises(ValueError, match=message):
        clf.predict(X)


def test_several_inputs_through_a_feature_encoder(iris):
    class Own(KerasClassifier):
        @property
        def feature_encoder(self):
            return FunctionTransformer(lambda X: [X, X[:, :2]])

    clf = Own(two_inputs(lambda *both: list(both)), **SILENT)
    assert cross_val_score(clf, *iris, cv=2).shape == (2,)


def test_each_output_learns_a_column(iris):
    X = iris[0]
    inputs = Input((4,))
    outputs = [Dense(1, name="first")(inputs), Dense(1, name="second")(inputs)]
    reg = KerasRegressor(keras.Model(inputs, outputs), **FAST).fit(X, X[:, :2])
    assert set(reg.history_) == {"loss", "first_loss", "second_loss"}
    assert reg.predict(X[:1]).shape == (1, 2)
    assert reg.score(X, X[:, :2]) > -1


class TwoKinds(TransformerMixin, BaseEstimator):
    """Each column of y is a kind of its own, and an output of the network."""

    def fit(self, y):
        return self

    def transform(self, y):
        return [y[:, 0], y[:, 1]]

    def inverse_transform(self, outputs, return_proba=False):
        return outputs if return_proba else np.column_stack([x.argmax(axis=1) for x in outputs])

    def get_metadata(self):
        return {"n_outputs_": 2, "n_outputs_expected_": 2}


class TwoKindsClassifier(KerasClassifier):
    @property
    def target_encoder(self):
        return TwoKinds()

    @staticmethod
    def scorer(y_true, y_pred, **kwargs):
        return float((y_true == y_pred).mean())


def test_classifier_of_several_outputs(iris):
    X, y = iris[0], np.column_stack([iris[1], iris[1] % 2])
    inputs = Input((4,))
    outputs = [Dense(n, activation="softmax", name=f"kind_{n}")(inputs) for n in (3, 2)]
    model = keras.Model(inputs, outputs)
    losses = dict.fromkeys(["kind_3", "kind_2"], "sparse_categorical_crossentropy")
    clf = TwoKindsClassifier(model, loss=losses, metrics={"kind_3": ["accuracy"]}, **FAST)
    clf.fit(X, y, sample_weight=np.arange(150) % 2)
    assert clf.score(X, y) > 0.6
    assert [proba.shape for proba in clf.predict_proba(X)] == [(150, 3), (150, 2)]
    assert set(clf.history_) == {"loss", "kind_3_loss", "kind_2_loss", "kind_3_accuracy"}
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(X), clf.predict(X))


def test_autoencoder_of_images(digits):
    images = digits[0][:50]
    network = [Flatten(), Dense(64), keras.layers.Reshape((8, 8))]
    assert (
        KerasRegressor(network, **SILENT).fit(images, images).predict(images).shape == images.shape
    )


@pytest.mark.parametrize("kind", [csr_array, csc_array, coo_array, dok_matrix, lil_matrix])
def test_sparse_rows_are_the_rows_that_they_are(iris, kind):
    X, y = iris
    weight = np.arange(150) % 3
    dense = KerasClassifier(layers(), validation_split=0.2, **FAST).fit(X, y, sample_weight=weight)
    sparse = clone(dense).fit(kind(X), y, sample_weight=weight)
    assert_allclose(sparse.predict_proba(kind(X)), dense.predict_proba(X), rtol=1e-3, atol=1e-5)
    assert_allclose(sparse.history_["val_loss"], dense.history_["val_loss"], rtol=1e-3)


def test_names_of_columns_are_checked(iris):
    X = pd.DataFrame(iris[0], columns=list("abcd"))
    clf = KerasClassifier(**SILENT).fit(X, iris[1])
    assert_array_equal(clf.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(X[list("dcba")])


def test_other_dtype_in_predict(iris):
    X = iris[0].round()
    clf = KerasClassifier(**SILENT).fit(X.astype(int), iris[1])
    assert_array_equal(clf.predict(X), clf.predict(X.astype(int)))


def test_longer_labels_in_a_later_batch(iris):
    X, y = iris
    clf = KerasClassifier(**SILENT)
    clf.partial_fit(X, np.where(y == 0, "a", "b"), classes=["b", "a", "long"])
    assert_array_equal(
        clf.partial_fit(X, np.where(y == 0, "a", "long")).classes_, ["a", "b", "long"]
    )


def test_other_classes_than_in_the_first_call(iris):
    clf = KerasClassifier(**SILENT).partial_fit(*iris)
    with pytest.raises(ValueError, match=r"must be those of the first call, \[0, 1, 2\]. Got \[0"):
        clf.partial_fit(*iris, classes=[0, 1])


# -------------------------------------------------------------------------------------- training


def test_partial_fit_and_fit_train_the_same(iris):
    fitted = KerasClassifier(build, verbose=0, random_state=0, epochs=3, model__dropout=0.5)
    fitted.fit(*iris)
    steps = clone(fitted)
    for epoch in range(3):
        assert steps.current_epoch == epoch
        steps.partial_fit(*iris)
    assert_allclose(steps.predict_proba(iris[0]), fitted.predict_proba(iris[0]), rtol=1e-4)
    assert_allclose(steps.history_["loss"], fitted.history_["loss"], rtol=1e-4)


def test_warm_start_keeps_the_network_and_its_classes(iris):
    clf = KerasClassifier(build, warm_start=True, **SILENT).fit(*iris)
    model = clf.model_
    assert clf.fit(*iris).model_ is model
    assert_array_equal(clf.classes_, [0, 1, 2])
    assert clf.current_epoch == 1


def test_history_has_metrics_by_their_full_names(diabetes):
    reg = KerasRegressor(metrics=["mae"], validation_split=0.2, epochs=2, **SILENT)
    history = reg.fit(*diabetes).history_
    metric = "mean_absolute_error"
    assert set(history) == {"loss", metric, "val_loss", f"val_{metric}"}
    assert all(len(values) == 2 for values in history.values())


def test_validation_data_are_encoded_as_training_data_are(iris):
    X, y = iris
    y = np.array(["a", "b", "c"])[y]
    clf = KerasClassifier(build, shuffle=False, **SILENT).fit(X, y, validation_data=(X, y))
    expected = clf.model_.evaluate(X, iris[1], verbose=0)
    assert clf.history_["val_loss"][0] == pytest.approx(expected, rel=1e-4)


def test_weight_of_two_is_the_row_twice(iris):
    X, y = iris
    weight = np.arange(150) % 3
    clf = KerasClassifier(build, batch_size=-1, **FAST)
    weighted = clone(clf).fit(X, y, sample_weight=weight)
    repeated = clone(clf).fit(X.repeat(weight, axis=0), y.repeat(weight))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-2, atol=1e-4)


def test_class_weight_leaves_the_weights_of_the_user_alone(iris):
    weight = np.ones(150)
    KerasClassifier(build, class_weight={0: 5, 1: 1, 2: 1}, **SILENT).fit(
        *iris, sample_weight=weight
    )
    assert_array_equal(weight, 1)


def test_class_whose_rows_have_no_weight_is_still_a_class(iris):
    X, y = iris
    clf = KerasClassifier(build, **FAST).fit(X, y, sample_weight=y != 2)
    assert_array_equal(clf.classes_, [0, 1, 2])
    assert set(clf.predict(X)) == {0, 1}
    assert clf.score(X, y, sample_weight=y != 2) > 0.9


def test_row_of_weight_zero_is_as_if_it_were_not_there(iris):
    X, y = iris
    weight = np.arange(150) % 2
    weighted = KerasClassifier(build, **FAST).fit(X, y, sample_weight=weight)
    fewer = KerasClassifier(build, **FAST).fit(X[weight > 0], y[weight > 0])
    assert_allclose(weighted.predict_proba(X), fewer.predict_proba(X), rtol=1e-3, atol=1e-5)


def test_validation_data_may_be_lists_with_weights(iris):
    X, y = iris
    weight = np.where(y == 0, 1.0, 0.0)
    clf = KerasClassifier(build, **FAST)
    clf.fit(X, y, validation_data=(X.tolist(), y.tolist(), weight.tolist()))
    first = clf.model_.evaluate(X, y, sample_weight=weight, verbose=0)
    assert clf.history_["val_loss"][-1] == pytest.approx(first, rel=1e-4)


def test_validation_data_may_be_a_data_set_of_tensorflow(iris):
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((iris[0].astype("float32"), iris[1])).batch(16)
    clf = KerasClassifier(build, **SILENT).fit(*iris, validation_data=batches)
    expected = clf.model_.evaluate(*iris, verbose=0)
    assert clf.history_["val_loss"] == pytest.approx([expected], rel=1e-4)


def test_zero_weight_for_all(iris):
    with pytest.raises(ValueError, match="only zeros were passed in sample_weight"):
        KerasClassifier(build).fit(*iris, sample_weight=np.zeros(150))


def test_random_state_instance_gives_each_fit_another_seed(iris):
    clf = KerasClassifier(build, verbose=0, random_state=np.random.RandomState(0))
    first = clf.fit(*iris).predict_proba(iris[0])
    assert not np.allclose(clf.fit(*iris).predict_proba(iris[0]), first)


def test_global_seed_of_keras_decides_where_there_is_no_random_state(iris):
    def proba():
        keras.utils.set_random_seed(3)
        return KerasClassifier(build, verbose=0).fit(*iris).predict_proba(iris[0])

    assert_allclose(proba(), proba(), rtol=1e-5)


# ---------------------------------------------------------------------- parameters that are routed


def test_optimizer_by_name_takes_routed_arguments(iris):
    clf = KerasClassifier(build, optimizer="sgd", optimizer__momentum=0.5, **SILENT).fit(*iris)
    assert clf.model_.optimizer.momentum == 0.5
    clf.set_params(optimizer__momentum=0.7).fit(*iris)
    assert clf.model_.optimizer.momentum == 0.7


def test_optimizer_object_is_only_read(iris):
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5))
    clf = KerasClassifier(build, optimizer=optimizer, **SILENT).fit(*iris).fit(*iris)
    clone(clf).fit(*iris)
    assert not optimizer.built
    assert float(clf.model_.optimizer.learning_rate) == pytest.approx(0.05)


def test_metric_object_is_only_read(iris):
    metric = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")
    clf = KerasClassifier(build, metrics=[metric], **SILENT).fit(*iris)
    assert clf.history_["top_2"][0] > 0
    assert float(metric.result()) == 0


@pytest.mark.parametrize("prefix", ["", "fit__"])
def test_callback_class_takes_routed_arguments(iris, prefix):
    callback = {
        f"{prefix}callbacks": {"stop": keras.callbacks.EarlyStopping},
        f"{prefix}callbacks__stop__monitor": "loss",
        f"{prefix}callbacks__stop__min_delta": 100,
    }
    clf = KerasClassifier(build, epochs=9, **callback, **SILENT).fit(*iris)
    assert clf.current_epoch == 2
    assert (
        clone(clf).set_params(**{f"{prefix}callbacks__stop__patience": 3}).fit(*iris).current_epoch
        == 4
    )


def test_arguments_of_fit_count_more_than_parameters(iris):
    clf = KerasClassifier(build, epochs=5, fit__epochs=4, **SILENT)
    assert clf.fit(*iris).current_epoch == 4
    assert clf.fit(*iris, epochs=2).current_epoch == 2
    assert clf.get_params()["epochs"] == 5


def test_batch_size_of_all_rows(iris):
    sizes = []

    class Batch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            sizes.append(self.params["steps"])

    KerasClassifier(build, batch_size=-1, callbacks=Batch(), **SILENT).fit(*iris)
    assert sizes == [1]


def test_score_takes_routed_arguments(iris):
    clf = KerasClassifier(build, score__normalize=False, **FAST).fit(*iris)
    assert clf.score(*iris) > 100


def test_unknown_parameter():
    with pytest.raises(ValueError, match="Invalid parameter units for estimator KerasClassifier"):
        KerasClassifier(build).set_params(units=3)


@pytest.mark.parametrize("name", ["epochs", "initial_epoch"])
def test_partial_fit_trains_one_epoch(iris, name):
    with pytest.raises(TypeError, match=f"Invalid argument `{name}` to `partial_fit` of Keras"):
        KerasClassifier(build).partial_fit(*iris, **{name: 2})


# ------------------------------------------------------------------------ among other estimators


@pytest.mark.parametrize(
    "ensemble",
    [
        lambda clf: VotingClassifier([("a", clf), ("b", clone(clf))], voting="soft"),
        lambda clf: StackingClassifier([("a", clf)], cv=2),
        lambda clf: VotingClassifier([("a", clf), ("b", clone(clf))]),
        lambda clf: CalibratedClassifierCV(clf, cv=2),
        lambda clf: CalibratedClassifierCV(clf, cv=2, method="isotonic", ensemble=False),
        lambda clf: OneVsRestClassifier(clf.set_params(model=None)),
        lambda clf: AdaBoostClassifier(clf, n_estimators=2),
        lambda clf: make_pipeline(StandardScaler(), clf),
    ],
    ids=[
        "soft voting",
        "stacking",
        "hard voting",
        "calibrated",
        "calibrated once",
        "one against the rest",
        "boosted",
        "pipeline",
    ],
)
def test_in_an_estimator_of_scikit_learn(ensemble, iris):
    X, y = iris[0], np.array(["a", "b", "c"])[iris[1]]
    assert ensemble(KerasClassifier(build, **FAST)).fit(X, y).score(X, y) > 0.5


def test_regressors_in_a_bag(diabetes):
    reg = KerasRegressor([Dense(8, activation="relu"), Dense(1)], **SILENT)
    bag = BaggingRegressor(reg, n_estimators=2, random_state=0).fit(*diabetes)
    assert bag.predict(diabetes[0]).shape == (442,)


def test_weights_are_routed_to_fit_and_score(iris):
    X, y = iris
    with sklearn.config_context(enable_metadata_routing=True):
        clf = KerasClassifier(build, **SILENT).set_fit_request(sample_weight=True)
        clf.set_score_request(sample_weight=True)
        search = GridSearchCV(clf, {"epochs": [1, 2]}, cv=2)
        assert search.fit(X, y, sample_weight=np.arange(150) % 2 + 1).best_params_
        for twin in (clone(clf), pickle.loads(pickle.dumps(clf))):
            assert twin.get_metadata_routing().fit.requests == {"sample_weight": True}


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_before_fit(iris, method):
    X, y = iris
    arguments = (X, y) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match="needs to be fit before `predict` can be called"):
        getattr(KerasClassifier(build), method)(*arguments)


def test_a_wrapper_of_another_kind(rng):
    X = rng.random((20, 4))
    wrapper = BaseWrapper([Dense(2), Dense(4)], loss="mse", verbose=0).fit(X, X)
    assert wrapper.predict(X).shape == (20, 4)
    with pytest.raises(NotImplementedError, match="Scoring is not implemented"):
        wrapper.score(X, X)


@pytest.mark.parametrize(
    "compiled",
    [
        {},
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        {"loss": keras.losses.sparse_categorical_crossentropy},
        {"loss": keras.losses.SparseCategoricalCrossentropy, "metrics": ["accuracy"]},
    ],
    ids=["loss chosen by skdnn", "loss by name", "loss as function", "loss as class"],
)
def test_fits_of_one_build_function_share_a_program(compiled, iris, monkeypatch):
    cache = ProgramCache(maxsize=4)
    monkeypatch.setattr(_model_engine, "PROGRAMS", cache)
    for rate in (0.1, 0.01):
        KerasClassifier(build, optimizer__learning_rate=rate, **compiled, **SILENT).fit(*iris)
    assert len(cache._idle) == 1
    cache.trim(0)
