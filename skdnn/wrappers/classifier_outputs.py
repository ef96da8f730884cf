"""Loss, output layer and probabilities of the network of a classifier."""

from typing import Any

import numpy as np
from scipy.special import expit, softmax

from skdnn.wrappers.scikeras_compat import keras, loss_name
from skdnn.wrappers.target_encoders import is_binary_crossentropy, name_of_loss

# The default loss for each type of y.
_LOSSES = {
    "binary": keras.losses.SparseCategoricalCrossentropy,
    "multiclass": keras.losses.SparseCategoricalCrossentropy,
    "multiclass-onehot": keras.losses.CategoricalCrossentropy,
    "multilabel-indicator": keras.losses.BinaryCrossentropy,
}


def infer_loss(model: keras.Model, target_kind: str) -> keras.losses.Loss | None:
    """Return the cross-entropy for the labels and the output layer, or None if none applies.

    Parameters
    ----------
    model : keras.Model
        The network. No loss is inferred if the network has several or unknown outputs.
    target_kind : str
        Type of y. The type "multiclass-onehot" stands for one-hot rows.
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
    """Return the number of units and the activation of the output layer of the dense network.

    Parameters
    ----------
    target_type, target_kind : str
        Type of y returned by scikit-learn's `type_of_target`, and type of y returned by
        `skdnn.wrappers.target_encoders.target_kind`.
    n_classes : int or None
        Number of labels.
    loss : object
        The `loss` parameter of the estimator.
    owner : str
        Name of the estimator, for error messages.
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


def is_sparse_loss(loss: Any) -> bool:
    """Return whether a loss compares network outputs with integer labels."""
    return "sparse" in (name_of_loss(loss) or "")


def to_probabilities(outputs: Any, loss: Any) -> Any:
    """Convert network outputs to probabilities if the loss has `from_logits=True`.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_units), or structure of ndarrays
        Outputs of the network. A structure of several outputs is returned unchanged.
    loss : object
        Loss of the network.
    """
    if not getattr(loss, "from_logits", False) or not isinstance(outputs, np.ndarray):
        return outputs
    is_categorical = "categorical" in loss_name(loss)
    return softmax(outputs, axis=-1) if is_categorical else expit(outputs)
