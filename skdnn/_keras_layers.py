"""Keras layers for what Keras has none: numeric embeddings, and networks side by side."""

from typing import Any

from skdnn._keras import keras

_register = keras.saving.register_keras_serializable("skdnn")


@_register
class PiecewiseLinear(keras.layers.Layer):
    """See `_spec.PiecewiseLinear`: (n_rows, n_inputs) -> (n_rows, n_inputs + bins of all)."""

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
    """See `_spec.Periodic`: (n_rows, n_inputs) -> (n_rows, n_inputs + two for each frequency)."""

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
class Members(keras.layers.Layer):
    """Hands rows to all members: (n_rows, n_inputs) -> (1, n_rows, n_inputs).

    The matrix products behind it make one of each for every member.
    """

    def __init__(self, n_members: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_members = n_members

    def call(self, x: Any) -> Any:
        """Put an axis for the members in front."""
        return x[None]

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
        return self.activation(keras.ops.matmul(x, self.kernel) + self.bias[:, None])

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
class Mean(keras.layers.Layer):
    """The mean of the members: (n_members, n_rows, n_outputs) -> (n_rows, n_outputs)."""

    def call(self, x: Any) -> Any:
        """Average over the first axis."""
        return keras.ops.mean(x, axis=0)
