"""Encoders of targets, to what a network learns and back: SciKeras's, with corrections."""

from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from skdnn.wrappers import scikeras_compat
from skdnn.wrappers.scikeras_compat import loss_name


def metadata_of(encoder: Any) -> dict[str, Any]:
    """Return the attributes that a fitted encoder adds to its estimator."""
    return dict(encoder.get_metadata()) if hasattr(encoder, "get_metadata") else {}


class Identity(FunctionTransformer):  # scikit-learn has no types
    """Return X as it is: an array of any rank, a sparse matrix, or a structure of arrays."""

    def fit(self, X: Any, y: Any = None) -> "Identity":
        """Return the transformer: there is nothing to fit."""
        return self

    def transform(self, X: Any) -> Any:
        """Return X."""
        return X

    def inverse_transform(self, X: Any) -> Any:
        """Return X."""
        return X


class ClassifierLabelEncoder(scikeras_compat.ClassifierLabelEncoder):
    """Encode labels as targets of a Keras network, and decode its outputs to labels.

    Parameters
    ----------
    loss : str, keras.losses.Loss, callable or None, default=None
        Loss of the network: with a categorical cross-entropy, labels become one-hot.
    categories : "auto" or list of one ndarray, default="auto"
        All labels that any y may have. "auto" takes those of y in `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or None
        The labels, sorted; the number of each label where y is multilabel.
    n_classes_ : int or None
        Number of labels.
    n_outputs_, n_outputs_expected_ : int
        Number of targets, and of outputs that the network must have.
    """

    _target_type: str

    @property
    def target_kind(self) -> str:
        """Type of y, where one-hot rows are distinguished from other indicators."""
        return self._target_type

    def fit(self, y: np.ndarray) -> "ClassifierLabelEncoder":
        """Fit the encoder to the labels of y, of shape (n_samples,) or (n_samples, n_labels)."""
        super().fit(y)
        # One label in each row does not make y one-hot where the loss treats labels separately.
        if self._target_type == "multiclass-onehot" and is_binary_crossentropy(self.loss):
            self._target_type = "multilabel-indicator"
        return self

    def inverse_transform(self, y: np.ndarray, return_proba: bool = False) -> np.ndarray:
        """Decode outputs of the network to labels or, with `return_proba`, to probabilities.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_units)
            Outputs of the network.
        return_proba : bool, default=False
            Whether to return probabilities.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_classes)
            Labels in the shape of y in `fit`; probabilities in the order of `classes_`, always in
            two dimensions, with two columns for two classes.
        """
        if not return_proba:
            return np.asarray(super().inverse_transform(y))
        if self.n_classes_ == 1 and self._target_type == "binary":
            return np.ones((len(y), 1), y.dtype)
        if self._target_type == "binary" and y.size == len(y):
            positive = y.reshape(-1)
            return np.column_stack([1 - positive, positive])
        return y.reshape(len(y), -1) if y.ndim < 2 else y


def name_of_loss(loss: Any) -> str | None:
    """Return the full name of a loss; None where there is none, or several."""
    try:
        return str(loss_name(loss))
    except (TypeError, ValueError):
        return None


def is_binary_crossentropy(loss: Any) -> bool:
    """Return whether a loss takes each output as the probability of one label."""
    return name_of_loss(loss) in ("binary_crossentropy", "binary_focal_crossentropy")


class RegressorTargetEncoder(scikeras_compat.RegressorTargetEncoder):
    """Check that outputs of the network match y, and give them the shape of y.

    Attributes
    ----------
    n_outputs_ : int
        Number of columns of y.
    n_outputs_expected_ : int
        Number of outputs of the network: 1, or one for each column of y.
    """

    def split(self, n_outputs: int) -> bool:
        """Assign each output of the network a column of y; return whether the numbers match."""
        matches = n_outputs > 1 and n_outputs == self.n_outputs_
        if matches:
            self.n_outputs_expected_ = n_outputs
        return matches

    def transform(self, y: np.ndarray) -> Any:
        """Return y, of shape (n_samples,) or (n_samples, n_outputs), or a list of its columns."""
        y = super().transform(y)
        return list(y.T[:, :, np.newaxis]) if self.n_outputs_expected_ > 1 else y

    def inverse_transform(self, y: Any) -> np.ndarray:
        """Return outputs of the network as an array of the shape of y in `fit`."""
        if isinstance(y, dict):
            y = list(y.values())
        if isinstance(y, list | tuple):
            y = np.column_stack([column.reshape(len(column), -1) for column in y])
        shape = (len(y), *self._y_shape[1:])
        if y.size != np.prod(shape):
            raise ValueError(
                f"The network returns {y.shape[1:]} for each sample, but y in fit had "
                f"{self._y_shape[1:] or 'one value'}: give its last layer {self.n_outputs_} "
                f"unit{'s' if self.n_outputs_ > 1 else ''}."
            )
        return np.asarray(y).reshape(shape)
