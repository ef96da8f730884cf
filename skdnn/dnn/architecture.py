"""Parameters of an estimator -> the layers of its network."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import Bunch

from skdnn._data.preprocessing import Inputs
from skdnn._data.table import Columns
from skdnn._network.activations import Activation, resolve_activation
from skdnn._network.architectures import Realmlp, dense_network
from skdnn._network.layers import (
    CategoryEmbedding,
    ColumnTransform,
    Layer,
    NumericEmbedding,
    OneHot,
    Periodic,
    PiecewiseLinear,
)
from skdnn._network.layers.category_embedding import embedding_length
from skdnn._network.spec import NetworkSpec
from skdnn.dnn.presets import RATE, is_auto, realmlp_activation, realmlp_rate

# Bins of a column, fewer where there are many columns.
_MOST_BINS, _ALL_BINS = 16, 512
_FREQUENCIES = 16
_STEP = 16  # what the number of one-hot encoded categories is rounded up to a multiple of


class Layout:
    """The part of an estimator that lays its network out."""

    batch_norm: bool
    categorical_features: Any
    dtype: str
    resolved_params_: Bunch
    activation: Any
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
        owner = type(self).__name__
        sizes = np.atleast_1d(
            np.asarray(self.resolved_params_.hidden_layer_sizes, dtype=object)
        ).tolist()
        if any(not _is_count(size) for size in sizes):
            raise ValueError(
                f"The 'hidden_layer_sizes' parameter of {owner} must be ints of at least 1, one "
                f"per hidden layer. Got {self.resolved_params_.hidden_layer_sizes!r} instead."
            )
        rates = self._per_layer("dropout", len(sizes))
        if any(not isinstance(rate, Real) or not 0 <= float(rate) < 1 for rate in rates):
            raise ValueError(
                f"The 'dropout' parameter of {owner} must be floats in the range [0, 1), one per "
                f"hidden layer. Got {self.resolved_params_.dropout!r} instead."
            )
        activations = self._per_layer("activation", len(sizes))
        activations = [resolve_activation(x, owner) for x in activations]
        return list(zip(map(int, sizes), activations, map(float, rates), strict=True))

    def _lay_out(
        self, shape: tuple[int, ...], hidden: list[tuple[int, Activation, float]]
    ) -> NetworkSpec:
        inputs, params = self._inputs, self.resolved_params_
        n_numbers, n_dense = len(inputs.numbers), len(inputs.numbers) + len(inputs.signed)
        entry: list[Layer] = []
        if inputs.sorts:
            positions = [inputs.numbers, inputs.signed, inputs.codes]
            numbers, signed, codes = (tuple(p.tolist()) for p in positions)
            entry.append(ColumnTransform(numbers, signed, codes))
        few, many = self._split_categories()
        if many:
            sizes = tuple(_padded(self._columns.sizes[i]) for i in many)
            entry.append(CategoryEmbedding(sizes, tuple(map(embedding_length, sizes))))
        if few:
            width = -(-sum(self._columns.sizes[i] for i in few) // _STEP) * _STEP
            entry.append(OneHot(n_dense, len(few), width))
        if params.parametrization == "realmlp" and params.numeric_embedding is not None:
            raise ValueError(
                f"numeric_embedding={params.numeric_embedding!r} of {type(self).__name__} is for "
                "parametrization='standard' or 'both': RealMLP takes numbers as they are. Leave it "
                "at 'auto'."
            )
        if params.numeric_embedding is not None and n_numbers:
            entry.append(_numeric_embedding(params.numeric_embedding, n_numbers))
        kind = params.parametrization
        if kind != "standard" and self.batch_norm:
            raise ValueError(
                f"batch_norm=True of {type(self).__name__} is for parametrization='standard': "
                f"RealMLP has no batch normalisation. Got parametrization={kind!r}."
            )
        realmlp = None
        if kind != "standard":
            # Beside others, the learning rate is theirs.
            rate = 1.0 if kind == "realmlp" else realmlp_rate(is_classifier(self)) / RATE
            realmlp_hidden = hidden
            if kind == "both" and is_auto(self.activation):
                activation = realmlp_activation(is_classifier(self))
                realmlp_hidden = [(units, activation, dropout) for units, _, dropout in hidden]
            realmlp = Realmlp(realmlp_hidden, n_numbers, rate)
        return dense_network(
            shape,
            None if kind == "realmlp" else hidden,
            (self._targets.n_outputs, self._targets.activation),
            scaled=inputs.offset is not None,
            entry=entry,
            realmlp=realmlp,
            n_members=int(params.n_members),
            weighted=params.blend is not None,
            batch_norm=bool(self.batch_norm),
            ascending=self._targets.ascending,
            dtype=self.dtype,
        )

    def _split_categories(self) -> tuple[list[int], list[int]]:
        """Return which columns of categories are one-hot encoded, and which are embedded."""
        sizes, most = self._columns.sizes, self.resolved_params_.one_hot_max_size
        few = [i for i, size in enumerate(sizes) if size <= most]
        return few, [i for i, size in enumerate(sizes) if size > most]

    def _code_positions(self) -> list[int]:
        """Return the positions of the columns of categories, in the order that layers take."""
        few, many = self._split_categories()
        return [self._columns.codes[i] for i in [*few, *many]]

    def _per_layer(self, parameter: str, n_layers: int) -> list[Any]:
        value = self.resolved_params_[parameter]
        if isinstance(value, str) or np.ndim(value) == 0:
            return [value] * n_layers
        if len(value) != n_layers:
            raise ValueError(
                f"The {parameter!r} parameter of {type(self).__name__} must be one value, or one "
                f"per hidden layer: {n_layers} of them for hidden_layer_sizes="
                f"{self.resolved_params_.hidden_layer_sizes!r}. Got {value!r} instead."
            )
        return list(value)

    def _check_unchanged(self, hidden: list[tuple[int, Activation, float]], loss: Any) -> None:
        if (
            self._lay_out(self._spec.input_shape, hidden) != self._spec
            or self.resolved_params_.scaling != self._inputs.scaling
            or self._loss != self._describe(loss)
            or not np.array_equal(
                np.asarray(self.categorical_features, object),
                np.asarray(self._columns.categorical_features, object),
            )
        ):
            raise ValueError(
                f"The network that {type(self).__name__} has begun to train is not the one that "
                "its parameters now describe (hidden_layer_sizes, activation, dropout, batch_norm, "
                "scaling, categorical_features, one_hot_max_size, numeric_embedding, n_members, "
                "parametrization, blend, preset, loss, quantile or dtype was changed): set them "
                "back, or start anew with fit and warm_start=False."
            )


def _numeric_embedding(name: str, n_columns: int) -> NumericEmbedding:
    if name == "periodic":
        return Periodic("periodic", n_columns, _FREQUENCIES)
    n_bins = max(2, min(_MOST_BINS, _ALL_BINS // n_columns))
    return PiecewiseLinear("piecewise_linear", n_columns, n_bins)


def _padded(size: int) -> int:
    """Round many categories up, so that a rare one that a fold lacks does not change the network.

    Steps are an eighth of the power of two below.
    """
    step = 1 if size <= _STEP else 2 ** (size.bit_length() - 4)
    return -(-size // step) * step


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
