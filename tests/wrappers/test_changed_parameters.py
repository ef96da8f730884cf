"""Parameters that change while the network stays: which are used, which have no effect."""

import pickle

import keras
import pytest
from keras.layers import Dense
from numpy.testing import assert_array_equal

from skdnn import KerasClassifier

pytestmark = pytest.mark.quick

SILENT = {"verbose": 0, "random_state": 0}


def build(units=4):
    return keras.Sequential([Dense(units, "relu"), Dense(3, "softmax")])


def build_other():
    return keras.Sequential([Dense(3, "softmax")])


@pytest.fixture(scope="module")
def fitted(iris):
    clf = KerasClassifier(build, units=4, optimizer__learning_rate=0.1, **SILENT)
    return clf.fit(*iris)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("model", build_other, r"model=.*\.build_other has no effect.* made with model=.*\.build:"),
        ("units", 5, "units=5 has no effect.* made with units=4:"),
        ("model__units", 5, "model__units=5 has no effect.* made with model__units=left out:"),
        ("optimizer", "adam", "optimizer='adam' has no effect"),
        ("optimizer", keras.optimizers.SGD(0.5), r"optimizer=SGD\(.*'learning_rate': 0.5"),
        ("optimizer__learning_rate", 0.2, r"0.2 has no effect.* set model_\.optimizer\.learning_r"),
        ("metrics", ["accuracy"], r"metrics=\['accuracy'\] has no effect"),
        ("random_state", 1, "random_state=1 has no effect"),
        ("compile__jit_compile", False, "compile__jit_compile=False has no effect"),
    ],
)
def test_a_warning_names_what_has_no_effect(fitted, iris, name, value, text):
    before = fitted.get_params()
    config, optimizer = fitted.model_.get_config(), fitted.model_.optimizer.get_config()
    with pytest.warns(UserWarning, match=f"^KerasClassifier continues to train .*{text}"):
        fitted.set_params(**{name: value}).partial_fit(*iris)
    assert fitted.model_.get_config() == config
    assert fitted.model_.optimizer.get_config() == optimizer
    if name in before:
        fitted.set_params(**{name: before[name]})
    else:
        delattr(fitted, name)


def test_other_parameters_are_used_without_a_warning(iris):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
    clf = KerasClassifier(build, optimizer=optimizer, loss=keras.losses.MeanSquaredError, **SILENT)
    clf = pickle.loads(pickle.dumps(clf.fit(*iris)))
    clf.set_params(warm_start=True, epochs=2, batch_size=50, validation_split=0.2, shuffle=False)
    clf.set_params(callbacks=keras.callbacks.History(), class_weight="balanced")
    clf.set_params(fit__validation_freq=1, optimizer=keras.optimizers.SGD(0.1, momentum=0.5))
    assert len(clf.fit(*iris).history_["loss"]) == 3
    assert len(clf.history_["val_loss"]) == 3


def test_the_learning_rate_is_changed_in_the_network(fitted, iris):
    before = fitted.model_.get_weights()
    fitted.model_.optimizer.learning_rate = 0.0
    for old, new in zip(before, fitted.partial_fit(*iris).model_.get_weights(), strict=True):
        assert_array_equal(old, new)


def test_partial_fit_calls_callbacks_with_the_number_of_the_epoch(iris):
    class Seen(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append("begin")

        def on_epoch_end(self, epoch, logs=None):
            seen.append(epoch)

    seen = []
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=100.0)
    clf = KerasClassifier(build, callbacks=[Seen(), stop], **SILENT)
    for _ in range(3):
        clf.partial_fit(*iris)
    assert seen == ["begin", 0, "begin", 1, "begin", 2]
    assert stop.stopped_epoch == 0
