"""Parameters that are routed to other objects, and their names."""

import keras
import pytest
from keras.layers import Dense, Dropout
from sklearn.base import clone

from skdnn import KerasClassifier
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
