"""The piecewise-linear embedding of numeric columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Shape, TrainingSample
from skdnn._network.layers.numeric_embedding import NumericEmbedding
from skdnn._network.onnx_graph import OnnxGraph

_OPEN = 1e30  # the bound of an open bin, finite because weights must be finite
_NARROW = 0.01  # bins of a scaled column up to this width are never open
_FIRST_ROWS = 1000  # number of rows that are checked for a small number of distinct values


def bins(x: np.ndarray, n_bins: int) -> list[np.ndarray]:
    """Return the constants that define the bins of a piecewise-linear embedding.

    The edges of the bins are quantiles of each column. Repeated values make several quantiles
    equal, which the following rules avoid. If a column has few distinct values, each
    distinct value is an edge. Otherwise, each very frequent value and its neighbours are edges, so
    that the frequent value has bins of its own (0 may mean "none"). The remaining edges are
    quantiles of the other values.

    The first bin is open below and the last bin is open above, unless the bin is very narrow. If a
    very narrow bin were open, the value of the bin for an outlier would be very large. The network
    still receives the outlier, because the column is kept in addition to the bins.

    A column with few edges has fewer than `n_bins` bins. The values of unused bins are always 0, so
    that array shapes do not depend on the rows and folds share a compiled program.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns), floating
        Scaled rows without missing values.
    n_bins : int
        Maximum number of bins of a column.

    Returns
    -------
    edge, slope, least, greatest : ndarray of shape (n_columns, n_bins), float64
        The value of a bin is (x - edge) * slope, clipped to [least, greatest].
    """
    edge, slope, least, greatest = np.zeros((4, x.shape[1], n_bins))
    for column, values in enumerate(x.T):
        edges = _edges(values, n_bins)
        n, widths = len(edges) - 1, np.diff(edges)
        if n == 0:  # constant
            continue
        edge[column, :n] = edges[:-1]
        slope[column, :n] = 1 / np.maximum(widths, 1 / _OPEN)
        greatest[column, :n] = 1
        if widths[0] > _NARROW:
            least[column, 0] = -_OPEN
        if widths[-1] > _NARROW:
            greatest[column, n - 1] = _OPEN
    return [edge, slope, least, greatest]


def _edges(x: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the edges of at most `n_bins` bins of a column, in ascending order."""
    quantiles = np.unique(np.quantile(x, np.linspace(0, 1, n_bins + 1)))
    are_all = len(quantiles) == n_bins + 1
    if are_all and len(np.unique(x[:_FIRST_ROWS])) > n_bins + 1:
        return quantiles
    values, counts = np.unique(x, return_counts=True)
    if len(values) <= n_bins + 1:
        return values
    if are_all:
        return quantiles
    order = np.argsort(-counts, kind="stable")[: n_bins // 4]
    frequent = order[counts[order] >= 2 * len(x) / n_bins]
    near = np.unique(np.clip(np.add.outer(frequent, [-1, 0, 1]), 0, len(values) - 1))
    others = x[~np.isin(x, values[frequent])]
    places = np.linspace(0, 1, n_bins + 1 - len(near))
    return np.union1d(values[near], np.quantile(others, places))


@dataclass(frozen=True)
class PiecewiseLinear(NumericEmbedding):
    """Appends the position of each numeric value within each bin of the column of the value.

    The value of bin b, from edge e_b to e_(b+1), is (x - e_b) / (e_(b+1) - e_b), clipped to
    [0, 1]. The first bin may be open below and the last bin may be open above (Gorishniy et al.
    2022, equation 1).
    """

    n_bins: int

    is_trained: ClassVar[bool] = False

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the row with all bins of all columns appended."""
        return (shape[-1] + self.n_columns * self.n_bins,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the edge, slope, least and greatest value of the bins."""
        return ((self.n_columns, self.n_bins),) * 4

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Return bins whose edges are quantiles of the training rows."""
        return bins(sample.numbers(), self.n_bins)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Append the values of the bins.

        The shape changes from (n_samples, n_inputs) to (n_samples, n_inputs + n_columns * n_bins).
        """
        edge, slope, least, greatest = weights
        place = (x[:, : self.n_columns, None] - edge) * slope
        place = np.clip(place, least, greatest, out=place)
        return np.concatenate([x, place.reshape(len(x), -1)], axis=1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `PiecewiseLinear` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.PiecewiseLinear(
            self.n_columns, self.n_bins, name=self.name, dtype=context.dtype
        )

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that append the values of the bins."""
        edge, slope, least, greatest = (graph.array(w).ravel() for w in weights)
        place = graph.take(x, np.arange(self.n_columns).repeat(self.n_bins))
        place = graph.add("Mul", graph.add("Sub", place, edge), slope)
        place = graph.add("Min", graph.add("Max", place, least), greatest)
        return graph.add("Concat", x, place, axis=1)
