"""Why a slower way of training was taken is said, and errors of skdnn are not taken for reasons."""

import logging

import keras
import numpy as np
import pytest

from skdnn import DNNClassifier
from skdnn._training import keras_fit, keras_program
from skdnn._training.keras_program_key import ModelProgramKey, NotDescribedError
from skdnn.wrappers import KerasClassifier


class BugError(Exception):
    """What no part of Keras raises."""


class Halves(keras.initializers.Initializer):
    """An initialiser that Keras cannot find by name."""

    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, 0.5, dtype)


class Unwritten(Halves):
    def get_config(self):
        raise KeyError("no configuration")


class EachBatch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def wrapper(initializer="glorot_uniform", **settings):
    layers = [keras.layers.Dense(3, "softmax", kernel_initializer=initializer)]
    settings = {"optimizer": "sgd", "epochs": 2, "shuffle": False, "verbose": 0, **settings}
    return KerasClassifier(layers, random_state=0, **settings)


def reasons(caplog, start):
    return [text for text in caplog.messages if text.startswith(start)]


@pytest.mark.parametrize("initializer", [Halves(), Unwritten()], ids=["unknown", "unwritten"])
def test_a_program_of_one_fit_says_why(iris, initializer, caplog, capsys):
    caplog.set_level(logging.DEBUG, "skdnn")

    def build():
        dense = keras.layers.Dense(3, "softmax", kernel_initializer=initializer)
        return keras.Sequential([keras.Input((4,)), dense])

    settings = {"optimizer": "sgd", "epochs": 2, "shuffle": False, "verbose": 0}
    fitted = KerasClassifier(build, loss="sparse_categorical_crossentropy", **settings).fit(*iris)
    start = "Compiling a program for one fit alone: "
    assert len(reasons(caplog, start)) == 1
    assert reasons(caplog, start)[0].removeprefix(start)
    assert capsys.readouterr().out == ""
    fitted.set_params(verbose=2).fit(*iris)
    printed = capsys.readouterr().out
    assert "in the compiled loop, which is compiled for this fit alone: " in printed
    X, y = iris
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.set_weights([np.full((4, 3), 0.5), np.zeros(3)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    expected = model.fit(X, y, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(fitted.history_["loss"], expected, rtol=1e-4)


def test_a_shared_program_gives_no_reason(iris, caplog, capsys):
    caplog.set_level(logging.DEBUG, "skdnn")
    wrapper(verbose=2).fit(*iris)
    assert not reasons(caplog, "Compiling a program for one fit alone")
    assert capsys.readouterr().out.startswith("Training in the compiled loop.\n")
    caplog.clear()
    wrapper().fit(*iris)
    assert not reasons(caplog, "Compiling")


def test_the_fit_of_keras_says_why(iris, caplog, capsys):
    caplog.set_level(logging.DEBUG, "skdnn")
    wrapper(run_eagerly=True, verbose=2).fit(*iris)
    assert reasons(caplog, "Training with Keras's fit: run_eagerly is set")
    assert "Training with Keras's fit: run_eagerly is set." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (ModelProgramKey, "__init__"),
        (ModelProgramKey, "compile"),
        (keras_program.ModelProgram, "_traceable"),
        (keras_fit, "run_epochs"),
    ],
)
def test_errors_of_skdnn_are_raised(iris, monkeypatch, owner, name):
    def fail(*args, **kwargs):
        raise BugError

    monkeypatch.setattr(owner, name, fail)
    layers = [keras.layers.Dense(7), keras.layers.Dense(3, "softmax")]
    with pytest.raises(BugError):
        KerasClassifier(layers, epochs=1, verbose=0).fit(*iris)


def test_an_error_while_training_is_no_reason_to_train_again(iris, monkeypatch):
    calls = []

    def fail(*args):
        calls.append(args)
        raise NotDescribedError("in the midst of training")

    monkeypatch.setattr(keras_fit, "run_epochs", fail)
    with pytest.raises(NotDescribedError):
        wrapper().fit(*iris)
    assert len(calls) == 1


def test_callbacks_of_batches_are_said_by_the_dense_networks(iris, caplog, capsys):
    caplog.set_level(logging.DEBUG, "skdnn")
    net = DNNClassifier((3,), epochs=1, random_state=0, verbose=2, callbacks=EachBatch)
    net.fit(*iris)
    reason = "Each batch is a graph call of its own: EachBatch has methods for batches"
    assert reasons(caplog, reason)
    assert f"{reason}.\n" in capsys.readouterr().out
    net.set_params(verbose=1).fit(*iris)
    assert reason not in capsys.readouterr().out
