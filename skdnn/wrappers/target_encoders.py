"""Encoders that convert y to the targets of a network and convert network outputs back.

The encoders are subclasses of SciKeras's encoders with corrections.
"""

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.preprocessing import FunctionTransformer

from skdnn._data.class_labels import check_known_labels
from skdnn._data.scaling import TargetScale, fit_target_scale
from skdnn._utils.keras_losses import INDICES, loss_kind
from skdnn.wrappers import scikeras_compat
from skdnn.wrappers.scikeras_compat import (
    encoded_type,
    keras,
    loss_name,
    sample_shape,
    set_encoded_type,
)
from skdnn.wrappers.structures import arrays_of, map_arrays

# Losses that depend on y - prediction only, so that the network may predict standardised y.
LOSSES_OF_ERRORS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")

# Rows of probabilities add up to 1 within this tolerance, which is that of half precision.
_TOLERANCE = 1e-3


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
        Loss of the network. The loss determines whether labels are encoded as one-hot rows or as
        class indices.
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
    loss_kind_ : str or None
        What the loss compares with the outputs, as returned by `kind_of_loss`.
    n_units_ : int or None
        Number of units of the output layer. None if the number is unknown.
    has_scores_ : bool
        Whether the outputs are scores from -1 to 1, as for a hinge loss, and not probabilities.
    """

    def fit(self, y: np.ndarray) -> "ClassifierLabelEncoder":
        """Fit the encoder to labels y of shape (n_samples,) or (n_samples, n_labels)."""
        super().fit(self._comparable(y))
        self._has_one_hot_rows = encoded_type(self) == "multiclass-onehot"
        return self.fit_to_network(kind_of_loss(self.loss), None, False)

    def fit_to_network(
        self, loss_kind: str | None, n_units: int | None, has_probabilities: bool
    ) -> "ClassifierLabelEncoder":
        """Fit the encoder to the loss and the output layer of a network.

        Parameters
        ----------
        loss_kind : str or None
            What the loss compares with the outputs, as returned by `kind_of_loss`.
        n_units : int or None
            Number of units of the output layer, if it is known.
        has_probabilities : bool
            Whether the outputs are known to be probabilities.
        """
        self.loss_kind_, self.n_units_ = loss_kind, n_units
        self.has_scores_ = loss_kind == "hinge" and not has_probabilities
        if self._has_one_hot_rows:
            # Rows with one label each are not one-hot if the loss treats the labels separately.
            is_separate = loss_kind in ("binary", "hinge")
            set_encoded_type(self, "multilabel-indicator" if is_separate else "multiclass-onehot")
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Encode labels as class indices, one-hot rows or an indicator matrix, as the loss expects.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels in the shape of y in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, 1) or (n_samples, n_classes)
            Class indices if the loss compares these, if the network has one output for two
            classes, and for user-defined losses. Otherwise one column per class or label.
        """
        kind, dtype = encoded_type(self), keras.config.floatx()
        if kind == "multiclass-onehot" and self.loss_kind_ in INDICES:
            return np.asarray(np.argmax(y, axis=1)).astype(dtype)
        if kind not in ("binary", "multiclass"):
            # The encoders inside would return DataFrames if `sklearn.set_config` asks for them.
            with config_context(transform_output="default"):
                return np.asarray(super().transform(y))
        y = self._comparable(np.asarray(y).reshape(-1))
        check_known_labels(y, self.classes_, "y")
        codes = np.searchsorted(self.classes_, y)
        if self._takes_one_hot_rows():
            return np.eye(self.n_classes_, dtype=dtype)[codes]
        return codes.astype(dtype).reshape(-1, *(() if self.loss_kind_ == "flat indices" else (1,)))

    def _takes_one_hot_rows(self) -> bool:
        """Return whether the loss compares one-hot rows, for labels that are not one-hot."""
        if self.loss_kind_ in (None, "own", *INDICES):
            return False
        if self.n_units_ is None:
            return self.n_classes_ > 2 or self.loss_kind_ == "categorical"
        return self.n_units_ > 1

    def _comparable(self, y: np.ndarray) -> np.ndarray:
        """Return y in the dtype of the labels, because NumPy compares integers as floats."""
        labels = getattr(self, "classes_", None)
        if not isinstance(self.categories, str):
            labels = self.categories[0]
        if labels is None or np.ndim(y) != 1 or {y.dtype.kind, labels.dtype.kind} != {"i", "u"}:
            return y
        limits = np.iinfo(labels.dtype)
        fits = limits.min <= int(y.min(initial=0)) and int(y.max(initial=0)) <= limits.max
        return y.astype(labels.dtype) if fits else y

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
        kind = encoded_type(self)
        if kind == "multiclass-multioutput":
            return np.asarray(super().inverse_transform(y, return_proba))
        proba = self._probabilities(y.reshape(len(y), -1) if y.ndim < 2 else y)
        if return_proba:
            return proba
        shape = sample_shape(self)
        if kind == "multilabel-indicator":
            return np.around(proba).astype(int).reshape(-1, *shape)
        codes = np.argmax(proba, axis=1)
        if kind == "multiclass-onehot":
            return np.asarray(np.eye(self.n_classes_, dtype=int)[codes])
        return np.asarray(self.classes_[codes]).reshape(-1, *shape)

    def _probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return a column for each class, whose rows add up to 1 if no output is negative."""
        n_classes, n_units = self.n_classes_, outputs.shape[-1]
        proba = np.clip((1 + outputs) / 2, 0, 1) if self.has_scores_ else outputs
        is_binary = encoded_type(self) == "binary"
        if is_binary and n_classes == 1:
            return np.ones((len(outputs), 1), outputs.dtype)
        if is_binary and n_units == 1:
            return np.column_stack([1 - proba, proba])
        if outputs.ndim != 2 or n_units != n_classes:
            raise ValueError(
                f"The network returns {outputs.shape[1:]} values for each sample, but y in fit had "
                f"{n_classes} classes: give its output layer {n_classes} units."
            )
        return proba if encoded_type(self) == "multilabel-indicator" else _with_sum_of_one(proba)


def _with_sum_of_one(proba: np.ndarray) -> np.ndarray:
    """Divide nonnegative rows by their sum, as scikit-learn's OneVsRestClassifier does.

    The outputs of a softmax are returned unchanged.
    """
    sums = proba.sum(axis=1, keepdims=True)
    # Each row is decided on its own, so that it does not depend on the other rows.
    differs = (np.abs(sums - 1) > _TOLERANCE) & (proba.min(axis=1, keepdims=True) >= 0)
    if not differs.any():
        return proba
    even = np.full_like(proba, 1 / proba.shape[1])
    shares = np.divide(proba, sums, out=even, where=sums > 0)
    return np.asarray(np.where(differs, shares, proba))


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


def kind_of_loss(loss: Any) -> str | None:
    """Return what a loss compares with the outputs of a classifier, as `loss_kind` returns.

    None if there is no loss, if there are several losses, or if the name of the loss is unknown.
    """
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return None
    return loss_kind(loss) if callable(loss) else None


def name_of_loss(loss: Any) -> str | None:
    """Return the full name of a loss of Keras, or None for any other loss or several losses."""
    return None if kind_of_loss(loss) in (None, "own") else str(loss_name(loss))


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
