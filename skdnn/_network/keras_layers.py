"""The Keras layers that Keras lacks: for numbers, scaled weights and ensemble members.

A saved model that has one of them is loaded where this module is imported.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdnn._utils.tensorflow import keras

_register = keras.saving.register_keras_serializable("skdnn")


@_register
class PiecewiseLinear(keras.layers.Layer):
    """See `layers.PiecewiseLinear`: (n_rows, n_inputs) -> (n_rows, n_inputs + bins of all)."""

    def __init__(self, n_columns: int, n_bins: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_columns = n_columns
        self.n_bins = n_bins

    def build(self, input_shape: Any) -> None:
        """Make the four constants of each bin."""
        for name in ("edge", "slope", "least", "greatest"):
            shape = (self.n_columns, self.n_bins)
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def call(self, x: Any) -> Any:
        """Append the place of each column in each of its bins."""
        ops = keras.ops
        edge, slope, least, greatest = self.weights
        # Nothing is learned before it: numbers come as they are.
        numbers = ops.stop_gradient(x[:, : self.n_columns, None])
        place = (numbers - edge) * slope
        place = ops.minimum(ops.maximum(place, least), greatest)
        place = ops.reshape(place, (-1, self.n_columns * self.n_bins))
        return ops.concatenate([x, place], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "n_columns": self.n_columns, "n_bins": self.n_bins}


@_register
class Periodic(keras.layers.Layer):
    """See `layers.Periodic`: (n_rows, n_inputs) -> (n_rows, n_inputs + two for each frequency)."""

    def __init__(self, n_columns: int, n_frequencies: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_columns = n_columns
        self.n_frequencies = n_frequencies

    def build(self, input_shape: Any) -> None:
        """Make the frequencies."""
        shape = (self.n_columns, self.n_frequencies)
        self.frequency = self.add_weight(shape=shape, initializer="zeros", name="frequency")

    def call(self, x: Any) -> Any:
        """Append sines and cosines of each column."""
        ops = keras.ops
        angle = 6.283185307179586 * x[:, : self.n_columns, None] * self.frequency
        angle = ops.reshape(angle, (-1, self.n_columns * self.n_frequencies))
        return ops.concatenate([x, ops.sin(angle), ops.cos(angle)], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        own = {"n_columns": self.n_columns, "n_frequencies": self.n_frequencies}
        return {**super().get_config(), **own}


@_register
class OneHot(keras.layers.Layer):
    """See `layers.OneHot`: (n_rows, n_inputs) -> (n_rows, n_inputs - n_codes + width)."""

    def __init__(self, start: int, n_codes: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.start = start
        self.n_codes = n_codes
        self.width = width

    def build(self, input_shape: Any) -> None:
        """Make what selects the column and the code that each value stands for."""
        for name, shape in (("column", (self.n_codes, self.width)), ("code", (self.width,))):
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def call(self, x: Any) -> Any:
        """Put ones in the place of codes."""
        ops = keras.ops
        column, code = self.weights
        stop = self.start + self.n_codes
        # A product selects columns faster than a gather does.
        ones = ops.equal(ops.matmul(x[:, self.start : stop], column), code)
        parts = [x[:, : self.start], ops.cast(ones, x.dtype), x[:, stop:]]
        return ops.concatenate(parts, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        own = {"start": self.start, "n_codes": self.n_codes, "width": self.width}
        return {**super().get_config(), **own}


@_register
class Members(keras.layers.Layer):
    """Passes rows to all members: (n_rows, n_inputs) -> (1, n_rows, n_inputs).

    The matrix products behind it make one of each for every member.
    """

    def __init__(self, n_members: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_members = n_members

    def call(self, x: Any) -> Any:
        """Put an axis for the members in front."""
        return keras.ops.expand_dims(x, 0)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "n_members": self.n_members}


@_register
class MemberDense(keras.layers.Layer):
    """A dense layer of each member: (n_members, n_rows, n_inputs) -> (n_members, n_rows, units).

    Rows that all members share come as (1, n_rows, n_inputs).
    """

    def __init__(self, n_members: int, units: int, activation: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_members = n_members
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
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
        """Return what the constructor takes."""
        own = {
            "n_members": self.n_members,
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }
        return {**super().get_config(), **own}


@_register
class MemberBatchNormalization(keras.layers.Layer):
    """Batch normalisation of each member, over the rows: keeps (n_members, n_rows, n_inputs)."""

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-3, **kwargs: Any):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Make scale, shift and the two moving averages."""
        shape = (input_shape[0], input_shape[-1])
        kinds = {"gamma": ("ones", True), "beta": ("zeros", True)}
        kinds |= {"moving_mean": ("zeros", False), "moving_variance": ("ones", False)}
        for name, (start, trainable) in kinds.items():
            self.add_weight(shape=shape, initializer=start, trainable=trainable, name=name)

    def call(self, x: Any, training: bool = False) -> Any:
        """Normalise by the batch in training, else by the moving averages."""
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
        """Return what the constructor takes."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@_register
class SmoothClip(keras.layers.Layer):
    """See `layers.SmoothClip`: keeps (..., n_inputs)."""

    def __init__(self, n_columns: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_columns = n_columns

    def build(self, input_shape: Any) -> None:
        """Make the two constants of each column."""
        for name in ("center", "factor"):
            shape = (self.n_columns,)
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def call(self, x: Any) -> Any:
        """Scale the first columns and draw in what is far out."""
        ops = keras.ops
        center, factor = self.weights
        z = (x[..., : self.n_columns] - center) * factor
        z = z / ops.sqrt(1 + ops.square(z / 3))
        return ops.concatenate([z, x[..., self.n_columns :]], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "n_columns": self.n_columns}


class _Scaled(keras.layers.Layer):
    """A layer with weights of its own for each member; those of a row, where there are none."""

    def __init__(self, n_members: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_members = n_members

    def _add(self, name: str, *shape: int) -> Any:
        members = (self.n_members,) if self.n_members else ()
        return self.add_weight(shape=(*members, *shape), initializer="zeros", name=name)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "n_members": self.n_members}


@_register
class LearnedScale(_Scaled):
    """See `layers.LearnedScale`: keeps (n_rows, n_inputs), or (n_members, n_rows, n_inputs)."""

    def __init__(self, n_members: int = 0, gain: float = 1.0, **kwargs: Any):
        super().__init__(n_members, **kwargs)
        self.gain = gain

    def build(self, input_shape: Any) -> None:
        """Make the scale of each column."""
        self.scale = self._add("scale", input_shape[-1])

    def call(self, x: Any) -> Any:
        """Multiply each column."""
        return x * keras.ops.expand_dims(self.gain * self.scale, -2)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "gain": self.gain}


@_register
class MixedActivation(_Scaled):
    """See `layers.MixedActivation`: keeps (n_rows, units), or (n_members, n_rows, units)."""

    def __init__(
        self, n_members: int = 0, activation: Any = None, gain: float = 1.0, **kwargs: Any
    ):
        super().__init__(n_members, **kwargs)
        self.activation = keras.activations.get(activation)
        self.gain = gain

    def build(self, input_shape: Any) -> None:
        """Make the share of the activation in each unit."""
        self.share = self._add("share", input_shape[-1])

    def call(self, x: Any) -> Any:
        """Mix the activation with what it is given."""
        return x + (self.activation(x) - x) * keras.ops.expand_dims(self.gain * self.share, -2)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        own = {"activation": keras.activations.serialize(self.activation), "gain": self.gain}
        return {**super().get_config(), **own}


@_register
class ScaledDense(_Scaled):
    """See `layers.ScaledDense`: (..., n_rows, n_inputs) -> (..., n_rows, units).

    Rows that all members share come as (1, n_rows, n_inputs).
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
        """Make kernel and bias."""
        self.kernel = self._add("kernel", input_shape[-1], self.units)
        self.bias = self._add("bias", self.units)

    def call(self, x: Any) -> Any:
        """Compute activation(x @ (kernel_gain kernel) + bias_gain bias)."""
        x = keras.ops.matmul(x, self.kernel_gain * self.kernel)
        return self.activation(x + keras.ops.expand_dims(self.bias_gain * self.bias, -2))

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        own = {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_gain": self.kernel_gain,
            "bias_gain": self.bias_gain,
        }
        return {**super().get_config(), **own}


@_register
class Range(keras.layers.Layer):
    """Keeps what goes through it between two bounds, of each output or of all."""

    def __init__(self, least: Sequence[float], greatest: Sequence[float], **kwargs: Any):
        super().__init__(**kwargs)
        self.least = list(least)
        self.greatest = list(greatest)

    def call(self, x: Any) -> Any:
        """Clip."""
        bounds = np.array([self.least, self.greatest], self.compute_dtype)
        return keras.ops.clip(x, *bounds)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "least": self.least, "greatest": self.greatest}


@_register
class Mean(keras.layers.Layer):
    """The mean of the members: (n_members, n_rows, n_outputs) -> (n_rows, n_outputs)."""

    def __init__(self, weighted: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.weighted = weighted

    def build(self, input_shape: Any) -> None:
        """Make the ensemble weights, where there are any."""
        if self.weighted:
            shape = (input_shape[0],)
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name="share")

    def call(self, x: Any) -> Any:
        """Average over the first axis."""
        ops = keras.ops
        return ops.tensordot(*self.weights, x, axes=1) if self.weighted else ops.mean(x, axis=0)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "weighted": self.weighted}
