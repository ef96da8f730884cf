"""The output layer, the loss and the labels of `KerasClassifier` agree, or `fit` says so."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import losses
from keras.layers import Activation, Dense, Flatten, Input, ReLU, Reshape, Softmax
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

from skdnn import KerasClassifier
from skdnn.wrappers.classifier_outputs import output_activation

SILENT = {"verbose": 0, "random_state": 0}
STILL = {**SILENT, "optimizer": "sgd", "optimizer__learning_rate": 1e-30}
NAMES = np.array(["c", "a", "b"])  # not in the order of the codes

ONE_HOT = [
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "kl_divergence",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "mse",
    "cosine_similarity",
    losses.CategoricalCrossentropy(label_smoothing=0.1),
    losses.CategoricalFocalCrossentropy(gamma=1.0),
    losses.CategoricalCrossentropy(from_logits=True),
    partial(losses.categorical_crossentropy, label_smoothing=0.1),
]
INDICES = [
    "sparse_categorical_crossentropy",
    losses.SparseCategoricalCrossentropy(from_logits=True),
    losses.SparseCategoricalCrossentropy,
]


def name_of(loss):
    name = loss if isinstance(loss, str) else getattr(loss, "name", None)
    return name or getattr(loss, "__name__", type(loss).__name__)


def mean_loss(loss, targets, outputs):
    """Return the mean of a loss as Keras computes it."""
    loss = loss() if isinstance(loss, type) else losses.get(loss)
    rows = loss(keras.ops.convert_to_tensor(targets), keras.ops.convert_to_tensor(outputs))
    return float(np.mean(rows))


# ---------------------------------------------------------------------------------- the loss


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", [*ONE_HOT, *INDICES], ids=name_of)
def test_loss_of_one_output_per_class_is_what_it_is_to_keras(iris, loss, n_classes):
    X, y = iris
    code = np.minimum(y, n_classes - 1)
    names = np.sort(NAMES)[:n_classes]
    linear = getattr(loss, "from_logits", False) is True
    # Keras computes the binary losses of a softmax from its logits, one by one.
    activation = "sigmoid" if "binary" in str(loss) else "linear" if linear else "softmax"
    layers = [Dense(n_classes, activation)]
    clf = KerasClassifier(layers, loss=loss, **STILL).fit(X, names[code])
    outputs = clf.model_.predict(X, verbose=0)
    targets = np.eye(n_classes, dtype="float32")[code] if loss in ONE_HOT else code
    assert clf.history_["loss"][0] == pytest.approx(mean_loss(loss, targets, outputs), rel=1e-4)
    proba = softmax(outputs, axis=1) if linear else outputs / outputs.sum(axis=1, keepdims=True)
    assert_allclose(clf.predict_proba(X), proba, rtol=1e-5)
    assert_array_equal(clf.predict(X), names[outputs.argmax(axis=1)])


@pytest.mark.parametrize(
    "loss", ["binary_crossentropy", "binary_focal_crossentropy", "mse", "hinge", "squared_hinge"]
)
def test_loss_of_one_output_for_two_classes_is_what_it_is_to_keras(iris, loss):
    X, y = iris
    is_hinge = "hinge" in loss
    layers = [Dense(1, "tanh" if is_hinge else "sigmoid")]
    clf = KerasClassifier(layers, loss=loss, **STILL).fit(X, np.where(y > 0, "yes", "no"))
    outputs = clf.model_.predict(X, verbose=0)
    targets = (y > 0).astype("float32")[:, np.newaxis]
    targets = 2 * targets - 1 if is_hinge else targets
    assert clf.history_["loss"][0] == pytest.approx(mean_loss(loss, targets, outputs), rel=1e-4)
    threshold = 0 if is_hinge else 0.5
    assert_array_equal(clf.predict(X), np.where(outputs[:, 0] > threshold, "yes", "no"))
    assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-6)


def test_generalized_cross_entropy_is_its_formula(iris):
    if not hasattr(losses, "CategoricalGeneralizedCrossEntropy"):
        pytest.skip("this version of Keras does not have the loss")
    X, y = iris
    loss = losses.CategoricalGeneralizedCrossEntropy(0.5)
    clf = KerasClassifier([Dense(3, "softmax")], loss=loss, **STILL).fit(X, y)
    own = clf.predict_proba(X)[np.arange(150), y]
    assert clf.history_["loss"][0] == pytest.approx(np.mean((1 - own**0.5) / 0.5), rel=1e-4)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_focal_crossentropy"])
def test_training_is_that_of_keras_on_encoded_labels(iris, loss):
    X, y = iris[0], iris[1] > 0
    template = keras.Sequential([Input((4,)), Dense(2, "softmax")])
    template.set_weights([np.linspace(-0.5, 0.5, 8).reshape(4, 2), np.zeros(2)])
    its = keras.models.clone_model(template)
    its.set_weights(template.get_weights())
    its.compile("sgd", loss, metrics=["accuracy"])
    history = its.fit(X, np.eye(2)[y.astype(int)], epochs=2, shuffle=False, verbose=0).history
    clf = KerasClassifier(
        template,
        optimizer="sgd",
        loss=loss,
        metrics=["accuracy"],
        epochs=2,
        shuffle=False,
        verbose=0,
    ).fit(X, y)
    assert_allclose(clf.history_["loss"], history["loss"], rtol=1e-4)
    assert_allclose(clf.history_["accuracy"], history["accuracy"], rtol=1e-4)
    assert_allclose(clf.predict_proba(X), its.predict(X, verbose=0), rtol=1e-4)


def test_sparse_loss_takes_one_hot_rows_of_y(iris):
    X, y = iris
    network = [Dense(3, "softmax")]
    loss = "sparse_categorical_crossentropy"
    labels = KerasClassifier(network, loss=loss, **STILL).fit(X, y)
    rows = KerasClassifier(network, loss=loss, **STILL).fit(X, np.eye(3, dtype=int)[y])
    assert rows.history_["loss"] == pytest.approx(labels.history_["loss"], rel=1e-5)
    assert_array_equal(rows.predict(X), np.eye(3, dtype=int)[labels.predict(X)])


def test_one_hot_rows_are_labels_of_their_own_to_a_sigmoid(iris):
    y = np.eye(3, dtype=int)[iris[1]]
    clf = KerasClassifier([Dense(3, "sigmoid")], **SILENT).fit(iris[0], y)
    assert clf.model_.loss.name == "binary_crossentropy"
    assert_array_equal(clf.predict(iris[0]), clf.predict_proba(iris[0]) > 0.5)


def test_one_loss_of_a_network_whose_output_has_a_name(iris):
    inputs = Input((4,))
    model = keras.Model(inputs, {"kind": Dense(3, "softmax", name="kind")(inputs)})
    clf = KerasClassifier(model, loss={"kind": "categorical_crossentropy"}, **STILL).fit(*iris)
    outputs = clf.predict_proba(iris[0])
    expected = mean_loss("categorical_crossentropy", np.eye(3)[iris[1]], outputs)
    assert clf.history_["loss"][0] == pytest.approx(expected, rel=1e-4)
    assert set(clf.predict(iris[0])) <= {0, 1, 2}


# ------------------------------------------------------------------- losses of the user's own


class OwnSparse(losses.SparseCategoricalCrossentropy):
    """A class derived from a loss of Keras takes what that takes."""


def my_sparse_penalty(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def my_categorical_crossentropy(y_true, y_pred):
    return losses.sparse_categorical_crossentropy(y_true, y_pred)


def my_one_hot_loss(y_true, y_pred):
    return losses.categorical_crossentropy(y_true, y_pred)


my_one_hot_loss.takes_class_indices = False


def test_name_of_a_function_decides_nothing(iris):
    X, y = iris
    seen = {"plain": [], "sparse": []}

    def plain(y_true, y_pred):
        seen["plain"].append(tuple(y_true.shape))
        return my_sparse_penalty(y_true, y_pred)

    def sparse_categorical(y_true, y_pred):
        seen["sparse"].append(tuple(y_true.shape))
        return my_sparse_penalty(y_true, y_pred)

    for loss in (plain, sparse_categorical):
        KerasClassifier([Dense(3, "softmax")], loss=loss, **STILL).fit(X, y)
    assert seen["plain"] == seen["sparse"]


@pytest.mark.parametrize(
    ("loss", "same"),
    [
        (OwnSparse(), "sparse_categorical_crossentropy"),
        (my_categorical_crossentropy, "sparse_categorical_crossentropy"),
        (my_one_hot_loss, "categorical_crossentropy"),
    ],
)
def test_own_loss_gets_class_indices_unless_its_attribute_says_otherwise(iris, loss, same):
    X, y = iris
    own, its = (
        KerasClassifier([Dense(3, "softmax")], loss=x, **STILL).fit(X, NAMES[y])
        for x in (loss, same)
    )
    assert own.history_["loss"] == pytest.approx(its.history_["loss"], rel=1e-5)


# ---------------------------------------------------------------------------- units and classes


class Subclassed(keras.Model):
    """A network whose outputs are known only once it is called."""

    def __init__(self, units):
        super().__init__()
        self.output_layer = Dense(units, "softmax")

    def call(self, x):
        return self.output_layer(x)


def labels_of(n_classes):
    return np.arange(150) % n_classes


MULTILABEL = np.array([[1, 0, 1], [0, 1, 1], [1, 0, 0]])[np.arange(150) % 3]


@pytest.mark.parametrize(
    ("layers", "y", "message"),
    [
        (
            [Dense(100, "relu")],
            labels_of(10),
            r'100 values .* 10 classes: .*Dense\(10, "softm',
        ),
        ([Dense(3, "softmax")], labels_of(2), r'Dense\(2, "softmax"\) or Dense\(1, "sigmoid"\)'),
        ([Dense(3, "softmax")], labels_of(2), r'write meta\["n_classes_"\]'),
        ([Dense(1, "sigmoid")], labels_of(3), r'returns 1 value for .* 3 classes: .*Dense\(3, "so'),
        ([Dense(1, "softmax")], labels_of(2), r"the softmax of one value is always 1: .*Dense\(2"),
        ([Dense(2, "softmax")], np.zeros(150), r'y has 1 class: end it with Dense\(1, "sigmoid"\)'),
        (
            [Dense(2, "sigmoid")],
            MULTILABEL,
            r'3 labels: end it with Dense\(3, "sigmoid"\)\.$',
        ),
        ([Dense(4, "softmax")], np.eye(3)[labels_of(3)], r"4 values .* 3 classes: end it with De"),
        (
            [Dense(3, "softmax"), keras.layers.RepeatVector(2)],
            labels_of(3),
            r"put keras.layers.Flatten\(\)",
        ),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "initialize"])
def test_error_where_units_and_classes_differ(iris, layers, y, message, method):
    clf = KerasClassifier(layers, **SILENT)
    with pytest.raises(ValueError, match=message):
        getattr(clf, method)(iris[0], y)
    assert not hasattr(clf, "model_")


@pytest.mark.parametrize("units", [2, 5])
def test_error_for_the_units_of_a_subclassed_network(iris, units):
    clf = KerasClassifier(Subclassed, model__units=units, loss="categorical_crossentropy", **SILENT)
    with pytest.raises(ValueError, match=f"returns {units} values .* y has 3 classes"):
        clf.fit(*iris)
    proba = clf.set_params(model__units=3).fit(*iris).predict_proba(iris[0])
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_error_where_the_loss_needs_an_output_for_each_class(iris, loss):
    message = r'one output for each class: .*Dense\(2, "softmax"\), or .*Dense\(1, "sigmoid"\)'
    with pytest.raises(ValueError, match=message):
        KerasClassifier([Dense(1, "sigmoid")], loss=loss, **SILENT).fit(iris[0], iris[1] > 0)


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", "categorical_focal_crossentropy"]
)
def test_error_for_a_loss_of_one_class_and_a_multilabel_y(iris, loss):
    with pytest.raises(ValueError, match="is for one class in each row, but y is a multilabel"):
        KerasClassifier([Dense(3, "sigmoid")], loss=loss, **SILENT).fit(iris[0], MULTILABEL)


def test_columns_follow_the_classes_of_each_fold(iris):
    X, y = iris[0], NAMES[iris[1]]

    def build(meta):
        return keras.Sequential([Dense(meta["n_classes_"], "softmax")])

    rows = y != "b"
    clf = KerasClassifier(build, **SILENT).fit(X[rows], y[rows])
    assert clf.predict_proba(X).shape == (150, 2)
    assert_array_equal(clf.classes_, ["a", "c"])
    scores = cross_val_score(clf, X, y, cv=3, scoring="roc_auc_ovr", error_score="raise")
    assert np.isfinite(scores).all()


# ---------------------------------------------------- outputs that cannot be probabilities


@pytest.mark.parametrize(
    ("last", "loss", "activation"),
    [
        ([Dense(3, "relu")], None, "relu"),
        ([Dense(3), ReLU()], None, "relu"),
        ([Dense(3, "tanh")], None, "tanh"),
        ([Dense(3)], "sparse_categorical_crossentropy", "linear"),
        ([Dense(3), Flatten(), Reshape((3,))], "categorical_crossentropy", "linear"),
        ([Dense(3, "exponential")], "mse", "exponential"),
    ],
)
def test_warning_where_outputs_cannot_be_probabilities(iris, last, loss, activation):
    message = (
        f"The output layer of the network of KerasClassifier has the activation '{activation}', "
        r'whose outputs cannot be probabilities.*end the network with Dense\(3, "softmax"\)'
    )
    with pytest.warns(UserWarning, match=message) as warned:
        clf = KerasClassifier(last, loss=loss, **SILENT).fit(*iris)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert clf.predict_proba(iris[0]).shape == (150, 3)


def test_warning_for_one_unit_and_for_logits_without_from_logits(iris):
    y = iris[1] > 0
    with pytest.warns(UserWarning, match=r'cannot be probabilities.*Dense\(1, "sigmoid"\)\.'):
        KerasClassifier([Dense(1, "relu")], **SILENT).fit(iris[0], y)
    with pytest.warns(UserWarning, match="or use a loss with from_logits=True"):
        KerasClassifier([Dense(1)], loss="binary_crossentropy", **SILENT).fit(iris[0], y)


def test_warning_for_a_softmax_over_labels(iris):
    with pytest.warns(UserWarning, match=r'add up to 1, but y is a multilabel.*Dense\(3, "sigmoid'):
        KerasClassifier([Dense(3, "softmax")], **SILENT).fit(iris[0], MULTILABEL)


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ([Dense(3)], losses.SparseCategoricalCrossentropy(from_logits=True)),
        ([Dense(3)], partial(losses.categorical_crossentropy, from_logits=True)),
        ([Dense(3), Softmax()], None),
        ([Dense(3), Activation("softmax"), Flatten()], "categorical_crossentropy"),
        ([Dense(3, "sigmoid")], None),
        ([Dense(3, "sigmoid")], "binary_crossentropy"),
        ([Dense(3, "tanh")], "hinge"),
        (None, losses.CategoricalCrossentropy(from_logits=True)),
        (None, "binary_crossentropy"),
        (None, "hinge"),
    ],
)
def test_rows_of_probabilities_add_up_to_one_without_a_warning(iris, last, loss):
    clf = KerasClassifier(last, loss=loss, **SILENT).fit(*iris)
    proba = clf.predict_proba(iris[0])
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-3)
    assert proba.min() >= 0
    assert_array_equal(clf.predict(iris[0]), clf.classes_[proba.argmax(axis=1)])
    assert 0 <= roc_auc_score(iris[1], proba, multi_class="ovr") <= 1


def test_probabilities_of_a_row_do_not_depend_on_other_rows(iris):
    clf = KerasClassifier([Dense(3, "sigmoid")], **SILENT).fit(*iris)
    proba = clf.predict_proba(iris[0])
    alone = np.concatenate([clf.predict_proba(row[np.newaxis]) for row in iris[0][::10]])
    assert_allclose(proba[::10], alone, rtol=1e-5)


def test_default_network_with_a_loss_of_logits_learns(iris):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    clf = KerasClassifier(
        loss=loss, optimizer=keras.optimizers.Adam(0.05), epochs=20, **SILENT
    ).fit(*iris)
    assert clf.model_.layers[-1].activation is keras.activations.linear
    assert clf.score(*iris) > 0.9


@pytest.mark.parametrize("labels", [["a"], ["a", "b"]])
def test_one_and_two_rows(iris, labels):
    X = iris[0][: len(labels)]
    clf = KerasClassifier(**SILENT).fit(X, labels)
    assert clf.predict_proba(X).shape == (len(labels), len(labels))
    assert set(clf.predict(X)) <= set(labels)


def test_activation_of_a_network():
    def own(x):
        return x

    def relu(x):
        return x

    inputs = Input((4,))
    nested = keras.Sequential([inputs, Dense(3), keras.Sequential([Input((3,)), Dense(2, "elu")])])
    both = [Dense(1)(inputs), Dense(2)(inputs)]
    assert output_activation(nested) == "elu"
    assert output_activation(keras.Model(inputs, both)) is None
    assert output_activation(keras.Sequential([inputs, Dense(3, own)])) is None
    assert output_activation(keras.Sequential([inputs, Dense(3, relu)])) is None
    assert output_activation(keras.Sequential()) is None
    assert output_activation(Subclassed(3)) is None


# ----------------------------------------------------------------- y that may mean another thing


def test_one_hot_rows_without_a_network_of_the_users_own(iris):
    y = np.eye(3, dtype=int)[iris[1]]
    message = r'exactly one 1. y was understood as one-hot rows.* set loss="binary_crossentropy"'
    with pytest.warns(UserWarning, match=message) as warned:
        clf = KerasClassifier(**SILENT).fit(iris[0], y)
    assert len(warned) == 1
    assert (clf.predict(iris[0]).sum(axis=1) == 1).all()
    labels = KerasClassifier(loss="binary_crossentropy", **SILENT).fit(iris[0], y)
    assert_array_equal(labels.predict(iris[0]), labels.predict_proba(iris[0]) > 0.5)


@pytest.mark.parametrize("dtype", [float, int])
def test_numeric_targets_given_to_a_classifier(diabetes, dtype):
    X, y = diabetes[0], diabetes[1].astype(dtype)
    message = "y looks like regression.*214 different numbers in 442 rows: use KerasRegressor"
    with pytest.warns(UserWarning, match=message) as warned:
        KerasClassifier(**SILENT).fit(X, y)
    assert len(warned) == 1
    with pytest.raises(ValueError, match=f"returns 1 value .* y has 214 classes: {message}"):
        KerasClassifier([Dense(1)], **SILENT).fit(X, y)
    KerasClassifier(**SILENT).partial_fit(X, y, classes=np.unique(y))


# ------------------------------------------------------------------------- validation labels


@pytest.mark.parametrize(
    ("y", "y_val", "message"),
    [
        ([1, 2, 3], [1, 2, 0], r"labels that y does not have: \[0\]. Those of y are \[1, 2, 3\]"),
        (["a", "b", "c"], [0, 1, 2], r"labels that y does not have: \[0, 1, 2\]. Those of y are"),
        ([1, 2, 3], np.eye(3), r"y_val has the shape \(3, 3\), but y has one column of labels"),
        (MULTILABEL[:3], [0, 1, 2], r"y_val has the shape \(3,\), but y has 3 columns"),
    ],
)
@pytest.mark.parametrize("routed", [False, True])
def test_error_for_validation_labels_that_y_lacks(iris, y, y_val, message, routed):
    X, y = iris[0], np.asarray(y)[iris[1]]
    data = X[:3], y_val
    params = {"fit__validation_data": data} if routed else {}
    arguments = {} if routed else {"validation_data": data}
    with pytest.raises(ValueError, match=f"validation_data .* do not fit: .*{message}"):
        KerasClassifier(**params, **SILENT).fit(X, y, **arguments)


def test_validation_labels_of_some_classes_are_encoded(iris):
    X, y = iris[0], iris[1] + 1
    rows = y > 1
    clf = KerasClassifier([Dense(3, "softmax")], **STILL)
    clf.fit(X, y, validation_data=(X[rows], y[rows].astype(float)))
    expected = mean_loss(clf.model_.loss, iris[1][rows], clf.predict_proba(X[rows]))
    assert clf.history_["val_loss"][0] == pytest.approx(expected, rel=1e-4)


def test_labels_of_a_later_call_that_are_unknown(iris):
    clf = KerasClassifier(**SILENT).partial_fit(*iris)
    with pytest.raises(ValueError, match=r"were not among the classes .*: \[3\]. The classes are"):
        clf.partial_fit(iris[0], iris[1] + 1)
