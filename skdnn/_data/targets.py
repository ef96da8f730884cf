"""What a user calls y <-> what the network puts out, with the head and the loss for it."""

import copy
from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtri
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

_TINY = np.finfo(np.float64).tiny  # has a logarithm


class _Head:
    """What most kinds of targets have in common."""

    ascending: ClassVar[bool] = False  # whether the outputs are made to ascend
    levels: np.ndarray = np.full(1, 0.5)  # those of quantiles
    start: float | np.ndarray = 0.0  # of the output layer's bias


class _Categories(_Head):
    """Labels of a classifier: the network puts out probabilities, whose unit is one."""

    unit = np.ones(1)
    mean = np.zeros(1)

    bounds: tuple[np.ndarray, np.ndarray] | None = None

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the output layer that puts out what `decode` starts from."""
        return kernel, bias


class Classes(_Categories):
    """One of several classes: softmax, one output per class.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    """

    activation: ClassVar[str] = "softmax"
    loss: ClassVar[str] = "sparse_categorical_crossentropy"
    metric: ClassVar[str] = "accuracy"

    def __init__(self, classes: np.ndarray):
        self.classes = classes
        self.n_outputs = len(classes)
        self.chance_loss: float = np.log(len(classes))

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Turn labels, shape (n_samples,), into their numbers, int32."""
        _check_row(y, ())
        codes = np.searchsorted(self.classes, y).clip(max=self.n_outputs - 1)
        strange = self.classes[codes] != y
        if np.any(strange):
            raise ValueError(
                f"y has labels that were not among the classes when training began: "
                f"{np.unique(y[strange]).tolist()}. Those are {self.classes.tolist()}: start anew "
                "with fit and warm_start=False, or name all classes in the first partial_fit."
            )
        return codes.astype(np.int32)

    def losses(self, codes: np.ndarray, output: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
        """Return the cross-entropy of each row, from probabilities (n_samples, n_classes).

        A share of each label may be spread over all classes evenly.
        """
        logs = np.log(np.maximum(output, _TINY))
        own = logs[np.arange(len(codes)), codes]
        return -(1 - smoothing) * own - smoothing * logs.mean(axis=1)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Turn probabilities, shape (n_samples, n_classes), into labels."""
        return self.classes[np.argmax(output, axis=1)]


class Labels(_Categories):
    """Any number of labels at once: a sigmoid per label.

    Parameters
    ----------
    n_labels : int
        Number of columns of the indicator matrix.
    """

    activation: ClassVar[str] = "sigmoid"
    loss: ClassVar[str] = "binary_crossentropy"
    metric: ClassVar[str] = "binary_accuracy"

    def __init__(self, n_labels: int):
        # The classes of each label: scikit-learn's scorers take a flat [0, 1] for two classes.
        self.classes = np.tile([0, 1], (n_labels, 1))
        self.n_outputs = n_labels
        self.chance_loss: float = np.log(2)

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Turn an indicator matrix, shape (n_samples, n_labels), into floats."""
        _check_row(y, (self.n_outputs,))
        return y.astype(dtype)

    def losses(self, codes: np.ndarray, output: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
        """Return the mean cross-entropy of the labels of each row, of which a share is spread."""
        yes, no = (np.log(np.maximum(p, _TINY)) for p in (output, 1 - output))
        own = np.where(codes > 0.5, yes, no)
        return -np.mean((1 - smoothing) * own + smoothing * (yes + no) / 2, axis=1)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Turn probabilities, shape (n_samples, n_labels), into an indicator matrix."""
        return (output > 0.5).astype(int)


class NumericTargets(_Head):
    """Real numbers, standardised for the network: linear outputs.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
        The training rows' targets.
    weight : ndarray of shape (n_samples,) or None
        Their weights.
    loss : str, default="mean_squared_error"
        A loss of `_program.LOSSES`.
    """

    activation: ClassVar[str] = "linear"
    metric: ClassVar[str] = "mean_absolute_error"
    # Of the predictions of each column, (n_outputs,); None where they may be anything.
    bounds: tuple[np.ndarray, np.ndarray] | None = None
    # What it costs always to predict the mean: 1 in squared errors, no more in any of the others
    # (by Jensen's inequality in absolute ones), and 1 where the mean is what y is divided by.
    chance_loss: ClassVar[float] = 1.0

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, loss: str = "mean_squared_error"):
        scaler = StandardScaler().fit(y.reshape(len(y), -1), sample_weight=weight)
        self.shape = y.shape[1:]
        self.n_outputs = len(scaler.mean_)
        self.mean = scaler.mean_
        self.unit = scaler.scale_
        self.loss = loss

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Standardise; the result is of shape (n_samples, n_outputs)."""
        _check_row(y, self.shape)
        return ((y.reshape(len(y), -1) - self.mean) / self.unit).astype(dtype)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return to the target's own units, shape and float64."""
        return self._clipped(output * self.unit + self.mean).reshape(len(output), *self.shape)

    def errors(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return how far predictions are from targets, in units of y."""
        return codes * self.unit + self.mean - self._clipped(output * self.unit + self.mean)

    def losses(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return the mean squared error of each row, in standard deviations of y."""
        return np.mean((self.errors(codes, output) / self.unit) ** 2, axis=1)

    def within(self, y: np.ndarray | None) -> "NumericTargets":
        """Return a copy whose predictions stay in the range of these targets and of those before.

        With None they may be anything.
        """
        twin = copy.copy(self)
        twin.bounds = None
        if y is not None:
            known = [] if self.bounds is None else [np.array(self.bounds)]
            y = np.concatenate([y.reshape(len(y), -1), *known])
            twin.bounds = y.min(axis=0), y.max(axis=0)
        return twin

    def _clipped(self, predicted: np.ndarray) -> np.ndarray:
        return predicted if self.bounds is None else np.clip(predicted, *self.bounds)

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the linear output layer that puts out the target's own units."""
        return kernel * self.unit, bias * self.unit + self.mean


class OwnUnits(NumericTargets):
    """Real numbers for a loss that is given them as they are: it is not one of skdnn's own."""

    chance_loss: ClassVar[float] = np.inf  # unknown

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Give the targets the shape (n_samples, n_outputs)."""
        _check_row(y, self.shape)
        return y.reshape(len(y), -1).astype(dtype)

    def errors(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return how far predictions are from targets, which are in their own units here."""
        return codes - self._clipped(output * self.unit + self.mean)


class Positive(NumericTargets):
    """Numbers that are not negative, divided by their mean: the network puts out the logarithm."""

    activation: ClassVar[str] = "exponential"

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, loss: str):
        self.shape = y.shape[1:]
        self.loss = loss
        self._check_sign(y)
        self.unit = np.average(y.reshape(len(y), -1), axis=0, weights=weight)
        if not np.all(self.unit > 0):
            raise ValueError(
                f"loss={loss!r} requires non-negative y and sum(y) > 0, in the rows that are "
                "trained on. Got zeros alone."
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
        """Divide by the mean; the result is of shape (n_samples, n_outputs)."""
        _check_row(y, self.shape)
        self._check_sign(y)
        return super().encode(y, dtype)

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the output layer, before its exponential, for the target's own units."""
        return kernel, bias + np.log(self.unit)


class Quantile(NumericTargets):
    """One quantile of each column of real numbers.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
        The training rows' targets.
    weight : ndarray of shape (n_samples,) or None
        Their weights.
    levels : ndarray of shape () or (n_levels,), float64
        One level, or ascending ones.
    """

    metric: ClassVar[str] = "mean_pinball_loss"

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, levels: np.ndarray):
        super().__init__(y, weight, "quantile")
        self.levels = np.atleast_1d(levels)
        self.start = ndtri(self.levels)  # as if the target were normal

    def losses(self, codes: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Return the mean pinball loss of each row, in standard deviations of y."""
        error = (codes if codes.ndim == 2 else codes[:, np.newaxis]) - output
        return np.mean(np.maximum(self.levels * error, (self.levels - 1) * error), axis=1)


class Quantiles(Quantile):
    """Several quantiles of one column, at ascending levels; as quantiles they never cross."""

    ascending: ClassVar[bool] = True

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, levels: np.ndarray):
        super().__init__(y, weight, levels)
        if self.n_outputs > 1:
            raise ValueError(
                f"Several levels of quantile need a y of one column. Got {self.n_outputs} columns: "
                "give one level, or fit one estimator per column with "
                "sklearn.multioutput.MultiOutputRegressor."
            )
        self.n_outputs = len(levels)
        # What softplus turns into the steps from one to the next.
        first, *_ = normal = ndtri(levels)
        self.start = np.array([first, *np.log(np.expm1(np.diff(normal)))])

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Standardise; the result is of shape (n_samples,)."""
        return super().encode(y, dtype)[:, 0]

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return to the target's own units: shape (n_samples, n_levels), float64."""
        return self._clipped(output * self.unit + self.mean)

    def in_units(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the output layer as it is: a layer after it brings the units."""
        return kernel, bias


def _check_row(y: np.ndarray, shape: tuple[int, ...]) -> None:
    if y.shape[1:] != shape:
        raise ValueError(
            f"One row of y has shape {y.shape[1:]}, but {shape} when training began: bring the "
            "same kind of targets, or start anew with fit and warm_start=False."
        )


Targets = Classes | Labels | NumericTargets  # or a kind of these


def classification_targets(y: np.ndarray, classes: Any, owner: str) -> Classes | Labels:
    """Choose how to encode the y of a classifier.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Labels, or the indicator matrix of a multilabel problem.
    classes : array-like of shape (n_classes,) or None
        All labels there are; None to take those in `y`.
    owner : str
        The estimator's name, for errors.
    """
    if y.ndim == 2:
        return Labels(y.shape[1])
    labels = np.unique(y if classes is None else classes)
    if len(labels) < 2:
        raise ValueError(
            f"{owner} needs at least 2 classes in y to tell apart, but got only one class: "
            f"{labels.tolist()[0]!r}."
        )
    return Classes(labels)


def check_labels(y: Any, owner: str) -> np.ndarray:
    """Validate the y of a classifier: (n_samples,) labels or a (n_samples, n_labels) indicator."""
    y = _uniform(y, owner)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind == "multilabel-indicator":
        y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
        if not np.isin(y, (0, 1)).all():
            raise ValueError(
                f"A multilabel y of {owner} must hold zeros and ones, one column per label. Got "
                f"the values {np.unique(y).tolist()}: write 1 where a row has the label, else 0."
            )
        return y
    check_classification_targets(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"{owner} takes one column of labels, or a multilabel indicator matrix of zeros and "
            f"ones. Got y of shape {np.shape(y)} with several columns of classes: fit one "
            f"{owner} per column with sklearn.multioutput.MultiOutputClassifier."
        )
    return column_or_1d(y, warn=True)


def _uniform(y: Any, owner: str) -> Any:
    """Give numbers and booleans in an array of objects a dtype; refuse what cannot be sorted."""
    if not isinstance(y, np.ndarray) or y.dtype.kind != "O":
        return y
    are_text = {isinstance(value, str) for value in y.ravel()}
    as_one = y if are_text == {True} else np.array(y.tolist())
    if len(are_text) > 1 or (as_one.dtype == object and are_text == {False}):
        kinds = sorted({type(value).__name__ for value in y.ravel()})
        raise TypeError(
            f"The labels in y of {owner} must all be text, or all numbers or booleans. Got "
            f"{', '.join(kinds)}: turn them into text with [str(label) for label in y]."
        )
    return as_one
