"""Training in the compiled loop or by Keras itself."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from skdnn.wrappers import training
from skdnn.wrappers.keras_batches import Batches

X = np.arange(24.0).reshape(12, 2)


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    return model


def fit(model, X=X, seed=0, **fit_args):
    arguments = {"epochs": 2, "initial_epoch": 0, "fit_args": {"verbose": 0, **fit_args}}
    return training.fit(model, X / 24, X.sum(axis=1) / 24, None, seed=seed, **arguments)


def orders(seed, epochs=3):
    batches = Batches((np.arange(20), np.arange(20)), 20, 0, seed)
    for epoch in range(epochs):
        batches.start(epoch)
        yield tuple(batches[0][0])


def test_each_epoch_has_its_own_order_and_the_same_in_each_fit():
    assert len(set(orders(3))) == 3
    assert list(orders(3)) == list(orders(3))
    assert set(orders(None)) == {tuple(range(20))}


def test_last_batch_has_the_rows_that_are_left():
    batches = Batches((X, X[:, 0]), 5, 0, None)
    assert [len(batches[i][0]) for i in range(len(batches))] == [5, 5, 2]


def test_seeded_batches_train_as_those_of_keras_do(model):
    weights = model.get_weights()
    ours = fit(model, shuffle=True, batch_size=12)
    model.set_weights(weights)
    theirs = fit(model, seed=None, shuffle=False, batch_size=12)
    assert_allclose(ours["loss"], theirs["loss"], rtol=1e-5)


def test_the_last_rows_are_held_out_as_keras_does(model):
    weights = model.get_weights()
    ours = fit(model, validation_split=0.25, batch_size=12)
    model.set_weights(weights)
    theirs = fit(model, seed=None, shuffle=False, validation_split=0.25, batch_size=12)
    assert_allclose(ours["val_loss"], theirs["val_loss"], rtol=1e-5)


@pytest.mark.parametrize("split", [0.01, 0.99])
def test_error_for_a_split_without_training_rows(model, split):
    if split == 0.01:
        assert "val_loss" in fit(model, validation_split=split)
        return
    with pytest.raises(ValueError, match=r"validation_split=0\.99 leaves 0 of 12 rows to train on"):
        fit(model, validation_split=split)


def test_model_with_a_fit_of_its_own_gets_arrays():
    class Own(keras.Sequential):
        def fit(self, x, y, **kwargs):
            seen.append((x.shape, y.shape))
            return super().fit(x, y, **kwargs)

    seen = []
    model = Own([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    fit(model)
    assert seen == [((12, 2), (12,))]


def test_sparse_batches_are_dense():
    batches = Batches((csr_array(X), X[:, 0]), 5, 0, None)
    assert_array_equal(batches[1][0], X[5:10])
    assert batches[1][0].dtype == "float32"


# ------------------------------------------------------- the compiled loop, and Keras in its stead


@pytest.fixture
def no_keras_fit(monkeypatch):
    def fit(*args, **kwargs):
        raise AssertionError("Keras's fit was called")

    monkeypatch.setattr(keras.Model, "fit", fit)


@pytest.mark.parametrize(
    "fit_args",
    [
        {},
        {"shuffle": False},
        {"validation_split": 0.25},
        {"validation_data": (X, X[:, 0])},
        {"callbacks": [keras.callbacks.EarlyStopping("loss")]},
    ],
    ids=lambda fit_args: next(iter(fit_args), "plain"),
)
@pytest.mark.parametrize("seed", [0, None])
def test_trains_in_the_compiled_loop(no_keras_fit, model, fit_args, seed):
    assert len(fit(model, seed=seed, batch_size=5, **fit_args)["loss"]) == 2


WEIGHT = np.arange(12) % 3 + 0.5


@pytest.mark.parametrize("which", ["trained", "held out", "both"])
def test_training_and_validation_rows_may_each_have_weights(model, which):
    y = X.sum(axis=1) / 24
    weight = None if which == "held out" else WEIGHT
    validation = (X / 24, y) if which == "trained" else (X / 24, y, WEIGHT)
    start = model.get_weights()
    theirs = model.fit(
        X / 24, y, sample_weight=weight, validation_data=validation, shuffle=False, verbose=0
    )
    model.set_weights(start)
    args = {"validation_data": validation, "shuffle": False, "verbose": 0}
    ours = training.fit(model, X / 24, y, weight, epochs=1, initial_epoch=0, seed=0, fit_args=args)
    for name, values in theirs.history.items():
        assert_allclose(ours[name], values, rtol=1e-5)


def test_keras_trains_with_validation_data_of_another_dtype(model, capsys):
    whole = X.astype(int)
    validation = (X + 0.5, X[:, 0])
    args = {"validation_data": validation, "verbose": 2}
    ours = training.fit(
        model, whole, whole[:, 0], None, epochs=1, initial_epoch=0, seed=0, fit_args=args
    )
    reason = "validation data have other shapes or dtypes than training data"
    assert reason in capsys.readouterr().out
    assert_allclose(ours["val_loss"][0], model.evaluate(*validation, verbose=0), rtol=1e-5)


@pytest.mark.parametrize("seed", [0, None])
def test_keras_trains_with_validation_data_that_are_not_arrays(model, seed):
    batches = Batches((X, X[:, 0]), 5, 0, None)
    history = fit(model, seed=seed, validation_data=batches)
    assert_allclose(history["val_loss"][-1], model.evaluate(batches, verbose=0), rtol=1e-5)


def test_sparse_rows_train_in_the_compiled_loop(no_keras_fit, model):
    fit(model, csr_array(X), batch_size=5)


@pytest.mark.parametrize(
    ("fit_args", "reason"),
    [
        ({"class_weight": {0: 1.0}}, "class_weight is set"),
        (
            {"callbacks": [keras.callbacks.TerminateOnNaN()]},
            "the callback TerminateOnNaN needs Keras's own fit",
        ),
    ],
    ids=["class_weight", "callback"],
)
def test_keras_trains_where_the_compiled_loop_cannot(no_keras_fit, model, capsys, fit_args, reason):
    with pytest.raises(AssertionError, match="Keras's fit was called"):
        fit(model, verbose=2, **fit_args)
    assert capsys.readouterr().out.startswith(f"Training with Keras's fit: {reason}")


def test_verbose_2_reports_the_compiled_loop(model, capsys):
    fit(model, verbose=2)
    assert "Training in the compiled loop." in capsys.readouterr().out


@pytest.mark.parametrize("fit_args", [{"shuffle": True}, {"shuffle": False}], ids=str)
def test_both_loops_train_on_the_same_rows(model, fit_args):
    weights = model.get_weights()
    compiled = fit(model, batch_size=5, **fit_args)
    model.set_weights(weights)
    watching = keras.callbacks.TerminateOnNaN()
    by_keras = fit(model, batch_size=5, callbacks=[watching], **fit_args)
    assert_allclose(compiled["loss"], by_keras["loss"], rtol=1e-5)
