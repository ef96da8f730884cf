"""Loss and output layer of the network of a classifier, and what its outputs mean."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from skdnn._data.doubtful_labels import regression_hint
from skdnn._utils.keras_losses import ONE_CLASS, takes_logits
from skdnn._utils.user_warning import warn_user
from skdnn.wrappers.scikeras_compat import encoded_type, keras, n_samples
from skdnn.wrappers.target_encoders import ClassifierLabelEncoder, kind_of_loss

# The default loss for each type of y.
_LOSSES = {
    "binary": keras.losses.SparseCategoricalCrossentropy,
    "multiclass": keras.losses.SparseCategoricalCrossentropy,
    "multiclass-onehot": keras.losses.CategoricalCrossentropy,
    "multilabel-indicator": keras.losses.BinaryCrossentropy,
}
# Activations whose outputs are probabilities, for one label each or for all classes together.
_OF_LABELS = ("sigmoid", "hard_sigmoid")
_OF_CLASSES = ("softmax", "sparsemax")
_PROBABILITIES = (*_OF_LABELS, *_OF_CLASSES)
# Layers that change no value, so that the layer before decides what the outputs are.
_PASSING = (
    keras.layers.ActivityRegularization,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.Reshape,
)
_ACTIVATIONS: dict[type, str] = {
    keras.layers.ELU: "elu",
    keras.layers.LeakyReLU: "leaky_relu",
    keras.layers.PReLU: "prelu",
    keras.layers.ReLU: "relu",
    keras.layers.Softmax: "softmax",
}


def only_item(value: Any) -> Any:
    """Return the item of a dict or list with one item, and any other value unchanged."""
    if isinstance(value, Mapping | list) and len(value) == 1:
        return next(iter(value.values())) if isinstance(value, Mapping) else value[0]
    return value


def output_activation(model: Any) -> str | None:
    """Return the name of the activation of the outputs of a network, or None if it is unknown.

    It is unknown for networks without a list of layers, for several outputs, and for user-defined
    layers and activations.
    """
    layers = list(getattr(model, "layers", ()))
    if isinstance(model, keras.Sequential):
        while layers and isinstance(layers[-1], _PASSING):
            layers.pop()
    elif len(getattr(model, "outputs", None) or ()) != 1:
        return None
    if not layers:
        return None
    last = layers[-1]
    if isinstance(last, keras.Model):
        return output_activation(last)
    if type(last) in _ACTIVATIONS:
        return _ACTIVATIONS[type(last)]
    activation = getattr(last, "activation", None)
    name = getattr(activation, "__name__", None)
    # A function of the user's own may have the name of a function of Keras.
    return name if name and getattr(keras.activations, name, None) is activation else None


# ------------------------------------------------------------------------------------- defaults


def infer_loss(model: keras.Model, target_kind: str) -> keras.losses.Loss | None:
    """Return the cross-entropy for the labels and the output layer, or None if none applies.

    Parameters
    ----------
    model : keras.Model
        The network. No loss is inferred if the network has several or unknown outputs.
    target_kind : str
        Type of y. The type "multiclass-onehot" stands for one-hot rows.
    """
    shape = only_item(getattr(model, "output_shape", None))
    if not isinstance(shape, tuple) or target_kind not in _LOSSES:
        return None
    loss, activation = _LOSSES[target_kind], output_activation(model)
    is_one_unit = target_kind == "binary" and shape[-1] == 1
    if is_one_unit or (target_kind == "multiclass-onehot" and activation in _OF_LABELS):
        loss = keras.losses.BinaryCrossentropy
    return loss(from_logits=activation == "linear")


def output_layer(
    target_type: str, target_kind: str | None, n_classes: int | None, loss: Any, owner: str
) -> tuple[int, str]:
    """Return the number of units and the activation of the output layer of the dense network.

    Parameters
    ----------
    target_type, target_kind : str
        Type of y returned by scikit-learn's `type_of_target`, and type of y returned by
        `skdnn.wrappers.target_encoders.target_kind`.
    n_classes : int or None
        Number of labels.
    loss : object
        The loss for compiling the network, or None for the default loss.
    owner : str
        Name of the estimator, for error messages.
    """
    if target_type not in ("binary", "multiclass", "multilabel-indicator") or n_classes is None:
        raise ValueError(
            f"{owner} without model= has no network for a y of several columns of classes: fit one "
            "estimator for each column, with MultiOutputClassifier."
        )
    kind, is_multilabel = kind_of_loss(loss), target_kind == "multilabel-indicator"
    is_separate = kind in ("binary", "hinge")  # the loss treats each output separately
    units = 1 if n_classes <= 2 and is_separate and not is_multilabel else n_classes
    if takes_logits(loss):
        return units, "linear"
    if kind == "hinge":
        return units, "tanh"
    is_probability_of_label = is_multilabel or units == 1 or is_separate
    return units, "sigmoid" if is_probability_of_label else "softmax"


# ------------------------------------------------------------------------------------ agreement


def fit_encoder(
    encoder: ClassifierLabelEncoder,
    model: keras.Model,
    shape: Any,
    owner: str,
    *,
    are_classes_given: bool,
    is_chosen: bool,
) -> None:
    """Fit an encoder to the outputs and the loss of a network, and check that all three agree.

    A warning is issued if y may mean something else than the encoder takes it for.

    Parameters
    ----------
    encoder : ClassifierLabelEncoder
        Encoder that is fitted to y.
    model : keras.Model
        The network, which may have no loss.
    shape : object
        Shape of the network outputs, or a structure of shapes.
    owner : str
        Name of the estimator, for error messages.
    are_classes_given : bool
        Whether the user listed the classes, so that there is no doubt about y.
    is_chosen : bool
        Whether the user chose the output layer or the loss, which determine the meaning of rows
        with one label each.
    """
    hint = None if are_classes_given else _doubt_about_labels(encoder, is_chosen)
    _fit_encoder(encoder, model, shape, owner, hint)
    if hint:
        warn_user(hint)


def _fit_encoder(
    encoder: ClassifierLabelEncoder, model: keras.Model, shape: Any, owner: str, hint: str | None
) -> None:
    loss, shape = only_item(getattr(model, "loss", None)), only_item(shape)
    activation = output_activation(model)
    is_one_output = isinstance(shape, tuple) and not isinstance(shape[-1], tuple | list)
    units = (shape[-1] if len(shape) > 1 else 1) if is_one_output else None
    encoder.fit_to_network(kind_of_loss(loss), units, activation in _PROBABILITIES)
    if not is_one_output or encoder.n_classes_ is None:
        return
    if len(shape) > 2:
        raise ValueError(
            f"The network of {owner} returns an array of shape {shape[1:]} for each sample, but y "
            f"has {_count(encoder)}: put keras.layers.Flatten() before the last layer, or before "
            "all layers."
        )
    if units is not None:
        _check_units(units, activation, encoder, owner, hint)
    doubt = _doubt(activation, loss, encoder)
    if doubt:
        warn_user(f"The output layer of the network of {owner} {doubt}")


def _doubt_about_labels(encoder: ClassifierLabelEncoder, is_chosen: bool) -> str | None:
    """Return a hint if y may mean something else than the encoder takes it for, or None."""
    kind, n_rows = encoded_type(encoder), n_samples(encoder)
    if kind in ("binary", "multiclass"):
        return regression_hint(encoder.classes_, n_rows, "KerasRegressor")
    if kind == "multiclass-onehot" and n_rows > 1 and not is_chosen:
        return (
            "Each row of y has exactly one 1. y was understood as one-hot rows, with one class for "
            "each row. If the labels are to be predicted separately, so that a row may get several "
            'labels or none, set loss="binary_crossentropy".'
        )
    return None


def _count(encoder: ClassifierLabelEncoder) -> str:
    n_classes = encoder.n_classes_
    if encoded_type(encoder) == "multilabel-indicator":
        return f"{n_classes} labels"
    return f"{n_classes} class{'es' if n_classes > 1 else ''}"


def _layer(encoder: ClassifierLabelEncoder) -> str:
    if encoder.loss_kind_ == "hinge":
        activation = "tanh"
    elif encoded_type(encoder) == "multilabel-indicator" or encoder.n_classes_ == 1:
        activation = "sigmoid"
    else:
        activation = "softmax"
    is_one_unit = encoder.n_units_ == 1 and encoded_type(encoder) == "binary"
    return 'Dense(1, "sigmoid")' if is_one_unit else f'Dense({encoder.n_classes_}, "{activation}")'


def _check_units(
    units: int,
    activation: str | None,
    encoder: ClassifierLabelEncoder,
    owner: str,
    hint: str | None,
) -> None:
    n_classes, kind = encoder.n_classes_, encoder.loss_kind_
    is_multilabel = encoded_type(encoder) == "multilabel-indicator"
    if is_multilabel and kind in ONE_CLASS:
        raise ValueError(
            f"The loss of {owner} is for one class in each row, but y is a multilabel indicator "
            'matrix: set loss="binary_crossentropy", or leave loss at None.'
        )
    is_one_unit_enough = encoded_type(encoder) == "binary" and n_classes == 2
    if units != n_classes and not (is_one_unit_enough and units == 1):
        more = ' or Dense(1, "sigmoid")' if is_one_unit_enough else ""
        raise ValueError(
            f"The network of {owner} returns {units} value{'s' if units > 1 else ''} for each "
            f"sample, but y has {_count(encoder)}: "
            + (hint or f"end it with {_layer(encoder)}{more}.{'' if is_multilabel else _FUNCTION}")
        )
    if units == n_classes:
        return
    if kind in ONE_CLASS or activation in _OF_CLASSES:
        reason = (
            f"the {activation} of one value is always 1"
            if activation in _OF_CLASSES
            else "its loss needs one output for each class"
        )
        raise ValueError(
            f"The network of {owner} returns 1 value for each sample, but y has 2 classes and "
            f'{reason}: end it with Dense(2, "softmax"), or with Dense(1, "sigmoid") and '
            'loss="binary_crossentropy".'
        )


_FUNCTION = (
    ' A function that builds the network can write meta["n_classes_"] for the number, which also '
    "fits training rows that lack a class."
)


def _doubt(activation: str | None, loss: Any, encoder: ClassifierLabelEncoder) -> str | None:
    """Return why the outputs of a network cannot be the probabilities of y, or None."""
    if activation is None or encoder.loss_kind_ == "hinge":
        return None
    end = f"end the network with {_layer(encoder)}"
    is_multilabel = encoded_type(encoder) == "multilabel-indicator"
    if takes_logits(loss) or (activation in _PROBABILITIES and not is_multilabel):
        return None
    if activation in _OF_LABELS:
        return None
    if activation in _PROBABILITIES:
        return (
            f"has the activation {activation!r}, whose outputs add up to 1, but y is a multilabel "
            f"indicator matrix, in which a row may have several labels: {end}."
        )
    logits = (
        ", or use a loss with from_logits=True"
        if activation == "linear" and encoder.loss_kind_ in (*ONE_CLASS, "binary")
        else ""
    )
    return (
        f"has the activation {activation!r}, whose outputs cannot be probabilities, so that "
        f"predict_proba returns no probabilities: {end}{logits}."
    )


# -------------------------------------------------------------------------------- probabilities


def missing_activation(model: keras.Model) -> str | None:
    """Return the activation that the loss of a network applies to its outputs, or None.

    The activation is "softmax" or "sigmoid" if the loss has `from_logits=True`. Keras itself
    ignores `from_logits=True` if the output layer has a softmax or sigmoid.
    """
    loss = only_item(getattr(model, "loss", None))
    if not takes_logits(loss) or output_activation(model) in _PROBABILITIES:
        return None
    return "sigmoid" if kind_of_loss(loss) == "binary" else "softmax"


def as_rows(proba: np.ndarray, outputs: Any) -> np.ndarray:
    """Return probabilities with a row for each sample.

    Target encoders that were written for SciKeras drop the first axis if there is one row.
    """
    is_squeezed = isinstance(outputs, np.ndarray) and len(outputs) == 1 and np.ndim(proba) == 1
    return proba.reshape(1, -1) if is_squeezed else proba


def to_probabilities(outputs: Any, activation: str | None, target_kind: str) -> Any:
    """Convert network outputs to probabilities if the network returns logits.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_units), or structure of ndarrays
        Outputs of the network. A structure of several outputs is returned unchanged, and the array
        in a structure of one output is returned.
    activation : {"softmax", "sigmoid"} or None
        The result of `missing_activation`.
    target_kind : str
        Type of y, as returned by `skdnn.wrappers.target_encoders.target_kind`.
    """
    outputs = only_item(outputs)
    if activation is None or not isinstance(outputs, np.ndarray):
        return outputs
    is_separate = activation == "sigmoid" or target_kind == "multilabel-indicator"
    is_one_unit = outputs.ndim < 2 or outputs.shape[-1] == 1
    return expit(outputs) if is_separate or is_one_unit else softmax(outputs, axis=-1)
