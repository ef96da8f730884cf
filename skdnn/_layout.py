"""Parameters of an estimator -> the layers of its network."""

from numbers import Integral, Real
from typing import Any

import numpy as np

from skdnn._columns import Columns
from skdnn._inputs import Inputs
from skdnn._spec import (
    Activation,
    CategoryEmbedding,
    ColumnTransform,
    NetworkSpec,
    NumericEmbedding,
    Periodic,
    PiecewiseLinear,
    dense_network,
    embedding_length,
)

# Bins of a column, fewer where there are many columns.
_MOST_BINS, _ALL_BINS = 32, 2048
_FREQUENCIES = 16


class Layout:
    """The part of an estimator that lays its network out."""

    hidden_layer_sizes: Any
    activation: Any
    dropout: Any
    batch_norm: bool
    scaling: str | None
    categorical_features: Any
    numeric_embedding: str | None
    n_members: int
    dtype: str
    _columns: Columns
    _inputs: Inputs
    _loss: str
    _spec: NetworkSpec
    _targets: Any

    def _describe(self, loss: Any) -> str:
        """Tell a loss from others, as text that is the same in other processes."""
        return loss if isinstance(loss, str) else loss.text

    def _hidden_layers(self) -> list[tuple[int, Activation, float]]:
        """Return the units, the activation and the dropout rate of each hidden layer."""
        from skdnn._lookup import resolve_activation

        owner = type(self).__name__
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)).tolist()
        if any(not _is_count(size) for size in sizes):
            raise ValueError(
                f"The 'hidden_layer_sizes' parameter of {owner} must be ints of at least 1, one "
                f"per hidden layer. Got {self.hidden_layer_sizes!r} instead."
            )
        rates = self._per_layer("dropout", len(sizes))
        if any(not isinstance(rate, Real) or not 0 <= float(rate) < 1 for rate in rates):
            raise ValueError(
                f"The 'dropout' parameter of {owner} must be floats in the range [0, 1), one per "
                f"hidden layer. Got {self.dropout!r} instead."
            )
        activations = self._per_layer("activation", len(sizes))
        activations = [resolve_activation(x, owner) for x in activations]
        return list(zip(map(int, sizes), activations, map(float, rates), strict=True))

    def _lay_out(
        self, shape: tuple[int, ...], hidden: list[tuple[int, Activation, float]]
    ) -> NetworkSpec:
        inputs, sizes = self._inputs, self._columns.sizes
        entry: list[ColumnTransform | CategoryEmbedding | NumericEmbedding] = []
        if inputs.sorts:
            positions = [inputs.numbers, inputs.signed, inputs.codes]
            numbers, signed, codes = (tuple(p.tolist()) for p in positions)
            entry.append(ColumnTransform(numbers, signed, codes))
        if sizes:
            entry.append(CategoryEmbedding(sizes, tuple(map(embedding_length, sizes))))
        if self.numeric_embedding is not None and len(inputs.numbers):
            entry.append(_numeric_embedding(self.numeric_embedding, len(inputs.numbers)))
        return dense_network(
            shape,
            hidden,
            (self._targets.n_outputs, self._targets.activation),
            scaled=inputs.offset is not None,
            entry=tuple(entry),
            n_members=int(self.n_members),
            batch_norm=bool(self.batch_norm),
            ascending=self._targets.ascending,
            dtype=self.dtype,
        )

    def _per_layer(self, parameter: str, n_layers: int) -> list[Any]:
        value = getattr(self, parameter)
        if isinstance(value, str) or np.ndim(value) == 0:
            return [value] * n_layers
        if len(value) != n_layers:
            raise ValueError(
                f"The {parameter!r} parameter of {type(self).__name__} must be one value, or one "
                f"per hidden layer: {n_layers} of them for hidden_layer_sizes="
                f"{self.hidden_layer_sizes!r}. Got {value!r} instead."
            )
        return list(value)

    def _check_unchanged(self, hidden: list[tuple[int, Activation, float]], loss: Any) -> None:
        if (
            self._lay_out(self._spec.input_shape, hidden) != self._spec
            or self.scaling != self._inputs.scaling
            or self._loss != self._describe(loss)
            or not np.array_equal(
                np.asarray(self.categorical_features, object),
                np.asarray(self._columns.categorical_features, object),
            )
        ):
            raise ValueError(
                f"The network that {type(self).__name__} has begun to train is not the one that "
                "its parameters now describe (hidden_layer_sizes, activation, dropout, batch_norm, "
                "scaling, categorical_features, numeric_embedding, n_members, loss, quantile or "
                "dtype was changed): set them back, or start anew with fit and warm_start=False."
            )


def _numeric_embedding(name: str, n_columns: int) -> NumericEmbedding:
    if name == "periodic":
        return Periodic("periodic", n_columns, _FREQUENCIES)
    n_bins = max(2, min(_MOST_BINS, _ALL_BINS // n_columns))
    return PiecewiseLinear("piecewise_linear", n_columns, n_bins)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
