"""What is the classifier's own."""

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier


def quick(**params):
    settings = {"hidden_layer_sizes": (16,), "epochs": 20, "learning_rate": 0.01, "random_state": 0}
    return DNNClassifier(**{**settings, **params})


@pytest.fixture(scope="module")
def multilabel():
    return make_multilabel_classification(200, n_classes=4, random_state=0)


def test_default_network_beats_chance_by_far(digits):
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    assert cross_val_score(DNNClassifier(random_state=0), *digits, cv=folds).mean() > 0.95


def test_without_hidden_layers_it_is_a_logistic_regression(iris):
    X, y = StandardScaler().fit_transform(iris[0]), iris[1]
    net = quick(hidden_layer_sizes=(), epochs=400, batch_size=150, learning_rate=0.1, alpha=0.01)
    # Its penalty is half the squared weights over C, its loss the sum: alpha = 1 / (2 C n).
    exact = LogisticRegression(C=1 / (2 * 0.01 * 150), max_iter=1000).fit(X, y)
    np.testing.assert_allclose(net.fit(X, y).predict_proba(X), exact.predict_proba(X), atol=0.01)


def test_two_classes_have_two_columns_of_probability(iris):
    X, y = iris[0][:100], np.array(["no", "yes"])[iris[1][:100]]
    proba = quick().fit(X, y).predict_proba(X)
    assert proba.shape == (100, 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    assert (proba[y == "yes", 1] > 0.5).all()


@pytest.mark.parametrize("names", [["z", "a", "m"], [30, -1, 7], [0.0, 2.0, 1.0]])
def test_labels_come_back_as_they_were_given(iris, names):
    X, y = iris[0], np.array(names)[iris[1]]
    model = quick(epochs=40).fit(X, y)
    assert model.score(X, y) > 0.9
    np.testing.assert_array_equal(model.classes_, np.unique(names))
    assert model.predict(X).dtype == y.dtype


def test_log_proba_is_the_log(iris):
    model = quick().fit(*iris)
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(iris[0])), model.predict_proba(iris[0])
    )


def test_one_class_only_is_refused(iris):
    with pytest.raises(ValueError, match=r"DNNClassifier needs at least 2 classes in y.*only one"):
        quick().fit(iris[0][:50], iris[1][:50])


def test_multilabel_has_a_sigmoid_per_label(multilabel):
    X, y = multilabel
    model = quick(epochs=40).fit(X, y)
    proba = model.predict_proba(X)
    assert proba.shape == y.shape
    assert not np.allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), proba > 0.5)
    assert (model.predict(X) == y).mean() > 0.8


def test_multilabel_is_not_taken_for_one_hot():
    y = np.eye(3, dtype=int)[np.arange(30) % 3]
    with pytest.warns(UserWarning, match="understood as a multilabel indicator matrix"):
        model = quick().fit(y + 0.0, y)
    assert model.model_.layers[-1].activation.__name__ == "sigmoid"


def test_is_known_as_a_classifier_so_that_folds_are_stratified():
    assert is_classifier(DNNClassifier())


def test_sorted_y_leaves_no_class_out_of_the_validation(iris):
    model = quick(validation_fraction=0.1, epochs=60).fit(*iris)  # iris is sorted by class
    assert model.history_["val_accuracy"][-1] > 0.8


def test_partial_fit_needs_the_classes_first(iris):
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        quick().partial_fit(*iris)


def test_partial_fit_with_batches_that_lack_classes(iris):
    X, y = iris
    model = quick().partial_fit(X[:50], y[:50], classes=[0, 1, 2])
    model.partial_fit(X[50:], y[50:])
    assert model.predict_proba(X).shape == (150, 3)


def test_partial_fit_refuses_labels_and_classes_that_are_new(iris):
    X, y = iris
    model = quick().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"must be those of the first call, \[0, 1, 2\]"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"not among the classes when training began: \[3, 4\]"):
        model.partial_fit(X[50:], y[50:] + 2)


def test_partial_fit_of_multilabel_needs_no_classes(multilabel):
    model = quick().partial_fit(*multilabel).partial_fit(*multilabel)
    assert model.n_iter_ == 2


def test_score_is_accuracy_whatever_is_measured(iris):
    model = quick().fit(*iris)
    assert model.score(*iris) == np.mean(model.predict(iris[0]) == iris[1])
