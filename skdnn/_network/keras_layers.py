"""Keras layers for numeric columns, scaled weights and ensemble members, which Keras lacks.

Keras can load a saved model that has one of these layers only if this module is imported.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdnn._utils.tensorflow import keras

_register = keras.saving.register_keras_serializable("skdnn")


@_register
class PiecewiseLinear(keras.layers.Layer):
    """Keras counterpart of `layers.PiecewiseLinear`, which appends bin values of numeric columns.

    The shape changes from (n_rows, n_inputs) to (n_rows, n_inputs + n_columns * n_bins).
    """

    def __init__(self, n_columns: int, n_bins: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_columns = n_columns
        self.n_bins = n_bins

    def build(self, input_shape: Any) -> None:
        """Create the edge, slope, minimum and maximum of each bin."""
        for name in ("edge", "slope", "least", "greatest"):
            shape = (self.n_columns, self.n_bins)
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def call(self, x: Any) -> Any:
        """Append the position of each numeric value within each bin of the column of the value."""
        ops = keras.ops
        edge, slope, least, greatest = self.weights
        # No gradient is needed, because no trained layer comes before this one.
        numbers = ops.stop_gradient(x[:, : self.n_columns, None])
        place = (numbers - edge) * slope
        place = ops.minimum(ops.maximum(place, least), greatest)
        place = ops.reshape(place, (-1, self.n_columns * self.n_bins))
        return ops.concatenate([x, place], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "n_columns": self.n_columns, "n_bins": self.n_bins}


@_register
class Periodic(keras.layers.Layer):
    """Keras counterpart of `layers.Periodic`, which appends sines and cosines of numeric columns.

    The shape (n_rows, n_inputs) becomes (n_rows, n_inputs + 2 * n_columns * n_frequencies).
    """

    def __init__(self, n_columns: int, n_frequencies: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_columns = n_columns
        self.n_frequencies = n_frequencies

    def build(self, input_shape: Any) -> None:
        """Create the trained frequencies of each numeric column."""
        shape = (self.n_columns, self.n_frequencies)
        self.frequency = self.add_weight(shape=shape, initializer="zeros", name="frequency")

    def call(self, x: Any) -> Any:
        """Append the sines of all numeric columns, and then the cosines."""
        ops = keras.ops
        angle = 6.283185307179586 * x[:, : self.n_columns, None] * self.frequency
        angle = ops.reshape(angle, (-1, self.n_columns * self.n_frequencies))
        return ops.concatenate([x, ops.sin(angle), ops.cos(angle)], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"n_columns": self.n_columns, "n_frequencies": self.n_frequencies}
        return {**super().get_config(), **own}


@_register
class OneHot(keras.layers.Layer):
    """Keras counterpart of `layers.OneHot`, which one-hot encodes category codes.

    The shape changes from (n_rows, n_inputs) to (n_rows, n_inputs - n_codes + width).
    """

    def __init__(self, start: int, n_codes: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.start = start
        self.n_codes = n_codes
        self.width = width

    def build(self, input_shape: Any) -> None:
        """Create the constants that assign a column and a code to each value of the encoding."""
        for name, shape in (("column", (self.n_codes, self.width)), ("code", (self.width,))):
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def call(self, x: Any) -> Any:
        """Replace the category codes by their one-hot encoding."""
        ops = keras.ops
        column, code = self.weights
        stop = self.start + self.n_codes
        # A product selects columns faster than a gather does.
        ones = ops.equal(ops.matmul(x[:, self.start : stop], column), code)
        parts = [x[:, : self.start], ops.cast(ones, x.dtype), x[:, stop:]]
        return ops.concatenate(parts, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"start": self.start, "n_codes": self.n_codes, "width": self.width}
        return {**super().get_config(), **own}


@_register
class Members(keras.layers.Layer):
    """Passes the same rows to all ensemble members.

    The shape changes from (n_rows, n_inputs) to (1, n_rows, n_inputs). The next layer with
    weights computes one result for each ensemble member.
    """

    def __init__(self, n_members: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_members = n_members

    def call(self, x: Any) -> Any:
        """Add a leading axis for the ensemble members."""
        return keras.ops.expand_dims(x, 0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "n_members": self.n_members}


@_register
class MemberDense(keras.layers.Layer):
    """Dense layer with a kernel and a bias for each ensemble member.

    The shape changes from (n_members, n_rows, n_inputs) to (n_members, n_rows, units). Rows that
    all members share have shape (1, n_rows, n_inputs).
    """

    def __init__(self, n_members: int, units: int, activation: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_members = n_members
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Create the kernel and the bias."""
        kernel = (self.n_members, input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=kernel, initializer="zeros", name="kernel")
        bias = (self.n_members, self.units)
        self.bias = self.add_weight(shape=bias, initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        """Compute activation(x @ kernel + bias)."""
        return self.activation(
            keras.ops.matmul(x, self.kernel) + keras.ops.expand_dims(self.bias, 1)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {
            "n_members": self.n_members,
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }
        return {**super().get_config(), **own}


@_register
class MemberBatchNormalization(keras.layers.Layer):
    """Batch normalisation over the rows of each ensemble member.

    The shape (n_members, n_rows, n_inputs) is preserved.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-3, **kwargs: Any):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Create the scale, the shift and the two moving averages."""
        shape = (input_shape[0], input_shape[-1])
        kinds = {"gamma": ("ones", True), "beta": ("zeros", True)}
        kinds |= {"moving_mean": ("zeros", False), "moving_variance": ("ones", False)}
        for name, (start, trainable) in kinds.items():
            self.add_weight(shape=shape, initializer=start, trainable=trainable, name=name)

    def call(self, x: Any, training: bool = False) -> Any:
        """Normalise by the batch moments in training, and by the moving averages in prediction."""
        ops = keras.ops
        gamma, beta, *averages = self.weights
        mean, variance = averages
        if training:
            mean, variance = ops.moments(x, axes=[1])
            for average, now in zip(averages, (mean, variance), strict=True):
                average.assign(average * self.momentum + now * (1 - self.momentum))
        factor = gamma * ops.rsqrt(variance + self.epsilon)
        return x * factor[:, None] + (beta - mean * factor)[:, None]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@_register
class SmoothClip(keras.layers.Layer):
    """Keras counterpart of `layers.SmoothClip`, which scales and smoothly clips numeric columns.

    The shape (..., n_inputs) is preserved.
    """

    def __init__(self, n_columns: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_columns = n_columns

    def build(self, input_shape: Any) -> None:
        """Create the center and the scale factor of each numeric column."""
        for name in ("center", "factor"):
            shape = (self.n_columns,)
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def call(self, x: Any) -> Any:
        """Scale the leading `n_columns` columns and clip outliers smoothly."""
        ops = keras.ops
        center, factor = self.weights
        z = (x[..., : self.n_columns] - center) * factor
        z = z / ops.sqrt(1 + ops.square(z / 3))
        return ops.concatenate([z, x[..., self.n_columns :]], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "n_columns": self.n_columns}


class _Scaled(keras.layers.Layer):
    """Base class of layers that have one set of weights for each ensemble member.

    If `n_members` is 0, the layer has a single set of weights.
    """

    def __init__(self, n_members: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_members = n_members

    def _add(self, name: str, *shape: int) -> Any:
        members = (self.n_members,) if self.n_members else ()
        return self.add_weight(shape=(*members, *shape), initializer="zeros", name=name)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "n_members": self.n_members}


@_register
class LearnedScale(_Scaled):
    """Keras counterpart of `layers.LearnedScale`, which multiplies each column by a learned factor.

    The shape (n_rows, n_inputs) or (n_members, n_rows, n_inputs) is preserved.
    """

    def __init__(self, n_members: int = 0, gain: float = 1.0, **kwargs: Any):
        super().__init__(n_members, **kwargs)
        self.gain = gain

    def build(self, input_shape: Any) -> None:
        """Create the trained scale of each column."""
        self.scale = self._add("scale", input_shape[-1])

    def call(self, x: Any) -> Any:
        """Multiply each column by gain * scale."""
        return x * keras.ops.expand_dims(self.gain * self.scale, -2)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "gain": self.gain}


@_register
class MixedActivation(_Scaled):
    """Keras counterpart of `layers.MixedActivation`, which interpolates x and activation(x).

    The shape (n_rows, units) or (n_members, n_rows, units) is preserved.
    """

    def __init__(
        self, n_members: int = 0, activation: Any = None, gain: float = 1.0, **kwargs: Any
    ):
        super().__init__(n_members, **kwargs)
        self.activation = keras.activations.get(activation)
        self.gain = gain

    def build(self, input_shape: Any) -> None:
        """Create the trained interpolation weight of each unit."""
        self.share = self._add("share", input_shape[-1])

    def call(self, x: Any) -> Any:
        """Compute x + (activation(x) - x) * gain * a, with a trained weight a for each unit."""
        return x + (self.activation(x) - x) * keras.ops.expand_dims(self.gain * self.share, -2)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"activation": keras.activations.serialize(self.activation), "gain": self.gain}
        return {**super().get_config(), **own}


@_register
class ScaledDense(_Scaled):
    """Keras counterpart of `layers.ScaledDense`, a dense layer with scaled kernel and bias.

    The shape changes from (..., n_rows, n_inputs) to (..., n_rows, units). Rows that all ensemble
    members share have shape (1, n_rows, n_inputs).
    """

    def __init__(
        self,
        n_members: int,
        units: int,
        activation: Any = None,
        kernel_gain: float = 1.0,
        bias_gain: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(n_members, **kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_gain = kernel_gain
        self.bias_gain = bias_gain

    def build(self, input_shape: Any) -> None:
        """Create the kernel and the bias."""
        self.kernel = self._add("kernel", input_shape[-1], self.units)
        self.bias = self._add("bias", self.units)

    def call(self, x: Any) -> Any:
        """Compute activation(x @ (kernel_gain * kernel) + bias_gain * bias)."""
        x = keras.ops.matmul(x, self.kernel_gain * self.kernel)
        return self.activation(x + keras.ops.expand_dims(self.bias_gain * self.bias, -2))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_gain": self.kernel_gain,
            "bias_gain": self.bias_gain,
        }
        return {**super().get_config(), **own}


@_register
class Range(keras.layers.Layer):
    """Clips network outputs to a minimum and maximum, given per output or once for all outputs."""

    def __init__(self, least: Sequence[float], greatest: Sequence[float], **kwargs: Any):
        super().__init__(**kwargs)
        self.least = list(least)
        self.greatest = list(greatest)

    def call(self, x: Any) -> Any:
        """Clip the outputs to the minimum and maximum."""
        bounds = np.array([self.least, self.greatest], self.compute_dtype)
        return keras.ops.clip(x, *bounds)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "least": self.least, "greatest": self.greatest}


@_register
class Mean(keras.layers.Layer):
    """Averages the outputs of the ensemble members.

    The shape changes from (n_members, n_rows, n_outputs) to (n_rows, n_outputs).
    """

    def __init__(self, weighted: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.weighted = weighted

    def build(self, input_shape: Any) -> None:
        """Create the ensemble weights if the mean is weighted."""
        if self.weighted:
            shape = (input_shape[0],)
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name="share")

    def call(self, x: Any) -> Any:
        """Average over the ensemble members, which are the first axis."""
        ops = keras.ops
        return ops.tensordot(*self.weights, x, axes=1) if self.weighted else ops.mean(x, axis=0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "weighted": self.weighted}
