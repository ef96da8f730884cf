"""Functions that compute losses and metrics per row, and the resolution of the `loss` parameter."""

import inspect
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import log
from typing import Any

import numpy as np

from skdnn._training.settings_key import settings_key
from skdnn._utils.keras_losses import INDICES, ONE_CLASS, loss_kind
from skdnn._utils.memory_errors import is_out_of_memory
from skdnn._utils.tensorflow import keras, tf
from skdnn._utils.text import unknown

# Names that are not losses, or losses of sequences and embeddings, which no network here outputs.
_NO_LOSSES = {"circle", "ctc", "deserialize", "get", "serialize"}


# Takes y, the output and the `Constants` of a program, and returns one value per row.
RowFunction = Callable[[Any, Any, Any], Any]


def _mean(rows: Any) -> Any:
    return tf.reduce_mean(rows, axis=-1)


def _mean_absolute_error(y: Any, output: Any, constants: Any) -> Any:
    return _mean(tf.abs(y - output))


def _huber(y: Any, output: Any, constants: Any) -> Any:
    """Return the Huber loss with a delta of 1, averaged over the outputs of each row.

    The loss is that of Huber (1964), "Robust Estimation of a Location Parameter".
    """
    error = tf.abs(y - output)
    quadratic = tf.minimum(error, 1.0)
    return _mean(quadratic * (error - 0.5 * quadratic))


def _log_cosh(y: Any, output: Any, constants: Any) -> Any:
    error = y - output
    return _mean(error + tf.math.softplus(-2.0 * error) - log(2))


def _poisson(y: Any, output: Any, constants: Any) -> Any:
    """Return half the Poisson deviance between y and exp(output), averaged over each row's outputs.

    The terms that depend only on y are left out.
    """
    return _mean(tf.exp(output) - y * output)


def _gamma(y: Any, output: Any, constants: Any) -> Any:
    """Return half the gamma deviance between y and exp(output), averaged over each row's outputs.

    The terms that depend only on y are left out.
    """
    return _mean(output + y * tf.exp(-output))


def pinball(y: Any, output: Any, levels: Any) -> Any:
    """Return the pinball loss of each row and output, (n_rows, n_outputs).

    The loss is equation 3.1 of Koenker & Bassett (1978), "Regression Quantiles".

    Parameters
    ----------
    y : tensor of shape (n_rows,) or (n_rows, n_outputs)
        The targets. If y has one dimension, each output is the quantile of y at one level.
        Otherwise each output is the quantile of one column of y.
    output : tensor of shape (n_rows, n_outputs)
        The predicted quantiles.
    levels : tensor of shape (n_levels,)
        The quantile levels.
    """
    error = (y if len(y.shape) == 2 else y[:, tf.newaxis]) - output
    return tf.maximum(levels * error, (levels - 1.0) * error)


def _quantile(y: Any, output: Any, constants: Any) -> Any:
    return _mean(pinball(y, output, constants.levels))


# These losses take standardised targets, except that the poisson and gamma losses take targets
# divided by the mean of the targets.
REGRESSION_LOSSES: dict[str, RowFunction] = {
    "gamma": _gamma,
    "huber": _huber,
    "log_cosh": _log_cosh,
    "mean_absolute_error": _mean_absolute_error,
    "poisson": _poisson,
    "quantile": _quantile,
}


@dataclass(frozen=True)
class LossSpec:
    """The description of a Keras loss or a custom loss.

    Parameters
    ----------
    name : str
        The name of the loss in messages.
    key : hashable
        A value that identifies the loss. The value is a function, or a class or function with
        settings.
    call : callable
        Takes y and predictions, and returns the loss of each row or of the whole batch.
    given : str, function, Keras loss or None
        The form of the loss that is passed to Keras's `compile` and takes predictions, not logits.
        None if no such form exists.
    from_logits : bool, default=False
        Whether `call` takes the output layer's values before the activation.
    kind : str, default="own"
        What the loss compares with the outputs, as `skdnn._utils.keras_losses.loss_kind` returns.
    """

    name: str = field(compare=False)
    key: Hashable
    call: Callable[..., Any] = field(compare=False)
    given: Any = field(compare=False)
    from_logits: bool = field(default=False, compare=False)
    kind: str = "own"

    @property
    def is_sparse(self) -> bool:
        """Whether the loss takes class indices, rather than one-hot rows."""
        return self.kind in INDICES

    @property
    def is_categorical(self) -> bool:
        """Whether the loss is for classification with exactly one class for each row."""
        return self.kind in ONE_CLASS

    @property
    def text(self) -> str:
        """Text of the name and the key, without memory addresses. Equal in all processes."""
        return re.sub(r" at 0x[0-9a-f]+", "", f"{self.name} {self.key}")

    def per_row(self, y: Any, output: Any, activation: str, weighted: bool) -> Any:
        """Compute the loss of each row.

        Parameters
        ----------
        y : tensor of shape (n_rows,) or (n_rows, n_outputs)
            Class indices, an indicator matrix or regression targets.
        output : tensor of shape (n_rows, n_outputs)
            The output layer's values before its activation.
        activation : str
            The activation of the output layer, such as "softmax" for a classifier.
        weighted : bool
            Whether rows have sample weights. If so, a loss with one value for a whole batch raises
            an error.

        Returns
        -------
        tensor of shape (n_rows,)
            The loss of each row. If the loss has one value for the whole batch, each row has that
            value.
        """
        if activation == "softmax" and not self.is_sparse:
            y = tf.one_hot(y, output.shape[-1], dtype=output.dtype)
        predict = keras.activations.get(None if self.from_logits else activation)
        try:
            losses = tf.cast(self.call(y, predict(output)), output.dtype)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise TypeError(
                f"The loss {self.name} cannot be computed from y of shape {tuple(y.shape)} and "
                f"predictions of shape {tuple(output.shape)}. It must be written with keras.ops "
                f"or TensorFlow. {error}"
            ) from error
        rank = losses.shape.rank
        if rank:
            return tf.reduce_mean(losses, axis=list(range(1, rank)))
        if weighted:
            raise TypeError(
                f"The loss {self.name} has one value for a whole batch, in which rows cannot have "
                "weights: have it return one value per row, such as a mean over axis -1, or leave "
                "sample_weight and class_weight out."
            )
        return tf.fill(tf.shape(y)[:1], losses)


def resolve_loss(value: Any, own: Mapping[str, str], owner: str) -> str | LossSpec:
    """Return the name of a loss of skdnn, or the description of another loss.

    Parameters
    ----------
    value : str, callable, Keras loss or Keras loss class
        A name, a function of y_true and y_pred, or a Keras loss. A Keras loss is only read.
    own : mapping of str to str
        The public names of skdnn's losses, mapped to the keys of `LOSSES`.
    owner : str
        The name of the estimator, for error messages.

    Returns
    -------
    str or LossSpec
        A key of `LOSSES`, or the description of a loss of Keras or of the user.
    """
    if isinstance(value, str):
        if value in own:
            return own[value]
        value = _by_name(value, own, owner)
    if isinstance(value, type):
        value = _instance(value, owner)
    is_loss = isinstance(value, keras.losses.Loss)
    function = getattr(value, "fn", None) if is_loss else value
    if function is keras.losses.poisson and "poisson" in own:
        return own["poisson"]  # Keras's loss is undefined for a negative output of a linear layer
    if is_loss:
        return _of_object(value)
    if not callable(value) or type(value).__hash__ is None:
        raise TypeError(
            f"The 'loss' parameter of {owner} must be a name, a Keras loss, or a hashable function "
            f"of y_true and y_pred. Got {value!r} instead."
        )
    if isinstance(value, partial):  # clones have copies, which must have an equal key
        key = value.func, settings_key([value.args, value.keywords])
        return LossSpec(_name(value.func), key, value, value, kind=loss_kind(value))
    return LossSpec(_name(value), value, value, value, kind=loss_kind(value))


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _by_name(value: str, own: Mapping[str, str], owner: str) -> Any:
    functions = {n for n, f in vars(keras.losses).items() if inspect.isfunction(f)} - _NO_LOSSES
    try:
        if value.lower() in _NO_LOSSES:
            raise ValueError
        return keras.losses.get(value)
    except ValueError:
        options = "one of {}, or a loss of Keras, or a function of y_true and y_pred"
        raise unknown("loss", owner, value, functions | set(own), options) from None


def _instance(kind: type, owner: str) -> Any:
    try:
        return kind()
    except TypeError as error:
        raise TypeError(
            f"The 'loss' parameter of {owner} is the class {kind.__name__}, which cannot be made "
            f"without arguments: give an object instead. {error}"
        ) from error


def _of_object(value: Any) -> LossSpec:
    kind = type(value)
    # Not every configuration is complete. For example, that of Keras's Huber loss lacks the delta.
    settings = [value.get_config(), vars(value)]
    settings = [{k: v for k, v in s.items() if k != "name"} for s in settings]
    key = kind, settings_key(settings)
    from_logits = bool(getattr(value, "from_logits", False))
    given = _of_probabilities(value) if from_logits else value
    name = getattr(getattr(value, "fn", None), "__name__", kind.__name__)
    return LossSpec(name, key, value.call, given, from_logits, loss_kind(value))


def _of_probabilities(loss: Any) -> Any:
    """Return the version of a Keras loss that takes probabilities instead of logits.

    None if no such version exists.
    """
    try:
        return type(loss).from_config({**loss.get_config(), "from_logits": False})
    except TypeError:  # a custom class may take logits only
        return None


def compiled_loss(loss: str | LossSpec, unit: np.ndarray) -> Any:
    """Return the loss to pass to Keras's `compile`, for targets on the original scale of y.

    None if no Keras loss is equivalent on that scale. An error in training times `unit` is the
    error on the original scale of y.
    """
    if isinstance(loss, LossSpec):
        return loss.given
    if loss == "huber" and len(unit) == 1:
        return keras.losses.Huber(delta=float(unit[0]))
    return None if loss in ("gamma", "huber", "log_cosh", "quantile") else loss


def _sparse_categorical_crossentropy(y: Any, logits: Any, constants: Any) -> Any:
    return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=y).loss


def _binary_crossentropy(y: Any, logits: Any, constants: Any) -> Any:
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
    return tf.reduce_mean(losses, axis=-1)


def _mean_squared_error(y: Any, output: Any, constants: Any) -> Any:
    return tf.reduce_mean(tf.square(y - output), axis=-1)


def _smooth_categories(y: Any, logits: Any, constants: Any) -> Any:
    smoothing, n_classes = constants.label_smoothing, logits.shape[-1]
    off_value = smoothing / n_classes
    labels = tf.one_hot(y, n_classes, 1 - smoothing + off_value, off_value)
    return tf.nn.softmax_cross_entropy_with_logits(labels, logits)


def _smooth_labels(y: Any, logits: Any, constants: Any) -> Any:
    smoothing = constants.label_smoothing
    return _binary_crossentropy(y * (1 - smoothing) + smoothing / 2, logits, constants)


# Functions that return the loss of each row from the output layer's values before the activation.
# With a softmax or a sigmoid, this computation is more exact than the logarithm of a probability.
LOSSES: dict[str, RowFunction] = {
    **REGRESSION_LOSSES,
    "binary_crossentropy": _binary_crossentropy,
    "mean_squared_error": _mean_squared_error,
    "sparse_categorical_crossentropy": _sparse_categorical_crossentropy,
}


# Losses with smoothed labels (Szegedy et al. 2016, "Rethinking the Inception Architecture",
# section 7).
SMOOTHED: dict[str, RowFunction] = {
    "binary_crossentropy": _smooth_labels,
    "sparse_categorical_crossentropy": _smooth_categories,
}


def _accuracy(y: Any, logits: Any, constants: Any) -> Any:
    return tf.equal(tf.argmax(logits, axis=-1, output_type=y.dtype), y)


def _binary_accuracy(y: Any, logits: Any, constants: Any) -> Any:
    return tf.reduce_mean(tf.cast(tf.equal(logits > 0, y > 0.5), logits.dtype), axis=-1)


def _mean_absolute_error_in_units(y: Any, output: Any, constants: Any) -> Any:
    return tf.reduce_mean(tf.abs(y - output) * constants.unit, axis=-1)


def _mean_pinball_loss(y: Any, output: Any, constants: Any) -> Any:
    return tf.reduce_mean(pinball(y, output, constants.levels) * constants.unit, axis=-1)


# Functions that return the metric of each row from the output layer's values before the activation,
# except that an exponential activation is applied first. An error of the network's output times
# `unit` is the error on the original scale of y.
METRICS: dict[str, RowFunction] = {
    "accuracy": _accuracy,
    "binary_accuracy": _binary_accuracy,
    "mean_absolute_error": _mean_absolute_error_in_units,
    "mean_pinball_loss": _mean_pinball_loss,
}
