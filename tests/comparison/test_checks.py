import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold

from skdnn import compare
from skdnn.comparison import baselines, default_models

pytestmark = pytest.mark.quick

DUMMY = {"dummy": DummyClassifier()}
NO_CV = "'cv' parameter of compare must"


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ("rf", r"Got 'rf' instead: write \['rf'\]"),
        (RandomForestClassifier(), r"write {'RandomForestClassifier': ...}"),
        ([RandomForestClassifier(), Ridge()], r"{'RandomForestClassifier': ..., 'Ridge': ...}"),
        ([RandomForestClassifier], r"write {'RandomForestClassifier': ...}"),
        ([("a", DummyClassifier())], r"write dict\(...\) of the pairs"),
        (["rf", "random-forest"], "Got 'rf' and 'random-forest', which are both RandomForest"),
        (["dummy", "dummy"], "Got 'dummy' twice"),
        (["xgboost"], "or a dict of estimators. Got 'xgboost'"),
        (5, "must be a dict of estimators or a list of names, at least one. Got 5"),
        ({"a": "rf"}, r"models\['a'\] of compare must be an estimator .* Got 'rf'"),
        ({1: Ridge(), "1": Ridge()}, "must have a name of its own for each"),
    ],
)
def test_models_are_named_or_an_error_says_what_to_write(iris, models, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compare(*iris, models)


@pytest.mark.parametrize(
    ("nickname", "name"),
    [
        ("rf", "RandomForest"),
        ("RF", "RandomForest"),
        ("RandomForestClassifier", "RandomForest"),
        ("RandomForestRegressor", "RandomForest"),
        ("et", "ExtraTrees"),
        ("hgb", "HistGradientBoosting"),
        ("gbm", "HistGradientBoosting"),
        ("gradient boosting", "HistGradientBoosting"),
        ("logistic-regression", "Linear"),
        ("lr", "Linear"),
        ("ridge", "Linear"),
        ("mlp", "DNN"),
        ("neural_network", "DNN"),
        ("DNNClassifier", "DNN"),
        ("baseline", "Dummy"),
    ],
)
def test_nicknames_are_names(nickname, name):
    assert list(default_models("regression", names=[nickname])) == [name]


def test_no_nickname_hides_a_name():
    assert not baselines._NICKNAMES.keys() & {name.lower() for name in baselines.BASELINES}


@pytest.mark.parametrize(
    ("scoring", "message"),
    [
        (5, "'scoring' parameter .* Got 5"),
        ([], r"'scoring' parameter .* Got \[\]"),
        ({}, "'scoring' parameter .* Got {}"),
        ([5], "Got 5"),
        ({"a": "acuracy"}, "Did you mean 'accuracy'"),
        (accuracy_score, r"Got the metric accuracy_score: write .*make_scorer\(accuracy_score\)"),
        ({"a": accuracy_score}, "Got the metric accuracy_score"),
        ([accuracy_score], r"write a dict, such as {'name': scorer}"),
    ],
)
def test_scoring_names_what_is_wrong(iris, scoring, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compare(*iris, DUMMY, scoring=scoring)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (1, f"{NO_CV} be at least 2 folds. Got 1"),
        (-1, f"{NO_CV} be at least 2 folds. Got -1"),
        (True, f"{NO_CV} .* Got True"),
        (2.5, f"{NO_CV} .* Got 2.5"),
        ("5", f"{NO_CV} .* Got '5'"),
        (GroupKFold, r"Got .*: write GroupKFold\(\)"),
        ([(1, 2, 3)], f"{NO_CV} .* pair"),
        ([([0], [200])], "indices of the 150 rows. Index 200 is out of bounds"),
        ([([0, 1], [])], "give each fold rows to train on and to test"),
        (
            51,
            "Got 51 folds and 50 rows of class '0' .3 classes in 150 rows.: write cv=50 or less, "
            "or write task='regression' if these are numbers",
        ),
        (GroupKFold(3), "'groups' parameter of compare .* because cv is GroupKFold. Got None"),
    ],
)
def test_cv_names_what_is_wrong(iris, cv, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compare(*iris, DUMMY, cv=cv)


def test_a_class_of_one_row_cannot_be_split(iris):
    X, _ = iris
    names = np.array(["rare" if i == 0 else "ab"[i % 2] for i in range(150)])
    with pytest.raises(ValueError, match=r"1 row of class 'rare' .*: drop the rows of such"):
        compare(X, names, DUMMY, cv=2)


def test_a_regression_needs_a_row_for_each_fold(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match=r"at most 4, the number of rows. Got 5: write cv=4"):
        compare(X[:4], y[:4], ["dummy"], task="regression")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_jobs": 0}, "'n_jobs' parameter of compare .* Got 0"),
        ({"n_jobs": "2"}, "'n_jobs' parameter of compare .* Got '2'"),
        ({"task": "regression"}, "agree with the models. Got task='regression' and .*: dummy"),
        ({"groups": [None] + [1] * 149}, "'groups' .* Got 1 missing of 150 values, .* row 0"),
        ({"groups": [1, 2]}, "inconsistent numbers of samples"),
    ],
)
def test_other_options_name_what_is_wrong(iris, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compare(*iris, DUMMY, **options)


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (["a"] * 150, "auto", "must have two classes or more. Got only a"),
        (np.arange(150) + 0.5, "classification", "class labels .* set task='regression'"),
        (["a", "b"] * 75, "regression", "must be numbers for regression. Got text"),
        (np.arange(150).astype("M8[D]"), "auto", "Got dates or times"),
        ([np.inf] + [0.5] * 149, "auto", "y contains infinity"),
        (["a", "b"] * 5, "auto", "inconsistent numbers of samples"),
    ],
)
def test_y_names_what_is_wrong(iris, y, task, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compare(iris[0], y, ["dummy"], task=task)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (None, "X of compare must be .* Got NoneType"),
        (np.zeros(150), r"X of compare, got 1D array of 150 values. .*X.reshape\(-1, 1\)"),
        (pd.Series(np.zeros(150)), r"X of compare is a Series .*X.to_frame\(\)"),
        (np.zeros((0, 3)), "(two rows or more. Got 0|0 sample)"),
        (np.zeros((1, 3)), "two rows or more. Got 1"),
        (pd.DataFrame({"a": []}), "(two rows or more. Got 0|0 sample)"),
        (np.zeros((150, 0)), r"must have a column. Got shape \(150, 0\)"),
        ([[1, 2], [3]], "X of compare have different shapes"),
        (np.ma.masked_less(np.zeros((150, 2)), 1), "X of compare .* mask"),
        ({"a": [1, 2]}, r"X of compare is a dict .* pass pd.DataFrame\(X\)"),
        (pl.LazyFrame({"a": [1, 2]}), r"X of compare is a LazyFrame.*X.collect\(\)"),
        (pd.DataFrame({"a": [[1, 2]] * 150}), "Column 'a' of X holds list, but compare accepts"),
    ],
)
def test_x_names_what_is_wrong(iris, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compare(X, iris[1], ["dummy"])


@pytest.mark.parametrize(
    "index",
    [
        np.zeros(150, int),
        [f"row {i}" for i in range(150)],
        pd.date_range("2024-01-01", periods=150),
        pd.MultiIndex.from_product([range(3), range(50)]),
        np.arange(150)[::-1],
    ],
    ids=["equal", "text", "dates", "two levels", "reversed"],
)
def test_the_index_of_a_table_does_not_matter(iris, index):
    X, y = iris
    expected = compare(X, y, ["linear"]).scores["accuracy"]
    frame = pd.DataFrame(X, index=index, columns=list("abcd"))
    found = compare(frame, pd.Series(y, index=index), ["linear"]).scores["accuracy"]
    np.testing.assert_array_equal(found, expected)


def test_two_rows_are_enough_for_a_regression():
    found = compare(
        np.array([[1.0], [2.0]]), [1.5, 2.5], ["dummy"], cv=2, scoring="neg_mean_squared_error"
    )
    assert found.scores["neg_mean_squared_error"].tolist() == [[-1.0, -1.0]]


def test_models_that_fail_alike_share_a_line(iris):
    bad = DummyClassifier(strategy="none")
    with pytest.raises(ValueError, match=re.escape("every model failed.\n  a, b: ")) as caught:
        compare(*iris, {"a": bad, "b": bad})
    assert len(str(caught.value).splitlines()) == 2
