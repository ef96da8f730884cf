"""class_weight, compared with scikit-learn's weights and with repeated rows."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import log_loss, recall_score
from sklearn.model_selection import cross_validate
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.estimator_checks import (
    check_class_weight_balanced_classifiers,
    check_class_weight_classifiers,
    check_sample_weight_equivalence_on_dense_data,
)

from skdnn import DNNClassifier
from skdnn._data.class_weight import ClassWeights
from skdnn._utils.tensorflow import keras, tf

NAMES = np.array(["rare", "some", "usual"])


def quick(**params):
    settings = {"hidden_layer_sizes": (8,), "epochs": 3, "random_state": 0}
    return DNNClassifier(**{**settings, **params})


@pytest.fixture(scope="module")
def table():
    options = {"n_classes": 3, "n_informative": 4, "flip_y": 0.2, "weights": [0.1, 0.3]}
    X, y = make_classification(240, 6, random_state=0, **options)
    return X, NAMES[y]


@pytest.fixture(scope="module")
def labels():
    return make_multilabel_classification(120, n_classes=3, random_state=0)


def factors(class_weight, classes, y):
    return ClassWeights(class_weight, classes, "Owner").fit(y, np.arange(len(y)), None).of(y)


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 5, "some": 2, "usual": 0.5}])
def test_weights_of_classes_are_those_of_scikit_learn(table, class_weight):
    y = table[1]
    its = compute_sample_weight(class_weight, y)
    np.testing.assert_allclose(factors(class_weight, NAMES, y), its)


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 5}, {0: 1, 1: 2}, {0: 0.5, 1: 1}]])
def test_weights_of_labels_are_those_of_scikit_learn(labels, class_weight):
    y = labels[1]
    its = compute_sample_weight(class_weight, y)
    np.testing.assert_allclose(factors(class_weight, np.tile([0, 1], (3, 1)), y), its)


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 5, "some": 2, "usual": 0.5}])
@pytest.mark.parametrize("own", [False, True])
def test_class_weight_multiplies_sample_weight(table, class_weight, own):
    X, y = table
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if own else np.ones(len(y))
    balance = class_weight
    if class_weight == "balanced":  # of weighted rows: a weight of 2 is a row twice
        counts = np.bincount(np.searchsorted(NAMES, y), weight)
        balance = dict(zip(NAMES, counts.sum() / (3 * counts), strict=True))
    both = weight * compute_sample_weight(balance, y)
    # The scaling of the inputs is fitted with sample_weight only.
    settings = {"scaling": None, "dtype": "float64"}
    net = quick(class_weight=class_weight, **settings).fit(X, y, weight if own else None)
    expected = quick(**settings).fit(X, y, both)
    np.testing.assert_allclose(net.predict_proba(X), expected.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(net.history_["loss"], expected.history_["loss"])


def test_class_weight_is_what_it_is_to_keras(table):
    X, y = table
    codes = np.searchsorted(NAMES, y)
    balance = compute_class_weight("balanced", classes=NAMES, y=y)
    options = {"epochs": 4, "batch_size": 32, "shuffle": False}
    start = quick(optimizer="sgd", learning_rate=1e-30, epochs=1).fit(X, y).model_
    start.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    its = start.fit(X, codes, class_weight=dict(enumerate(balance)), verbose=0, **options)
    net = quick(class_weight="balanced", learning_rate=0.01, **options).fit(X, y)
    np.testing.assert_allclose(net.history_["loss"], its.history["loss"], rtol=1e-4)


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 9, "some": 1, "usual": 1}])
def test_the_validation_loss_has_the_weights_of_the_training_rows(table, class_weight, split_of):
    X, y = table
    weight = np.random.default_rng(1).uniform(0.1, 5, len(y))
    net = quick(class_weight=class_weight, validation_fraction=0.25).fit(X, y, weight)
    training, held_out = split_of(net, y)
    balance = class_weight
    if class_weight == "balanced":
        counts = np.bincount(np.searchsorted(NAMES, y[training]), weight[training])
        balance = dict(zip(NAMES, counts.sum() / (3 * counts), strict=True))
    both = weight[held_out] * compute_sample_weight(balance, y[held_out])
    its = log_loss(y[held_out], net.predict_proba(X[held_out]), sample_weight=both)
    assert net.history_["val_loss"][-1] == pytest.approx(its, rel=1e-4)


def test_balance_finds_the_rare_class(table):
    X, y = table
    rare = [
        recall_score(y, quick(class_weight=w, epochs=40).fit(X, y).predict(X), average=None)[0]
        for w in (None, "balanced")
    ]
    assert rare[1] > rare[0] + 0.1


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 5}] * 3])
def test_labels_have_weights_too(labels, class_weight):
    X, y = labels
    settings = {"scaling": None, "dtype": "float64"}
    net = quick(class_weight=class_weight, **settings).fit(X, y)
    expected = quick(**settings).fit(X, y, compute_sample_weight(class_weight, y))
    np.testing.assert_allclose(net.predict_proba(X), expected.predict_proba(X), rtol=1e-9)


def test_another_weight_compiles_nothing_new(table, monkeypatch):
    X, y = table
    quick(class_weight="balanced", validation_fraction=0.2).fit(X, y)
    monkeypatch.setattr(tf, "function", None)  # another trace would fail
    quick(class_weight={"rare": 7}, validation_fraction=0.2).fit(X, y)


def test_a_class_of_weight_zero_is_as_if_its_rows_were_not_there(table):
    X, y = table
    rest = y != "rare"
    net = quick(class_weight={"rare": 0}, scaling=None).fit(X, y)
    assert net.predict_proba(X).shape == (240, 3)
    weighted = quick(scaling=None).fit(X, y, rest.astype(float))
    np.testing.assert_allclose(net.predict_proba(X), weighted.predict_proba(X), rtol=1e-5)


def test_labels_missing_from_a_fold_may_be_named(table):
    X, y = table
    several = y != "rare"
    quick(class_weight={"rare": 5, "some": 2, "usual": 1}).fit(X[several], y[several])
    folds = [(np.flatnonzero(several), np.flatnonzero(~several))]
    named = quick(class_weight={"rare": 5, "some": 2, "usual": 1})
    assert np.isfinite(cross_validate(named, X, y, cv=folds)["test_score"]).all()


@pytest.mark.parametrize("text", [["0", "1"], ["01", "1"]])
def test_labels_that_are_digits_are_text(text):
    y = np.array(text)[[0, 1, 1, 0]]
    np.testing.assert_array_equal(factors({text[0]: 3}, np.unique(y), y), [3, 1, 1, 3])


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"rear": 5},
            "names 'rear', which is no class: the classes in y are 'rare', 'some', 'usual'",
        ),
        ({"rare": -1}, "not negative"),
        ([{"rare": 1}], "must be a dict or 'balanced'"),
        ("balance", "'class_weight' parameter of DNNClassifier"),
        (dict.fromkeys(NAMES, 0), "no row of any weight"),
    ],
    ids=["unknown", "negative", "list", "typo", "zeros"],
)
def test_invalid_weights_are_rejected(table, class_weight, message):
    with pytest.raises(ValueError, match=message):
        quick(class_weight=class_weight).fit(*table)


@pytest.mark.parametrize("class_weight", [{0: 1, 1: 2}, [{0: 1, 1: 2}] * 2])
def test_labels_want_a_dict_each(labels, class_weight):
    with pytest.raises(ValueError, match="must be a list of 3 dicts or 'balanced'"):
        quick(class_weight=class_weight).fit(*labels)


def test_partial_fit_takes_a_dict_and_not_balanced(table):
    X, y = table
    weights = {"rare": 5, "some": 2, "usual": 1}
    net = quick(class_weight=weights, scaling=None)
    net.partial_fit(X, y, classes=NAMES).partial_fit(X[y != "rare"], y[y != "rare"])
    with pytest.raises(ValueError, match=r"class_weight='balanced' is not for .*partial_fit"):
        quick(class_weight="balanced").partial_fit(X, y, classes=NAMES)


def test_warm_start_may_change_the_weights(table):
    net = quick(class_weight="balanced", warm_start=True).fit(*table)
    assert net.set_params(class_weight={"rare": 3}).fit(*table).n_iter_ == 6


@pytest.mark.parametrize(
    "check", [check_class_weight_classifiers, check_class_weight_balanced_classifiers]
)
def test_scikit_learn_check_of_class_weights(check):
    plain = DNNClassifier(preset="plain")
    if check is check_class_weight_balanced_classifiers:
        X, y = make_classification(200, weights=[0.8, 0.2], random_state=0)
        check("DNNClassifier", plain, X[:100], y[:100], X[100:], y[100:], [0.8, 0.2])
    else:
        check("DNNClassifier", plain)


def test_balanced_weights_count_a_row_of_weight_two_twice():
    balanced = DNNClassifier(preset="plain", class_weight="balanced", dtype="float64")
    check_sample_weight_equivalence_on_dense_data("DNNClassifier", balanced)
