"""What a file cannot hold is refused with what to write instead."""

import io

import keras
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skdnn
from skdnn import DNNClassifier, KerasClassifier
from skdnn.persistence.info import read_info

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


class OwnClassifier(DNNClassifier):
    """A subclass."""


def own_activation(x):
    return x * 2


def small(**params):
    return DNNClassifier(**{"hidden_layer_sizes": (4,), "epochs": 1, "random_state": 0, **params})


OBJECTS = {
    "optimizer": (keras.optimizers.Adam(0.01), r"optimizer='adam', learning_rate=0\.01\)"),
    "learning_rate": (keras.optimizers.schedules.CosineDecay(0.1, 9), "learning_rate=0.001"),
    "kernel_initializer": (keras.initializers.HeNormal(), "kernel_initializer='he_normal'"),
    "loss": (
        keras.losses.CategoricalFocalCrossentropy(),
        r"call set_params\(loss='auto'\), or another loss by its name",
    ),
    "callbacks": ([keras.callbacks.LambdaCallback()], r"set_params\(callbacks=None\)"),
}
BETTER = {
    "optimizer": "adam",
    "learning_rate": 0.1,
    "kernel_initializer": "he_normal",
    "loss": "log_loss",
    "callbacks": None,
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_refused_and_a_name_instead_of_it_is_saved(name, round_trip):
    value, advice = OBJECTS[name]
    model = small(**{name: value}).fit(X, Y)
    with pytest.raises(TypeError, match=f"the '{name}' parameter of this DNNClassifier.*{advice}"):
        round_trip(model)
    loaded = round_trip(model.set_params(**{name: BETTER[name]}))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.get_params() == model.get_params()


@pytest.mark.parametrize("activation", [own_activation, ["relu", own_activation]])
def test_an_activation_of_the_user_is_refused_with_the_network_too(activation, round_trip):
    model = small(hidden_layer_sizes=(4, 3), activation=activation).fit(X, Y)
    with pytest.raises(TypeError, match="the 'activation' parameter of this DNNClassifier"):
        round_trip(model)
    with pytest.raises(TypeError, match="trained with the activation <function own_activation"):
        round_trip(model.set_params(activation="relu"))


NO_ESTIMATORS = {
    "subclass": (lambda: OwnClassifier((4,), epochs=1).fit(X, Y), "a class of your own"),
    "pipeline": (lambda: make_pipeline(small()).fit(X, Y), r"skops\.io\.dump"),
    "search": (lambda: GridSearchCV(small(), {}, cv=2).fit(X, Y), r"search\.best_estimator_"),
    "unfitted_search": (lambda: GridSearchCV(small(), {}), "which is not fitted: fit it"),
    "wrapper": (lambda: KerasClassifier(epochs=1), r"model_\.save\('model\.keras'\)"),
    "class": (lambda: DNNClassifier, r"DNNClassifier\(\)\.fit\(X, y\)"),
    "other": (lambda: LogisticRegression(), r"Got LogisticRegression: write it with skops"),
    "number": (lambda: 3, r"Got int\."),
    "path": (lambda: "a.skdnn", r"Got the path 'a\.skdnn': write save\(estimator, path\)"),
}


@pytest.mark.parametrize("name", NO_ESTIMATORS)
def test_other_objects_are_refused_with_the_way_out(name, tmp_path):
    make, message = NO_ESTIMATORS[name]
    with pytest.raises(TypeError, match=message):
        skdnn.save(make(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_estimator_that_is_not_fitted_is_refused(tmp_path):
    with pytest.raises(NotFittedError, match=r"call fit\(X, y\) first"):
        skdnn.save(small(), tmp_path / "model")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"profile": "all"}, ValueError, "must be 'predict' or 'resume'. Got 'all'"),
        ({"metadata": [1]}, TypeError, r"must be a dict .* Got \[1\]"),
        ({"metadata": {"a": [1]}}, TypeError, r"Got 'a': \[1\]"),
        ({"metadata": {1: "a"}}, TypeError, "Got 1: 'a'"),
        ({"metadata": {"a": 10**40}}, ValueError, "'a' is an integer of more than 40 digits"),
        ({"metadata": {"a": "\ud800"}}, ValueError, r"'metadata'.*'a' is '\\ud800', which UTF-8"),
        ({"metadata": {"\ud800": 1}}, ValueError, r"'metadata'.*the name is '\\ud800', which UTF"),
        ({"metadata": {"a": "x" * 200_000}}, ValueError, "100,000 characters. 'a' has more"),
    ],
)
def test_options_are_checked(options, error, message, tmp_path):
    with pytest.raises(error, match=message):
        skdnn.save(small().fit(X, Y), tmp_path / "model", **options)


@pytest.mark.parametrize("path", [None, 3, io.BytesIO()])
def test_what_is_no_path_is_refused(path):
    model = small().fit(X, Y)
    for function, args in [
        (skdnn.save, (model, path)),
        (skdnn.load, (path,)),
        (read_info, (path,)),
    ]:
        name = function.__name__
        with pytest.raises(TypeError, match=f"'path' parameter of {name} must be the name .* Got"):
            function(*args)


def test_a_table_with_too_many_columns_of_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("skdnn.persistence.container.MOST_ARRAYS", 3)
    with pytest.raises(ValueError, match=r"too large for a .skdnn file\..* 3 are most"):
        skdnn.save(small().fit(X, Y), tmp_path / "model")
    assert not (tmp_path / "model").exists()
