"""Encoders that convert y to the targets of a network and convert network outputs back.

The encoders are subclasses of SciKeras's encoders with corrections.
"""

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.preprocessing import FunctionTransformer

from skdnn._data.scaling import TargetScale, fit_target_scale
from skdnn.wrappers import scikeras_compat
from skdnn.wrappers.scikeras_compat import encoded_type, loss_name, sample_shape, set_encoded_type
from skdnn.wrappers.structures import arrays_of, map_arrays

# Losses that depend on y - prediction only, so that the network may predict standardised y.
LOSSES_OF_ERRORS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")


def metadata_of(encoder: Any) -> dict[str, Any]:
    """Return the attributes that a fitted encoder adds to the estimator."""
    return dict(encoder.get_metadata()) if hasattr(encoder, "get_metadata") else {}


def encode(encoder: Any, data: Any) -> Any:
    """Transform X or y with a fitted encoder, and convert the DataFrames of its output to arrays.

    An encoder of the user may return DataFrames, because of `set_output` or `sklearn.set_config`.
    """
    encoded = encoder.transform(data)
    if not any(hasattr(array, "to_numpy") for array in arrays_of(encoded)):
        return encoded
    return map_arrays(lambda x: x.to_numpy() if hasattr(x, "to_numpy") else x, encoded)


class Identity(FunctionTransformer):
    """Transformer that returns X unchanged.

    X may be an array with any number of dimensions, a sparse matrix, or a structure of arrays.
    """

    def fit(self, X: Any, y: Any = None) -> "Identity":
        """Return the transformer, because there is nothing to fit."""
        return self

    def transform(self, X: Any) -> Any:
        """Return X unchanged."""
        return X

    def inverse_transform(self, X: Any) -> Any:
        """Return X unchanged."""
        return X


class ClassifierLabelEncoder(scikeras_compat.ClassifierLabelEncoder):
    """Encode labels as targets of a Keras network, and decode network outputs to labels.

    Parameters
    ----------
    loss : str, keras.losses.Loss, callable or None, default=None
        Loss of the network. With a categorical cross-entropy, labels are encoded as one-hot rows.
    categories : "auto" or list of one ndarray, default="auto"
        All labels that can occur in any y. "auto" means the labels of y in `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or None
        The sorted labels, or the column indices if y is multilabel. None if y has several columns
        of classes.
    n_classes_ : int or None
        Number of labels.
    n_outputs_, n_outputs_expected_ : int
        Number of targets and required number of network outputs. Both are 1.
    """

    def fit(self, y: np.ndarray) -> "ClassifierLabelEncoder":
        """Fit the encoder to labels y of shape (n_samples,) or (n_samples, n_labels)."""
        super().fit(y)
        # A y with one label per row is not one-hot if the loss treats the labels separately.
        if encoded_type(self) == "multiclass-onehot" and is_binary_crossentropy(self.loss):
            set_encoded_type(self, "multilabel-indicator")
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Encode labels y in the shape of `fit` as numbers, or as one-hot rows."""
        # The encoders inside would return DataFrames if `sklearn.set_config` asks for them.
        with config_context(transform_output="default"):
            return np.asarray(super().transform(y))

    def inverse_transform(self, y: np.ndarray, return_proba: bool = False) -> np.ndarray:
        """Decode network outputs to labels or, with `return_proba`, to probabilities.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_units)
            Outputs of the network.
        return_proba : bool, default=False
            Whether to return probabilities instead of labels.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_classes)
            Labels in the shape of y in `fit`, or probabilities in the order of `classes_`.
            Probabilities always have two dimensions, with two columns for two classes.
        """
        if not return_proba:
            return np.asarray(super().inverse_transform(y))
        is_binary = encoded_type(self) == "binary"
        if self.n_classes_ == 1 and is_binary:
            return np.ones((len(y), 1), y.dtype)
        if is_binary and y.size == len(y):
            positive = y.reshape(-1)
            return np.column_stack([1 - positive, positive])
        return y.reshape(len(y), -1) if y.ndim < 2 else y


def target_kind(encoder: Any, default: str) -> str:
    """Return the type of y, which distinguishes one-hot rows from other indicator matrices.

    Parameters
    ----------
    encoder : transformer
        Fitted encoder of y, which may be user-defined. An attribute `target_kind` of the encoder
        takes precedence over the type of y that an encoder of SciKeras stores.
    default : str
        Type of y that is returned if the encoder has neither.
    """
    return str(getattr(encoder, "target_kind", encoded_type(encoder, default)))


def name_of_loss(loss: Any) -> str | None:
    """Return the full name of a loss, or None if there is no loss or several losses."""
    try:
        return str(loss_name(loss))
    except (TypeError, ValueError):
        return None


def is_binary_crossentropy(loss: Any) -> bool:
    """Return whether a loss treats each network output as the probability of one label."""
    return name_of_loss(loss) in ("binary_crossentropy", "binary_focal_crossentropy")


class RegressorTargetEncoder(scikeras_compat.RegressorTargetEncoder):
    """Convert y to targets of a network, and network outputs to the shape of y.

    Attributes
    ----------
    n_outputs_ : int
        Number of columns of y.
    n_outputs_expected_ : int
        Number of outputs of the network. The network has one output for all columns of y, or one
        output for each column of y.
    scale_ : TargetScale or None
        Mean and standard deviation of each column of y, if the network predicts standardised y.
    """

    scale_: TargetScale | None = None

    def standardise(self, y: np.ndarray, weight: np.ndarray | None) -> None:
        """Fit the mean and the standard deviation by which y is standardised from now on.

        Parameters
        ----------
        y : ndarray of shape (n_samples, ...)
            Targets of the training rows.
        weight : ndarray of shape (n_samples,) or None
            Sample weights.
        """
        self.scale_ = fit_target_scale(y, weight)

    def split(self, n_outputs: int) -> bool:
        """Assign each network output a column of y if the numbers of outputs and columns match.

        The return value is True if there are several outputs and the numbers match.
        """
        matches = n_outputs > 1 and n_outputs == self.n_outputs_
        if matches:
            self.n_outputs_expected_ = n_outputs
        return matches

    def transform(self, y: np.ndarray) -> Any:
        """Return y of shape (n_samples,) or (n_samples, n_outputs), or a list of columns of y.

        A list is returned if the network has one output for each column. After `standardise`, the
        columns have mean 0 and standard deviation 1.
        """
        y = super().transform(y)
        if self.scale_ is not None:
            y = self.scale_.standardise(y)
        return list(y.T[:, :, np.newaxis]) if self.n_outputs_expected_ > 1 else y

    def inverse_transform(self, y: Any) -> np.ndarray:
        """Return network outputs as an array in the shape of y in `fit`."""
        if isinstance(y, dict):
            y = list(y.values())
        if isinstance(y, list | tuple):
            y = np.column_stack([column.reshape(len(column), -1) for column in y])
        shape = (len(y), *sample_shape(self))
        if y.size != np.prod(shape):
            raise ValueError(
                f"The network returns {y.shape[1:]} for each sample, but y in fit had "
                f"{sample_shape(self) or 'one value'}: give its last layer {self.n_outputs_} "
                f"unit{'s' if self.n_outputs_ > 1 else ''}."
            )
        y = np.asarray(y).reshape(shape)
        return y if self.scale_ is None else self.scale_.restore(y)
