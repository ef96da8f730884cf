"""The ways to give a network: functions, models, layers, and none."""

import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout, Input
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skdnn import KerasClassifier

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


@pytest.fixture(params=WAYS)
def model(request):
    return WAYS[request.param]()


def test_each_way_to_give_a_network_learns(model, iris):
    clf = KerasClassifier(model, **FAST).fit(*iris)
    assert clf.score(*iris) > 0.9
    assert_allclose(clf.predict_proba(iris[0]).sum(axis=1), 1, rtol=1e-5)


def test_each_fit_trains_a_new_network(model, iris):
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


# -------------------------------------------------------------------------------- the dense network


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
        (
            "model__scaling",
            "pixelwise",
            "model__scaling must be .auto., .standard., .minmax., .robust.",
        ),
        (
            "model__dropout",
            [0.1, 0.2],
            "model__dropout must be one value, or one for each of the 1",
        ),
        ("model__hiden", 3, "got an unexpected keyword argument 'hiden'.*"),
    ],
)
def test_error_for_an_invalid_parameter_of_the_dense_network(iris, parameter, value, message):
    with pytest.raises((ValueError, TypeError), match=message):
        KerasClassifier(**{parameter: value}, **SILENT).fit(*iris)


# ---------------------------------------------------------------------------- subclasses and errors


def test_subclass_builds_by_a_method(iris):
    class Own(KerasClassifier):
        def _keras_build_fn(self, units, meta, compile_kwargs):
            model = build(units)
            model.compile(**compile_kwargs)
            assert meta["n_classes_"] == 3
            return model

    clf = Own(model__units=5, loss="sparse_categorical_crossentropy", **SILENT).fit(*iris)
    assert clf.model_.get_layer("hidden").units == 5


def test_error_where_a_subclass_has_no_network(iris):
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
def test_error_where_model_is_not_a_network(iris, model, error, message):
    with pytest.raises(error, match=message):
        KerasClassifier(model, **SILENT).fit(*iris)


def test_misspelt_argument_of_the_build_function(iris):
    with pytest.raises(
        TypeError, match=r"KerasClassifier was given .*: did you mean 'model__units'\?"
    ):
        KerasClassifier(build, model__unit=3).fit(*iris)


# ---------------------------------------------------------------------------- weights of a template


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


def test_training_starts_from_weights_that_were_trained(trained, iris):
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
    with pytest.warns(UserWarning, match="optimizer='adam' has no effect"):
        clf = KerasClassifier(model, optimizer="adam", **SILENT).fit(*iris)
    assert clf.model_.optimizer is not optimizer
    assert clf.model_.optimizer.momentum == 0.9
    assert set(clf.history_) == {"loss", "accuracy"}
    assert int(optimizer.iterations) == 0
