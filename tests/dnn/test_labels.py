"""Every type of y that scikit-learn knows, in cases that are often handled wrongly."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor, BaggingRegressor
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    make_scorer,
)
from sklearn.model_selection import cross_validate
from sklearn.multioutput import MultiOutputRegressor, RegressorChain

from skdnn import DNNClassifier, DNNRegressor


def quick(cls=DNNClassifier, **params):
    settings = {"hidden_layer_sizes": (8,), "epochs": 20, "learning_rate": 0.02, "random_state": 0}
    return cls(**{**settings, **params})


# Three labels, and the type of what is predicted.
LABELS = {
    "text": (["z", "a", "m"], "U"),
    "text as objects": (np.array(["z", "a", "m"], object), "O"),
    "digits as text": (["10", "9", "1"], "U"),
    "numbers with gaps": ([30, -1, 7], "i"),
    "numbers as objects": (np.array([30, -1, 7], object), "i"),
    "whole floats": ([3.0, 1.0, 2.0], "f"),
    "small numbers": (np.array([200, 100, 0], np.uint8), "u"),
    "booleans": ([True, False, True], "b"),
    "booleans as objects": (np.array([True, False, True], object), "b"),
    "booleans and numbers": ([True, 0, 2], "i"),
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("container", [np.asarray, list], ids=["array", "list"])
def test_labels_come_back_and_columns_are_in_the_order_of_classes(iris, kind, container):
    names, dtype = LABELS[kind]
    X, y = iris[0], np.asarray(names)[iris[1]]
    model = quick(validation_fraction=0.2).fit(X, container(y))
    np.testing.assert_array_equal(model.classes_, sorted(set(y.tolist())))
    predicted, proba = model.predict(X), model.predict_proba(X)
    assert predicted.dtype.kind == ("U" if container is list and dtype == "O" else dtype)
    assert (predicted == y).mean() > 0.9
    assert proba.shape == (150, len(set(y.tolist())))
    np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], predicted)
    assert model.history_["val_accuracy"][-1] > 0.8  # the held-out labels are encoded too


@pytest.mark.parametrize("dtype", ["category", "string", "Int64", "boolean", object])
def test_labels_of_pandas(iris, dtype):
    pandas = pytest.importorskip("pandas")
    values = {"Int64": [30, -1, 7], "boolean": [True, False, True]}.get(dtype, ["z", "a", "m"])
    y = pandas.Series(np.asarray(values)[iris[1]], index=np.arange(150)[::-1], dtype=dtype)
    assert quick().fit(iris[0], y).score(iris[0], y) > 0.9


@pytest.mark.parametrize("names", [["a", 1, "b"], ["a", 1, True]], ids=str)
def test_text_mixed_with_other_labels_is_rejected_with_advice(iris, names):
    y = np.array(names, object)[iris[1]]
    with pytest.raises(TypeError, match=r"must all be text, or all numbers.*\[str\(label\)"):
        quick().fit(iris[0], y)


@pytest.mark.parametrize("names", [["no", "yes"], ["yes", "maybe"], [7, 3]], ids=str)
def test_a_positive_label_that_is_not_the_last(iris, names):
    X, y = iris[0][:100, :2], np.array(names)[iris[1][:100]]
    model = quick(epochs=3).fit(X, y)
    for column, label in enumerate(model.classes_):
        expected = average_precision_score(y == label, model.predict_proba(X)[:, column])
        scorer = make_scorer(
            average_precision_score, response_method="predict_proba", pos_label=label
        )
        assert scorer(model, X, y) == pytest.approx(expected)
        told = make_scorer(f1_score, pos_label=label)(model, X, y)
        assert told == f1_score(y == label, model.predict(X) == label)


def test_a_class_absent_from_training_folds_is_as_with_other_classifiers(iris):
    X, y = iris[0], np.array(["z", "a", "m"])[iris[1]]
    folds = [(np.flatnonzero(y != "m"), np.arange(150)), (np.arange(150), np.arange(150))]
    scoring = ["accuracy", "neg_log_loss", "roc_auc_ovr"]
    results = []
    for model in (quick(), LogisticRegression(max_iter=1000)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scores that do not exist are NaN
            result = cross_validate(model, X, y, cv=folds, scoring=scoring, return_estimator=True)
        results.append(result)
        assert result["estimator"][0].predict_proba(X).shape == (150, 2)
    for name in scoring:
        mine, its = (np.isnan(result[f"test_{name}"]) for result in results)
        np.testing.assert_array_equal(mine, its)


def test_a_class_absent_from_test_folds_is_scored(iris):
    X, y = iris[0], np.array(["z", "a", "m"])[iris[1]]
    folds = [(np.arange(150), np.flatnonzero(y != name)) for name in np.unique(y)]
    scorer = make_scorer(log_loss, response_method="predict_proba", labels=np.unique(y))
    result = cross_validate(quick(), X, y, cv=folds, scoring=scorer, error_score="raise")
    assert ((result["test_score"] > 0) & (result["test_score"] < 1)).all()


@pytest.mark.parametrize("make", [np.asarray, lambda y: y.tolist(), sparse.csr_matrix])
def test_indicator_matrices(make):
    X, y = make_multilabel_classification(150, n_classes=4, random_state=0)
    model = quick(validation_fraction=0.2, class_weight="balanced").fit(X, make(y))
    expected = quick(validation_fraction=0.2, class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert model.predict(X).shape == y.shape
    assert model.score(X, make(y)) == expected.score(X, y)


def test_batches_of_partial_fit_may_lack_classes_and_come_in_any_order(iris):
    X, y = iris[0], np.array(["z", "a", "m"])[iris[1]]
    model = quick().partial_fit(X[:50], y[:50], classes=["z", "a", "m"])
    np.testing.assert_array_equal(model.classes_, ["a", "m", "z"])
    for _ in range(20):
        for name in ("a", "z", "m"):
            model.partial_fit(X[y == name], y[y == name])
    assert model.predict_proba(X).shape == (150, 3)
    assert model.predict(X).dtype.kind == "U"


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_a_column_of_y(iris, cls):
    X, y = iris
    expected = quick(cls, validation_fraction=0.2).fit(X, y).predict(X)
    model = quick(cls, validation_fraction=0.2)
    if cls is DNNRegressor:
        assert model.fit(X, y[:, None]).predict(X).shape == (150, 1)
    else:
        with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
            model.fit(X, y[:, None])
    np.testing.assert_array_equal(model.predict(X).ravel(), expected)


# ------------------------------------------------------------------ y that may mean another thing


@pytest.mark.parametrize("make", [np.asarray, lambda y: y.tolist(), sparse.csr_matrix])
def test_one_hot_rows_are_labels_with_a_warning_that_has_the_line_for_classes(iris, make):
    X, y = iris
    one_hot = np.eye(3, dtype=int)[y]
    message = r"exactly one 1. y was understood as a multilabel .* pass .*argmax\("
    with pytest.warns(UserWarning, match=message) as warned:
        model = quick().fit(X, make(one_hot))
    assert len(warned) == 1
    assert warned[0].filename == __file__
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)
    classes = quick().fit(X, one_hot.argmax(axis=1))
    np.testing.assert_array_equal(classes.predict(X), quick().fit(X, y).predict(X))


def test_one_hot_rows_of_a_table_and_of_partial_fit(iris):
    pandas = pytest.importorskip("pandas")
    X, y = iris
    table = pandas.get_dummies(pandas.Series(np.array(["z", "a", "m"])[y]))
    with pytest.warns(UserWarning, match=r"pass y.idxmax\(axis=1\)"):
        quick().fit(X, table)
    with pytest.warns(UserWarning, match="exactly one 1") as warned:
        quick().partial_fit(X, np.eye(3)[y]).partial_fit(X, np.eye(3)[y])
    assert len(warned) == 1


def test_labels_of_which_a_row_has_several_are_no_one_hot_rows(iris):
    y = np.eye(3, dtype=int)[iris[1]]
    y[0] = [1, 1, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(epochs=1).fit(iris[0], y)


@pytest.mark.parametrize("dtype", [float, int])
@pytest.mark.parametrize("way", ["fit", "chunks"])
def test_numeric_targets_given_to_a_classifier(diabetes, dtype, way):
    X, y = diabetes[0], diabetes[1].astype(dtype)
    message = "y looks like regression.*214 different numbers in 442 rows: use DNNRegressor"
    data = (X, y) if way == "fit" else ([(X[:200], y[:200]), (X[200:], y[200:])],)
    with pytest.warns(UserWarning, match=message) as warned:
        quick(epochs=1).fit(*data)
    assert len(warned) == 1


def test_numbers_that_are_said_to_be_classes(diabetes):
    X, y = diabetes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(epochs=1).fit(X, y.astype(str))
        quick(epochs=1).partial_fit(X, y, classes=np.unique(y))
        quick(epochs=1).fit(X, np.arange(442) % 100)


@pytest.mark.parametrize("y_val", [[1, 2, 0], np.eye(3)], ids=["label", "one-hot"])
def test_validation_labels_that_y_lacks(iris, y_val):
    X, y = iris
    with pytest.raises(ValueError, match="y_val has "):
        quick().fit(X, y + 1, X_val=X[:3], y_val=y_val)


# ------------------------------------------------------------------ regressors in others


@pytest.fixture(scope="module")
def two_targets(diabetes):
    X, y = diabetes
    return X, np.column_stack([y, 1e4 * X[:, 2] + y])


@pytest.mark.parametrize("loss", ["auto", "poisson", "msle"])
def test_one_network_for_each_column(two_targets, loss):
    X, y = two_targets
    y = y - y.min(axis=0) + 1
    many = MultiOutputRegressor(quick(DNNRegressor, loss=loss)).fit(X, y)
    for column, predicted in zip(y.T, many.predict(X).T, strict=True):
        expected = quick(DNNRegressor, loss=loss).fit(X, column).predict(X)
        np.testing.assert_array_equal(predicted, expected)


def test_a_chain_feeds_one_network_the_prediction_of_another(two_targets):
    X, y = two_targets
    chain = RegressorChain(quick(DNNRegressor)).fit(X, y)
    first = quick(DNNRegressor).fit(X, y[:, 0])
    second = quick(DNNRegressor).fit(np.column_stack([X, y[:, 0]]), y[:, 1])
    predicted = first.predict(X)
    expected = [predicted, second.predict(np.column_stack([X, predicted]))]
    np.testing.assert_allclose(chain.predict(X), np.transpose(expected), rtol=1e-6)


def test_bagged_regressors_of_one_and_of_several_columns(two_targets):
    X, y = two_targets
    bag = BaggingRegressor(quick(DNNRegressor), 3, random_state=0)
    for target in (y[:, 0], y):
        members = [one.predict(X) for one in bag.fit(X, target).estimators_]
        assert members[0].shape == target.shape
        np.testing.assert_allclose(bag.predict(X), np.mean(members, axis=0))


@pytest.mark.parametrize("loss", ["auto", "huber", "gamma", "mape"])
def test_boosted_regressors_with_any_loss(diabetes, loss):
    X, y = diabetes
    boost = AdaBoostRegressor(quick(DNNRegressor, loss=loss), n_estimators=2, random_state=0)
    assert boost.fit(X, y).predict(X).shape == y.shape


def test_boosting_multiplies_its_weights_with_those_of_classes(iris):
    X, y = iris
    model = quick(class_weight={0: 1, 1: 5, 2: 1}, epochs=3)
    weight = np.linspace(1, 3, 150)
    boost = AdaBoostClassifier(model, n_estimators=2, random_state=0).fit(X, y, weight)
    first = clone(boost.estimators_[0]).fit(X, y, weight / weight.sum())
    expected = boost.estimators_[0].predict_proba(X)
    np.testing.assert_allclose(first.predict_proba(X), expected, rtol=1e-4)
