"""Evaluation of each ensemble member on rows of its own, in compiled programs."""

from functools import cache
from typing import Any

from skdnn._utils.tensorflow import keras, tf


@cache
def own_rows_layer() -> Any:
    """Return the class of a layer that passes rows of its own to each member in an evaluation.

    The layer is a `Members` layer. In an evaluation, the shape changes from
    (n_members * n_rows, n_inputs) to (n_members, n_rows, n_inputs). In training, all members
    receive the same rows.
    """
    # Imported here because the module registers its layers with Keras. Fits of the wrappers, which
    # have no members, leave Keras as it is.
    from skdnn._network.keras_layers import Members

    class OwnRows(Members):
        def call(self, x: Any, training: bool = False) -> Any:
            """Add a leading axis for the ensemble members, or divide the rows among the members."""
            if training:
                return super().call(x)
            return keras.ops.reshape(x, (self.n_members, -1, x.shape[-1]))

    return OwnRows


def fold_after_fold(array: Any, n_folds: int) -> Any:
    """Reorder rows, of which row i is of fold i % n_folds, so that the folds follow each other."""
    rest = array.shape[1:]
    by_row = tf.reshape(array, [-1, n_folds, *rest])
    order = [1, 0, *range(2, len(by_row.shape))]
    return tf.reshape(tf.transpose(by_row, order), [-1, *rest])
