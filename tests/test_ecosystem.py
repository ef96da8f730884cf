"""The estimators inside scikit-learn's own tools, and the round trips that these rely on.

Where a tool only calls the estimator, its result is compared with the same calls made by hand;
where it chooses or combines, with a baseline that has a closed form.
"""

import copy
import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import FitFailedWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import DecisionBoundaryDisplay, partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    get_scorer,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags, shuffle

from skdnn import DNNClassifier, DNNRegressor

# What one network computes twice, in two processes or with another number of threads.
ROUNDING = {"rtol": 1e-4, "atol": 1e-6}


@pytest.fixture(scope="module")
def iris():
    """150 flowers in random order: 4 columns, 3 classes of equal size, by name."""
    bunch = load_iris()
    return shuffle(bunch.data, bunch.target_names[bunch.target], random_state=0)


@pytest.fixture(scope="module")
def setosa(iris):
    """Two classes of unequal size: is it a setosa?"""
    return iris[0], iris[1] == "setosa"


@pytest.fixture(scope="module")
def images():
    """500 images of 8 x 8 pixels, 10 classes."""
    digits = load_digits()
    images, _, y, _ = train_test_split(
        digits.images, digits.target, train_size=500, stratify=digits.target, random_state=0
    )
    return images, y


@pytest.fixture
def clf():
    return DNNClassifier((16,), learning_rate=0.02, epochs=15, random_state=0)


@pytest.fixture
def reg():
    return DNNRegressor((16,), learning_rate=0.01, alpha=0.01, epochs=15, random_state=0)


@pytest.fixture
def forest():
    return RandomForestClassifier(20, random_state=0)


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


def by_hand(estimator, X, y, score="score", cv=3):
    """Fit and score a clone on each fold, as the manual of `cross_validate` says it does."""
    scores = []
    for train, test in StratifiedKFold(cv).split(X, y):
        scores.append(getattr(clone(estimator).fit(X[train], y[train]), score)(X[test], y[test]))
    return np.array(scores)


def halfway(X, y):
    """Return the accuracy half way from the largest class to perfection."""
    return (1 + DummyClassifier().fit(X, y).score(X, y)) / 2


# ------------------------------------------------------------ cross-validation and pipelines


def test_cross_validate_scores_each_fold_as_by_hand(clf, iris):
    result = cross_validate(clf, *iris, cv=3, return_train_score=True)
    assert_allclose(result["test_score"], by_hand(clf, *iris))
    assert result["test_score"].min() > halfway(*iris)
    assert result["train_score"].min() > halfway(*iris)


def test_folds_are_stratified_as_for_any_classifier(clf, iris):
    X, y = iris[0][np.argsort(iris[1])], np.sort(iris[1])
    # Without strata, each of three folds would test a class that it has not seen.
    assert cross_val_score(clf, X, y, cv=3).min() > halfway(X, y)


def test_cross_validate_on_several_scores_of_probabilities(clf, iris):
    scoring = ["neg_log_loss", "roc_auc_ovr", "accuracy"]
    result = cross_validate(clf, *iris, cv=3, scoring=scoring, error_score="raise")
    assert result["test_neg_log_loss"].min() > -np.log(3)
    assert result["test_roc_auc_ovr"].min() > 0.5
    assert_allclose(result["test_accuracy"], by_hand(clf, *iris))


def test_regressor_reaches_the_straight_line(reg, diabetes):
    line = cross_val_score(LinearRegression(), *diabetes)
    assert cross_val_score(reg, *diabetes).mean() > 0.8 * line.mean()


def test_images_are_cross_validated_as_they_come(clf, images):
    X, y = images
    scores = cross_val_score(clf.set_params(hidden_layer_sizes=(32,), epochs=25), X, y, cv=3)
    flat = cross_val_score(RidgeClassifier(), X.reshape(len(X), -1), y, cv=3)
    assert scores.mean() > flat.mean()


def test_images_and_their_rows_give_the_same_network(clf, images):
    X, y = images
    clf.set_params(scaling="minmax")
    scores = cross_val_score(clf, X, y, cv=3, scoring="neg_log_loss")
    rows = cross_val_score(clf, X.reshape(len(X), -1), y, cv=3, scoring="neg_log_loss")
    assert_allclose(scores, rows, **ROUNDING)


def test_grid_search_over_images(clf, images):
    grid = {"scaling": ["auto", "minmax"], "hidden_layer_sizes": [(1,), (32,)]}
    search = GridSearchCV(clf, grid, cv=3).fit(*images)
    assert search.best_params_["hidden_layer_sizes"] == (32,)
    assert search.best_score_ > halfway(*images)
    assert search.predict(images[0]).shape == images[1].shape


def test_pipeline_passes_images_through(clf, images):
    pipe = make_pipeline(FunctionTransformer(lambda X: X / 16), clf.set_params(scaling=None))
    assert pipe.fit(*images).score(*images) > halfway(*images)
    tables = []
    pipe[-1].summary(tables.append)
    assert "flatten" in tables[0]


def test_grid_search_inside_a_pipeline(clf, iris):
    pipe = Pipeline([("scale", StandardScaler()), ("dnn", clf)])
    search = GridSearchCV(pipe, {"dnn__hidden_layer_sizes": [(1,), (16,), (16, 8)]}, cv=3)
    search.fit(*iris)
    assert search.best_params_["dnn__hidden_layer_sizes"] in [(16,), (16, 8)]
    assert (
        search.best_estimator_["dnn"].hidden_layer_sizes
        == search.best_params_["dnn__hidden_layer_sizes"]
    )
    assert_allclose(
        search.best_score_, by_hand(pipe.set_params(**search.best_params_), *iris).mean()
    )


# ---------------------------------------------------------------------------------- searches

GRIDS = {
    "hidden_layer_sizes": lambda keras: {"hidden_layer_sizes": [12, (), (8,), (16, 8)]},
    "activation": lambda keras: {
        "activation": ["tanh", keras.activations.gelu, ("relu", "sigmoid")],
        "hidden_layer_sizes": [(16, 8)],
    },
    "dropout": lambda keras: {"dropout": [0.0, 0.2, (0.1, 0.3)], "hidden_layer_sizes": [(16, 8)]},
    "learning_rate": lambda keras: {"learning_rate": [0.001, 0.05]},
    "schedule": lambda keras: {
        "learning_rate": [0.02, keras.optimizers.schedules.ExponentialDecay(0.05, 20, 0.9)],
    },
    "optimizer name": lambda keras: {"optimizer": ["sgd", "momentum", "rmsprop", "adamw"]},
    "optimizer class": lambda keras: {"optimizer": [keras.optimizers.Adam, keras.optimizers.SGD]},
    "optimizer object": lambda keras: {
        "optimizer": [keras.optimizers.Adam(0.03), keras.optimizers.SGD(0.1, momentum=0.9)],
        "learning_rate": [None],
    },
    "mixed": lambda keras: {"optimizer": ["adam", keras.optimizers.RMSprop()], "alpha": [0, 0.01]},
}


@pytest.fixture(params=GRIDS)
def grid(request, keras):
    return GRIDS[request.param](keras)


def test_grid_search_over_any_parameter_as_by_hand(clf, iris, grid):
    search = GridSearchCV(clf, grid, cv=3, scoring="neg_log_loss", error_score="raise").fit(*iris)
    candidates = list(ParameterGrid(grid))
    scores = [
        cross_val_score(clone(clf).set_params(**one), *iris, cv=3, scoring="neg_log_loss").mean()
        for one in candidates
    ]
    assert_allclose(search.cv_results_["mean_test_score"], scores, **ROUNDING)
    assert search.best_params_ == candidates[np.argmax(scores)]
    assert search.best_score_ > -np.log(3)  # the entropy of three equal classes


def test_grid_search_finds_the_best_learning_rate(clf, iris):
    search = GridSearchCV(clf, {"learning_rate": [1e-7, 0.02]}, cv=3).fit(*iris)
    assert search.best_params_ == {"learning_rate": 0.02}
    assert search.best_score_ > halfway(*iris)


def test_optimizer_object_of_a_grid_is_never_trained(clf, iris, keras):
    optimizer = keras.optimizers.Adam(0.03)
    before = optimizer.get_config()
    GridSearchCV(clf, {"optimizer": [optimizer], "alpha": [0, 0.1]}, cv=3).fit(*iris)
    assert optimizer.get_config() == before
    assert not optimizer.built
    assert int(optimizer.iterations.numpy()) == 0


@pytest.mark.parametrize("name", ["dropout", "optimizer object", "schedule", "activation"])
def test_grid_search_in_two_processes_gives_the_same(clf, iris, keras, name):
    grid = GRIDS[name](keras)
    one, two = (
        GridSearchCV(clf, grid, cv=3, scoring="neg_log_loss", n_jobs=n_jobs).fit(*iris)
        for n_jobs in (1, 2)
    )
    scores = "mean_test_score"
    assert_allclose(one.cv_results_[scores], two.cv_results_[scores], **ROUNDING)
    assert one.best_index_ == two.best_index_
    assert_allclose(one.predict_proba(iris[0]), two.predict_proba(iris[0]), **ROUNDING)


def test_randomized_search_over_learning_rates(clf, iris):
    rates = {"learning_rate": loguniform(1e-4, 1e-1), "optimizer": ["adam", "rmsprop"]}
    search = RandomizedSearchCV(clf, rates, n_iter=5, cv=3, random_state=0).fit(*iris)
    assert 1e-4 <= search.best_params_["learning_rate"] <= 1e-1
    assert len(set(search.cv_results_["param_learning_rate"])) == 5
    assert search.best_score_ > halfway(*iris)


def test_halving_search_spends_epochs(clf, iris):
    grid = {"learning_rate": [1e-7, 1e-6, 0.02, 0.05]}
    search = HalvingGridSearchCV(
        clf, grid, resource="epochs", min_resources=5, max_resources=20, factor=2, cv=3
    ).fit(*iris)
    assert search.n_resources_ == [5, 10, 20]
    assert search.n_candidates_ == [4, 2, 1]
    assert search.best_params_["learning_rate"] in (0.02, 0.05)
    assert search.best_estimator_.n_iter_ == 20


def test_features_are_selected_one_by_one(clf):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    selector = SequentialFeatureSelector(clf, n_features_to_select=1, cv=3).fit(X, X[:, 1] > 0)
    assert_array_equal(selector.get_support(), [False, True, False])


def test_candidate_that_cannot_be_fitted_is_reported_and_not_chosen(clf, iris):
    search = GridSearchCV(clf, {"hidden_layer_sizes": [(0,), (16,)]}, cv=3)
    message = r"(?s)3 fits failed .*The 'hidden_layer_sizes' parameter of DNNClassifier must be"
    with (
        pytest.warns(FitFailedWarning, match=message),
        pytest.warns(UserWarning, match="One or more of the test scores are non-finite"),
    ):
        search.fit(*iris)
    assert search.best_params_ == {"hidden_layer_sizes": (16,)}


# --------------------------------------------------------------------------------- ensembles


def test_soft_vote_is_the_mean_of_network_and_forest(clf, forest, iris):
    vote = VotingClassifier([("dnn", clf), ("forest", forest)], voting="soft").fit(*iris)
    members = [clone(one).fit(*iris).predict_proba(iris[0]) for one in (clf, forest)]
    assert_allclose(vote.predict_proba(iris[0]), np.mean(members, axis=0), **ROUNDING)
    assert_array_equal(vote.classes_, np.unique(iris[1]))


def test_vote_over_images_beside_a_forest_over_rows(clf, forest, images):
    rows = make_pipeline(FunctionTransformer(lambda X: X.reshape(len(X), -1)), forest)
    vote = VotingClassifier([("dnn", clf), ("forest", rows)], voting="soft")
    assert cross_val_score(vote, *images, cv=3).min() > halfway(*images)


@pytest.mark.parametrize(
    "ensemble",
    [AdaBoostClassifier(n_estimators=2), CalibratedClassifierCV(cv=2), OneVsRestClassifier(None)],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_images_reach_the_network_inside(ensemble, clf, images):
    ensemble = clone(ensemble).set_params(estimator=clf)
    assert ensemble.fit(*images).score(*images) > halfway(*images)
    assert ensemble.predict_proba(images[0]).shape == (len(images[0]), 10)


def test_vote_of_regressors_is_their_mean(reg, diabetes):
    forest = RandomForestRegressor(20, random_state=0)
    vote = VotingRegressor([("dnn", reg), ("forest", forest)]).fit(*diabetes)
    members = [clone(one).fit(*diabetes).predict(diabetes[0]) for one in (reg, forest)]
    assert_allclose(vote.predict(diabetes[0]), np.mean(members, axis=0), **ROUNDING)


def test_stack_of_network_and_forest(clf, forest, iris):
    stack = StackingClassifier([("dnn", clf), ("forest", forest)], LogisticRegression(), cv=3)
    assert cross_val_score(stack, *iris, cv=3).min() > halfway(*iris)
    columns = stack.fit(*iris).transform(iris[0])
    assert_allclose(columns[:, :3], clf.fit(*iris).predict_proba(iris[0]), **ROUNDING)


@pytest.mark.parametrize(
    "ensemble",
    [
        BaggingClassifier(n_estimators=3, random_state=0),
        AdaBoostClassifier(n_estimators=3, random_state=0),
        CalibratedClassifierCV(cv=3),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_network_and_forest_change_places_in(ensemble, clf, forest, iris):
    search = GridSearchCV(ensemble, {"estimator": [clf, forest]}, cv=3, error_score="raise")
    search.fit(*iris)
    assert search.cv_results_["mean_test_score"].min() > halfway(*iris)


def test_bagged_networks_differ_and_are_averaged(clf, iris):
    bag = BaggingClassifier(clf, 3, max_features=0.75, random_state=0).fit(*iris)
    members = [
        one.predict_proba(iris[0][:, columns])
        for one, columns in zip(bag.estimators_, bag.estimators_features_, strict=True)
    ]
    assert not np.allclose(members[0], members[1])
    assert_allclose(bag.predict_proba(iris[0]), np.mean(members, axis=0), **ROUNDING)


@pytest.mark.parametrize("ensemble", [BaggingRegressor, AdaBoostRegressor])
def test_ensembles_of_regressors_predict_one_column(ensemble, reg, diabetes):
    X, y = diabetes
    many = ensemble(reg, n_estimators=3, random_state=0)
    line = cross_val_score(LinearRegression(), X, y, cv=3).mean()
    assert cross_val_score(many, X, y, cv=3).mean() > 0.7 * line
    assert many.fit(X, y).predict(X).shape == y.shape


def test_boosting_gives_each_network_the_weights_of_its_round(clf, iris):
    clf.set_params(epochs=2)
    boost = AdaBoostClassifier(clf, n_estimators=3, random_state=0).fit(*iris)
    assert len(boost.estimators_) == 3
    first = clone(boost.estimators_[0]).fit(*iris)
    assert_allclose(
        boost.estimators_[0].predict_proba(iris[0]), first.predict_proba(iris[0]), **ROUNDING
    )
    # Its weights follow from the errors of the first network (Hastie et al. 2009, SAMME).
    wrong = first.predict(iris[0]) != iris[1]
    error = wrong.mean()
    weight = np.where(wrong, (1 - error) / error * 2, 1)
    second = clone(boost.estimators_[1]).fit(*iris, sample_weight=weight)
    expected = boost.estimators_[1].predict_proba(iris[0])
    assert_allclose(second.predict_proba(iris[0]), expected, **ROUNDING)


def test_calibration_corrects_an_overfitted_network(clf, images):
    X, y = images
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(len(y)) < 0.4, rng.integers(0, 10, len(y)), y)
    clf.set_params(hidden_layer_sizes=(64,), epochs=40)
    train, test = slice(0, 350), slice(350, None)
    rows = X.reshape(len(X), -1)
    calibrated = CalibratedClassifierCV(clf, cv=3).fit(rows[train], noisy[train])
    plain = clf.fit(rows[train], noisy[train])
    losses = [log_loss(noisy[test], one.predict_proba(rows[test])) for one in (plain, calibrated)]
    assert losses[1] < losses[0]


def test_frozen_network_is_calibrated_without_being_fitted_again(clf, iris):
    X, y = iris
    clf.fit(X[:100], y[:100])
    frozen = FrozenEstimator(clf)
    before = clf.predict_proba(X)
    calibrated = CalibratedClassifierCV(frozen).fit(X[100:], y[100:])
    assert_array_equal(clf.predict_proba(X), before)
    assert calibrated.score(X, y) > halfway(X, y)


def test_threshold_is_tuned_on_probabilities(clf, setosa):
    tuned = TunedThresholdClassifierCV(clf, scoring="balanced_accuracy", cv=3).fit(*setosa)
    positive = clf.fit(*setosa).predict_proba(setosa[0])[:, 1] >= tuned.best_threshold_
    assert_array_equal(tuned.predict(setosa[0]), positive)
    assert balanced_accuracy_score(setosa[1], positive) > halfway(*setosa)


def test_one_network_for_each_class_against_the_rest(clf, iris):
    many = OneVsRestClassifier(clf).fit(*iris)
    alone = [
        clone(clf).fit(iris[0], iris[1] == name).predict_proba(iris[0])[:, 1]
        for name in many.classes_
    ]
    expected = np.transpose(alone) / np.sum(alone, axis=0)[:, np.newaxis]
    assert_allclose(many.predict_proba(iris[0]), expected, **ROUNDING)
    assert many.score(*iris) > halfway(*iris)


def test_one_network_for_each_column_of_classes(clf, iris):
    X, y = iris
    both = np.column_stack([y, np.where(X[:, 0] > 5.8, "long", "short")])
    with pytest.raises(ValueError, match=r"one DNNClassifier per column with .*MultiOutput"):
        clf.fit(X, both)
    many = MultiOutputClassifier(clf).fit(X, both)
    for column, predicted in zip(both.T, many.predict(X).T, strict=True):
        assert_array_equal(predicted, clone(clf).fit(X, column).predict(X))


@pytest.fixture(scope="module")
def labels(iris):
    """Three labels that may hold together, or not at all."""
    X = iris[0]
    return np.column_stack([X[:, 0] > 5.8, X[:, 3] > 1, X[:, 1] > 3]).astype(int)


def test_multilabel_probabilities_are_cross_validated(clf, iris, labels):
    proba = cross_val_predict(clf, iris[0], labels, cv=3, method="predict_proba")
    assert proba.shape == labels.shape
    assert roc_auc_score(labels, proba) > 0.75


@pytest.mark.parametrize("n_labels", [2, 3])
def test_scorers_take_multilabel_probabilities(clf, iris, labels, n_labels):
    y = labels[:, :n_labels]
    proba = clf.fit(iris[0], y).predict_proba(iris[0])
    scores = {name: get_scorer(name)(clf, iris[0], y) for name in ("roc_auc", "average_precision")}
    assert_allclose(scores["roc_auc"], roc_auc_score(y, proba))
    assert_allclose(scores["average_precision"], average_precision_score(y, proba))


def test_chain_feeds_one_network_the_label_of_another(clf, iris, labels):
    X = iris[0]
    chain = ClassifierChain(clf).fit(X, labels[:, :2])
    first = clone(clf).fit(X, labels[:, 0])
    second = clone(clf).fit(np.column_stack([X, labels[:, 0]]), labels[:, 1])
    predicted = first.predict(X)
    expected = [predicted, second.predict(np.column_stack([X, predicted]))]
    assert_array_equal(chain.predict(X), np.transpose(expected))


def test_transformed_target_is_predicted_in_its_own_units(reg, diabetes):
    X, y = diabetes
    logs = TransformedTargetRegressor(reg, func=np.log, inverse_func=np.exp).fit(X, y)
    expected = np.exp(clone(reg).fit(X, np.log(y)).predict(X))
    assert_allclose(logs.predict(X), expected, **ROUNDING)
    assert logs.predict(X).shape == y.shape
    assert logs.score(X, y) > 0


# -------------------------------------------------------------------------------- inspection


def test_permutation_importance_finds_the_column_that_matters(clf):
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = X[:, 1] > 0
    result = permutation_importance(clf.fit(X, y), X, y, n_repeats=5, random_state=0)
    assert np.argmax(result.importances_mean) == 1
    # A shuffled column holds no information: about half of the rows are guessed.
    assert result.importances_mean[1] > 0.5 * (clf.score(X, y) - 0.5)


def test_partial_dependence_follows_a_straight_line(reg):
    X = np.random.default_rng(0).uniform(size=(300, 2))
    reg.set_params(hidden_layer_sizes=(), alpha=0, epochs=60).fit(X, 3 * X[:, 0] - 2 * X[:, 1])
    for column, slope in enumerate((3, -2)):
        result = partial_dependence(reg, X, [column], kind="average")
        values, average = result["grid_values"][0], result["average"][0]
        assert_allclose(np.diff(average) / np.diff(values), slope, rtol=0.1)


def test_learning_curve_ends_at_the_cross_validated_score(clf, iris):
    sizes, train, test = learning_curve(clf, *iris, train_sizes=[0.2, 0.6, 1.0], cv=3)
    assert_array_equal(sizes, [20, 60, 100])
    assert train.shape == test.shape == (3, 3)
    assert_allclose(test[-1], by_hand(clf, *iris))
    assert test[-1].mean() >= test[0].mean()


def test_learning_curve_by_partial_fit(clf, iris):
    X, y = iris
    train, test = next(StratifiedKFold(3).split(X, y))
    _, _, scores = learning_curve(
        clf, X, y, cv=[(train, test)], train_sizes=[40, 100], exploit_incremental_learning=True
    )
    for part in (train[:40], train[40:]):
        clf.partial_fit(X[part], y[part], classes=np.unique(y))
    assert_allclose(scores[-1, 0], clf.score(X[test], y[test]))


def test_validation_curve_over_epochs(clf, iris):
    epochs = [1, 30]
    train, test = validation_curve(clf, *iris, param_name="epochs", param_range=epochs, cv=3)
    for scores, number in zip(test, epochs, strict=True):
        assert_allclose(scores, by_hand(clone(clf).set_params(epochs=number), *iris))
    assert train[1].mean() > train[0].mean()


@pytest.mark.parametrize("response", ["predict_proba", "predict"])
def test_decision_boundary_shows_what_the_network_predicts(clf, setosa, response):
    pytest.importorskip("matplotlib").use("agg")
    X, y = setosa[0][:, :2], setosa[1]
    display = DecisionBoundaryDisplay.from_estimator(
        clf.fit(X, y), X, response_method=response, grid_resolution=10
    )
    points = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    expected = getattr(clf, response)(points)
    expected = expected[:, 1] if response == "predict_proba" else expected
    assert_allclose(display.response.ravel(), expected)


# --------------------------------------------------------------------------- names of columns


@pytest.fixture(scope="module")
def frame(iris):
    pandas = pytest.importorskip("pandas")
    columns = ["sepal length", "sepal width", "petal length", "petal width"]
    return pandas.DataFrame(iris[0], columns=columns), pandas.Series(iris[1], name="species")


def test_frame_gives_the_same_network_as_its_array(clf, iris, frame):
    X, y = frame
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = clf.fit(*iris).predict_proba(iris[0])
        assert_array_equal(clf.fit(X, y).predict_proba(X), expected)
    assert_array_equal(clf.feature_names_in_, X.columns)
    assert_array_equal(clf.classes_, np.unique(y))


def test_array_after_a_frame_warns(clf, iris, frame):
    clf.fit(*frame)
    with pytest.warns(UserWarning, match=r"X does not have valid feature names, but DNNClassifier"):
        predicted = clf.predict(iris[0])
    assert_array_equal(predicted, clf.predict(frame[0]))


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_columns_in_another_order_are_refused(clf, frame, method):
    X, y = frame
    clf.fit(X, y)
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        getattr(clf, method)(X[X.columns[::-1]])


def test_frame_of_unknown_columns_is_refused(reg, frame):
    X, _ = frame
    reg.fit(X, X["petal width"])
    with pytest.raises(ValueError, match=r"(?s)Feature names unseen at fit time:\n- weight"):
        reg.predict(X.rename(columns={"petal width": "weight"}))


def test_fit_on_an_array_forgets_the_names(clf, iris, frame):
    clf.fit(*frame).fit(*iris)
    assert not hasattr(clf, "feature_names_in_")


def test_set_output_brings_names_through_a_pipeline(clf, frame):
    pipe = make_pipeline(StandardScaler(), clf).set_output(transform="pandas").fit(*frame)
    assert_array_equal(pipe[-1].feature_names_in_, frame[0].columns)
    assert pipe.score(*frame) > halfway(*frame)


# --------------------------------------------------------------------------- metadata routing


@pytest.fixture
def weights(iris):
    """Weights under which one class is as if it were not there."""
    return np.where(iris[1] == "virginica", 0.0, 1.0)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_weights_must_be_asked_for(clf, iris, weights, routing):
    with pytest.raises(UnsetMetadataPassedError, match=r"sample_weight'?\] are passed"):
        cross_validate(clf, *iris, cv=3, params={"sample_weight": weights})


def test_weights_are_routed_through_cross_validate(clf, iris, weights, routing):
    clf.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    params = {"sample_weight": weights}
    result = cross_validate(clf, *iris, cv=3, params=params, return_estimator=True)
    assert all("virginica" not in one.predict(iris[0]) for one in result["estimator"])
    assert result["test_score"].min() > halfway(*iris)


def test_weights_are_routed_through_pipeline_and_search(clf, iris, weights, routing):
    scale = StandardScaler().set_fit_request(sample_weight=False)
    pipe = make_pipeline(scale, clf.set_fit_request(sample_weight=True))
    scoring = get_scorer("accuracy").set_score_request(sample_weight=True)
    search = GridSearchCV(pipe, {"dnnclassifier__alpha": [0, 0.01]}, scoring=scoring, cv=3)
    search.fit(*iris, sample_weight=weights)
    assert "virginica" not in search.predict(iris[0])
    assert search.best_score_ > halfway(*iris)


def test_refused_weights_are_not_routed(clf, iris, weights, routing):
    clf.set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
    result = cross_validate(clf, *iris, cv=3, params={"sample_weight": weights})
    expected = [
        clone(clf)
        .fit(iris[0][train], iris[1][train])
        .score(*(part[test] for part in (*iris, weights)))
        for train, test in StratifiedKFold(3).split(*iris)
    ]
    assert_allclose(result["test_score"], expected)


def test_requests_survive_clone(clf, routing):
    requested = clone(clf.set_fit_request(sample_weight="w")).get_metadata_routing()
    assert requested.fit.requests["sample_weight"] == "w"
    assert "sample_weight" in requested.partial_fit.requests


# ------------------------------------------------------ parameters, clone, tags, repr


@pytest.fixture(params=[DNNClassifier, DNNRegressor])
def kind(request):
    return request.param


def test_parameters_are_the_very_objects_that_were_given(kind, keras):
    given = {
        "hidden_layer_sizes": [np.int64(8), 4],
        "activation": ["relu", keras.activations.gelu],
        "dropout": np.array([0.1, 0.2]),
        "kernel_initializer": keras.initializers.HeNormal(),
        "optimizer": keras.optimizers.Adam(),
        "learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9),
        "random_state": np.random.RandomState(0),
    }
    params = kind(**given).get_params()
    assert all(params[name] is value for name, value in given.items())
    assert all(kind().set_params(**params).get_params()[n] is v for n, v in params.items())


def test_get_params_builds_an_equal_estimator(clf):
    assert DNNClassifier(**clf.get_params()).get_params() == clf.get_params()


def test_set_params_and_constructor_give_the_same_network(clf, iris):
    later = DNNClassifier().set_params(**clf.get_params())
    assert_array_equal(
        later.fit(*iris).predict_proba(iris[0]), clf.fit(*iris).predict_proba(iris[0])
    )


def test_set_params_refuses_what_is_no_parameter(kind):
    with pytest.raises(
        ValueError, match=f"Invalid parameter 'layers' for estimator {kind.__name__}"
    ):
        kind().set_params(layers=2)


def test_fit_leaves_the_parameters_alone(clf, iris, keras):
    given = {"activation": ["relu"], "dropout": [0.1], "optimizer": keras.optimizers.Adam()}
    before = clf.set_params(**given).get_params()
    after = clf.fit(*iris).get_params()
    assert all(after[name] is value for name, value in before.items())
    assert given["activation"] == ["relu"]


def test_clone_of_a_fitted_estimator_is_not_fitted(clf, iris):
    twin = clone(clf.fit(*iris))
    assert twin.get_params() == clf.get_params()
    with pytest.raises(NotFittedError, match="This DNNClassifier instance is not fitted yet"):
        twin.predict(iris[0])
    assert not [name for name in vars(twin) if name.endswith("_")]


def test_clone_gives_the_same_network(clf, iris):
    twin = clone(clf.fit(*iris)).fit(*iris)
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))


def test_clone_copies_a_keras_optimizer(kind, keras):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
    twin = clone(kind(optimizer=optimizer))
    assert twin.optimizer is not optimizer
    assert twin.optimizer.get_config() == optimizer.get_config()


def test_tags_describe_each_estimator():
    classifier, regressor = get_tags(DNNClassifier()), get_tags(DNNRegressor())
    assert (classifier.estimator_type, regressor.estimator_type) == ("classifier", "regressor")
    assert classifier.classifier_tags.multi_class
    assert classifier.classifier_tags.multi_label
    assert regressor.target_tags.multi_output
    assert classifier.target_tags.required
    for tags in (classifier.input_tags, regressor.input_tags):
        assert tags.three_d_array
        assert tags.sparse
        assert tags.categorical
        assert tags.allow_nan


def test_repr_shows_the_changed_parameters_and_can_be_evaluated(kind):
    changed = {"hidden_layer_sizes": (16, 8), "dropout": 0.2, "random_state": 0}
    text = repr(kind(epochs="auto", **changed))
    assert "epochs" not in text
    assert all(f"{name}={value!r}" in text for name, value in changed.items())
    assert eval(text).get_params() == kind(**changed).get_params()


def test_html_repr_shows_name_parameters_and_state(clf, iris):
    before, after = clf._repr_html_(), clf.fit(*iris)._repr_html_()
    assert "DNNClassifier" in before
    assert "hidden_layer_sizes" in before
    assert "Not fitted" in before
    assert "Not fitted" not in after


# --------------------------------------------------------------------- pickle, joblib, deepcopy


def through_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def through_cloudpickle(estimator):
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(estimator))


COPIERS = {
    "pickle": lambda estimator: pickle.loads(pickle.dumps(estimator)),
    "oldest pickle": lambda estimator: pickle.loads(pickle.dumps(estimator, protocol=2)),
    "joblib": through_joblib,
    "cloudpickle": through_cloudpickle,
    "deepcopy": copy.deepcopy,
}


@pytest.fixture(params=COPIERS)
def copier(request):
    return COPIERS[request.param]


def test_copy_predicts_the_same(copier, clf, iris):
    twin = copier(clf.fit(*iris))
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    assert_array_equal(twin.predict(iris[0]), clf.predict(iris[0]))
    assert (twin.history_, twin.n_iter_) == (clf.history_, clf.n_iter_)


def test_copy_of_a_regressor_predicts_the_same(copier, reg, diabetes):
    twin = copier(reg.fit(*diabetes))
    assert_array_equal(twin.predict(diabetes[0]), reg.predict(diabetes[0]))


def test_copy_continues_training_from_the_original(copier, clf, iris):
    clf.set_params(dropout=0.2, validation_fraction=0.2, warm_start=True).fit(*iris)
    twin = copier(clf)
    for one in (clf, twin):
        one.fit(*iris).partial_fit(*iris)
    assert_allclose(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]), **ROUNDING)


def test_copy_is_independent(copier, clf, iris):
    before = clf.fit(*iris).predict_proba(iris[0])
    copier(clf).partial_fit(*iris)
    assert_array_equal(clf.predict_proba(iris[0]), before)
    assert len(clf.history_["loss"]) == clf.n_iter_ == clf.epochs


def test_copy_with_keras_objects_as_parameters(copier, clf, iris, keras):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 20, 0.9)
    clf.set_params(
        optimizer=keras.optimizers.SGD(schedule, momentum=0.9),
        learning_rate=None,
        kernel_initializer=keras.initializers.HeUniform(),
        activation=keras.activations.gelu,
    )
    twin = copier(clf.fit(*iris))
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    assert_allclose(clone(twin).fit(*iris).history_["loss"], clf.history_["loss"], **ROUNDING)


def test_fitted_network_with_its_own_activation_goes_through_cloudpickle(clf, iris, keras):
    clf.set_params(activation=lambda x: keras.ops.maximum(x, 0.1 * x)).fit(*iris)
    twin = through_cloudpickle(clf)
    assert_allclose(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]), **ROUNDING)
