"""The base class of embeddings of numeric columns."""

from dataclasses import dataclass

from skdnn._network.layers.base import Layer


@dataclass(frozen=True)
class NumericEmbedding(Layer):
    """Base class of layers that append values computed from each of the leading numeric columns.

    Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning".

    Parameters
    ----------
    n_columns : int
        Number of leading columns that are numeric and embedded.
    """

    name: str
    n_columns: int
