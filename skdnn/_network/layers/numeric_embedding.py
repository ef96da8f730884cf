"""What embeddings of numeric columns have in common."""

from dataclasses import dataclass

from skdnn._network.layers.base import Layer


@dataclass(frozen=True)
class NumericEmbedding(Layer):
    """Appends values that are computed from each of the first columns to the row.

    Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning".

    Parameters
    ----------
    n_columns : int
        How many columns, the first ones, are numbers to embed.
    """

    name: str
    n_columns: int
