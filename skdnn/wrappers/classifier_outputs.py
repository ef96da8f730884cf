"""What a classifier's labels mean for its network: loss, output layer, probabilities."""

from typing import Any

import numpy as np
from scipy.special import expit, softmax

from skdnn.wrappers.scikeras_compat import keras, loss_name
from skdnn.wrappers.target_encoders import is_binary_crossentropy, name_of_loss

# The loss for each type of y.
_LOSSES = {
    "binary": keras.losses.SparseCategoricalCrossentropy,
    "multiclass": keras.losses.SparseCategoricalCrossentropy,
    "multiclass-onehot": keras.losses.CategoricalCrossentropy,
    "multilabel-indicator": keras.losses.BinaryCrossentropy,
}


def infer_loss(model: keras.Model, target_kind: str) -> keras.losses.Loss | None:
    """Return the cross-entropy for labels and output layer, or None where there is none.

    Parameters
    ----------
    model : keras.Model
        The network. Of several outputs, or of unknown ones, no loss is inferred.
    target_kind : str
        Type of y, where "multiclass-onehot" are one-hot rows.
    """
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or target_kind not in _LOSSES:
        return None
    loss = _LOSSES[target_kind]
    if target_kind == "binary" and shape[-1] == 1:
        loss = keras.losses.BinaryCrossentropy
    activation = getattr(model.layers[-1], "activation", None)
    return loss(from_logits=activation is keras.activations.linear)


def output_layer(
    target_type: str, target_kind: str | None, n_classes: int | None, loss: Any, owner: str
) -> tuple[int, str]:
    """Return the number of units of the dense network's output layer, and its activation.

    Parameters
    ----------
    target_type, target_kind : str
        Type of y by `type_of_target`, and by the target encoder.
    n_classes : int or None
        Number of labels.
    loss : object
        The `loss` parameter.
    owner : str
        Name of the estimator, for errors.
    """
    if target_type not in ("binary", "multiclass", "multilabel-indicator") or n_classes is None:
        raise ValueError(
            f"{owner} without model= has no network for a y of several columns of classes: fit one "
            "estimator for each column, with MultiOutputClassifier."
        )
    if target_type == "multilabel-indicator":
        return n_classes, "softmax" if target_kind == "multiclass-onehot" else "sigmoid"
    if n_classes == 1 or is_binary_crossentropy(loss):
        return 1, "sigmoid"
    return n_classes, "softmax"


def check_units(model: keras.Model, n_classes: int | None, owner: str) -> None:
    """Check that a network trained on numbers of classes has an output for each class.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    n_classes : int or None
        Number of labels.
    owner : str
        Name of the estimator, for errors.
    """
    shape = getattr(model, "output_shape", None)
    is_sparse_loss = "sparse" in (name_of_loss(model.loss) or "")
    units = shape[-1] if isinstance(shape, tuple) and shape else None
    if is_sparse_loss and n_classes and units and units < n_classes:
        raise ValueError(
            f"The network of {owner} returns {units} value{'s' if units > 1 else ''} for each "
            f"sample, but y has {n_classes} classes: end it with Dense({n_classes}, "
            "activation='softmax')."
        )


def to_probabilities(outputs: Any, loss: Any) -> Any:
    """Convert logits to probabilities, where the loss takes outputs as logits.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_units), or structure of ndarrays
        Outputs of the network. Those of several output layers stay as they are.
    loss : object
        Loss of the network.
    """
    if not getattr(loss, "from_logits", False) or not isinstance(outputs, np.ndarray):
        return outputs
    is_categorical = "categorical" in loss_name(loss)
    return softmax(outputs, axis=-1) if is_categorical else expit(outputs)
