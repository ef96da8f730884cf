"""The public surface that all four estimators share, walked on one data set each."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, r2_score

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor

pytestmark = pytest.mark.quick

COLUMNS = ["a", "b", "c"]
ESTIMATORS = {
    "DNNClassifier": lambda **params: DNNClassifier((5,), epochs=2, random_state=0, **params),
    "DNNRegressor": lambda **params: DNNRegressor((5,), epochs=2, random_state=0, **params),
    "KerasClassifier": lambda **params: KerasClassifier(
        epochs=2, random_state=0, verbose=0, **params
    ),
    "KerasRegressor": lambda **params: KerasRegressor(
        epochs=2, random_state=0, verbose=0, **params
    ),
}
EACH = pytest.mark.parametrize("name", ESTIMATORS)
CLASSIFIERS = pytest.mark.parametrize("name", ["DNNClassifier", "KerasClassifier"])


def data_for(name):
    """A table of 40 rows with names, and two classes of text or a numeric target."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 3)), columns=COLUMNS)
    y = X["a"] - X["b"]
    if name.endswith("Classifier"):
        return X, np.where(y > 0, "yes", "no")
    return X, y.to_numpy()


@pytest.fixture(scope="module")
def fitted():
    return {name: make().fit(*data_for(name)) for name, make in ESTIMATORS.items()}


@EACH
def test_predictions_and_scores(fitted, name):
    X, y = data_for(name)
    model = fitted[name]
    predicted = model.predict(X)
    assert predicted.shape == (40,)
    assert predicted.dtype.kind == np.asarray(y).dtype.kind
    metric = accuracy_score if is_classifier(model) else r2_score
    assert model.score(X, y) == pytest.approx(metric(y, predicted))
    weight = np.arange(40.0)
    expected = metric(y, predicted, sample_weight=weight)
    assert model.score(X, y, sample_weight=weight) == pytest.approx(expected, abs=1e-6)
    assert model.predict(X[:1]).shape == (1,)


@CLASSIFIERS
def test_classes_and_probabilities(fitted, name):
    X, _ = data_for(name)
    model = fitted[name]
    proba = model.predict_proba(X)
    np.testing.assert_array_equal(model.classes_, ["no", "yes"])
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(proba))


@CLASSIFIERS
@pytest.mark.parametrize("labels", [[1, 2], [2**60 + 1, 2**60], [True, False], [0.0, 2.0]], ids=str)
def test_labels_of_python_objects_are_numbers(name, labels):
    X, y = data_for(name)
    objects = np.array([labels[text == "yes"] for text in y], dtype=object)
    model = ESTIMATORS[name]().fit(X, objects)
    assert model.classes_.tolist() == sorted(labels)
    assert model.classes_.dtype == np.array(labels).dtype
    predicted = model.predict(X)
    expected = np.mean([a == b for a, b in zip(predicted.tolist(), objects, strict=True)])
    assert model.score(X, objects) == pytest.approx(expected)


@EACH
def test_fitted_attributes(fitted, name):
    model = fitted[name]
    assert model.n_features_in_ == 3
    assert list(model.feature_names_in_) == COLUMNS
    assert model.n_iter_ == 2
    assert all(len(values) == 2 for values in model.history_.values())
    assert isinstance(model.model_, keras.Model)
    assert not [n for n in ("n_iter_", "history_", "model_") if hasattr(ESTIMATORS[name](), n)]


@EACH
def test_summary_is_the_table_of_the_layers(fitted, name, capsys):
    model, lines = fitted[name], []
    model.summary(lines.append)
    assert f"Total parameters: {model.model_.count_params():,}\n" in lines[0]
    header, _, *rows = lines[0].splitlines()
    assert header.split() == ["Layer", "Type", "Output", "shape", "Parameters"]
    names = [layer.name for layer in model.model_.layers]
    assert [row.split()[0] for row in rows[: len(rows) - 4]] == [n for n in names if n != "input"]
    n_trained = sum(np.prod(w.shape) for w in model.model_.trainable_weights)
    assert f"Trainable parameters: {n_trained:,}\n" in lines[0]
    model.summary()
    assert capsys.readouterr().out == lines[0] + "\n"
    with pytest.raises(NotFittedError, match="summary"):
        ESTIMATORS[name]().summary()


@EACH
def test_warm_start_continues_the_history(name):
    X, y = data_for(name)
    model = ESTIMATORS[name](warm_start=True).fit(X, y)
    first = dict(model.history_)
    fraction = "validation_fraction" if name.startswith("DNN") else "validation_split"
    model.set_params(**{fraction: 0.2}).fit(X, y)
    assert model.n_iter_ == 4
    assert model.history_["loss"][:2] == first["loss"]
    # Every list has one value per epoch, which is NaN where nothing was measured.
    assert np.isnan(model.history_["val_loss"]).tolist() == [True, True, False, False]
    model.partial_fit(X, y)
    assert {len(values) for values in model.history_.values()} == {5}
    assert model.n_iter_ == 5
    model.set_params(warm_start=False).fit(X, y)
    assert model.n_iter_ == 2


@EACH
def test_partial_fit_counts_epochs(name):
    X, y = data_for(name)
    classes = {"classes": ["no", "yes"]} if name.endswith("Classifier") else {}
    model = ESTIMATORS[name]()
    for n_epochs in (1, 2):
        model.partial_fit(X, y, **classes)
        assert model.n_iter_ == len(model.history_["loss"]) == n_epochs
    assert model.predict(X).shape == (40,)


def test_score_takes_targets_with_more_dimensions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    y = X[:, :, np.newaxis] * [1.0, -2.0]
    network = [layers.Dense(8), layers.Reshape((4, 2))]
    reg = KerasRegressor(network, epochs=2, random_state=0, verbose=0).fit(X, y)
    expected = r2_score(y.reshape(30, 8), reg.predict(X).reshape(30, 8))
    assert reg.score(X, y) == pytest.approx(expected)
    weight = np.r_[0.0, np.ones(29)]
    expected = r2_score(y[1:].reshape(29, 8), reg.predict(X[1:]).reshape(29, 8))
    assert reg.score(X, y, sample_weight=weight) == pytest.approx(expected)
