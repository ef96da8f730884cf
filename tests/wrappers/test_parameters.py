"""Parameters that are routed to other objects, and their names."""

import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from skdnn import KerasClassifier, KerasRegressor
from skdnn.wrappers.callback_parameters import callback_params
from skdnn.wrappers.parameters import instantiate

SILENT = {"verbose": 0, "random_state": 0}
FAST = {**SILENT, "epochs": 20, "optimizer": "adam", "optimizer__learning_rate": 0.05}


def build(units=8, dropout=0.0):
    model = keras.Sequential()
    model.add(Dense(units, activation="relu", name="hidden"))
    if dropout:
        model.add(Dropout(dropout))
    model.add(Dense(3, activation="softmax", name="output"))
    return model


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


def test_parameters_of_callbacks_are_found_by_their_prefix():
    names = ["callbacks", "callbacks__monitor", "fit__callbacks", "predict__callbacks__0__x"]
    others = ["model__n_callbacks", "n_callbacks", "fit__x", "callbacks_like", "score__callbacks"]
    params = dict.fromkeys([*names, *others], 1)
    assert list(callback_params(params)) == names


def test_arguments_of_fit_take_precedence_over_parameters(iris):
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


def test_error_for_an_unknown_parameter():
    with pytest.raises(ValueError, match="Invalid parameter units for estimator KerasClassifier"):
        KerasClassifier(build).set_params(units=3)


@pytest.mark.parametrize("name", ["epochs", "initial_epoch"])
def test_partial_fit_trains_one_epoch(iris, name):
    with pytest.raises(TypeError, match=f"Invalid argument `{name}` to `partial_fit` of Keras"):
        KerasClassifier(build).partial_fit(*iris, **{name: 2})


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A class with a positional argument and one that is a class itself."""

    def __init__(self, first, inner=None):
        self.first, self.inner = first, inner


@pytest.mark.parametrize(
    ("value", "arguments", "expected"),
    [
        (Schedule, {"0": 1, "inner": 2}, [(1, 2)]),
        (Schedule, {"first": 1, "inner": Schedule, "inner__first": 3}, [(1, (3, None))]),
        ([Schedule, Schedule], {"first": 1, "1__first": 2}, [(1, None), (2, None)]),
        ({"a": Schedule}, {"a__first": 1}, [(1, None)]),
        ([], {}, []),
    ],
    ids=["position", "nested", "list", "dict", "nothing"],
)
def test_arguments_are_routed_to_classes(value, arguments, expected):
    def settings(made):
        return (made.first, settings(made.inner)) if isinstance(made, Schedule) else made

    made = instantiate(value, arguments)
    made = list(made.values()) if isinstance(made, dict) else made
    assert [settings(x) for x in (made if isinstance(made, list) else [made])] == expected


def test_error_where_an_argument_is_routed_to_an_object():
    with pytest.raises(TypeError, match="can be routed to a class, but not to the object 3"):
        instantiate(3, {"first": 1})


@pytest.mark.parametrize(
    ("value", "name", "known"),
    [
        ({"stop": dict}, "end__patience", r"'end' is not one of the keys of the dict, \['stop'\]"),
        ([dict, dict], "2__patience", r"'2' is not one of the positions in the list, \['0', '1'\]"),
        ({"stop": [dict]}, "stop__1__patience", r"'1' is not one of the positions"),
        (
            dict,
            "stop__patience",
            r"'stop' is not one of the arguments given to <class 'dict'>, \[\]",
        ),
        ("object", "stop__patience", "'stop' is not one of the arguments given to 'object'"),
    ],
)
def test_error_where_nothing_takes_a_routed_argument(value, name, known):
    with pytest.raises(TypeError, match=f"Nothing takes the routed argument .*: {known}"):
        instantiate(value, {name: 3})


def test_an_argument_without_a_key_goes_to_every_item():
    made = instantiate({"a": dict, "b": dict}, {"patience": 3, "a__patience": 5})
    assert made == {"a": {"patience": 5}, "b": {"patience": 3}}


# --------------------------------------------------------------------------- invalid values


ONE_OR_MORE = r"an int in the range \[1, inf\)"
INVALID = {
    "epochs": ([0, -1, 2.5, "10", None], ONE_OR_MORE),
    "batch_size": ([0, -2, 1.5, "32"], ONE_OR_MORE + r", .*{-1} or None"),
    "validation_batch_size": ([0, -2], ONE_OR_MORE),
    "validation_split": ([1.0, 1.5, -0.1, "0.1"], r"a float in the range \[0.0, 1.0\) or None"),
    "verbose": ([-1, "yes", 0.5], "an int in the range"),
    "shuffle": (["yes", 1.5, None], "an instance of 'bool'"),
    "warm_start": (["yes", None], "an instance of 'bool'"),
    "run_eagerly": (["yes"], "an instance of 'bool'"),
    "random_state": ([-1, "seed"], "an int in the range"),
    "optimizer": ([{}, 3], "an instance of 'str'"),
    "loss": ([3], "an instance of 'str'"),
    "metrics": ([3], "an instance of 'str'"),
}
CASES = [(name, value, text) for name, (values, text) in INVALID.items() for value in values]
METHODS = {
    "fit": lambda model, X, y: model.fit(X, y),
    "partial_fit": lambda model, X, y: model.partial_fit(X, y),
    "initialize": lambda model, X, y: model.initialize(X, y),
}


@pytest.mark.parametrize("cls", [KerasClassifier, KerasRegressor])
@pytest.mark.parametrize(("name", "value", "expected"), CASES)
def test_error_for_an_invalid_parameter(iris, cls, name, value, expected):
    message = f"The '{name}' parameter of {cls.__name__} must be .*{expected}.* Got .* instead"
    with pytest.raises(InvalidParameterError, match=message):
        cls(**{name: value}).fit(*iris)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_that_builds_a_network_validates_parameters(iris, method):
    with pytest.raises(InvalidParameterError, match="The 'batch_size' parameter of KerasClass"):
        METHODS[method](KerasClassifier(batch_size=0), *iris)


@pytest.mark.parametrize("value", ["balance", 3, 0.5])
def test_error_for_an_invalid_class_weight_names_the_estimator(iris, value):
    with pytest.raises(InvalidParameterError, match="The 'class_weight' parameter of KerasClas"):
        KerasClassifier(class_weight=value).fit(*iris)


def test_error_for_a_list_of_class_weights(iris):
    with pytest.raises(ValueError, match=r"class_weight={label: weight, ...}. Got \[1, 2\]"):
        KerasClassifier(class_weight=[1, 2]).fit(*iris)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("initial_epoch", -1),
        ("batch_size", 0),
        ("validation_split", 2),
        ("verbose", "loud"),
        ("validation_freq", 0),
        ("steps_per_epoch", 0),
        ("validation_steps", 0),
        ("shuffle", 3),
    ],
)
def test_error_for_an_invalid_argument_of_fit(iris, name, value):
    expected = "must be .* Got .* instead"
    message = f"The '{name}' parameter of KerasClassifier.fit {expected}"
    with pytest.raises(InvalidParameterError, match=message):
        KerasClassifier().fit(*iris, **{name: value})
    routed = f"fit__{name}"
    message = f"The '{routed}' parameter of KerasClassifier {expected}"
    with pytest.raises(InvalidParameterError, match=message):
        KerasClassifier(**{routed: value}).fit(*iris)


def test_error_for_an_invalid_argument_of_predict(iris):
    clf = KerasClassifier(build, **SILENT).fit(*iris)
    with pytest.raises(
        InvalidParameterError, match=r"'batch_size' parameter of KerasClassifier\.p"
    ):
        clf.predict(iris[0], batch_size=0)
    with pytest.raises(InvalidParameterError, match="'predict__batch_size' parameter of KerasC"):
        clf.set_params(predict__batch_size=0).predict_proba(iris[0])


def test_valid_values_of_every_kind(iris):
    clf = KerasClassifier(
        build,
        epochs=np.int64(2),
        batch_size=np.int32(50),
        validation_batch_size=-1,
        validation_split=0.2,
        shuffle=np.True_,
        verbose=False,
        run_eagerly=None,
        random_state=np.random.RandomState(0),
        class_weight={0: 1, 1: 2, 2: 1},
    ).fit(*iris)
    assert clf.current_epoch == 2


def test_an_invalid_parameter_leaves_the_fitted_state(iris):
    clf = KerasClassifier(build, **SILENT).fit(*iris)
    model = clf.model_
    with pytest.raises(InvalidParameterError):
        clf.set_params(epochs=0).fit(*iris)
    assert clf.model_ is model
