"""`KerasClassifier`: labels, losses, data and training."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
from keras.layers import LSTM, Concatenate, Conv2D, Dense, Dropout, Embedding, Flatten, Input
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csc_array, csr_array, dok_matrix, lil_matrix
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from skdnn import KerasClassifier, KerasRegressor
from skdnn._training import keras_fit
from skdnn._training.program_cache import ProgramCache

SILENT = {"verbose": 0, "random_state": 0}
FAST = {**SILENT, "epochs": 20, "optimizer": "adam", "optimizer__learning_rate": 0.05}


def build(units=8, dropout=0.0):
    model = keras.Sequential()
    model.add(Dense(units, activation="relu", name="hidden"))
    if dropout:
        model.add(Dropout(dropout))
    model.add(Dense(3, activation="softmax", name="output"))
    return model


def layers():
    return [Dense(8, activation="relu"), Dense(3, activation="softmax")]


def functional(n_features=4):
    inputs = Input((n_features,))
    return keras.Model(inputs, Dense(3, activation="softmax")(Dense(8, "relu")(inputs)))


# ------------------------------------------------------------------------- losses and probabilities


@pytest.mark.parametrize(
    ("kind", "last", "loss"),
    [
        ("labels", Dense(3, activation="softmax"), "sparse_categorical_crossentropy"),
        ("two labels", Dense(1, activation="sigmoid"), "binary_crossentropy"),
        ("two labels", Dense(2, activation="softmax"), "sparse_categorical_crossentropy"),
        ("several labels", Dense(3, activation="sigmoid"), "binary_crossentropy"),
        ("one-hot", Dense(3, activation="softmax"), "categorical_crossentropy"),
    ],
)
def test_loss_suits_labels_and_output_layer(iris, kind, last, loss):
    X, y = iris
    one_hot = np.eye(3, dtype=int)[y]
    targets = {
        "labels": np.array(["a", "b", "c"])[y],
        "two labels": y > 0,
        "several labels": np.vstack([one_hot[:-1], [[1, 1, 0]]]),
        "one-hot": one_hot,
    }
    clf = KerasClassifier([Dense(4), last], **SILENT).fit(X, targets[kind])
    assert clf.model_.loss.name == loss
    assert clf.predict(X).shape == targets[kind].shape
    assert clf.predict_proba(X[:1]).shape == (1, 2 if kind == "two labels" else 3)


@pytest.mark.parametrize("units", [1, 2, 3])
def test_logits_become_probabilities(iris, units):
    X, y = iris
    y = y if units == 3 else y > 0
    clf = KerasClassifier([Dense(units)], **FAST).fit(X, y)
    assert clf.model_.loss.from_logits
    proba = clf.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert proba.min() >= 0
    assert_array_equal(clf.classes_[proba.argmax(axis=1)], clf.predict(X))


def test_one_label_per_row_is_not_one_hot_with_a_binary_loss(iris):
    X, y = iris
    outputs = [Dense(3, activation="sigmoid")]
    clf = KerasClassifier(outputs, loss="binary_crossentropy", **SILENT).fit(
        X, np.eye(3, dtype=int)[y]
    )
    assert set(np.unique(clf.predict(X).sum(axis=1))) != {1}


def test_labels_suit_a_loss_that_the_network_was_compiled_with(iris):
    model = functional()
    model.compile("adam", "categorical_crossentropy")
    clf = KerasClassifier(model, **SILENT).fit(*iris)
    assert set(clf.predict(iris[0])) <= {0, 1, 2}


def test_no_loss_is_inferred_for_a_function_with_compile_kwargs(iris):
    def own(compile_kwargs):
        return build()

    with pytest.raises(ValueError, match="must provide a loss"):
        KerasClassifier(own, **SILENT).fit(*iris)


@pytest.mark.parametrize(
    ("wrapper", "y", "message"),
    [
        (
            KerasClassifier,
            np.arange(150) % 5,
            r"3 values for each sample, but y has 5 classes: end",
        ),
        (KerasRegressor, np.arange(150.0), r"3 values for each sample, but y has 1: .*Dense\(1\)"),
    ],
)
def test_error_where_the_output_layer_does_not_suit_y(iris, wrapper, y, message):
    with pytest.raises(ValueError, match=message):
        wrapper(layers(), **SILENT).fit(iris[0], y)


def test_one_class_alone(iris):
    clf = KerasClassifier(**SILENT).fit(iris[0], np.full(150, "only"))
    assert_array_equal(clf.predict(iris[0][:2]), ["only", "only"])
    assert_array_equal(clf.predict_proba(iris[0][:2]), [[1], [1]])


# ------------------------------------------------------------------------------- inputs and outputs


def test_images_keep_their_shape(digits):
    images, digit = digits
    convolution = [Conv2D(4, 3, activation="relu"), Flatten(), Dense(10, activation="softmax")]
    clf = KerasClassifier(convolution, **SILENT).fit(images[..., np.newaxis], digit)
    assert clf.X_shape_ == (600, 8, 8, 1)
    assert clf.predict_proba(images[:1, ..., np.newaxis]).shape == (1, 10)


def test_recurrent_network(rng):
    words = rng.integers(20, size=(40, 6))
    network = [Embedding(20, 4), LSTM(5), Dense(1, activation="sigmoid")]
    clf = KerasClassifier(network, **SILENT).fit(words, np.arange(40) % 2)
    again = clone(clf).fit(words, np.arange(40) % 2)
    assert_allclose(clf.predict_proba(words), again.predict_proba(words), rtol=1e-4)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def two_inputs(structure):
    left, right = Input((4,), name="left"), Input((2,), name="right")
    output = Dense(3, activation="softmax")(Concatenate()([left, right]))
    return keras.Model(structure(left, right), output)


INPUTS = {
    "dict": lambda left, right: {"left": left, "right": right},
    "tuple": lambda left, right: (left, right),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_several_inputs(kind, iris):
    X, y = iris
    structure = INPUTS[kind]
    model = two_inputs(structure if kind == "dict" else lambda *both: list(both))
    both = structure(X, X[:, :2])
    clf = KerasClassifier(model, **FAST).set_params(epochs=40)
    clf.fit(both, y, sample_weight=np.arange(150) % 3)
    assert clf.score(both, y) > 0.8
    assert clf.X_shape_ == structure((150, 4), (150, 2))
    assert_allclose(clf.partial_fit(both, y).predict_proba(both).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 4)), "X is one input, but KerasClassifier was fitted on several"),
        ({"left": np.ones((2, 4))}, r"X has the inputs \['left'\], but .* on \['left', 'right'\]"),
        (
            {"left": np.ones((2, 4)), "right": np.ones((2, 3))},
            "X has shape .* expecting X of shape",
        ),
    ],
)
def test_error_for_other_inputs_than_in_fit(iris, X, message):
    model = two_inputs(INPUTS["dict"])
    clf = KerasClassifier(model, **SILENT).fit({"left": iris[0], "right": iris[0][:, :2]}, iris[1])
    with pytest.raises(ValueError, match=message):
        clf.predict(X)


def test_several_inputs_through_a_feature_encoder(iris):
    class Own(KerasClassifier):
        @property
        def feature_encoder(self):
            return FunctionTransformer(lambda X: [X, X[:, :2]])

    clf = Own(two_inputs(lambda *both: list(both)), **SILENT)
    assert cross_val_score(clf, *iris, cv=2).shape == (2,)


class TwoKinds(TransformerMixin, BaseEstimator):
    """Each column of y is a kind of its own, and an output of the network."""

    def fit(self, y):
        return self

    def transform(self, y):
        return [y[:, 0], y[:, 1]]

    def inverse_transform(self, outputs, return_proba=False):
        return outputs if return_proba else np.column_stack([x.argmax(axis=1) for x in outputs])

    def get_metadata(self):
        return {"n_outputs_": 2, "n_outputs_expected_": 2}


class TwoKindsClassifier(KerasClassifier):
    @property
    def target_encoder(self):
        return TwoKinds()

    @staticmethod
    def scorer(y_true, y_pred, **kwargs):
        return float((y_true == y_pred).mean())


def test_classifier_of_several_outputs(iris):
    X, y = iris[0], np.column_stack([iris[1], iris[1] % 2])
    inputs = Input((4,))
    outputs = [Dense(n, activation="softmax", name=f"kind_{n}")(inputs) for n in (3, 2)]
    model = keras.Model(inputs, outputs)
    losses = dict.fromkeys(["kind_3", "kind_2"], "sparse_categorical_crossentropy")
    clf = TwoKindsClassifier(model, loss=losses, metrics={"kind_3": ["accuracy"]}, **FAST)
    clf.fit(X, y, sample_weight=np.arange(150) % 2)
    assert clf.score(X, y) > 0.6
    assert [proba.shape for proba in clf.predict_proba(X)] == [(150, 3), (150, 2)]
    assert set(clf.history_) == {"loss", "kind_3_loss", "kind_2_loss", "kind_3_accuracy"}
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(X), clf.predict(X))


@pytest.mark.parametrize("kind", [csr_array, csc_array, coo_array, dok_matrix, lil_matrix])
def test_sparse_rows_train_as_dense_ones(iris, kind):
    X, y = iris
    weight = np.arange(150) % 3
    dense = KerasClassifier(layers(), validation_split=0.2, **FAST).fit(X, y, sample_weight=weight)
    sparse = clone(dense).fit(kind(X), y, sample_weight=weight)
    assert_allclose(sparse.predict_proba(kind(X)), dense.predict_proba(X), rtol=1e-3, atol=1e-5)
    assert_allclose(sparse.history_["val_loss"], dense.history_["val_loss"], rtol=1e-3)


def test_feature_names_are_checked(iris):
    X = pd.DataFrame(iris[0], columns=list("abcd"))
    clf = KerasClassifier(**SILENT).fit(X, iris[1])
    assert_array_equal(clf.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match=r"names should match[^[]*X\[model\.feature_names_in_\]"):
        clf.predict(X[list("dcba")])


def test_predict_takes_another_dtype_than_fit(iris):
    X = iris[0].round()
    clf = KerasClassifier(**SILENT).fit(X.astype(int), iris[1])
    assert_array_equal(clf.predict(X), clf.predict(X.astype(int)))


def test_longer_labels_in_a_later_batch(iris):
    X, y = iris
    clf = KerasClassifier(**SILENT)
    clf.partial_fit(X, np.where(y == 0, "a", "b"), classes=["b", "a", "long"])
    assert_array_equal(
        clf.partial_fit(X, np.where(y == 0, "a", "long")).classes_, ["a", "b", "long"]
    )


@pytest.mark.parametrize("classes", [[[0, 1, 2], [0, 1]], np.array([[0, 1], [2, 3]])])
def test_error_for_classes_of_several_columns(iris, classes):
    X, y = iris
    with pytest.raises(ValueError, match=r"must be one list of labels\. Got 2 lists: if y has"):
        KerasClassifier(**SILENT).partial_fit(X, np.column_stack([y, y > 1]), classes)


def test_error_for_other_classes_than_in_the_first_call(iris):
    clf = KerasClassifier(**SILENT).partial_fit(*iris)
    with pytest.raises(ValueError, match=r"must be those of the first call, \[0, 1, 2\]. Got \[0"):
        clf.partial_fit(*iris, classes=[0, 1])


# ----------------------------------------------------------------------------------------- training


def test_partial_fit_and_fit_train_the_same(iris):
    fitted = KerasClassifier(build, verbose=0, random_state=0, epochs=3, model__dropout=0.5)
    fitted.fit(*iris)
    steps = clone(fitted)
    for epoch in range(3):
        assert steps.current_epoch == epoch
        steps.partial_fit(*iris)
    assert_allclose(steps.predict_proba(iris[0]), fitted.predict_proba(iris[0]), rtol=1e-4)
    assert_allclose(steps.history_["loss"], fitted.history_["loss"], rtol=1e-4)


def test_warm_start_keeps_the_network_and_its_classes(iris):
    clf = KerasClassifier(build, warm_start=True, **SILENT).fit(*iris)
    model = clf.model_
    assert clf.fit(*iris).model_ is model
    assert_array_equal(clf.classes_, [0, 1, 2])
    assert clf.current_epoch == 2


def test_validation_data_are_encoded_as_training_data_are(iris):
    X, y = iris
    y = np.array(["a", "b", "c"])[y]
    clf = KerasClassifier(build, shuffle=False, **SILENT).fit(X, y, validation_data=(X, y))
    expected = clf.model_.evaluate(X, iris[1], verbose=0)
    assert clf.history_["val_loss"][0] == pytest.approx(expected, rel=1e-4)


def test_weight_of_two_is_the_row_twice(iris):
    X, y = iris
    weight = np.arange(150) % 3
    clf = KerasClassifier(build, batch_size=-1, **FAST)
    weighted = clone(clf).fit(X, y, sample_weight=weight)
    repeated = clone(clf).fit(X.repeat(weight, axis=0), y.repeat(weight))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-2, atol=1e-4)


def test_class_weight_leaves_the_weights_of_the_user_alone(iris):
    weight = np.ones(150)
    KerasClassifier(build, class_weight={0: 5, 1: 1, 2: 1}, **SILENT).fit(
        *iris, sample_weight=weight
    )
    assert_array_equal(weight, 1)


@pytest.mark.parametrize("name", ["partial_fit", "fit with warm_start"])
def test_class_weight_may_name_a_class_that_further_rows_lack(iris, name):
    X, y = iris
    clf = KerasClassifier(build, warm_start=True, **SILENT).partial_fit(X, y)
    twin = pickle.loads(pickle.dumps(clf)).set_params(class_weight={0: 3, 2: 5})
    few, weight = y < 2, compute_sample_weight({0: 3, 1: 1, 2: 5}, y[y < 2])
    for net, weights in ((clf, weight), (twin, None)):
        train = net.partial_fit if name == "partial_fit" else net.fit
        train(X[few], y[few], sample_weight=weights)
    assert_allclose(twin.predict_proba(X), clf.predict_proba(X), rtol=1e-4, atol=1e-6)
    with pytest.raises(
        ValueError, match="names 7, which is no class: the classes in y are 0, 1, 2"
    ):
        twin.set_params(class_weight={0: 3, 7: 5}).partial_fit(X[few], y[few])


def test_class_weight_may_name_a_class_that_the_first_rows_lack(iris):
    X, y = iris
    few, weight = y < 2, compute_sample_weight({0: 3, 1: 1, 2: 5}, y[y < 2])
    clf = KerasClassifier(build, **SILENT)
    clf.partial_fit(X[few], y[few], classes=[0, 1, 2], sample_weight=weight)
    weighted = KerasClassifier(build, class_weight={0: 3, 2: 5}, **SILENT)
    weighted.partial_fit(X[few], y[few], classes=[2, 1, 0])
    assert_allclose(weighted.predict_proba(X), clf.predict_proba(X), rtol=1e-4, atol=1e-6)


def test_class_whose_rows_have_weight_zero_is_still_a_class(iris):
    X, y = iris
    clf = KerasClassifier(build, **FAST).fit(X, y, sample_weight=y != 2)
    assert_array_equal(clf.classes_, [0, 1, 2])
    assert set(clf.predict(X)) == {0, 1}
    assert clf.score(X, y, sample_weight=y != 2) > 0.9


def test_rows_of_weight_zero_are_left_out(iris):
    X, y = iris
    weight = np.arange(150) % 2
    weighted = KerasClassifier(build, **FAST).fit(X, y, sample_weight=weight)
    fewer = KerasClassifier(build, **FAST).fit(X[weight > 0], y[weight > 0])
    assert_allclose(weighted.predict_proba(X), fewer.predict_proba(X), rtol=1e-3, atol=1e-5)


def test_validation_data_may_be_lists_with_weights(iris):
    X, y = iris
    weight = np.where(y == 0, 1.0, 0.0)
    clf = KerasClassifier(build, **FAST)
    clf.fit(X, y, validation_data=(X.tolist(), y.tolist(), weight.tolist()))
    first = clf.model_.evaluate(X, y, sample_weight=weight, verbose=0)
    assert clf.history_["val_loss"][-1] == pytest.approx(first, rel=1e-4)


def test_validation_data_may_be_a_data_set_of_tensorflow(iris):
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((iris[0].astype("float32"), iris[1])).batch(16)
    clf = KerasClassifier(build, **SILENT).fit(*iris, validation_data=batches)
    expected = clf.model_.evaluate(*iris, verbose=0)
    assert clf.history_["val_loss"] == pytest.approx([expected], rel=1e-4)


def test_error_where_all_weights_are_zero(iris):
    with pytest.raises(ValueError, match="only zeros were passed in sample_weight"):
        KerasClassifier(build).fit(*iris, sample_weight=np.zeros(150))


def test_random_state_instance_gives_each_fit_another_seed(iris):
    clf = KerasClassifier(build, verbose=0, random_state=np.random.RandomState(0))
    first = clf.fit(*iris).predict_proba(iris[0])
    assert not np.allclose(clf.fit(*iris).predict_proba(iris[0]), first)


def test_global_seed_of_keras_decides_where_there_is_no_random_state(iris):
    def proba():
        keras.utils.set_random_seed(3)
        return KerasClassifier(build, verbose=0).fit(*iris).predict_proba(iris[0])

    assert_allclose(proba(), proba(), rtol=1e-5)


# ---------------------------------------------------------------- within estimators of scikit-learn


@pytest.mark.parametrize(
    "ensemble",
    [
        lambda clf: VotingClassifier([("a", clf), ("b", clone(clf))], voting="soft"),
        lambda clf: StackingClassifier([("a", clf)], cv=2),
        lambda clf: VotingClassifier([("a", clf), ("b", clone(clf))]),
        lambda clf: CalibratedClassifierCV(clf, cv=2),
        lambda clf: CalibratedClassifierCV(clf, cv=2, method="isotonic", ensemble=False),
        lambda clf: OneVsRestClassifier(clf.set_params(model=None)),
        lambda clf: AdaBoostClassifier(clf, n_estimators=2),
        lambda clf: make_pipeline(StandardScaler(), clf),
    ],
    ids=[
        "soft voting",
        "stacking",
        "hard voting",
        "calibrated",
        "calibrated once",
        "one against the rest",
        "boosted",
        "pipeline",
    ],
)
def test_in_an_estimator_of_scikit_learn(ensemble, iris):
    X, y = iris[0], np.array(["a", "b", "c"])[iris[1]]
    assert ensemble(KerasClassifier(build, **FAST)).fit(X, y).score(X, y) > 0.5


def test_weights_are_routed_to_fit_and_score(iris):
    X, y = iris
    with sklearn.config_context(enable_metadata_routing=True):
        clf = KerasClassifier(build, **SILENT).set_fit_request(sample_weight=True)
        clf.set_score_request(sample_weight=True)
        search = GridSearchCV(clf, {"epochs": [1, 2]}, cv=2)
        assert search.fit(X, y, sample_weight=np.arange(150) % 2 + 1).best_params_
        for twin in (clone(clf), pickle.loads(pickle.dumps(clf))):
            assert twin.get_metadata_routing().fit.requests == {"sample_weight": True}


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_error_before_fit(iris, method):
    X, y = iris
    arguments = (X, y) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match="needs to be fit before `predict` can be called"):
        getattr(KerasClassifier(build), method)(*arguments)


@pytest.mark.parametrize(
    "compiled",
    [
        {},
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        {"loss": keras.losses.sparse_categorical_crossentropy},
        {"loss": keras.losses.SparseCategoricalCrossentropy, "metrics": ["accuracy"]},
    ],
    ids=["loss chosen by skdnn", "loss by name", "loss as function", "loss as class"],
)
def test_fits_of_one_build_function_share_a_program(compiled, iris, monkeypatch):
    cache = ProgramCache(maxsize=4)
    monkeypatch.setattr(keras_fit, "PROGRAMS", cache)
    for rate in (0.1, 0.01):
        KerasClassifier(build, optimizer__learning_rate=rate, **compiled, **SILENT).fit(*iris)
    assert len(cache._idle) == 1
    cache.trim(0)
