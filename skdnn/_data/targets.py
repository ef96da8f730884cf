"""Encoding of y, decoding of network outputs, output activations and losses."""

import copy
from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtri
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from skdnn._data.categories import exactly_comparable
from skdnn._data.class_labels import check_known_labels
from skdnn._data.read_target import check_are_labels, read_target
from skdnn._data.scaling import fit_target_scale

_TINY = np.finfo(np.float64).tiny  # the smallest normal number, whose logarithm is finite


class _Head:
    """Base class of all encodings of y, with default attributes of the output layer and loss."""

    ascending: ClassVar[bool] = False  # whether outputs are transformed to ascending order
    levels: np.ndarray = np.full(1, 0.5)  # (n_levels,), of the pinball loss
    start: float | np.ndarray = 0.0  # initial bias of the output layer


class _Categories(_Head):
    """Base class for classification targets, whose outputs are probabilities without scaling."""

    unit = np.ones(1)
    mean = np.zeros(1)
    bounds: tuple[np.ndarray, np.ndarray] | None = None

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel and bias of the output layer unchanged, because y is not scaled."""
        return kernel, bias


class Classes(_Categories):
    """Targets with one class per row, predicted by a softmax with one output per class.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted class labels.
    """

    activation: ClassVar[str] = "softmax"
    loss: ClassVar[str] = "sparse_categorical_crossentropy"
    metric: ClassVar[str] = "accuracy"

    def __init__(self, classes: np.ndarray):
        self.classes = classes
        self.n_outputs = len(classes)
        self.chance_loss: float = np.log(len(classes))

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Return the class indices of labels, shape (n_samples,), int32."""
        _check_row(y, ())
        classes, y = exactly_comparable(self.classes, y)
        codes = np.searchsorted(classes, y).clip(max=self.n_outputs - 1)
        if np.any(classes[codes] != y):
            check_known_labels(y, self.classes, "y")
        return codes.astype(np.int32)

    def losses(self, codes: np.ndarray, output: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
        """Return the cross-entropy of each row, shape (n_samples,).

        Parameters
        ----------
        codes : ndarray of shape (n_samples,), int
            Class indices.
        output : ndarray of shape (n_samples, n_classes)
            Probabilities.
        smoothing : float, default=0.0
            Fraction of each label that is spread evenly over all classes.
        """
        logs: np.ndarray = np.log(np.maximum(output, _TINY))
        own: np.ndarray = logs[np.arange(len(codes)), codes]
        return np.asarray(-(1 - smoothing) * own - smoothing * logs.mean(axis=1))

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return the most probable labels, given probabilities of shape (n_samples, n_classes)."""
        return np.asarray(self.classes[np.argmax(output, axis=1)])


class Labels(_Categories):
    """Targets with any number of labels per row, predicted by one sigmoid per label.

    Parameters
    ----------
    n_labels : int
        Number of columns of the indicator matrix.
    """

    activation: ClassVar[str] = "sigmoid"
    loss: ClassVar[str] = "binary_crossentropy"
    metric: ClassVar[str] = "binary_accuracy"

    def __init__(self, n_labels: int):
        # One row per label, because scikit-learn's scorers would read a flat [0, 1] as two classes.
        self.classes = np.tile([0, 1], (n_labels, 1))
        self.n_outputs = n_labels
        self.chance_loss: float = np.log(2)

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Return the indicator matrix as floats, shape (n_samples, n_labels)."""
        _check_row(y, (self.n_outputs,))
        return y.astype(dtype)

    def losses(self, codes: np.ndarray, output: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
        """Return the mean binary cross-entropy of the labels of each row, shape (n_samples,).

        The fraction `smoothing` of each target, 0 or 1, is spread evenly over 0 and 1.
        """
        yes, no = (np.log(np.maximum(p, _TINY)) for p in (output, 1 - output))
        own = np.where(codes > 0.5, yes, no)
        return np.asarray(-np.mean((1 - smoothing) * own + smoothing * (yes + no) / 2, axis=1))

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return the indicator matrix, which is 1 for labels with a probability above 0.5."""
        return (output > 0.5).astype(int)


class NumericTargets(_Head):
    """Regression targets, which are standardised and predicted by linear outputs.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
        Targets of the training rows.
    weight : ndarray of shape (n_samples,) or None
        Weights of the training rows.
    loss : str, default="mean_squared_error"
        Name of a loss of `skdnn._training.losses.LOSSES`.
    """

    activation: ClassVar[str] = "linear"
    metric: ClassVar[str] = "mean_absolute_error"
    # Lower and upper bounds of predictions, each of shape (n_outputs,). None disables clipping.
    bounds: tuple[np.ndarray, np.ndarray] | None = None
    # Upper bound of the loss of a prediction of the mean. It is 1 for the squared error of the
    # standardised y, and at most 1 for other losses (Jensen's inequality for the absolute error).
    chance_loss: ClassVar[float] = 1.0

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, loss: str = "mean_squared_error"):
        self.shape = y.shape[1:]
        self.mean, self.unit = fit_target_scale(y, weight)
        self.n_outputs = len(self.mean)
        self.loss = loss

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Return the standardised targets, shape (n_samples, n_outputs)."""
        _check_row(y, self.shape)
        return np.asarray((y.reshape(len(y), -1) - self.mean) / self.unit, dtype)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return predictions on the original scale and in the shape of y, float64."""
        return self._clipped(output * self.unit + self.mean).reshape(len(output), *self.shape)

    def errors(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return targets minus predictions, not standardised, shape (n_samples, n_outputs)."""
        predicted = self._clipped(output * self.unit + self.mean)
        return np.asarray(codes * self.unit + self.mean - predicted)

    def losses(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return, for each row, the squared error of standardised y averaged over the outputs."""
        return np.asarray(np.mean((self.errors(codes, output) / self.unit) ** 2, axis=1))

    def within(self, y: np.ndarray | None) -> "NumericTargets":
        """Return a copy that clips predictions to the range of y.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None
            Targets whose range is merged with the current bounds. None disables clipping.
        """
        clipped = copy.copy(self)
        clipped.bounds = None
        if y is not None:
            known = [] if self.bounds is None else [np.array(self.bounds)]
            y = np.concatenate([y.reshape(len(y), -1), *known])
            clipped.bounds = y.min(axis=0), y.max(axis=0)
        return clipped

    def _clipped(self, predicted: np.ndarray) -> np.ndarray:
        return predicted if self.bounds is None else np.clip(predicted, *self.bounds)

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel and bias of an output layer that predicts y on its original scale."""
        return kernel * self.unit, bias * self.unit + self.mean


class OwnUnits(NumericTargets):
    """Regression targets for a Keras or user-defined loss, computed on the scale of y."""

    chance_loss: ClassVar[float] = np.inf  # unknown

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Return the targets, not standardised, shape (n_samples, n_outputs)."""
        _check_row(y, self.shape)
        return y.reshape(len(y), -1).astype(dtype)

    def errors(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return targets minus predictions, not standardised, shape (n_samples, n_outputs)."""
        return np.asarray(codes - self._clipped(output * self.unit + self.mean))


class Positive(NumericTargets):
    """Nonnegative regression targets, divided by their mean, with an exponential output layer."""

    activation: ClassVar[str] = "exponential"

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, loss: str):
        self.shape = y.shape[1:]
        self.loss = loss
        self._check_sign(y)
        self.unit = np.average(y.reshape(len(y), -1), axis=0, weights=weight)
        if not np.all(self.unit > 0):
            raise ValueError(
                f"loss={loss!r} requires non-negative y and sum(y) > 0 in the training rows. Got "
                "zeros only: choose another loss, such as 'squared_error'."
            )
        self.mean = np.zeros_like(self.unit)
        self.n_outputs = len(self.unit)

    def _check_sign(self, y: np.ndarray) -> None:
        least = y.min(initial=np.inf)
        if least < 0 or (least == 0 and self.loss == "gamma"):
            demand = "strictly positive y" if self.loss == "gamma" else "non-negative y"
            raise ValueError(
                f"loss={self.loss!r} requires {demand}. Got values down to {least:g}: choose "
                "another loss, such as 'squared_error'."
            )

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Return the targets divided by their mean, shape (n_samples, n_outputs)."""
        _check_row(y, self.shape)
        self._check_sign(y)
        return super().encode(y, dtype)

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel and bias of an output layer that predicts y on its original scale."""
        return kernel, bias + np.log(self.unit)


class Quantile(NumericTargets):
    """Regression targets for which one quantile of each column of y is predicted.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
        Targets of the training rows.
    weight : ndarray of shape (n_samples,) or None
        Weights of the training rows.
    levels : ndarray of shape () or (n_levels,), float64
        The quantile level, or several levels in ascending order.
    """

    metric: ClassVar[str] = "mean_pinball_loss"

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, levels: np.ndarray):
        super().__init__(y, weight, "quantile")
        self.levels = np.atleast_1d(levels)
        self.start = normal_start(self.levels, ascending=False)

    def losses(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return, for each row, the pinball loss of standardised y averaged over the outputs."""
        error = (codes if codes.ndim == 2 else codes[:, np.newaxis]) - output
        losses = np.maximum(self.levels * error, (self.levels - 1) * error)
        return np.asarray(losses.mean(axis=1))


class Quantiles(Quantile):
    """Regression targets for which several quantiles that never cross are predicted."""

    ascending: ClassVar[bool] = True

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, levels: np.ndarray):
        super().__init__(y, weight, levels)
        if self.n_outputs > 1:
            raise ValueError(
                f"Several quantile levels require a y of one column. Got {self.n_outputs} columns: "
                "set quantile to one level, or fit one estimator per column with "
                "sklearn.multioutput.MultiOutputRegressor."
            )
        self.n_outputs = len(levels)
        self.start = normal_start(levels, ascending=True)

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Return the standardised targets, shape (n_samples,)."""
        return super().encode(y, dtype)[:, 0]

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return quantiles on the scale of y: a column for each level, float64."""
        return self._clipped(output * self.unit + self.mean)

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel and bias unchanged, because a later layer rescales the quantiles."""
        return kernel, bias


def normal_start(levels: np.ndarray, *, ascending: bool) -> np.ndarray:
    """Return the initial bias of an output layer that predicts quantiles, shape (n_levels,).

    The initial quantiles are those of a standard normal target. If the outputs are `ascending`, the
    first is the first quantile, and the softplus of each further one is the difference to the
    previous quantile.
    """
    normal: np.ndarray = ndtri(levels)
    if not ascending:
        return normal
    return np.array([normal[0], *np.log(np.maximum(np.expm1(np.diff(normal)), _TINY))])


def _check_row(y: np.ndarray, shape: tuple[int, ...]) -> None:
    if y.shape[1:] != shape:
        raise ValueError(
            f"One row of y has shape {y.shape[1:]}, but {shape} when training began: pass targets "
            "of the same shape, or call fit with warm_start=False."
        )


Targets = Classes | Labels | NumericTargets  # or a subclass of these


def classification_targets(y: np.ndarray, classes: Any, owner: str) -> Classes | Labels:
    """Create the encoding of y for a classifier.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Class labels, or the indicator matrix of a multilabel problem.
    classes : array-like of shape (n_classes,) or None
        All class labels. None means the labels in `y`.
    owner : str
        The estimator's name, for errors.

    Returns
    -------
    targets : Classes or Labels
        `Labels` for an indicator matrix, otherwise `Classes`.
    """
    if y.ndim == 2:
        return Labels(y.shape[1])
    labels = np.unique(y if classes is None else read_target(classes, owner, "classes"))
    if len(labels) < 2:
        raise ValueError(
            f"{owner} needs at least 2 classes in y, but got only one class: "
            f"{labels.tolist()[0]!r}."
        )
    return Classes(labels)


def check_labels(y: Any, owner: str) -> np.ndarray:
    """Validate the y of a classifier.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_labels), or sparse matrix
        Class labels, or the indicator matrix of a multilabel problem.
    owner : str
        The estimator's name, for errors.

    Returns
    -------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        The labels, or the dense indicator matrix.
    """
    y = y if isinstance(y, np.ndarray) else read_target(y, owner)
    check_are_labels(y, owner)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind == "multilabel-indicator":
        indicator = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        if not np.isin(indicator, (0, 1)).all():
            raise ValueError(
                f"A multilabel y of {owner} must hold zeros and ones, one column per label. Got "
                f"the values {np.unique(indicator).tolist()}: write 1 if a row has the label, "
                "else 0."
            )
        return indicator
    if kind not in ("binary", "multiclass"):  # for these it could only warn of many classes
        check_classification_targets(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"{owner} accepts one column of labels, or a multilabel indicator matrix of zeros and "
            f"ones. Got y of shape {np.shape(y)} with several columns of classes: fit one "
            f"{owner} per column with sklearn.multioutput.MultiOutputClassifier."
        )
    return np.asarray(column_or_1d(y, warn=True))
